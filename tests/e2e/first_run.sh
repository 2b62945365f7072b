#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The commands that a newcomer types first: the main job before there is any data, then on drawn photographs.
. "$(dirname "$0")/lib.sh"

expect_exit 65 "$BUILD/train" configs/vit_base.ini
expect_output "make demo"
expect_output "./train configs/vit_base.ini --set data.train=demo/data/train --set data.val=demo/data/val"

check "draws photographs" "$BUILD/synth" "$TMP/data" --images 24 --size 256 --val 0.25 --test 0
# README's lines load an export. FOVEA_PYTHON names a Python that has PyTorch and timm.
python=
for candidate in "${FOVEA_PYTHON-}" python3 /usr/bin/python3; do
    if [ "$candidate" ] && "$candidate" -c 'import torch, timm' 2>/dev/null; then
        python=$candidate
        break
    fi
done
# Two steps at 224 px: of ViT-Base itself where its export can be loaded, else of one with as wide and fewer blocks, since
# most of the time goes into 1.3 GB of weights and moments.
blocks=(--set model.depth=2 --set model.decoder_depth=1)
if [ "${FOVEA_LONG-}$python" ]; then blocks=(); fi
expect_exit 0 "$BUILD/train" configs/vit_base.ini --set "data.train=$TMP/data/train" "${blocks[@]}" \
    --set "data.val=$TMP/data/val" --set train.steps=2 --set train.global_batch=2 --set "run.dir=$TMP/run"
check "leaves a checkpoint" test -e "$TMP/run/ckpt/latest/weights.safetensors"
check "leaves a reconstruction" test -s "$TMP/run/recon/step-2.png"
check "leaves a loss curve" test -s "$TMP/run/curve.svg"

check "is exported" "$BUILD/convert" "$TMP/run/ckpt/latest" "$TMP/encoder.pth" --encoder
sed -n '/^```python$/,/^```$/p' README.md | grep -v '^```' >"$TMP/load.py"
check "README has five lines for it" test "$(wc -l <"$TMP/load.py")" = 5
if [ "$python" ]; then
    echo 'assert features.shape == (1, 768) and features.isfinite().all()' >>"$TMP/load.py"
    check "which load it" env -C "$TMP" "$python" load.py
else
    skip "which load it" "no Python with PyTorch and timm (FOVEA_PYTHON names one)"
fi

for preset in vit_tiny vit_small vit_base vit_large vit_huge; do
    for shape in "16 224" "14 224" "16 384" "14 392" "16 512" "14 504"; do
        set -- $shape
        # The data folder is empty: a shape that fits ends there with exit 65; one that does not is refused before, with 64.
        mkdir -p "$TMP/empty"
        expect_exit 65 "$BUILD/train" configs/vit_base.ini --set "model.preset=$preset" --set "model.patch_size=$1" \
            --set "model.image_size=$2" --set "data.train=$TMP/empty" --set "run.dir=$TMP/none"
        expect_output "$TMP/empty: the folder contains no image"
    done
done
