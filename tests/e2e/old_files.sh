#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A pack and a half-finished run of an earlier version: read, verified, made again byte for byte, continued.
. "$(dirname "$0")/lib.sh"

cp -r tests/fixtures/old_pack tests/fixtures/old_run "$TMP" || exit 1
TRAIN=$(realpath "$BUILD/train")
STAGE=$(realpath "$BUILD/stage")
cd "$TMP" || exit 1

# --- The pack -------------------------------------------------------------------------------------------------------
check "the old pack is verified" "$STAGE" verify old_pack/pack
check "the old pack is described" "$STAGE" info old_pack/pack
expect_output "12"
mkdir again && cp -r old_pack/images again/images
check "its images are staged again" bash -c "cd again && '$STAGE' folder images --out pack --size 32 --labels labels.csv --person person"
# The card is prose, .lock is empty, the journal has the images' times in its key, and the recipe the version of the rules
# for photographs.
same_pack() { diff -r -x card.md -x .lock -x journal -x recipe.txt old_pack/pack again/pack; }
check "the new pack has the same bytes" same_pack
check "and the same options" diff <(grep -v '^frames ' old_pack/pack/recipe.txt) <(grep -v '^frames ' again/pack/recipe.txt)
expect_exit 64 bash -c "cd old_pack && '$STAGE' folder images --out pack --size 32 --labels labels.csv --person person"
expect_output "pack was staged with other options"
check "and is unchanged" same_pack

# --- The run --------------------------------------------------------------------------------------------------------
run=old_run/run
# field FILE KEY: the value of a key in run.json.
field() { sed -n "s/^  \"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$1"; }
is_field() { [ "$(field $run/run.json "$1")" = "$2" ] || { echo "$1 is $(field $run/run.json "$1")"; return 1; }; }

data_hash=$(field $run/run.json data_hash)
cp $run/metrics.jsonl before.jsonl
check "the old run continues" "$TRAIN" $run/config.ini --resume
expect_output "step 15"
check "its lines of metrics stay" cmp -n "$(stat -c %s before.jsonl)" before.jsonl $run/metrics.jsonl

check "it finishes" is_field status finished
check "at its last step" is_field steps 30
check "from its checkpoint" is_field resumed_step 15
check "with the same images" is_field data_hash "$data_hash"
check "its last checkpoint is read again" "$TRAIN" $run/config.ini --resume
expect_output "step 30"

# The losses of the version that wrote the run. Another processor sums in another order: in single precision that is
# some 1e-7 a sum, and 15 small steps do not make 1e-3 of it. Another crop, mask, batch or learning rate does.
losses() {
    sed -nE 's/^\{"step": ([0-9]+), .*"loss": ([0-9.e-]+),.*/\1 loss \2/p; s/^\{"step": ([0-9]+), "val_loss": ([0-9.e-]+)\}/\1 val_loss \2/p' "$1"
}
same_losses() {
    losses $run/metrics.jsonl | awk -v bound="$1" '
        NR == FNR { if (FNR > 1) { split($0, cell, "\t"); wanted[cell[1] " loss"] = cell[2]
                                   if (cell[3] != "-") wanted[cell[1] " val_loss"] = cell[3] } next }
        $1 > 15 { key = $1 " " $2; seen++; ratio = $3 / wanted[key] - 1; if (ratio < 0) ratio = -ratio
                  if (!(key in wanted) || ratio > bound) { print key, $3, "instead of", wanted[key]; bad = 1 } }
        END { for (key in wanted) count++; if (seen != count) print seen, "of", count; exit bad || seen != count }
    ' old_run/continued.tsv -
}
check "the losses are those of the old version" same_losses 1e-3
