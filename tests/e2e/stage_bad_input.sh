#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Mistakes in the input of ./stage and in the folder it writes to: each is reported with the right exit code, nothing is
# lost silently, and no incomplete pack passes for complete.
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

# --- A pack that was damaged after it was staged ------------------------------------------------------------------------
truncate -s 700 "$out/journal/00000.tsv"
check "a journal cut short" stage
expect_output "; 0 done by earlier calls"
same_as_reference "a journal cut short"
sed -i '1s/\(.*\)\t[0-9a-f]*$/\1\t0000/' "$out/journal/00000.tsv"
check "a journal with another hash of its shard" stage
same_as_reference "a journal with another hash of its shard"
flip "$out/shards/00000.h5" 60000
expect_exit 65 "$STAGE" verify "$out"
expect_output "shards/00000.h5: record 4 (train/P000004_L_01.jpg) is damaged"
check "a shard with flipped bits is found" stage
expect_output "shards/00000.h5 is damaged or missing and will be rebuilt"
same_as_reference "a shard with flipped bits"
rm "$out/shards/00000.h5"
check "a shard that is gone" stage
same_as_reference "a shard that is gone"
truncate -s 100 "$out/pack.json"
expect_exit 65 "$STAGE" info "$out"
expect_output "pack.json: not a JSON object: damaged"
check "a pack.json cut short" stage
same_as_reference "a pack.json cut short"
head -c 60 /dev/urandom >"$out/recipe.txt"
expect_exit 65 stage
expect_output "recipe.txt is damaged"
rm "$out/recipe.txt"
check "a recipe that is gone" stage
same_as_reference "a recipe that is gone"

# --- A finished pack is kept ------------------------------------------------------------------------------------------------
mkdir "$TMP/other"
check "draws another download of the same name" "$BUILD/synth" "$TMP/other/data" --people 9 --size 96 --seed 8
expect_named 65 "another download is refused" "$STAGE" folder "$TMP/other/data" --out "$out" --size 64 --labels labels.csv --person person --shard-mb 1
expect_output "$out has records of "
expect_output "is it another download?"
same_as_reference "another download"
lost=$(cd "$data" && printf '%s\n' train/*.jpg | head -n 1)
mv "$data/$lost" "$TMP/lost.jpg" && cp "$data/labels.csv" "$TMP/labels.csv" && grep -v "^$lost," "$TMP/labels.csv" >"$data/labels.csv"
expect_named 65 "a file that is gone is reported" stage
expect_output "$out has records of 1 file missing below $data, such as $lost: nothing was changed"
same_as_reference "a file that is gone"
cp "$TMP/labels.csv" "$data/labels.csv"
expect_named 65 "a file that is gone from the tree alone is quarantined" stage
expect_output "the existing pack is unchanged"
if [ -e "$out/spool" ]; then not_ok "no spool is left"; else ok "no spool is left"; fi
check "the pack opens still" "$STAGE" verify "$out"
cp -p "$TMP/lost.jpg" "$data/$lost" && touch -r "$TMP/lost.jpg" "$data/$lost"
check "with the file again" stage
same_as_reference "with the file again"
expect_named 64 "without people is another recipe" "$STAGE" folder "$data" --out "$out" --size 64 --labels labels.csv --shard-mb 1
expect_output "was staged with other options"
expect_named 64 "without labels is another recipe" "$STAGE" folder "$data" --out "$out" --size 64 --shard-mb 1
expect_output "was staged with other options"
same_as_reference "was staged with other options"
cp -r "$out" "$TMP/begun" && rm "$TMP/begun/pack.json"
check "nothing published: another recipe starts over" "$STAGE" folder "$data" --out "$TMP/begun" --size 32 --labels labels.csv --person person
expect_output "; 0 done by earlier calls"
check "verifies" "$STAGE" verify "$TMP/begun"
printf 'nobody\ttrain\n' >"$out/split.tsv"
expect_named 65 "a split of other people" "$STAGE" info "$out"
expect_output "delete that file to use the pack's own split"
rm "$out/split.tsv"

# --- Where it writes ----------------------------------------------------------------------------------------------------
for place in "$data" "$data/" "$data/train/new/pack"; do
    expect_exit 64 "$STAGE" folder "$data" --out "$place"
    expect_output "the folder to stage; choose a folder elsewhere"
done
ln -s "$data" "$TMP/way"
expect_exit 64 "$STAGE" folder "$data" --out "$TMP/way/pack"
expect_output "the folder to stage; choose a folder elsewhere"
ln -s nowhere "$TMP/link"
expect_exit 64 "$STAGE" folder "$data" --out "$TMP/link"
expect_output "a dangling link"
expect_exit 64 "$STAGE" folder "$data" --out "$data/../output"
expect_output "exists and is not a folder"
expect_exit 64 stage --size 32
expect_output "was staged with other options"
check "a split of the pack's own" "$STAGE" split "$out" --val 0.3 --test 0.3
check "is reported when it is staged again" stage
expect_output "split.tsv overrides the split just staged"
rm "$out/split.tsv"
if [ -e /dev/full ]; then
    expect_named 74 "standard output on a full disk" bash -c '"$1" info "$2" >/dev/full' - "$STAGE" "$out"
fi
same_as_reference "after all of that"
check "a command lists its options" "$STAGE" aireadi --help
expect_output "clinical_data may be links, which are followed and reported"

# --- Forgetting ---------------------------------------------------------------------------------------------------------
expect_named 64 "a pack that is being staged is not deleted" flock "$out/.lock" "$STAGE" forget "$out" --delete
expect_output "another process"
check "but listed" flock "$out/.lock" "$STAGE" forget "$out"
mkdir "$TMP/mine" && : >"$TMP/mine/photograph"
printf '%s\n' "$TMP/mine" >"$out/derived.tsv"
expect_exit 65 "$STAGE" forget "$out" --delete
expect_output "derived.tsv:1: $TMP/mine is a folder"
printf '%s' "$TMP/mine/photograph" >"$out/derived.tsv"
expect_exit 65 "$STAGE" forget "$out" --delete
expect_output "truncated"
echo mine/photograph >"$out/derived.tsv"
expect_exit 65 "$STAGE" forget "$out" --delete
expect_output "not an absolute path"
if [ -e "$TMP/mine/photograph" ]; then ok "a damaged list deletes nothing"; else not_ok "a damaged list deletes nothing"; fi
rm "$out/derived.tsv"
same_as_reference "after that"

# --- Names as file systems allow them -----------------------------------------------------------------------------------
rm -rf "$out"
strange=$'train/a "b",\tc\nd \\ \u00e9.jpg'
(cd "$data" && was=$(printf '%s\n' train/*.jpg | head -n 1) && mv "$was" "$strange" &&
    quoted="\"${strange//\"/\"\"}\"" awk -F, -v OFS=, -v was="$was" '$1 == was { $1 = ENVIRON["quoted"] } 1' labels.csv >"$TMP/labels" &&
    cp "$TMP/labels" labels.csv && md5sum ./*/*.jpg >"$TMP/sums" && : >train/empty.jpg && sed 2q labels.csv | sed '1d;s|^[^,]*|train/empty.jpg|' >>labels.csv)
