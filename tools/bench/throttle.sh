#!/usr/bin/env bash
# What saving checkpoints onto a slow disk costs the training: seconds of a step (median, 95th percentile, longest)
# while checkpoints go to a disk of 5 MB/s, beside the same run that saves nothing. Prints one JSON object.
#
# usage: [BUILD=build] [ROUNDS=3] [STEPS=40] tools/bench/throttle.sh
#
# The two runs take turns, so that both see the same machine, and their steps are pooled; the first steps of each, which
# warm up, are left out. The longest step is the noisiest of the figures: on a machine with other work it tells of
# that. `noise` is therefore given, too: the same ratios between the runs that save nothing, their first half against
# their second; a ratio within the noise says nothing.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
ROUNDS=${ROUNDS:-3}
STEPS=${STEPS:-40}
EVERY=5
WARM=5
BPS=5000000
TMP=$(mktemp -d "${TMPDIR:-/tmp}/fovea-throttle-XXXXXX")
trap 'rm -rf "$TMP"' EXIT

"$BUILD/synth" "$TMP/data" --images 64 --size 256 --val 0 --test 0 >"$TMP/log"
cat >"$TMP/throttle.ini" <<END
[model]
preset = vit_tiny
image_size = 224
[data]
train = $TMP/data/train
[train]
steps = $STEPS
global_batch = 8
[optim]
warmup_epochs = 0
[log]
every = 1
END

# run NAME EVERY: trains with a checkpoint after every EVERY-th step (0: none but the last); seconds of steps to NAME.
run() {
    local name=$1 every=$2 directory=$TMP/run
    if ! FOVEA_DISK_UNDER="$directory/ckpt" FOVEA_DISK_BPS=$BPS LD_PRELOAD="$(realpath "$BUILD")/tests/disk.so" \
        "$BUILD/train" "$TMP/throttle.ini" --set run.dir="$directory" --set checkpoint.every="$every" \
        >"$TMP/log" 2>&1; then
        cat "$TMP/log" >&2
        exit 1
    fi
    sed -n 's/^{"step": \([0-9]*\),.* "checkpoint_wait": \([^,]*\),.* "seconds": \([^,]*\),.*/\1 \3 \2/p' \
        "$directory/metrics.jsonl" | awk -v warm=$WARM '$1 > warm { print $2, $3 }' >>"$TMP/$name"
    if [ "$every" != 0 ]; then
        skipped=$((skipped + $(sed -n 's/^ *"checkpoints_skipped": \([0-9]*\),*$/\1/p' "$directory/run.json")))
        bytes=$(du -sb "$directory/ckpt/latest/" | cut -f 1)
    fi
    rm -rf "$directory"
}

# Median, 95th percentile (nearest rank) and largest of the first column, as "A B C".
figures() {
    sort -g | awk '{ x[NR] = $1 }
        END { printf "%.6f %.6f %.6f\n", x[int((NR + 1) / 2)], x[int(NR * 0.95 + 0.999999)], x[NR] }'
}

ratios() {
    awk -v a="$1" -v b="$2" 'BEGIN { split(a, x); split(b, y)
        printf "{\"median\": %.3f, \"p95\": %.3f, \"max\": %.3f}", x[1] / y[1], x[2] / y[2], x[3] / y[3] }'
}

object() {
    awk -v a="$1" 'BEGIN { split(a, x); printf "{\"median\": %s, \"p95\": %s, \"max\": %s}", x[1], x[2], x[3] }'
}

skipped=0
bytes=0
for ((round = 0; round < ROUNDS; round++)); do
    run without 0
    run with $EVERY
done
with=$(figures <"$TMP/with")
without=$(figures <"$TMP/without")
half=$(($(wc -l <"$TMP/without") / 2))
noise=$(ratios "$(head -n $half "$TMP/without" | figures)" "$(tail -n $half "$TMP/without" | figures)")
waited=$(awk '{ s += $2 * $1 } END { printf "%.6f", s / NR }' "$TMP/with")
written=$((ROUNDS * STEPS / EVERY - skipped))
printf '{"benchmark": "throttle", "model": "vit_tiny 224", "batch": 8, "threads": %d, "steps": %d, ' \
    "$(nproc)" "$(wc -l <"$TMP/with")"
printf '"disk_bytes_per_s": %d, "checkpoint_bytes": %d, "checkpoints": %d, "left_out": %d, ' $BPS "$bytes" "$written" "$skipped"
printf '"wait_s_per_step": %s, "step_s": {"saving": %s, "not_saving": %s}, "ratio": %s, "noise": %s, "target": 1.1}\n' \
    "$waited" "$(object "$with")" "$(object "$without")" "$(ratios "$with" "$without")" "$noise"
