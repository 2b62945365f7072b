#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A resumed run that gets longer, and one that goes on with another micro-batch or on another device.
. "$(dirname "$0")/lib.sh"
. tests/e2e/small_run.sh

draw_images
write_config
# The peak of the learning rate is base_lr * 8 / 256 = 0.001; without a warm-up, step n of N has
# 0.0005 * (1 + cos((n - 1) * pi / N)).
run() {
    local directory=$1
    shift
    "$BUILD/train" "$TMP/small.ini" --set run.dir="$directory" --set optim.base_lr=0.032 --set optim.warmup_epochs=0 \
        --set val.every=0 --set checkpoint.every=2 "$@"
}
rates() { sed -n 's/^{"step": \([0-9]*\),.* "lr": \([^,]*\),.*/\1 \2/p' "$1/metrics.jsonl"; }
# has_rates NAME DIR RATE...: the rates of steps 1, 2, ..., written out by hand, to the eight digits that are logged
has_rates() {
    local name=$1 directory=$2
    shift 2
    if rates "$directory" | awk -v wanted="$*" '
        BEGIN { count = split(wanted, rate, " ") }
        { d = $2 - rate[NR]; if ($1 != NR || d > 1e-9 || d < -1e-9) bad = 1 }
        END { exit bad || NR != count }'; then ok "$name"; else not_ok "$name" "$(rates "$directory" | tr '\n' ' ')"; fi
}

four=(0.001 0.000853553391 0.0005 0.000146446609)
check "four steps" run "$TMP/stretched" --set train.steps=4
has_rates "their rates" "$TMP/stretched" "${four[@]}"
cp -r "$TMP/stretched" "$TMP/held"
cp -r "$TMP/stretched" "$TMP/moved"

check "stretched to eight" run "$TMP/stretched" --set train.steps=8 --resume
expect_output "the run has 8 steps, 4 before; optim.extend = stretch: the learning rate's schedule spans them all, and step 5 has 0.0005"
has_rates "the rates of a schedule of eight steps from the fifth on" "$TMP/stretched" "${four[@]}" \
    0.0005 0.000308658284 0.000146446609 0.0000380602337
if [ "$(field "$TMP/stretched" total_steps) $(field "$TMP/stretched" schedule_steps)" = "8 8" ]; then ok "run.json has both lengths"; else not_ok "run.json has both lengths"; fi

held=(--set optim.extend=hold --set data.workers=1)
check "held over two more, in epochs" run "$TMP/held" --set train.steps=0 --set train.epochs=1 --until 5 --resume "${held[@]}"
expect_output "the run has 6 steps, 4 before; optim.extend = hold: the steps from 5 on keep the learning rate of step 4, 0.000146"
expect_exit 64 run "$TMP/held" --set train.steps=6 --resume
expect_output "keeps the learning rate of step 4 (optim.extend = hold)"
check "and resumed" run "$TMP/held" --set train.steps=6 --resume "${held[@]}"
expect_output "the steps from 5 on keep the learning rate of step 4"
check "and held again" run "$TMP/held" --set train.steps=7 --resume "${held[@]}"
has_rates "the last rate is kept" "$TMP/held" "${four[@]}" 0.000146446609 0.000146446609 0.000146446609
if [ "$(field "$TMP/held" total_steps) $(field "$TMP/held" schedule_steps)" = "7 4" ]; then ok "run.json has both lengths"; else not_ok "run.json has both lengths"; fi
expect_exit 64 run "$TMP/held" --set train.steps=5 --resume "${held[@]}"
expect_output "the run has 7 steps, and with this configuration it would have 5"

# The sums of a step are taken in another order: losses differ by FP32's rounding, 6e-8 of their value a sum, which a few
# steps of AdamW enlarge by the quotient of small numbers.
check "the other micro-batch" run "$TMP/moved" --set train.steps=8 --resume --set train.micro_batch=2
expect_output "train.micro_batch: 2 images at a time, 8 before: the order of summation changes from this step on"
if [ "$(field "$TMP/moved" micro_batch)" = 2 ] &&
    paste <(losses "$TMP/stretched") <(losses "$TMP/moved") |
    awk '{ d = ($2 - $4) / $2; if ($1 != $3 || d > 1e-5 || d < -1e-5) bad = 1 } END { exit bad || NR != 8 }'; then
    ok "the losses of the steps after it are the same"
else
    not_ok "the losses of the steps after it are the same" "$(losses "$TMP/moved" | tr '\n' ' ')"
fi
check "another device" run "$TMP/moved" --set train.steps=9 --resume --set train.device=emu --set train.micro_batch=2
expect_output "and is now on emu ("
if [ "$(field "$TMP/moved" backend) $(field "$TMP/moved" steps)" = "emu 9" ]; then ok "it ends there"; else not_ok "it ends there"; fi