check "a name with quotes, tabs, line ends and more than ASCII" stage --md5 "$TMP/sums" --max-bad 50%
expect_output "13 files: 12 packed, 1 quarantined, 0 excluded; 0 done by earlier calls"
if grep -q "12 of 13 files have one in sums" "$out/card.md"; then ok "its sum is found"; else not_ok "its sum is found" "$(grep MD5 "$out/card.md")"; fi
check "and is still found" stage --md5 "$TMP/sums" --max-bad 50%
expect_output "; 13 done by earlier calls"
check "verifies" "$STAGE" verify "$out"

printf 'train/\351.jpg,train,1\n' >>"$data/labels.csv"
expect_exit 65 stage
expect_output "labels.csv:16: byte 0xe9 is not UTF-8"

# --- AI-READI's tables and tree -----------------------------------------------------------------------------------------
release=$TMP/release
tree=$TMP/tree
manifest=$tree/retinal_photography/manifest.tsv
check "draws a download of AI-READI" "$BUILD/synth" "$release" --layout aireadi --people 4 --size 96 --seed 2
aireadi() { "$STAGE" aireadi "$tree" --out "$TMP/packs" --size 32 "$@"; }
# aireadi_with NAME CODE TEXT COMMAND...: COMMAND spoils a copy of the download; staging it ends with CODE and says TEXT,
# and there is a pack only when CODE is 0.
aireadi_with() {
    local name=$1 code=$2 text=$3
    shift 3
    rm -rf "$tree" "$TMP/packs"
    cp -r "$release" "$tree"
    "$@" || not_ok "$name: the download could not be changed"
    expect_named "$code" "$name" aireadi
    expect_output "$text"
    if [ "$code" != 0 ] && [ -e "$TMP/packs/pack.json" ]; then not_ok "$name: a pack was published"; fi
}
cell() { # FILE LINE COLUMN VALUE
    awk -F'\t' -v OFS='\t' -v line="$2" -v column="$3" -v value="$4" \
        'NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) c = i } NR == line { $c = value } 1' "$1" >"$TMP/cell" && cp "$TMP/cell" "$1"
}
repeated() { # FILE LINE COLUMN VALUE: the line once more, changed
    cp "$1" "$TMP/whole"
    cell "$1" "$2" "$3" "$4"
    sed -n "$2p" "$1" >>"$TMP/whole"
    cp "$TMP/whole" "$1"
}
crlf() { { printf '\xef\xbb\xbf' && sed 's/$/\r/' "$1"; } >"$TMP/crlf" && cp "$TMP/crlf" "$1"; }
moved() { mv "$tree/$1" "$TMP/moved" && ln -s "$2" "$tree/$1"; }
linked_folder() { rm -rf "$TMP/moved" && moved retinal_photography/cfp "$TMP/moved"; }
linked_person() { rm -rf "$TMP/moved" && moved "$(cd "$tree" && echo retinal_photography/cfp/*/1001)" "$TMP/moved"; }
people=$tree/participants.tsv
aireadi_with "tables with CR LF and a mark" 0 "8 files: 8 packed" eval 'crlf "$manifest"; crlf "$people"'
aireadi_with "empty lines at the end" 0 "8 files: 8 packed" eval 'printf "\n\n" >>"$manifest"'
aireadi_with "a manifest without rows" 65 "8 of 8 images are in no row of the tables" sed -i 2,\$d "$manifest"
aireadi_with "a manifest cut within a row" 65 "; the file ends here: cut short?" eval 'truncate -s $(($(head -n 3 "$manifest" | wc -c) - 120)) "$manifest"'
aireadi_with "a manifest of 16 bits" 65 "save it as UTF-8 (UTF-16?)" eval 'printf "p\0e\0" >"$manifest"'
aireadi_with "a manifest without laterality" 65 "manifest.tsv: no column laterality; it has person_id," sed -i 1s/laterality/side/ "$manifest"
aireadi_with "a row twice" 0 "1 warning: see " repeated "$manifest" 2 imaging other
aireadi_with "a row of another person" 65 "1 file is quarantined" cell "$manifest" 2 person_id 4002
aireadi_with "an unknown laterality" 0 "1 warning: see " cell "$manifest" 2 laterality both
aireadi_with "a path above the root" 65 "manifest.tsv:2: leads above the root" cell "$manifest" 2 filepath /../../x.dcm
aireadi_with "a path elsewhere" 65 "manifest.tsv:2: an absolute path" cell "$manifest" 2 filepath /etc/passwd
aireadi_with "a person without a split" 0 "excluded: 2 no_split" cell "$people" 2 recommended_split ""
aireadi_with "an unknown split" 65 'participants.tsv:2: unknown split "hold"' cell "$people" 2 recommended_split hold
aireadi_with "a person in two splits" 65 "person_split: 1001 (rows of participants.tsv" repeated "$people" 2 recommended_split val
aireadi_with "people without splits" 65 "participants.tsv: no column recommended_split" sed -i 1s/recommended_split/split/ "$people"
aireadi_with "a quote without an end" 65 "measurement.csv:3: a quote opens" sed -i '3s/,/,"/' "$tree/clinical_data/measurement.csv"
aireadi_with "a damaged description" 65 "not JSON: damaged" truncate -s 9 "$tree/dataset_description.json"
aireadi_with "a modality on another disk" 0 "retinal_photography/cfp is a link and was followed" linked_folder
aireadi_with "a person on another disk" 65 "outside: retinal_photography/cfp/" linked_person
aireadi_with "a loop of links" 65 "retinal_photography/cfp: a loop of links" eval 'rm -r "$tree/retinal_photography/cfp"; ln -s cfp "$tree/retinal_photography/cfp"'
aireadi_with "a disk that is not there" 65 "is its disk mounted?" eval 'rm -r "$tree/retinal_photography"; ln -s /nowhere/x "$tree/retinal_photography"'
aireadi_with "a folder of something else" 65 "ROOT must be the folder of an AI-READI download" rm "$people"
aireadi_with "a file instead of a folder" 65 "tree: not a folder" eval 'rm -r "$tree"; : >"$tree"'
