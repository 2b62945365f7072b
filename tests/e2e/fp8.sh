#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training in FP8: it learns as well as BF16 and FP32, resumes exactly, and is refused on a GPU without FP8.
#
# FOVEA_LONG=1 compares 300 steps of ViT-Tiny, some minutes, instead of a shorter run of a smaller model.
. "$(dirname "$0")/lib.sh"
. tests/e2e/small_run.sh

draw_images
write_config
run() {
    local directory=$1
    shift
    env "${extra[@]}" "$BUILD/train" "$TMP/small.ini" --set run.dir="$directory" --set train.precision=fp8 "$@"
}

# --- Exactly as without a break --------------------------------------------------------------------------------------
for device in cpu emu; do
    check "40 steps on $device" run "$TMP/$device" --set train.device=$device
    expect_output "fp8 on $device"
    expect_output "4 of the encoder's 8 linear layers"
    check "the first 21 on $device" run "$TMP/$device.again" --set train.device=$device --until 21
    check "the rest" run "$TMP/$device.again" --set train.device=$device --resume
    for file in weights optimizer fp8; do
        check "$file.safetensors is the same to the byte" \
            cmp "$TMP/$device/ckpt/latest/$file.safetensors" "$TMP/$device.again/ckpt/latest/$file.safetensors"
    done
    # Lines of FP8 after steps 16, 32 and the last, and no line appears twice.
    grep fp8_saturated "$TMP/$device/metrics.jsonl" >"$TMP/lines"
    grep fp8_saturated "$TMP/$device.again/metrics.jsonl" >"$TMP/lines.again"
    check "the overflow lines are those of an unbroken run" cmp "$TMP/lines" "$TMP/lines.again"
    if [ "$(grep -oE '"step": [0-9]+' "$TMP/lines" | tr -dc '0-9\n' | tr '\n' ' ')" = "16 32 40 " ]; then
        ok "after each sixteenth step and the last"
    else
        not_ok "after each sixteenth step and the last" "$(cat "$TMP/lines")"
    fi
done

# A difference of roundings: E4M3's are 2^-4, and a value on the edge goes the other way on one of the two now and then.
losses "$TMP/cpu" >"$TMP/cpu.losses"
losses "$TMP/emu" >"$TMP/emu.losses"
if paste -d' ' "$TMP/cpu.losses" "$TMP/emu.losses" | awk '
    { difference = ($2 > $4 ? $2 - $4 : $4 - $2) / $2; if (difference > most) most = difference; if ($1 != $3) bad = 1 }
    END { print "# largest relative difference of the losses:", most; exit !(NR == 40 && !bad && most <= 3e-3) }'; then
    ok "40 losses like the CPU's"
else
    not_ok "40 losses like the CPU's"
fi

# --- Where there is none -----------------------------------------------------------------------------------------------
extra=(FOVEA_EMU_FAULT=old-device)
expect_exit 69 run "$TMP/old" --set train.device=emu
expect_output "emulated GPU"
expect_output "is of compute capability 8.0, which has no FP8"
if [ -e "$TMP/old" ]; then not_ok "nothing was written"; else ok "nothing was written"; fi
expect_exit 69 env "${extra[@]}" "$BUILD/accept/replay" tests/cases/mae_micro.safetensors --out "$TMP/out" --backend emu --precision fp8
extra=()
expect_exit 69 "$BUILD/train" configs/vit_large.ini --plan --gpu a100-80 --set train.precision=fp8
expect_output "NVIDIA A100 80 GB is of compute capability 8.0"
check "an H100 has it" "$BUILD/train" configs/vit_large.ini --plan --gpu h100 --set train.precision=fp8 --set train.micro_batch=168
expect_output "FP8: codes and scales"
expect_output "M parameters, fp8"

# --- The same learnt -----------------------------------------------------------------------------------------------------
# The mean over the last 20 steps, whose batches and masks are the same in every precision.
last_losses() {
    losses "$1" | tail -n 20 | awk '{ sum += $2 } END { print sum / NR }'
}
if [ -n "${FOVEA_LONG:-}" ]; then
    "$BUILD/synth" "$TMP/many" --images 1500 --size 96 --val 0.15 --test 0 --seed 3 >"$TMP/synth" || exit 1
    sed -i "s,^train = .*,train = $TMP/many/train,; s,^val = .*,val = $TMP/many/val,; /^\(patch_size\|dim\|depth\|heads\|decoder_\)/d" "$TMP/small.ini"
    learning=(--set model.patch_size=8 --set model.image_size=64 --set train.steps=300 --set train.global_batch=32
        --set optim.base_lr=2e-3 --set train.threads=2 --set val.every=100 --set val.images=200)
else
    learning=(--set train.steps=80)
fi
for precision in fp32 bf16 fp8; do
    check "learning in $precision" run "$TMP/learn" --force --set train.device=cpu --set checkpoint.every=0 \
        "${learning[@]}" --set train.precision=$precision
    echo "$precision $(last_losses "$TMP/learn")"
done >"$TMP/report"
grep -v '^\(fp\|bf\)' "$TMP/report"
if awk '$1 ~ /^(fp|bf)/ && NF == 2 { loss[$1] = $2 }
    function off(a, b) { return (a > b ? a - b : b - a) / b }
    END { print "# mean loss of the last 20 steps: fp32", loss["fp32"], "bf16", loss["bf16"], "fp8", loss["fp8"]
          exit !(loss["fp32"] > 0 && off(loss["fp8"], loss["fp32"]) <= 0.01 && off(loss["fp8"], loss["bf16"]) <= 0.01) }' "$TMP/report"; then
    ok "the loss in fp8 is within 1 % of the others"
else
    not_ok "the loss in fp8 is within 1 % of the others"
fi
# A sound run, in which gradients grow as they do, loses no layer to BF16.
last=$(grep fp8_off "$TMP/learn/metrics.jsonl" | tail -n 1)
if grep -q '"fp8_off": 0,' <<<"$last"; then ok "every layer is in fp8 to the end"; else not_ok "every layer is in fp8 to the end" "$last"; fi
