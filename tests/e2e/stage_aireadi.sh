#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./stage aireadi on drawn downloads in AI-READI's layout: DICOM in every supported encoding, the tables of each release,
# and every planted mistake found and nothing else; also the generator of such downloads. FOVEA_LONG=1 draws 24 more seeds.
. "$(dirname "$0")/lib.sh"

STAGE=$BUILD/stage
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi; }
absent() { if [ -e "$2" ]; then not_ok "$1" "$2 is there"; else ok "$1"; fi; }
if [ "${FOVEA_LONG-}" ]; then SYNTH=$BUILD/synth; fi
synth() { "$SYNTH" "$@" --layout aireadi --size 128; }
draw() { synth "$@" --people 8 --seed 4; }
stage() { # NAME ARGUMENT...: the download $TMP/NAME into $TMP/NAME.pack
    local name=$1
    shift
    "$STAGE" aireadi "$TMP/$name" --out "$TMP/$name.pack" --size 64 --modality cfp,ir,faf --md5 "$TMP/$name/md5.csv" --max-bad 50% "$@"
}
truth() { tail -n +2 "$TMP/$1/truth.tsv"; }
# The findings of $TMP/NAME are exactly the planted mistakes.
same_as_truth() {
    if diff <(truth "$1" | LC_ALL=C sort) <(tail -n +2 "$TMP/$1.pack/findings.tsv" | cut -f1-4 | LC_ALL=C sort) >"$TMP/diff"; then
        ok "$1: all that was planted is found, and nothing else"
    else
        not_ok "$1: all that was planted is found, and nothing else" "$(head -n 5 "$TMP/diff" | tr '\n' '|')"
    fi
}
# Kinds and how often each was planted, sorted.
kinds() { truth "$1" | cut -f2 | LC_ALL=C sort | uniq -c | awk '{ print $1, $2 }' | paste -sd,; }
# One row for every file or path, so no file has two mistakes.
rows_are_distinct() { same "$1: no file has two mistakes" "" "$(truth "$1" | cut -f3 | sort | uniq -d)"; }
# round NAME EXIT PLANT SEED MISTAKES PEOPLE MANIFEST: draws, stages and compares
round() {
    check "draws $3, seed $4, $5 of each among $6 people, tables of release $7" \
        synth "$TMP/$1" --plant "$3" --seed "$4" --mistakes "$5" --people "$6" --manifest "$7"
    expect_named "$2" "stages $1: exit $2" stage "$1"
    same_as_truth "$1"
    rows_are_distinct "$1"
}

# --- The generator ------------------------------------------------------------------------------------------------------
check "draws a sound download" draw "$TMP/sound" --threads 1
check "draws it with three threads" draw "$TMP/again" --threads 3
check "to the same bytes" diff -r "$TMP/sound" "$TMP/again"
same "three images of each eye" 48 "$(find "$TMP/sound" -name '*.dcm' | wc -l)"
same "all of them listed" "$(cd "$TMP/sound" && find retinal_photography -name '*.dcm' | LC_ALL=C sort)" \
    "$(tail -n +2 "$TMP/sound/retinal_photography/manifest.tsv" | cut -f11 | sed 's|^/||' | LC_ALL=C sort)"
check "md5sum agrees with the download's list" bash -c 'cd "$1" && tail -n +2 md5.csv | sed "s/\(.*\),\(.*\)/\2  \1/" | md5sum -c --quiet' - "$TMP/sound"
absent "nothing planted: no list of it" "$TMP/sound/truth.tsv"
expect_exit 64 draw "$TMP/sound"
expect_exit 64 "$BUILD/synth" "$TMP/few" --layout aireadi --people 55 --plant damage --mistakes 2
expect_output "these mistakes need 56 people, one each and some two, but there are 55"
expect_exit 64 "$BUILD/synth" "$TMP/few" --layout aireadi --people 20 --plant copies --val 0 --test 0
expect_output "more people on each side of the split than there are"
expect_exit 64 "$BUILD/synth" "$TMP/few" --layout aireadi --people 5 --mistakes 2
expect_output "--mistakes needs --plant"
expect_exit 64 "$BUILD/synth" "$TMP/few" --layout aireadi --people 5 --manifest 4
expect_output "--manifest takes a whole number from 1 to 3"
absent "wrong use writes nothing" "$TMP/few"

# --- Sound --------------------------------------------------------------------------------------------------------------
check "stages it" stage sound
expect_output "48 files: 48 packed, 0 quarantined, 0 excluded"
expect_output "licensed data"
same "nothing is found" 1 "$(wc -l <"$TMP/sound.pack/findings.tsv")"
check "verifies" "$STAGE" verify "$TMP/sound.pack"
for line in "| photographs | 36 | 6 | 6 | 0 | 48 |" "| people | 6 | 1 | 1 | 0 | 8 |" "| ir | 12 | 2 | 2 | 0 | 16 |" \
    "averaged: 8 values" "dropped: 2"; do
    if tr -s ' ' <"$TMP/sound.pack/card.md" | grep -qF "$line"; then ok "the card says: $line"; else not_ok "the card says: $line"; fi
done
# A mosaic is half as wide again as high, and kept whole; the journal has crop and size: columns 12 to 15, 17 and 18.
same "mosaics are wide and kept whole, within a square" "2 mosaics: 192 x 128, -32 0 192 192" \
    "$(awk -F'\t' '/mosaic/ { n++; what = $18 " x " $17 ", " $12 " " $13 " " $14 " " $15 } END { print n " mosaics: " what }' "$TMP/sound.pack/journal/00000.tsv")"
