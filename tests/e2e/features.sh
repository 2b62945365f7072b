#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the product's ViT makes of other people's weights (tests/cases/import), against their own programs in float64.
. "$(dirname "$0")/lib.sh"

cases=tests/cases/import

# features CHECKPOINT CASE [OPTION...]: loads, computes, compares.
features() {
    local checkpoint=$1 case=$2
    shift 2
    if "$BUILD/accept/features" "$cases/$checkpoint" "$cases/$case.safetensors" --out "$TMP/$case" "$@" >"$TMP/table" &&
        "$BUILD/accept/compare" "$cases/$case.safetensors" "$TMP/$case"; then
        ok "features of $case${*:+ $*}"
    else
        not_ok "features of $case${*:+ $*}"
    fi
}
features timm_vit.pth timm_vit
features retfound_ft.pth retfound_ft
features dinov2_teacher.pth dinov2_teacher
# Position embeddings are resized as each source's own program does.
features retfound_ft.pth retfound_ft_resized
check "the table says how" grep -q '^resized     1: pos_embed .*, bicubic$' "$TMP/table"
features dinov2_teacher.pth dinov2_teacher_resized
check "and that" grep -q '^resized     1: pos_embed .*, antialias$' "$TMP/table"
features dinov2_teacher.pth dinov2_teacher_resized --resize antialias
# The other way is seen: the bound is tight enough.
"$BUILD/accept/features" $cases/retfound_ft.pth $cases/retfound_ft_resized.safetensors --out "$TMP/other" --resize antialias >"$TMP/table"
expect_exit 1 "$BUILD/accept/compare" $cases/retfound_ft_resized.safetensors "$TMP/other"

# Hugging Face's masked autoencoder, from the same weights under the reference's names: test_weights compares these.
for case in hf_hub hf_saved5; do
    check "replay of $case" "$BUILD/accept/replay" $cases/$case.safetensors --out "$TMP/$case"
    check "and it agrees" "$BUILD/accept/compare" $cases/$case.safetensors "$TMP/$case"
done

expect_exit 65 "$BUILD/accept/features" $cases/refuse_swiglu.pth $cases/timm_vit.safetensors --out "$TMP/none"
expect_output '"blocks.0.mlp.w12.weight"'
expect_exit 65 "$BUILD/accept/features" $cases/timm_vit.pth tests/cases/vit_ft_micro.safetensors --out "$TMP/none"
expect_output "kind is vit_finetune, not features"
LC_ALL=C sed 's/"batch"/"botch"/' $cases/timm_vit.safetensors >"$TMP/changed"
expect_exit 65 "$BUILD/accept/features" $cases/timm_vit.pth "$TMP/changed" --out "$TMP/none"
expect_output "the setting botch, which is not known here"
check "a refused case leaves no output" test ! -e "$TMP/none"
