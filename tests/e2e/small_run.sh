# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced after lib.sh by scripts that train: a small data set and a small model, drawn into $TMP.
#
#   draw_images                 $TMP/data, 64 images
#   write_config                  $TMP/small.ini: $STEPS steps (40), a checkpoint after every third
#   train DIR [ARGUMENT...]       the program on that configuration with run directory DIR; "${extra[@]}" is put
#                                 before it: variables, or a command that runs it
#   losses DIR                    "step loss" of each line of metrics.jsonl that describes a step
#   layers DIR                    the lines of metrics.jsonl that describe layers
#   validations DIR               the lines of metrics.jsonl that describe a validation
#   field DIR KEY                 a value of run.json
#   make_reference                a run without a break in $TMP/reference; its calls are counted in $TMP/calls
#   same_as_reference NAME DIR    ok when DIR ends as $TMP/reference does
#
# $PRELOAD is the folder of crash.so and disk.so.

# shellcheck disable=SC2034
PRELOAD=$(realpath "$BUILD/tests")

STEPS=${STEPS:-40}

draw_images() {
    "$SYNTH" "$TMP/data" --images 64 --size 64 --val 0.2 --test 0 >"$TMP/synth" || exit 1
}

write_config() {
    cat >"$TMP/small.ini" <<END
[model]
preset = vit_tiny
image_size = 32
patch_size = 8
dim = 32
depth = 2
heads = 2
decoder_dim = 32
decoder_depth = 1
decoder_heads = 2
[data]
train = $TMP/data/train
val = $TMP/data/val
workers = 1
[train]
steps = $STEPS
global_batch = 8
threads = 1
[optim]
base_lr = 1e-2
warmup_epochs = 1
[val]
every = 7
images = 8
[checkpoint]
every = 3
keep = 2
[monitor]
every = 10
[log]
every = 1
recon_images = 2
END
}

# A hundred steps a second: a checkpoint is written by the time that the next is due, as it is with models of use.
# Otherwise chance would decide which ones are left out.
extra=()
train() {
    local directory=$1
    shift
    env FOVEA_DISK_UNDER="$directory/metrics.jsonl" FOVEA_DISK_BPS=25000 LD_PRELOAD="$PRELOAD/disk.so" \
        "${extra[@]}" "$BUILD/train" "$TMP/small.ini" --set run.dir="$directory" "$@"
}

losses() {
    sed -n 's/^{"step": \([0-9]*\),.* "loss": \([^,]*\),.*/\1 \2/p' "$1/metrics.jsonl"
}

layers() {
    grep '"layers"' "$1/metrics.jsonl"
}

validations() {
    grep '"val_loss"' "$1/metrics.jsonl"
}

field() {
    sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1/run.json"
}

make_reference() {
    extra=(FOVEA_CRASH_UNDER="$TMP/reference" FOVEA_CRASH_COUNT="$TMP/calls" LD_PRELOAD="$PRELOAD/crash.so:$PRELOAD/disk.so")
    check "the reference: $STEPS steps without a break" train "$TMP/reference"
    expect_output "validation on 8 of 12 in $TMP/data/val"
    extra=()
    losses "$TMP/reference" >"$TMP/reference.losses"
    if [ "$(wc -l <"$TMP/reference.losses")" = "$STEPS" ]; then ok "a loss for each step"; else not_ok "a loss for each step"; fi
    if [ "$(layers "$TMP/reference" | wc -l)" = $((STEPS / 10)) ]; then ok "layers of each tenth step"; else not_ok "layers of each tenth step"; fi
}

# ok when the last checkpoint and the log hold, to the byte, what training made in $TMP/reference: weights, moments, each
# step's loss once, each validation once with all its figures.
same_as_reference() {
    local name=$1 directory=$2 file
    for file in weights.safetensors optimizer.safetensors; do
        if ! cmp "$TMP/reference/ckpt/latest/$file" "$directory/ckpt/latest/$file" >"$TMP/output" 2>&1; then
            not_ok "$name" "$(cat "$TMP/output")"
            return
        fi
    done
    { losses "$directory" && validations "$directory"; } >"$TMP/losses"
    if ! validations "$TMP/reference" | cat "$TMP/reference.losses" - | diff - "$TMP/losses" >"$TMP/output"; then
        not_ok "$name" "metrics.jsonl differs: $(head -n 3 "$TMP/output" | tr '\n' ' ')"
        return
    fi
    if ! diff <(layers "$TMP/reference") <(layers "$directory") >"$TMP/output"; then
        not_ok "$name" "the lines of layers differ: $(head -c 300 "$TMP/output")"
        return
    fi
    if [ -n "$(find "$directory/ckpt" -name '*.part' -o -name '*.old' -o -name '*.tmp-*')" ]; then
        not_ok "$name" "left over in ckpt: $(ls -A "$directory/ckpt")"
        return
    fi
    ok "$name"
}
