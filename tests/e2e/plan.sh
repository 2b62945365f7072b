#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The memory of a run, printed before any of it is allocated, and the micro-batch that fits.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_run.sh"

draw_images
write_config

large=(configs/vit_large.ini --plan)
plan() { "$BUILD/train" "$@"; }

# The groups of a printed plan add up to its totals, for the device and for the host.
adds_up() {
    if awk '($1 == "device" || $1 == "host") && NF > 3 { if ($2 == "total") total[$1] = $(NF - 1); else sum[$1] += $(NF - 1) }
        END { exit !(sum["device"] > 0 && sum["host"] > 0 && sum["device"] == total["device"] && sum["host"] == total["host"]) }' \
        "$TMP/output"; then ok "$1"; else not_ok "$1" "$(grep total "$TMP/output" | tr '\n' ' ')"; fi
}

# --- GPUs that this machine lacks
check "168 images at a time fit an H100" plan "${large[@]}" --gpu h100 --set train.micro_batch=168
adds_up "its table adds up"
check "a GPU by the name that its driver reports" plan "${large[@]}" --gpu "NVIDIA H100 80GB HBM3" --set train.micro_batch=168
for text in "parameters" "their copies in BF16" "gradients" "moments" "encoder's activations" "decoder's activations" \
    "kernels' scratch memory" "library's workspace" "optimizer's lists" "checkpoint's copy" "ring of batches" \
    "fits     yes" "NVIDIA H100 80 GB" "figures are computed" "123.76 GFLOP an image" "up to 5 checkpoints"; do
    expect_output "$text"
done
largest=$(sed -n 's/.*divides 2016 and fits is \([0-9]*\).*/\1/p' "$TMP/output")
check "the largest that fits" plan "${large[@]}" --gpu h100 --set train.micro_batch="$largest"
expect_exit 76 plan "${large[@]}" --gpu h100 --set train.micro_batch=$((2 * largest))
expect_output "fits     no"
expect_output "train: out of GPU memory"
expect_output "fits is $largest"
adds_up "its table adds up as well"
check "auto" plan "${large[@]}" --gpu h100 --set train.micro_batch=auto --set checkpoint.keep_at=5,50,100
expect_output "up to 8 checkpoints"
expect_output "the newest 3, the best, 3 of checkpoint.keep_at, and one being written"
expect_output "$((2016 / largest)) x $largest images a step (train.micro_batch = auto)"
check "in FP32 there are no copies" plan "${large[@]}" --gpu h200 --set train.precision=fp32
if grep -q "copies in BF16" "$TMP/output"; then not_ok "no copies in FP32"; else ok "no copies in FP32"; fi
check "unified memory" plan configs/vit_base.ini --plan --gpu spark --set train.micro_batch=64
expect_output "for device and host, which share memory"
expect_exit 64 plan "${large[@]}" --gpu h1000
expect_output "a100-40, a100-80, h100,"
expect_exit 64 plan configs/vit_large.ini --gpu h100
expect_output "--gpu needs --plan"
expect_exit 64 plan "${large[@]}" --resume
expect_output "only --set, --gpu and --json may be given with it"

# --- The device of this machine
check "the CPU's plan" plan "$TMP/small.ini" --plan --set run.dir="$TMP/none" --set train.device=cpu
adds_up "the CPU's table adds up"
expect_output "FLOP for 40 steps of 8 images"
steps=$(($(find "$TMP/data/train" -type f | wc -l) / 8 * 5))
check "steps counted from the images" plan "$TMP/small.ini" --plan --set train.device=cpu --set train.steps=0 --set train.epochs=5
expect_output "FLOP for $steps steps of 8 images"
if [ -e "$TMP/none" ]; then not_ok "a plan writes nothing"; else ok "a plan writes nothing"; fi

# --- For programs
json() { "$BUILD/train" "$TMP/small.ini" --plan --json --set train.device=cpu "$@" 2>"$TMP/notes"; }
# value KEY ARGUMENT...: a field of the JSON that stands on a line of its own
value() {
    local key=$1
    shift
    json "$@" | sed -n "s/^ *\"$key\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p"
}
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "$2, not $3"; fi
}
other() {
    if [ "$2" != "$3" ]; then ok "$1"; else not_ok "$1" "$2 twice"; fi
}
json --set run.dir="$TMP/none" >"$TMP/plan.json"
if [ "$(head -c 1 "$TMP/plan.json")" = "{" ] && [ "$(tail -n 1 "$TMP/plan.json")" = "}" ] && [ ! -s "$TMP/notes" ]; then
    ok "JSON alone"
else
    not_ok "JSON alone" "$(cat "$TMP/notes")"
fi
same "it names the run's directory" "$(value run_dir --set run.dir="$TMP/none")" "$TMP/none"
same "passes times images are a step" "$(value accumulation --set train.micro_batch=2) $(value micro_batch --set train.micro_batch=2)" "4 2"
same "steps" "$(value steps --set train.steps=0 --set train.epochs=5)" "$steps"
identity=$(value identity)
for set in run.dir="$TMP/none" log.every=3 data.workers=3 train.threads=2 train.micro_batch=4 train.recompute=blocks; do
    same "$set is the same run" "$(value identity --set "$set")" "$identity"
