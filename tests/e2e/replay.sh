#!/usr/bin/env bash
# The product's models against cases recorded from the reference implementations (tests/cases).
. "$(dirname "$0")/lib.sh"

for backend in cpu emu; do
    for case in mae_micro mae_micro_raw mae_small mae_heads64 vit_ft_micro; do
        out="$TMP/$case.out.safetensors"
        if "$BUILD/accept/replay" "tests/cases/$case.safetensors" --out "$out" --backend $backend --precision fp32 &&
            "$BUILD/accept/compare" "tests/cases/$case.safetensors" "$out"; then
            ok "replay $case on $backend"
        else
            not_ok "replay $case on $backend"
        fi
    done
    # BF16 has bounds of its own, those of the outside comparison.
    for case in mae_micro mae_micro_raw mae_small mae_heads64 vit_ft_micro; do
        out="$TMP/$case.out.safetensors"
        if "$BUILD/accept/replay" "tests/cases/$case.safetensors" --out "$out" --backend $backend --precision bf16 &&
            "$BUILD/accept/compare" "tests/cases/$case.safetensors" "$out" bf16; then
            ok "replay $case on $backend in bf16"
        else
            not_ok "replay $case on $backend in bf16"
        fi
    done
done

expect_exit 64 "$BUILD/accept/replay" tests/cases/mae_micro.safetensors --out "$TMP/out" --backend gpu
expect_output "--backend gpu is not known"
