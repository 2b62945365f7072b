#!/usr/bin/env bash
# What can be wrong with what ./stage is given and with what lies where it writes: each is told of with the right exit
# code, nothing is lost without a word, and no pack passes for whole that is not.
. "$(dirname "$0")/lib.sh"

STAGE=$BUILD/stage
data=$TMP/data
out=$TMP/out
stage() { "$STAGE" folder "$data" --out "$out" --size 64 --labels labels.csv --person person --shard-mb 1 "$@"; }
# same_as_reference NAME: the pack is that of an undisturbed call
same_as_reference() { check "$1: the same bytes" diff -r "$TMP/reference" "$out"; }
flip() { printf 'xyz' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

check "draws photographs" "$BUILD/synth" "$data" --people 6 --size 96 --seed 5 --val 0.2 --test 0.2
check "stages them" stage
cp -r "$out" "$TMP/reference"

# --- What was staged before, and damaged since --------------------------------------------------------------------------
truncate -s 700 "$out/journal/00000.tsv"
check "a journal cut short" stage
expect_output "; 0 were done before"
same_as_reference "a journal cut short"
sed -i '1s/\(.*\)\t[0-9a-f]*$/\1\t0000/' "$out/journal/00000.tsv"
check "a journal with another hash of its shard" stage
same_as_reference "a journal with another hash of its shard"
flip "$out/shards/00000.h5" 60000
expect_exit 65 "$STAGE" verify "$out"
check "a shard with flipped bits is found" stage
expect_output "shards/00000.h5 is damaged or not there, and is made anew"
same_as_reference "a shard with flipped bits"
rm "$out/shards/00000.h5"
check "a shard that is gone" stage
same_as_reference "a shard that is gone"
truncate -s 100 "$out/pack.json"
expect_exit 65 "$STAGE" info "$out"
check "a pack.json cut short" stage
same_as_reference "a pack.json cut short"

# --- Where it writes ----------------------------------------------------------------------------------------------------
for place in "$data" "$data/" "$data/train/new/pack"; do
    expect_exit 64 "$STAGE" folder "$data" --out "$place"
    expect_output "whose photographs are staged; name a folder elsewhere"
done
ln -s "$data" "$TMP/way"
expect_exit 64 "$STAGE" folder "$data" --out "$TMP/way/pack"
ln -s nowhere "$TMP/link"
expect_exit 64 "$STAGE" folder "$data" --out "$TMP/link"
expect_output "a link that leads nowhere"
expect_exit 64 "$STAGE" folder "$data" --out "$data/../output"
expect_output "is there, and is no folder"
expect_exit 64 stage --size 32
expect_output "another recipe"
check "a split of the pack's own" "$STAGE" split "$out" --val 0.3 --test 0.3
check "is told of when it is staged again" stage
expect_output "split.tsv stands above the split that was staged now"
rm "$out/split.tsv"
if [ -e /dev/full ]; then
    expect_named 74 "a full disk behind the standard output" bash -c '"$1" info "$2" >/dev/full' - "$STAGE" "$out"
fi
same_as_reference "after all of that"

# --- Forgetting ---------------------------------------------------------------------------------------------------------
expect_named 64 "what is being staged is not deleted" flock "$out/.lock" "$STAGE" forget "$out" --delete
expect_output "another process"
check "but listed" flock "$out/.lock" "$STAGE" forget "$out"
mkdir "$TMP/mine" && : >"$TMP/mine/photograph"
printf '%s\n' "$TMP/mine" >"$out/derived.tsv"
expect_exit 65 "$STAGE" forget "$out" --delete
expect_output "derived.tsv:1: $TMP/mine is a folder"
printf '%s' "$TMP/mine/photograph" >"$out/derived.tsv"
expect_exit 65 "$STAGE" forget "$out" --delete
expect_output "cut short"
echo mine/photograph >"$out/derived.tsv"
expect_exit 65 "$STAGE" forget "$out" --delete
expect_output "no whole path"
if [ -e "$TMP/mine/photograph" ]; then ok "a damaged list deletes nothing"; else not_ok "a damaged list deletes nothing"; fi
rm "$out/derived.tsv"
same_as_reference "after that"
