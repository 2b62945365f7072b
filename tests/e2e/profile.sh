#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./train --profile: a table of where a step's time goes, and nothing on disk.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_run.sh"

draw_images
write_config

profile() {
    local device=$1
    shift
    "$BUILD/train" "$TMP/small.ini" --set run.dir="$TMP/none" --set train.device="$device" --set train.micro_batch=4 "$@"
}

# The printed phases add up to the step; operations, inputs and idle time, too: rounded to thousandths and tenths.
adds_up() {
    if awk '$1 == "phase" { in_phases = 1; next } in_phases && NF == 0 { in_phases = 0 }
            in_phases { phases += $(NF - 1) } in_phases && $1 == "inputs" { inputs = $NF + 0 } $1 " " $2 == "all of" { inside = $5 + 0 }
            $1 == "idle" { idle = $2 + 0; step = $5 }
            END { off = phases - step; if (off < 0) off = -off; rest = 100 - inside - inputs - idle; if (rest < 0) rest = -rest
                  exit !(step > 0 && off < 0.005 && rest < 0.3) }' "$TMP/output"; then ok "$1"; else not_ok "$1"; fi
}

check "a profile on the CPU" profile cpu --profile 2 --set train.precision=fp32
for text in "2 steps one by one and as many as in training, each after 4 to warm up; 2 x 4 images a step, fp32 on cpu with 1 threads" \
    "ceilings a copy of" "a product of" "MFU n/a: the peak of this CPU is not known" "before its first"; do
    expect_output "$text"
done
for name in data inputs forward backward optimizer other linear_backward_weight attention_backward norm_forward adamw; do
    if grep -qE "^$name  " "$TMP/output"; then ok "reports $name"; else not_ok "reports $name"; fi
done
if grep -qE "^linear_forward +30 " "$TMP/output"; then ok "counts calls"; else not_ok "counts calls"; fi
expect_output "steps    as in training: "
adds_up "the CPU's table adds up"

# It computes as the run in run.dir does.
mkdir "$TMP/tuned" && echo '{' >"$TMP/tuned/tune.json"
check "a profile on an emulated GPU" profile emu --profile 1 --set run.dir="$TMP/tuned"
expect_output "$TMP/tuned/tune.json is damaged"
if grep -qE "^choices  0 of $TMP/tuned/tune.json, [1-9][0-9]* timed now" "$TMP/output"; then ok "it is tuned"; else not_ok "it is tuned"; fi
expect_output "bf16 on emu (emulated GPU"
expect_output "attention by our plain kernels, not by cuDNN"
expect_output "MFU n/a: the peak of this GPU is not known"
expect_output "steps    as in training, captured: "
adds_up "the GPU's table adds up"
check "tune.json is as it was" test "$(cat "$TMP/tuned/tune.json")" = "{"
check "a profile in FP8" profile cpu --profile 1 --set train.precision=fp8
if grep -qE "^linear_forward_fp8 +8 " "$TMP/output"; then ok "reports its products"; else not_ok "reports its products"; fi

if [ -e "$TMP/none" ]; then not_ok "a profile writes nothing"; else ok "a profile writes nothing"; fi
expect_exit 64 profile cpu --profile 0
expect_output "--profile takes a whole number from 1 to 10000, not '0'"
expect_exit 64 profile cpu --profile 10001
expect_output "--profile takes a whole number from 1 to 10000, not '10001'"
expect_exit 64 profile cpu --profile 2 --resume
expect_output "only --set may be given with it"
expect_exit 64 profile cpu --profile 2 --plan
expect_output "only --set, --gpu and --json may be given with it"
expect_exit 65 profile cpu --profile 2 --set data.train=
expect_output "data.train is not set"
expect_exit 77 profile cpu --profile 30 --set optim.base_lr=100 --set optim.weight_decay=10 --set optim.warmup_epochs=0
expect_output "cannot be applied"
