#!/usr/bin/env bash
# ./stage aireadi on drawn downloads in AI-READI's layout: DICOM in every encoding that is read, with everything planted in
# them found and nothing else; and the generator of such downloads.
. "$(dirname "$0")/lib.sh"

STAGE=$BUILD/stage
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi; }
draw() { "$BUILD/synth" "$@" --layout aireadi --people 16 --size 160 --seed 4; }
stage() { # NAME ARGUMENT...: the download $TMP/NAME into $TMP/NAME.pack
    local name=$1
    shift
    "$STAGE" aireadi "$TMP/$name" --out "$TMP/$name.pack" --size 64 --modality cfp,ir,faf --md5 "$TMP/$name/md5.csv" --max-bad 50% "$@"
}
# What was planted in $TMP/NAME is what was found, and nothing else.
same_as_truth() {
    if diff <(tail -n +2 "$TMP/$1/truth.tsv" | LC_ALL=C sort) \
        <(tail -n +2 "$TMP/$1.pack/findings.tsv" | cut -f1-4 | LC_ALL=C sort) >"$TMP/diff"; then
        ok "$1: all that was planted is found, and nothing else"
    else
        not_ok "$1: all that was planted is found, and nothing else" "$(head -n 5 "$TMP/diff" | tr '\n' '|')"
    fi
}

# --- The generator ------------------------------------------------------------------------------------------------------
check "draws a sound download" draw "$TMP/sound" --threads 1
check "draws it with three threads" draw "$TMP/again" --threads 3
check "to the same bytes" diff -r "$TMP/sound" "$TMP/again"
same "three pictures of each eye" 96 "$(find "$TMP/sound" -name '*.dcm' | wc -l)"
same "all of them listed" "$(cd "$TMP/sound" && find retinal_photography -name '*.dcm' | LC_ALL=C sort)" \
    "$(tail -n +2 "$TMP/sound/retinal_photography/manifest.tsv" | cut -f11 | sed 's|^/||' | LC_ALL=C sort)"
check "md5sum agrees with the download's list" bash -c 'cd "$1" && tail -n +2 md5.csv | sed "s/\(.*\),\(.*\)/\2  \1/" | md5sum -c --quiet' - "$TMP/sound"
expect_exit 64 draw "$TMP/sound"
expect_exit 64 "$BUILD/synth" "$TMP/few" --layout aireadi --people 5 --plant damage
expect_output "at least 14"
expect_exit 64 "$BUILD/synth" "$TMP/few" --people 5 --plant damage

# --- Sound --------------------------------------------------------------------------------------------------------------
check "stages it" stage sound
expect_output "96 files: 96 packed, 0 quarantined, 0 excluded"
expect_output "licensed data"
same "nothing is found" 1 "$(wc -l <"$TMP/sound.pack/findings.tsv")"
check "verifies" "$STAGE" verify "$TMP/sound.pack"
for line in "| photographs | 72 | 12 | 12 | 0 | 96 |" "| people | 12 | 2 | 2 | 0 | 16 |" "| ir | 24 | 4 | 4 | 0 | 32 |" \
    "averaged: 16 values" "dropped: 4"; do
    if grep -qF "$line" "$TMP/sound.pack/card.md"; then ok "the card says: $line"; else not_ok "the card says: $line"; fi
done
# A mosaic is half as wide again as high, and kept whole; the journal has crop and size: columns 12 to 15, 17 and 18.
same "mosaics are wide and kept whole, within a square" "4 mosaics: 240 x 160, -40 0 240 240" \
    "$(awk -F'\t' '/mosaic/ { n++; what = $18 " x " $17 ", " $12 " " $13 " " $14 " " $15 } END { print n " mosaics: " what }' "$TMP/sound.pack/journal/00000.tsv")"
expect_exit 64 "$STAGE" info "$TMP/sound.pack" --sheet "$TMP/sheet.png"
expect_output "licensed"
check "a contact sheet all the same" "$STAGE" info "$TMP/sound.pack" --sheet "$TMP/sheet.png" --anyway
check "colour pictures alone" "$STAGE" aireadi "$TMP/sound" --out "$TMP/cfp" --size 64
expect_output "32 files: 32 packed"
check "one camera's" "$STAGE" aireadi "$TMP/sound" --out "$TMP/eidon" --size 64 --device icare_eidon
expect_output "8 files: 8 packed"

# --- Planted ------------------------------------------------------------------------------------------------------------
for plant in damage splits copies; do check "draws one with $plant" draw "$TMP/$plant" --plant "$plant"; done
check "stages the damaged one" stage damage
expect_output "98 files: 78 packed, 6 quarantined, 14 excluded"
same_as_truth damage
check "verifies" "$STAGE" verify "$TMP/damage.pack"
check "one thread and small shards" "$STAGE" aireadi "$TMP/damage" --out "$TMP/one" --size 64 --modality cfp,ir,faf \
    --md5 "$TMP/damage/md5.csv" --max-bad 50% --threads 1
check "the same bytes" diff -r "$TMP/damage.pack" "$TMP/one"
for plant in splits copies; do
    expect_named 65 "refuses $plant" stage "$plant"
    same_as_truth "$plant"
    if [ -e "$TMP/$plant.pack/pack.json" ]; then not_ok "$plant: nothing is published"; else ok "$plant: nothing is published"; fi
done
printf '%s\n' "$(awk -F'\t' '$2 == "duplicate_split" { print $3 }' "$TMP/copies/truth.tsv")" >"$TMP/exclude"
check "the copy left out, the rest is staged" stage copies --exclude "$TMP/exclude"
expect_output "97 files: 96 packed, 0 quarantined, 1 excluded"
