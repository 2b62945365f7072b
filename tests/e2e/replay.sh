#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The product's models against cases recorded from the reference implementations (tests/cases).
. "$(dirname "$0")/lib.sh"

# replay BACKEND PRECISION CASE [OTHER LEAST]: the case's outputs within the bounds of the precision, and from OTHER's at
# least LEAST away.
replay() {
    local backend=$1 precision=$2 case=$3
    shift 3
    if "$BUILD/accept/replay" "tests/cases/$case.safetensors" --out "$TMP/$case.$precision" --backend "$backend" \
        --precision "$precision" && "$BUILD/accept/compare" "tests/cases/$case.safetensors" "$TMP/$case.$precision" "$precision" "$@"; then
        ok "replay $case on $backend in $precision"
    else
        not_ok "replay $case on $backend in $precision"
    fi
}

for backend in cpu emu; do
    for case in mae_micro mae_micro_raw mae_small mae_heads64 vit_ft_micro; do
        replay $backend fp32 $case
        replay $backend bf16 $case
        # It must really be FP8: results nearer to BF16 would not be.
        replay $backend fp8 $case "$TMP/$case.bf16" 3e-3
    done
done

# The requirement can fail.
cp "$TMP/mae_micro.fp8" "$TMP/same"
expect_exit 1 "$BUILD/accept/compare" tests/cases/mae_micro.safetensors "$TMP/mae_micro.fp8" fp8 "$TMP/same" 3e-3
expect_output "MISS difference"
expect_exit 64 "$BUILD/accept/replay" tests/cases/mae_micro.safetensors --out "$TMP/out" --backend gpu
expect_output "--backend takes cpu, emu or cuda, not 'gpu'"
