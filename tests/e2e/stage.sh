#!/usr/bin/env bash
# ./stage from a raw download to a pack: everything that was planted is found and nothing else, every file comes to one
# end, the same bytes by any number of threads, and what is wrong with the input or the folder is refused with a reason.
. "$(dirname "$0")/lib.sh"

STAGE=$BUILD/stage
stage_aireadi() { # OUT ARGUMENT...: the download in $data
    "$STAGE" aireadi "$data" --out "$@" --size 64 --modality cfp,ir,faf --md5 "$data/md5.csv" --max-bad 50%
}
# same NAME A B: ok when the values are the same
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi; }
# The lines of findings.tsv as the truth list has them.
found() { tail -n +2 "$1/findings.tsv" | cut -f1-4 | LC_ALL=C sort; }
truth() { tail -n +2 "$data/truth.tsv" | LC_ALL=C sort; }
same_findings() { # NAME OUT
    if diff <(truth) <(found "$2") >"$TMP/diff"; then ok "$1"; else not_ok "$1" "$(head -n 5 "$TMP/diff" | tr '\n' '|')"; fi
}

# --- A sound download ---------------------------------------------------------------------------------------------------
data=$TMP/sound
check "draws a sound download" "$BUILD/synth" "$data" --layout aireadi --people 12 --size 160 --seed 3
check "stages it" stage_aireadi "$TMP/pack"
expect_output " 0 quarantined, 0 excluded"
same "nothing is found" "" "$(found "$TMP/pack")"
check "verifies" "$STAGE" verify "$TMP/pack"
check "tells what is in it" "$STAGE" info "$TMP/pack"
expect_output "licensed"
files=$(find "$data/retinal_photography" -name '*.dcm' | wc -l)
expect_output "records   $files of 64 x 64"
check "one thread" stage_aireadi "$TMP/one" --threads 1
check "and three make the same bytes" diff -r "$TMP/pack" "$TMP/one"
check "a second call has nothing to do" stage_aireadi "$TMP/one"
expect_output "; $files were done before"
check "and leaves the same bytes" diff -r "$TMP/pack" "$TMP/one"
check "sha256sum agrees" bash -c 'cd "$1" && sha256sum -c --quiet manifest-sha256.txt' - "$TMP/pack"
same "for this user alone" "" "$(find "$TMP/pack" -perm /077)"

# Small shards hold the same records in the same order.
check "a shard for each 85 files" stage_aireadi "$TMP/small" --shard-mb 1
same "in several shards" "$(((files + 84) / 85))" "$(find "$TMP/small/shards" -name '*.h5' | wc -l)"
same "the same records" "$(grep -c ^packed "$TMP/pack/journal/"*)" "$(cat "$TMP/small/journal/"* | grep -c ^packed)"

# --- Planted damage -----------------------------------------------------------------------------------------------------
data=$TMP/damage
check "draws a damaged one" "$BUILD/synth" "$data" --layout aireadi --people 24 --size 160 --seed 4 --plant damage
check "stages it" stage_aireadi "$TMP/damaged"
same_findings "finds what was planted and nothing else" "$TMP/damaged"
check "verifies" "$STAGE" verify "$TMP/damaged"
same "quarantine.tsv has a line for each" "$(grep -c ^quarantined "$data/truth.tsv")" \
    "$(tail -n +2 "$TMP/damaged/quarantine.tsv" | wc -l)"
expect_exit 65 "$STAGE" aireadi "$data" --out "$TMP/strict" --size 64 --md5 "$data/md5.csv"
expect_output "--max-bad"
check "more may be bad: goes on" "$STAGE" aireadi "$data" --out "$TMP/strict" --size 64 --md5 "$data/md5.csv" --max-bad 0.5

# --- Planted mistakes of the split --------------------------------------------------------------------------------------
data=$TMP/splits
check "draws one with mistakes in the split" "$BUILD/synth" "$data" --layout aireadi --people 24 --size 160 --seed 5 --plant splits
expect_exit 65 stage_aireadi "$TMP/refused"
if [ -e "$TMP/refused/pack.json" ]; then not_ok "publishes nothing"; else ok "publishes nothing"; fi

# --- Wrong input --------------------------------------------------------------------------------------------------------
data=$TMP/sound
expect_exit 64 "$STAGE"
expect_exit 64 "$STAGE" unpack "$data"
expect_exit 64 "$STAGE" aireadi "$data"
expect_output "--out"
expect_exit 64 "$STAGE" aireadi "$data" --out "$TMP/x" --size 8
expect_exit 64 "$STAGE" aireadi "$data" --out "$TMP/x" --labels y
expect_output "takes no --labels"
expect_exit 64 "$STAGE" aireadi "$data" --out "$data"
expect_output "which no staging made"
expect_exit 64 "$STAGE" aireadi "$data" --out "$TMP/pack" --size 32
expect_output "another recipe"
expect_exit 65 "$STAGE" aireadi "$TMP/nowhere" --out "$TMP/x"
expect_exit 65 "$STAGE" verify "$TMP/nowhere"
if [ "$(id -u)" = 0 ]; then
    expect_exit 74 "$STAGE" aireadi "$data" --out /proc/pack
else
    mkdir -m 500 "$TMP/closed"
    expect_exit 74 "$STAGE" aireadi "$data" --out "$TMP/closed/pack"
fi

# --- A full disk --------------------------------------------------------------------------------------------------------
full() {
    env FOVEA_DISK_UNDER="$TMP" FOVEA_DISK_FULL_AFTER="$1" LD_PRELOAD="build/tests/disk.so" \
        "$STAGE" aireadi "$data" --out "$TMP/full" --size 64 --modality cfp,ir,faf --md5 "$data/md5.csv" --max-bad 50%
}
if [ "$BUILD" = build ]; then
    for room in 1000 200000 1500000; do
        expect_named 74 "a disk of $room bytes: exit 74" full "$room"
        expect_output "disk full"
    done
    check "with room again it goes on" stage_aireadi "$TMP/full"
    check "to the same bytes" diff -r "$TMP/pack" "$TMP/full"
fi

# --- Pictures, split and forgetting -------------------------------------------------------------------------------------
expect_exit 64 "$STAGE" info "$TMP/pack" --sheet "$TMP/sheet.png"
expect_output "licensed"
check "a sheet anyway" "$STAGE" info "$TMP/pack" --sheet "$TMP/sheet.png" --anyway
check "is a picture" "$BUILD/accept/preprocess" "$TMP/sheet.png" "$TMP/sheet.rgb" decode
check "another split" "$STAGE" split "$TMP/pack" --val 0.25 --test 0.25 --seed 9
expect_output "12 people: train 6, val 3, test 3, none 0"
check "is told" "$STAGE" split "$TMP/pack"
expect_output "12 people: train 6, val 3, test 3, none 0"
check "forget lists" "$STAGE" forget "$TMP/pack"
expect_output "$TMP/pack/shards/00000.h5"
expect_output "$TMP/sheet.png"
check "and deletes" "$STAGE" forget "$TMP/pack" --delete
if [ -e "$TMP/pack" ] || [ -e "$TMP/sheet.png" ]; then not_ok "nothing is left" "$(ls -A "$TMP/pack")"; else ok "nothing is left"; fi
expect_exit 65 "$STAGE" forget "$TMP/pack"
