#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Autotune: its choices are written to tune.json, reused by a resumed run and ignored when they come from elsewhere; with
# train.deterministic nothing is timed. On the emulator, whose two algorithms round differently and whose times are
# invented: FOVEA_EMU_TIMES=NUMBER gives others.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_run.sh"

draw_images
write_config

# run TIMES DIR [ARGUMENT...]: on the emulator, in bf16, with gradients of two micro-batches and tanh's GELU, so that
# every fusion is a candidate.
run() {
    local times=$1 directory=$2
    shift 2
    FOVEA_EMU_TIMES=$times "$BUILD/train" "$TMP/small.ini" --set run.dir="$directory" --set train.device=emu \
        --set model.activation=tanh --set train.micro_batch=4 --set val.every=5 --set val.images=6 "$@"
}

# differ NAME A B, equal NAME A B: of files
differ() { if cmp -s "$2" "$3"; then not_ok "$1" "they are the same"; else ok "$1"; fi; }
equal() { if cmp "$2" "$3" >"$TMP/output" 2>&1; then ok "$1"; else not_ok "$1" "$(cat "$TMP/output")"; fi; }
weights() { echo "$TMP/$1/ckpt/latest/weights.safetensors"; }
# Only keys and choices; the measured times do not count.
choices() { sed -n 's/^    {"key": \(.*\), "microseconds".*/\1/p' "$TMP/$1/tune.json"; }

# --- Choices ----------------------------------------------------------------------------------------------------------
check "12 steps" run 1 "$TMP/one" --until 12
check "choices were written" grep -q '"tuned_on": "emulated GPU, .*; cuda_runtime 13.0; cuda_driver 13.0"' "$TMP/one/tune.json"
# An algorithm is written as its bytes, which begin with its name.
bytes() { printf %s "$1" | od -An -tx1 | tr -d ' \n'; }
for choice in "$(bytes whole)[0-9a-f]*" "$(bytes halves)[0-9a-f]*" epilogue kernels; do
    check "$choice was the fastest somewhere" grep -q "\"choice\": \"$choice\"" "$TMP/one/tune.json"
done
for what in "linear_forward with GELU" "linear_backward_input with GELU" "linear_backward_weight"; do
    check "$what was timed both ways" grep -q "\"key\": \"$what of .*epilogue or kernels\"" "$TMP/one/tune.json"
done
check "no shape has two choices" test -z "$(sed -n 's/.*"key": "\([^"]*\)".*/\1/p' "$TMP/one/tune.json" | sort | uniq -d)"
check "the same times once more" run 1 "$TMP/again" --until 12
equal "make the same choices" "$TMP/one/tune.json" "$TMP/again/tune.json"
equal "and the same weights" "$(weights one)" "$(weights again)"
check "other times" run 2 "$TMP/two" --until 12
choices one >"$TMP/one.choices"
choices two >"$TMP/two.choices"
differ "make other choices" "$TMP/one.choices" "$TMP/two.choices"
differ "and other weights" "$(weights one)" "$(weights two)"

# --- Resuming ---------------------------------------------------------------------------------------------------------
check "4 steps" run 1 "$TMP/part" --until 4
cp -r "$TMP/part" "$TMP/elsewhere"
cp -r "$TMP/part" "$TMP/wrong"
cp -r "$TMP/part" "$TMP/cut"
check "the rest on a day with other times" run 2 "$TMP/part" --until 12 --resume
for file in weights optimizer; do
    equal "$file are the undisturbed run's" "$TMP/one/ckpt/latest/$file.safetensors" "$TMP/part/ckpt/latest/$file.safetensors"
done
choices part >"$TMP/part.choices"
head -n "$(grep -c key "$TMP/elsewhere/tune.json")" "$TMP/part.choices" >"$TMP/part.first"
choices elsewhere >"$TMP/elsewhere.choices"
equal "the earlier choices are still in the file" "$TMP/elsewhere.choices" "$TMP/part.first"

# --- Choices that cannot be reused -----------------------------------------------------------------------------------
sed -i 's/cuda_driver 13.0/cuda_driver 12.9/' "$TMP/elsewhere/tune.json"
check "a file from another version" run 2 "$TMP/elsewhere" --until 12 --resume
expect_output "elsewhere/tune.json was made on another GPU, driver or library: algorithms are timed again"
check "is written again" grep -q "cuda_driver 13.0" "$TMP/elsewhere/tune.json"
differ "and other weights come of it" "$(weights one)" "$(weights elsewhere)"

sed -i "s/\"choice\": \"$(bytes whole)[0-9a-f]*\"/\"choice\": \"thirds\"/"';s/"choice": "kernels"/"choice": "wishes"/' "$TMP/wrong/tune.json"
wrong=$(grep -c '"thirds"\|"wishes"' "$TMP/wrong/tune.json")
check "a file with unknown choices" run 1 "$TMP/wrong" --until 12 --resume
expect_output "choices could not be used and were timed again"
# Except those of products that only the slower of two variants would compute.
check "those that were met are right afterwards" test "$(grep -c '"thirds"\|"wishes"' "$TMP/wrong/tune.json")" -lt $((wrong / 4))
equal "with the same times nothing is different" "$(weights one)" "$(weights wrong)"

truncate -s 700 "$TMP/cut/tune.json"
check "a file that was cut off" run 1 "$TMP/cut" --until 12 --resume
expect_output "cut/tune.json is damaged"
equal "is written again" "$TMP/one/tune.json" "$TMP/cut/tune.json"

check "--force forgets what was chosen" run 2 "$TMP/cut" --until 5 --force
check "and chooses again" cmp -s <(head -n 5 "$TMP/two/tune.json") <(head -n 5 "$TMP/cut/tune.json")

# --- Without timing ---------------------------------------------------------------------------------------------------
check "deterministic" run 1 "$TMP/fixed" --until 6 --set train.deterministic=on
check "deterministic, other times" run 2 "$TMP/fixed2" --until 6 --set train.deterministic=on
check "leaves no tune.json" test ! -e "$TMP/fixed/tune.json"
equal "and is the same for all times" "$(weights fixed)" "$(weights fixed2)"
expect_exit 64 run 1 "$TMP/fixed" --until 7 --resume --set train.deterministic=off
expect_output "train.deterministic = off"

# --- The CPU has one variant; the model decides the form of GELU everywhere ---------------------------------------------
check "tanh on the CPU" run 1 "$TMP/cpu" --until 2 --set train.device=cpu
check "leaves no tune.json" test ! -e "$TMP/cpu/tune.json"
check "erf on the CPU" run 1 "$TMP/erf" --until 2 --set train.device=cpu --set model.activation=erf
differ "the losses are others" <(losses "$TMP/cpu") <(losses "$TMP/erf")
