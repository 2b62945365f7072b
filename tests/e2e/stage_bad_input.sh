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
