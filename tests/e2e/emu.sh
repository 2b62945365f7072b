#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training with the GPU's kernels, run by the emulator: it follows the CPU, resumes exactly, and every fault of a GPU ends
# with its message and exit code.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_run.sh"

draw_images
write_config

# Without the slowed disk of train(), which counts on a hundred steps a second.
run() {
    local directory=$1
    shift
    env "${extra[@]}" "$BUILD/train" "$TMP/small.ini" --set run.dir="$directory" --set train.device=emu "$@"
}

# --- The same losses as the CPU's ------------------------------------------------------------------------------------
check "12 steps on the CPU" run "$TMP/cpu" --set train.device=cpu --set train.precision=fp32 --until 12
expect_output "fp32 on cpu with"
expect_output "MFU      n/a: the peak of this CPU"
check "12 steps on emu" run "$TMP/emu" --set train.precision=fp32 --until 12
expect_output "fp32 on emu ("
expect_output "MFU      n/a: the peak of this GPU"
if [ "$(grep -c '"mfu": null' "$TMP/emu/metrics.jsonl")" = 12 ]; then ok "MFU is null without a known peak"; else not_ok "MFU is null without a known peak"; fi
losses "$TMP/cpu" >"$TMP/cpu.losses"
losses "$TMP/emu" >"$TMP/emu.losses"
# They differ only by rounding: other orders of the same sums, amplified by AdamW.
if paste -d' ' "$TMP/cpu.losses" "$TMP/emu.losses" | awk '
    { difference = $2 > $4 ? $2 - $4 : $4 - $2; if (difference / $2 > most) most = difference / $2; if ($1 != $3) bad = 1 }
    END { print "# largest relative difference of the losses:", most; exit !(NR == 12 && !bad && most <= 1e-5) }'; then
    ok "12 losses within 1e-5 of the CPU's"
else
    not_ok "12 losses within 1e-5 of the CPU's" "$(paste -d' ' "$TMP/cpu.losses" "$TMP/emu.losses" | tail -n 1)"
fi
check "a reconstruction was drawn" test -s "$TMP/emu/recon/step-12.png"

# --- Resuming, and the order in which a GPU may run things ----------------------------------------------------------
# Here, and only here, the driver knows the GPU, at the emulated one's address.
echo "uuid=GPU-7 pci=0000:00:00.0 used=3e9 total=8e9 temperature=61 watts=250.5 pcie_to=5e6 pcie_from=4e6" >"$TMP/gpu"
extra=(FOVEA_EMU_ORDER=descending LD_LIBRARY_PATH="$PRELOAD/gauges" FOVEA_FAKE_NVML="$TMP/gpu")
check "the first 5 steps, threads and blocks in another order" run "$TMP/again" --set train.precision=fp32 --until 5
extra=()
check "run.json names the GPU" grep -q '"gpu_uuids": \["GPU-7"\]' "$TMP/again/run.json"
check "lines of metrics have its readings" grep -q '"gpu_memory": 3000000000, "gpu_celsius": 61, "gpu_memory_celsius": null, "gpu_watts": 250.5, "gpu_pcie_to": 5000000, "gpu_pcie_from": 4000000}$' "$TMP/again/metrics.jsonl"
check "each of them" test "$(grep -c '"gpu_memory": ' "$TMP/again/metrics.jsonl")" = 5
if grep -q gpu_ "$TMP/emu/metrics.jsonl" "$TMP/emu/run.json"; then not_ok "without NVML there are none"; else ok "without NVML there are none"; fi
check "the rest" run "$TMP/again" --set train.precision=fp32 --until 12 --resume
check "weights are the same to the byte" cmp "$TMP/emu/ckpt/latest/weights.safetensors" "$TMP/again/ckpt/latest/weights.safetensors"
check "moments are the same to the byte" cmp "$TMP/emu/ckpt/latest/optimizer.safetensors" "$TMP/again/ckpt/latest/optimizer.safetensors"

