#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The build for Arm (make cross-arm64), run by an emulator of the processor: unit tests, the operations and the recorded
# cases. In full rounds only; ten minutes of one core.
. "$(dirname "$0")/lib.sh"

arm=build/arm64
if [ ! "${FOVEA_LONG-}" ]; then exit; fi
if ! command -v qemu-aarch64 >/dev/null || [ ! -x $arm/tests/checkops ]; then
    skip "Arm" "tools/setup --arm64 installs what it takes, make cross-arm64 builds it"
    exit
fi
export QEMU_LD_PREFIX=$PWD/build/arm64-root
run() { qemu-aarch64 "$@"; }

for program in $(make -s --no-print-directory list-tested CC=aarch64-linux-gnu-gcc NVCC= B=$arm); do
    check "${program#$arm/tests/}" run "$program"
done
for backend in cpu emu; do
    for precision in fp32 bf16 fp8; do
        for case in mae_micro vit_ft_micro; do
            check "replay $case on $backend in $precision" run $arm/accept/replay tests/cases/$case.safetensors \
                --out "$TMP/out" --backend $backend --precision $precision
            check "and compare it" run $arm/accept/compare tests/cases/$case.safetensors "$TMP/out" $precision
        done
    done
done
