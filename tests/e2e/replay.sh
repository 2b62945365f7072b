#!/usr/bin/env bash
# The product's models against cases recorded from the reference implementations (tests/cases).
. "$(dirname "$0")/lib.sh"

for case in mae_micro mae_micro_raw mae_small mae_heads64 vit_ft_micro; do
    out="$TMP/$case.out.safetensors"
    if "$BUILD/accept/replay" "tests/cases/$case.safetensors" --out "$out" --backend cpu --precision fp32 &&
        "$BUILD/accept/compare" "tests/cases/$case.safetensors" "$out"; then
        ok "replay $case"
    else
        not_ok "replay $case"
    fi
done
