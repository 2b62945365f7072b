#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The product's models against cases recorded from the reference implementations (tests/cases).
. "$(dirname "$0")/lib.sh"

# replay BACKEND PRECISION CASE [OTHER LEAST]: the case's outputs within the bounds of the precision, and from OTHER's at
# least LEAST away.
replay() {
    local backend=$1 precision=$2 case=$3 out=$TMP/${3##*/}.$2
    shift 3
    if "$BUILD/accept/replay" "tests/cases/$case.safetensors" --out "$out" --backend "$backend" --precision "$precision" &&
        "$BUILD/accept/compare" "tests/cases/$case.safetensors" "$out" "$precision" "$@"; then
        ok "replay $case on $backend in $precision"
    else
        not_ok "replay $case on $backend in $precision"
    fi
}

# The smallest of each model takes every path that the sanitizers could find something on. The emulator is compiled with
# them for full rounds alone.
cases=(mae_micro mae_micro_raw mae_small mae_heads64 vit_ft_micro)
backends=(cpu emu)
if [[ $BUILD == *san-* && -z ${FOVEA_LONG-} ]]; then
    cases=(mae_micro vit_ft_micro)
    backends=(cpu)
fi
for backend in "${backends[@]}"; do
    for case in "${cases[@]}"; do
        replay $backend fp32 $case
        replay $backend bf16 $case
        # It must really be FP8: results nearer to BF16 would not be.
        replay $backend fp8 $case "$TMP/$case.bf16" 3e-3
    done
done

# Heads and losses, LayerScale, drop-path, frozen blocks, L2-SP.
for case in vit_cls_micro vit_multilabel_micro vit_regress_micro vit_ordinal_micro vit_layerscale_micro vit_droppath_micro vit_l2sp_micro; do
    replay cpu bf16 $case
    for backend in "${backends[@]}"; do replay $backend fp32 $case; done
done

# Another program's epsilon of the norms, 1e-12.
for backend in "${backends[@]}"; do replay $backend fp32 import/hf_saved5; done

# A setting or a tensor that replay does not know is refused, not ignored.
refuse() { # refuse MESSAGE TEXT OTHER: the case after a change of its header that keeps the length
    LC_ALL=C sed "s/$2/$3/" tests/cases/vit_regress_micro.safetensors >"$TMP/changed.safetensors"
    expect_exit 65 "$BUILD/accept/replay" "$TMP/changed.safetensors" --out "$TMP/none"
    expect_output "$1"
}
refuse "the setting layer_trick, which is not known here" '"layer_scale"' '"layer_trick"'
refuse "the case's decoder_dim is 8, which a model of its kind does not have" '"label_smoothing": "0.0"' '"decoder_dim": "8"      '
refuse "objective is regroup, which is not known here" '"regress"' '"regroup"'
refuse "steps is 4.5, not a number that it can be" '"steps": "4", "lr": "0.002"' '"steps": "4.5", "lr": "2.0"'
refuse "the tensor weightz.cls_token, which is not known here" '"weights.cls_token"' '"weightz.cls_token"'
refuse "the tensor weights.cls_taken, which its model has not" '"weights.cls_token"' '"weights.cls_taken"'
[ ! -e "$TMP/none" ] && ok "a refused case leaves no output" || not_ok "a refused case leaves no output"

# The requirement can fail.
cp "$TMP/mae_micro.fp8" "$TMP/same"
expect_exit 1 "$BUILD/accept/compare" tests/cases/mae_micro.safetensors "$TMP/mae_micro.fp8" fp8 "$TMP/same" 3e-3
expect_output "MISS difference"
expect_exit 64 "$BUILD/accept/replay" tests/cases/mae_micro.safetensors --out "$TMP/out" --backend gpu
expect_output "--backend takes cpu, emu or cuda, not 'gpu'"