expect_exit 64 "$STAGE" info "$TMP/sound.pack" --sheet "$TMP/sheet.png"
expect_output "licensed"
check "a contact sheet all the same" "$STAGE" info "$TMP/sound.pack" --sheet "$TMP/sheet.png" --anyway
for config in configs/tasks/aireadi_*.ini; do
    check "$config opens on it" "$BUILD/tests/eval/test_task_configs" "$TMP/sound.pack" "$config"
done
check "colour images alone" "$STAGE" aireadi "$TMP/sound" --out "$TMP/cfp" --size 64
expect_output "16 files: 16 packed"
check "one camera's" "$STAGE" aireadi "$TMP/sound" --out "$TMP/eidon" --size 64 --device icare_eidon
expect_output "4 files: 4 packed"

# --- The tables of each release -----------------------------------------------------------------------------------------
first_rows() { head -n 2 "$TMP/$1/retinal_photography/manifest.tsv" | cut -f1,11 | tr '\t\n' '  ' | sed 's/_2\.25.*//'; }
for release in 1 2; do
    check "draws it with the tables of release $release" draw "$TMP/release$release" --manifest "$release"
    same "its files are the same" "" "$(diff -rq --exclude=manifest.tsv --exclude=participants.tsv "$TMP/sound" "$TMP/release$release")"
    check "stages it" stage "release$release"
    check "to the same shards" diff -r "$TMP/sound.pack/shards" "$TMP/release$release.pack/shards"
    same "nothing is found" 1 "$(wc -l <"$TMP/release$release.pack/findings.tsv")"
done
path=retinal_photography/cfp/topcon_maestro2/1001/1001_maestro2_3d_wide_cfp_r
same "release 1 names" "participant_id filename 1001 $path" "$(first_rows release1)"
same "release 2 names" "participant_id filepath 1001 /$path" "$(first_rows release2)"
same "release 3 names" "person_id filepath 1001 /$path" "$(first_rows sound)"

# --- Planted ------------------------------------------------------------------------------------------------------------
round damage 0 damage 4 1 30 3
expect_kinds="4 contradiction,1 decode,4 dicom,1 duplicate,1 empty,1 laterality,2 listed_twice,1 md5,1 missing,3 near_duplicate,12 no_split,2 syntax,1 unlisted,1 unreadable"
same "every kind is planted" "$expect_kinds" "$(kinds damage)"
check "verifies" "$STAGE" verify "$TMP/damage.pack"
# A file without any finding, left out by name.
comm -23 <(tail -n +2 "$TMP/damage/retinal_photography/manifest.tsv" | cut -f11 | sed 's|^/||' | LC_ALL=C sort -u) \
    <(truth damage | cut -f3,4 | tr '\t' '\n' | LC_ALL=C sort -u) | sed -n 7p >"$TMP/exclude"
printf 'excluded\tnamed\t%s\t\n' "$(cat "$TMP/exclude")" >>"$TMP/damage/truth.tsv"
check "one left out by name" stage damage --exclude "$TMP/exclude"
same_as_truth damage
check "one thread" "$STAGE" aireadi "$TMP/damage" --out "$TMP/one" --size 64 --modality cfp,ir,faf \
    --md5 "$TMP/damage/md5.csv" --max-bad 50% --exclude "$TMP/exclude" --threads 1
check "the same bytes" diff -r "$TMP/damage.pack" "$TMP/one"
if [ "${FOVEA_LONG-}" ]; then
    round more 0 damage 5 1 28 1
    same "and with another seed" "$expect_kinds" "$(kinds more)"
    if [ "$(truth damage | awk '/\tempty\t/' | cut -d/ -f4)" = "$(truth more | awk '/\tempty\t/' | cut -d/ -f4)" ]; then
        not_ok "but elsewhere"
    else
        ok "but elsewhere"
    fi
fi
round splits 65 splits 4 1 8 3
same "every kind is planted" "3 outside,1 person_split" "$(kinds splits)"
round more_splits 65 splits 7 3 12 1
SYNTH=$BUILD/synth round copies 65 copies 4 1 8 3
same "every kind is planted" "1 duplicate,1 duplicate_split" "$(kinds copies)"
round more_copies 65 copies 6 2 12 2
same "two of each" "2 duplicate,2 duplicate_split" "$(kinds more_copies)"
for name in splits copies; do absent "$name: nothing is published" "$TMP/$name.pack/pack.json"; done
truth copies | awk -F'\t' '$2 == "duplicate_split" { print $3 }' >"$TMP/exclude"
check "the copy left out, the rest is staged" stage copies --exclude "$TMP/exclude"
expect_output "50 files: 48 packed, 0 quarantined, 2 excluded"

# --- Many seeds ---------------------------------------------------------------------------------------------------------
if [ -n "${FOVEA_LONG:-}" ]; then
    for seed in {20..43}; do
        mistakes=$((1 + seed % 3)) release=$((1 + seed / 3 % 3))
        round "damage$seed" 0 damage "$seed" "$mistakes" $((28 * mistakes + seed % 5)) "$release"
        round "splits$seed" 65 splits "$seed" "$mistakes" $((4 * mistakes + seed % 5)) "$release"
        round "copies$seed" 65 copies "$seed" "$mistakes" $((12 * mistakes + seed % 5)) "$release"
        check "draws a sound one, seed $seed" synth "$TMP/sound$seed" --people 12 --seed "$seed" --manifest "$release"
        check "stages it" stage "sound$seed"
        same "nothing is found" 1 "$(wc -l <"$TMP/sound$seed.pack/findings.tsv")"
        rm -rf "$TMP"/*"$seed" "$TMP"/*"$seed.pack"
    done
fi