# --- Steps without waiting ------------------------------------------------------------------------------------------
# Captured, with the next step started before the last is known; kernel by kernel; and one batch at a time.
# same_run NAME SET...: the same weights, moments and losses to the byte as in $TMP/usual.
same_run() {
    local name=$1
    shift
    check "$name" run "$TMP/other" --force "$@"
    cp "$TMP/output" "$TMP/other.output"
    for file in weights optimizer; do
        check "$name: the same $file" cmp "$TMP/usual/ckpt/latest/$file.safetensors" "$TMP/other/ckpt/latest/$file.safetensors"
    done
    losses "$TMP/usual" >"$TMP/usual.losses"
    losses "$TMP/other" >"$TMP/other.losses"
    check "$name: the same losses" cmp "$TMP/usual.losses" "$TMP/other.losses"
}
bad=(--set train.steps=24 --set optim.base_lr=1e-4 --set guard.spike=1.005 --set guard.action=skip --set guard.max_events=1000 --set val.every=0
    --set checkpoint.every=0)
check "24 steps, some of whose batches are skipped" run "$TMP/usual" "${bad[@]}"
check "more than one was skipped" test "$(grep -c 'is skipped (skip)' "$TMP/output")" -ge 2
same_run "kernel by kernel" "${bad[@]}" --set train.capture=off
# The second of four works to be captured cannot be.
extra=(FOVEA_EMU_FAULT=capture:2)
same_run "one batch at a time, without graphs" "${bad[@]}" --set data.prefetch_batches=1
check "one warning about the graphs" test "$(grep -c 'cannot be captured as a graph, so each kernel is launched by itself.*did what cannot be captured' "$TMP/other.output")" = 1
extra=()
same_run "blocks computed again" "${bad[@]}" --set train.recompute=blocks

# A profile takes the run's choices.
check "a profile of the run" run "$TMP/other" --profile 1
if grep -qE "^choices  $(grep -c '"key"' "$TMP/other/tune.json") of $TMP/other/tune.json, " "$TMP/output"; then
    ok "by its choices"
else
    not_ok "by its choices" "$(grep '^choices' "$TMP/output")"
fi

# --- BF16 -------------------------------------------------------------------------------------------------------------
check "12 steps in bf16 on the CPU" run "$TMP/cpu16" --set train.device=cpu --until 12
check "12 steps in bf16 on emu" run "$TMP/emu16" --until 12
expect_output "bf16 on emu ("
expect_output "attention by our plain kernels, not by cuDNN: this build has no cuDNN"
losses "$TMP/cpu16" >"$TMP/cpu16.losses"
losses "$TMP/emu16" >"$TMP/emu16.losses"
# The two BF16 runs differ by single roundings that went the other way, 2^-9 each and averaged over many values; from
# FP32 both differ by no more than the recorded cases allow for BF16's losses.
if paste -d' ' "$TMP/cpu.losses" "$TMP/cpu16.losses" "$TMP/emu16.losses" | awk '
    function off(a, b) { return (a > b ? a - b : b - a) / a }
    { between = off($4, $6) > between ? off($4, $6) : between; rounding = off($2, $4) > rounding ? off($2, $4) : rounding }
    END { print "# cpu to emu:", between, " bf16 to fp32:", rounding
          exit !(NR == 12 && between <= 1e-3 && rounding > 0 && rounding <= 2e-3) }'; then
    ok "12 losses in bf16 like the CPU's, and near those in fp32"
else
    not_ok "12 losses in bf16 like the CPU's, and near those in fp32"
fi

