#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Staging that is killed at any moment and started again ends with the bytes of one that was left alone: SIGKILL inside a
# seeded call on a file of the pack, tests/preload/crash.c. FOVEA_LONG=1 kills 50 times instead of 8; FOVEA_SEED=N takes
# other points.
. "$(dirname "$0")/lib.sh"

SEED=${FOVEA_SEED:-1}
KINDS=(write pwrite rename fsync unlink rename-after mkdir pwrite-after)
if [ -n "${FOVEA_LONG:-}" ]; then KILLS=50; else KILLS=8; fi
RANDOM=$SEED
data=$TMP/data

# stage OUT THREADS [NAME=VALUE...]: many small shards, so that there is much to be killed in
stage() {
    local out=$1 threads=$2
    shift 2
    env "$@" "$BUILD/stage" folder "$data" --out "$out" --size 256 --labels "$data/labels.csv" --person person \
        --max-bad 50% --shard-mb 1 --threads "$threads"
}

check "draws photographs" "$BUILD/synth" "$data" --people 12 --size 128 --seed 6
for damaged in "$data/train/"*_L_01.jpg; do break; done
truncate -s 1000 "$damaged" # something to quarantine
cp "$data/train/"*4_R_01.jpg "$data/train/duplicate.jpg" 2>/dev/null || :
mkdir "$TMP/reference"
check "stages it undisturbed" stage "$TMP/reference" 2 FOVEA_CRASH_UNDER="$TMP/reference" FOVEA_CRASH_COUNT="$TMP/calls" \
    FOVEA_CRASH_TRACE="$TMP/trace" LD_PRELOAD="$BUILD/tests/crash.so"

# A power cut keeps only what was synced. ordered NAME TRACE [published]: a shard's file is synced after its last byte and
# before its rename, the folder after it and before pack.json's rename, and so is pack.json itself. `published`: there
# was a pack.json; before a shard changes it is removed and the removal synced.
ordered() {
    if awk -v pack="$(realpath "$3")" -v published="${4:-}" '
        function complain(text) { if (!bad) print text ": line " NR ": " $0; bad = 1 }
        BEGIN { shards = pack "/shards"; manifest = pack "/pack.json"; listed = 1 }
        { changes = index($2, shards "/") == 1 && $1 != "fsync" && $1 != "fdatasync" }
        published && changes && !unlisted { complain("a shard changes while pack.json is there") }
        $1 == "write" || $1 == "pwrite" { dirty[$2] = 1 }
        $1 == "fsync" || $1 == "fdatasync" { delete dirty[$2]; delete moved[$2] }
        $1 == "unlink" && $2 == manifest { removed = 1 }
        $1 == "fsync" && $2 == pack && removed { unlisted = 1 }
        $1 == "rename" {
            folder = $2
            sub(/\/[^\/]*$/, "", folder)
            if ($3 in dirty) complain("renamed before it was synced")
            if ($2 == manifest && shards in moved) complain("pack.json names a shard whose folder was not synced")
            moved[folder] = 1
            renames += folder == shards
            manifests += $2 == manifest
        }
        END { if (!bad && (!renames || manifests != 1 || pack in moved)) complain("renames or syncs are missing"); exit bad }
        ' "$2" >"$TMP/order"; then ok "$1"; else not_ok "$1" "$(cat "$TMP/order")"; fi
}
ordered "what a power cut leaves is whole: syncs before renames" "$TMP/trace" "$TMP/reference"

# One pack is killed, resumed and killed again until it is done; then the next begins, until all kills are used.
kills=0 rounds=0 threads=1
while [ "$kills" -lt "$KILLS" ]; do
    out=$TMP/killed
    for ((done = 0; !done && kills < KILLS; )); do
        kind=${KINDS[kills % ${#KINDS[@]}]}
        calls=$(awk -v kind="${kind%-after}" '$1 == kind { print $2 }' "$TMP/calls")
        point=$kind:$((1 + RANDOM % calls))
        status=0
        mkdir -p "$out"
        { stage "$out" "$threads" FOVEA_CRASH_UNDER="$out" FOVEA_CRASH_AT="$point" FOVEA_CRASH_SEED="$SEED" \
            LD_PRELOAD="$BUILD/tests/crash.so" || status=$?; } >"$TMP/output" 2>&1
        case $status in
        137) kills=$((kills + 1)) ;;
        0) done=1 ;; # fewer calls were left than before
        *)
            not_ok "killed at $point" "seed $SEED: exit status $status: $(tail -n 1 "$TMP/output")"
            kills=$KILLS
            ;;
        esac
    done
    check "round $rounds, $kills kills so far: staged to the end with $threads threads" stage "$out" "$threads"
    check "round $rounds: the same bytes" diff -r "$TMP/reference" "$out"
    rm -rf "$out"
    rounds=$((rounds + 1))
    threads=$((threads % 3 + 1))
done

# Into a folder with a published pack, after photographs of several shards have changed: whenever pack.json is there, it
# describes the shards beside it.
cp -r "$TMP/reference" "$TMP/published"
for photograph in "$data/train/"*_R_01.jpg; do printf 'more' >>"$photograph"; done
check "staged over a published pack" stage "$TMP/published" 2 FOVEA_CRASH_UNDER="$TMP/published" \
    FOVEA_CRASH_COUNT="$TMP/calls" FOVEA_CRASH_TRACE="$TMP/again" LD_PRELOAD="$BUILD/tests/crash.so"
ordered "pack.json is gone before a shard changes" "$TMP/again" "$TMP/published" published
check "the same as staged in a new folder" stage "$TMP/new" 2
check "to the byte" diff -r "$TMP/new" "$TMP/published"
for kind in rename rename-after unlink-after pwrite; do
    calls=$(awk -v kind="${kind%-after}" '$1 == kind { print $2 }' "$TMP/calls")
    point=$kind:$((1 + RANDOM % calls)) status=0
    rm -rf "$TMP/killed"
    cp -r "$TMP/reference" "$TMP/killed"
    { stage "$TMP/killed" 2 FOVEA_CRASH_UNDER="$TMP/killed" FOVEA_CRASH_AT="$point" FOVEA_CRASH_SEED="$SEED" \
        LD_PRELOAD="$BUILD/tests/crash.so" || status=$?; } >"$TMP/output" 2>&1
    if [ "$status" != 137 ]; then
        not_ok "restaging killed at $point" "seed $SEED: exit status $status: $(tail -n 1 "$TMP/output")"
    elif [ -e "$TMP/killed/pack.json" ] && ! "$BUILD/stage" verify "$TMP/killed" >"$TMP/output" 2>&1; then
        not_ok "restaging killed at $point" "seed $SEED: pack.json does not describe the shards: $(tail -n 1 "$TMP/output")"
    else
        ok "restaging killed at $point"
    fi
done
check "the last one is staged to the end" stage "$TMP/killed" 1
check "with the same bytes" diff -r "$TMP/new" "$TMP/killed"
