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
    LD_PRELOAD="build/tests/crash.so"

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
            LD_PRELOAD="build/tests/crash.so" || status=$?; } >"$TMP/output" 2>&1
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