done
for set in train.seed=2 optim.base_lr=1e-3 checkpoint.every=5 data.val= data.val="$TMP/data/train"; do
    other "$set is another" "$(value identity --set "$set")" "$identity"
done
cp -r "$TMP/data" "$TMP/moved"
same "images elsewhere are the same" "$(value identity --set data.train="$TMP/moved/train" --set data.val="$TMP/moved/val")" "$identity"
first=$(find "$TMP/moved/train" -type f | sort | head -n 1)
mv "$first" "$first.x.jpg"
other "other images are not" "$(value identity --set data.train="$TMP/moved/train")" "$identity"
printf 'a' >"$TMP/weights"
weights=$(value identity --set init.from="$TMP/weights")
printf 'ab' >"$TMP/weights"
other "weights that changed are others" "$(value identity --set init.from="$TMP/weights")" "$weights"
same "without images there is no identity" "$(value identity --set data.train="$TMP/nowhere")" null
"$BUILD/train" "$TMP/small.ini" --set run.dir="$TMP/told" --set train.device=cpu --until 1 >"$TMP/output" 2>&1
same "the hashes are those of run.json" "$(value config_hash) $(value data_hash)" \
    "$(field "$TMP/told" config_hash) $(field "$TMP/told" data_hash)"
expect_exit 64 json --set optim.bse_lr=1
expect_exit 64 plan "$TMP/small.ini" --json
expect_output "--json needs --plan"
expect_exit 76 plan "${large[@]}" --json --gpu h100 --set train.micro_batch=$((2 * largest))
expect_output '"fits": false'
expect_output "fits is $largest"
# docs/plan.md has the fields that there are, and no others.
sed -n 's/^ *"\([a-z_]*\)": .*/\1/p' "$TMP/plan.json" | sort -u >"$TMP/printed"
sed -n 's/^| \(`[^|]*\)|.*/\1/p' docs/plan.md | tr ',' '\n' | sed 's/[`[] ]//g; s/[]`[ ]//g' | tr '.' '\n' | sort -u >"$TMP/described"
same "docs/plan.md has all fields" "$(tr '\n' ' ' <"$TMP/described")" "$(tr '\n' ' ' <"$TMP/printed")"
if [ -e "$TMP/none" ]; then not_ok "nor does JSON"; else ok "nor does JSON"; fi

# --- auto takes what fits, with the GPU's kernels run by the emulator
run() {
    local directory=$1
    shift
    env "${extra[@]}" "$BUILD/train" "$TMP/small.ini" --set run.dir="$directory" --set train.device=emu \
        --set train.micro_batch=auto "$@"
}
# Bytes that the device needs for $1 images at a time, and 1/64 of its memory that stays free.
enough_for() {
    "$BUILD/train" "$TMP/small.ini" --plan --set train.device=emu --set train.micro_batch="$1" |
        awk '$1 == "device" && $2 == "total" { print int($3 * 64 / 63) + 2000 }'
}
extra=(FOVEA_EMU_MEMORY="$(enough_for 4)")
check "auto on a small device" run "$TMP/four" --until 2
expect_output "train.micro_batch = auto: 4 of 8 images at a time"
expect_output "2 x 4 images a step"
if [ "$(field "$TMP/four" micro_batch)" = 4 ]; then ok "run.json records it"; else not_ok "run.json records it"; fi
if grep -qx "micro_batch = auto" "$TMP/four/config.ini"; then ok "auto stays auto"; else not_ok "auto stays auto"; fi
extra=()
check "a resumed run keeps its own" run "$TMP/four" --resume --until 4
expect_output "2 x 4 images a step"
check "a new one takes all" run "$TMP/eight" --until 4
expect_output "1 x 8 images a step"
extra=(FOVEA_EMU_MEMORY="$(enough_for 2)")
check "where that no longer fits" run "$TMP/four" --resume --until 5
expect_output "the previous micro-batch, 4, no longer fits"
expect_output "4 x 2 images a step"
expect_exit 76 run "$TMP/asked" --set train.micro_batch=8
expect_output "fits is 2"
extra=(FOVEA_EMU_MEMORY=$(($(enough_for 1) - 8000)))
expect_exit 76 run "$TMP/asked"
expect_output "not even one image at a time fits"
extra=(FOVEA_EMU_FAULT=memory:3)
expect_exit 76 run "$TMP/asked"
expect_output "MB for the model's parameters and activations; "
expect_output "the largest train.micro_batch that fits now is 8"
if [ -e "$TMP/asked" ]; then not_ok "a refused run leaves nothing"; else ok "a refused run leaves nothing"; fi

# --- Every configuration that comes with the program ------------------------------------------------------------------
for config in configs/*.ini; do
    [ $config != configs/node.ini ] || continue # a rule of the pool
    check "$config is read, and fits an H200" "$BUILD/train" "$config" --plan --gpu h200
done
