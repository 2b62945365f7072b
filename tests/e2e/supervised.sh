#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training towards labels of drawn photographs: it learns what they show, and nothing from labels of other people.
. "$(dirname "$0")/lib.sh"

data=$TMP/data
"$SYNTH" "$data" --people 90 --size 64 --val 0.3 --test 0 >"$TMP/synth" || exit 1
# camera: which one took the photograph. stranger: the camera of the person drawn 31 people later. right: the camera, of
# right eyes alone.
awk -F, -v OFS=, 'FNR == 1 { pass++ }
    { camera = $6 == "desk" ? 0 : $6 == "handheld" ? 1 : 2 }
    pass == 1 { if (FNR > 1 && !($3 in number)) { number[$3] = count; of[count++] = camera }; next }
    FNR == 1 { print $0, "camera", "stranger", "right"; next }
    { print $0, camera, of[(number[$3] + 31) % count], $4 == "R" ? camera : "" }' "$data/labels.csv" "$data/labels.csv" >"$TMP/labels.csv"
cp "$TMP/labels.csv" "$data/labels.csv"
check "a pack with labels" "$BUILD/stage" folder "$data" --out "$TMP/pack" --size 64 --labels "$data/labels.csv" --person person

cat >"$TMP/camera.ini" <<END
[model]
preset = vit_tiny
image_size = 64
patch_size = 16
dim = 64
depth = 2
heads = 4
[data]
train = $TMP/pack
val = $TMP/pack
label = camera
crop_scale_min = 0.8
workers = 1
[train]
device = cpu
objective = classify
precision = fp32
steps = 105
global_batch = 8
threads = 1
[optim]
base_lr = 0.03
warmup_epochs = 1
[val]
every = 0
images = 1000
metric = auroc_macro_ovr
[log]
every = 1000
[run]
dir = $TMP/run
END
train() { "$BUILD/train" "$TMP/camera.ini" "$@"; }
# best RUN: the AUROC of its best checkpoint.
best() { sed -n 's/^  "best_val_metric": \([0-9.]*\),$/\1/p' "$1/run.json"; }
between() { awk -v value="$3" -v low="$1" -v high="$2" 'BEGIN { exit !(value != "" && value > low && value < high) }'; }

expect_exit 64 train
expect_output "val.metric = auroc_macro_ovr needs validations: set data.val and val.every"
check "images without a label are not shown" train --set run.dir="$TMP/right" --set data.label=right --set val.metric= \
    --set val.every=35 --set probe.train="$TMP/pack" --set probe.val="$TMP/pack" --set probe.label=right --until 1
expect_output "of them $(awk -F, '$2 == "train" && $4 == "R"' "$data/labels.csv" | wc -l) with a label, "
expect_output "fitted on $(awk -F, '$2 == "train" && $4 == "R"' "$data/labels.csv" | wc -l) images with a label of $TMP/pack, "
check "towards the cameras" train --set val.every=35
expect_output "model    ViT 64x2, 4 heads; 64 px, patch 16; 3 classes"
# 0.99 within 0.01 for other seeds; chance is 0.5.
check "it tells the cameras of unseen people apart" between 0.9 1.0001 "$(best "$TMP/run")"

check "towards strangers' cameras" train --force --set val.every=35 --set data.label=stranger
# Of 54 photographs of 27 people, 9 of each class: the AUROC of one class has a standard deviation of
# sqrt((9 + 18 + 1) / (12 * 9 * 18)) = 0.12 by chance; the mean of three no more. The best of three validations.
check "strangers' labels teach nothing" between 0.14 0.86 "$(best "$TMP/run")"

check "from the folder" train --force --set val.every=35 --set "data.train=$data/train" --set "data.val=$data/val" --set train.steps=35
check "its plan" train --set val.every=35 --plan
expect_output "ViT 64x2, 4 heads; 64 px, patch 16; 3 classes"
check "its plan of the folder" train --set val.every=35 --plan --set "data.train=$data/train" --set "data.val=$data/val"
expect_output "ViT 64x2, 4 heads; 64 px, patch 16; 3 classes"
# val.images is 1000, of which the folder has 54.
expect_output " $((54 * 64 * 64 * 3)) "
check "its profile" train --set val.every=35 --profile 2
expect_output "cross_entropy_loss"
expect_exit 65 train --force --set val.every=35 --set data.label=cup
expect_output "has no label 'cup'; it has"
expect_exit 64 train --resume --set val.every=35 --set train.objective=ordinal --set val.metric=kappa_quadratic

# On an emulated GPU, which crops and alters the pack's records itself: held there, or uploaded batch by batch.
weights() { echo "$TMP/$1/ckpt/latest/weights.safetensors"; }
for cache in page device; do
    check "records of a pack on an emulated GPU, cache $cache" train --set train.device=emu --set train.steps=2 --set val.every=2 \
        --set val.images=8 --set train.deterministic=on --set data.jitter=0.4 --set data.erase=0.5 --set model.drop_path=0.3 \
        --set val.metric= --set data.cache=$cache --set run.dir="$TMP/$cache"
done
check "and both ways are the same" cmp "$(weights page)" "$(weights device)"