# --- Faults ---------------------------------------------------------------------------------------------------------
# fault NAME CODE TEXT...: a run with that fault ends with that code and says each text.
fault() {
    local name=$1 code=$2 text
    shift 2
    extra=(FOVEA_EMU_FAULT="$name")
    expect_exit "$code" run "$TMP/fault" --until 5 --force
    for text; do expect_output "$text"; done
    extra=()
}
fault no-driver 69 "no NVIDIA driver is installed" "install one for CUDA"
fault old-driver 69 "the NVIDIA driver is too old" "install a newer driver" "the package cuda-compat-13-0"
fault no-device 69 "the NVIDIA driver shows no GPU" "nvidia-smi"
fault ecc:500 69 "uncorrectable ECC error" "the GPU's memory is damaged"
fault ecc:50 69 "no checkpoint was written yet"
fault lost:500 69 "the GPU or its driver no longer answers" "dmesg"
# Every third step has a checkpoint; one takes some hundred kernels.
extra=(FOVEA_EMU_FAULT=lost:2000)
expect_exit 69 run "$TMP/lost" --until 40
expect_output "the GPU or its driver no longer answers"
newest=$(readlink "$TMP/lost/ckpt/latest")
expect_output "; the newest checkpoint is $TMP/lost/ckpt/$newest: when the GPU works again, \`./train $TMP/lost/config.ini --resume\` continues from it"
extra=()
check "and so it does" run "$TMP/lost" --until $((${newest#step-} + 1)) --resume
expect_output "resuming from step ${newest#step-} of"
fault launch:500 70 "launch failure: kernel" "CUDA_LAUNCH_BLOCKING"
fault memory:4 76 "out of GPU memory" "for the optimizer's parameter groups" "lower train.micro_batch"
fault memory:5 76 "for the kernels' scratch memory" "lower train.micro_batch"
fault pinned:7 76 "pinned host memory for the checkpoint's staging copy" "lower"
extra=(FOVEA_EMU_MEMORY=300000)
expect_exit 76 run "$TMP/full" --until 5
expect_output "the model's parameters and activations"

# Memory of other processes: the message lists them where NVML knows them.
nvml="uuid=GPU-1 pci=0000:00:00.0 processes=4242:61440e6,0:5e6,77" # the emulated GPU's address
echo "$nvml" >"$TMP/nvml"
echo "$nvml$(printf ',%d:1e6' {5003..5022})" >"$TMP/nvml_more"
held=(FOVEA_EMU_MEMORY=100000000 FOVEA_EMU_HELD=99000000 LD_LIBRARY_PATH="$PRELOAD/gauges" FOVEA_FAKE_NVML="$TMP/nvml")
extra=("${held[@]}")
expect_exit 76 run "$TMP/held" --until 5
expect_output "1.0 MB of 100.0 MB of the emulated GPU, 0.1 GiB are free"
expect_output "; its memory is held by pid 4242 (61440.0 MB), pid 77; not even one image"
extra=("${held[@]}" FOVEA_EMU_HELD=0 FOVEA_EMU_FAULT=memory:4 FOVEA_FAKE_NVML="$TMP/nvml_more")
expect_exit 76 run "$TMP/held" --until 5
expect_output "pid 4242 (61440.0 MB), pid 77, pid 5003 (1.0 MB), pid 5004 (1.0 MB) and 18 more; use a GPU that no other process uses (\`nvidia-smi\` lists them); lower train.micro_batch"
extra=("${held[@]}" FOVEA_EMU_HELD=100000000)
expect_exit 76 run "$TMP/held" --until 5
expect_output "the GPU: out of memory"
expect_output "held by pid 4242"
extra=()

# A chip without BF16.
extra=(FOVEA_EMU_CAPABILITY=75)
expect_exit 69 run "$TMP/old" --until 5
expect_output "train.precision = bf16: the emulated GPU, 4.0 GiB has compute capability 7.5, without BF16 (8.0 or later is needed); use train.precision = fp32"
check "but it trains in fp32" run "$TMP/old" --set train.precision=fp32 --until 1
extra=()

# --- Missing devices ------------------------------------------------------------------------------------------------
check "the CPU, as requested" run "$TMP/asked" --set train.device=cpu --until 1
expect_output "on cpu with"
expect_exit 64 run "$TMP/wrong" --set train.device=gpu
expect_output "train.device"
if [ -e /dev/nvidiactl ]; then
    skip "cuda without a GPU" "there is a GPU"
else
    expect_exit 69 run "$TMP/cuda" --set train.device=cuda
    check "auto continues without a GPU" run "$TMP/auto" --set train.device=auto --until 1
    expect_output "running on the CPU: "
    expect_output "on cpu with"
fi
