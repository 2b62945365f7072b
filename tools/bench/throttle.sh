#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The cost of checkpoints on a slow disk: seconds of a step (median, 95th percentile, longest) while a checkpoint is
# written to a disk of 5 MB/s, against the same run without saving. Prints one JSON object.
#
# usage: [BUILD=build] [ROUNDS=4] [STEPS=30] tools/bench/throttle.sh
#
# Runs with and without saving take turns, so that both see the same machine. Each run with saving is compared with the
# mean of its two neighbours without, and the median of these ratios is reported: in a ratio over all steps a burst of
# other work would count for one side only. `noise` is the largest difference between two neighbours without saving: a
# ratio within it means nothing. The longest step is the noisiest of the three.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
ROUNDS=${ROUNDS:-4}
STEPS=${STEPS:-30}
WARM=5 # steps at the start of each run that are left out; the checkpoint begins with the next one
BPS=5000000
TMP=$(mktemp -d "${TMPDIR:-/tmp}/fovea-throttle-XXXXXX")
trap 'rm -rf "$TMP"' EXIT

"$BUILD/synth" "$TMP/data" --images 64 --size 256 --val 0 --test 0 >"$TMP/log"
cat >"$TMP/throttle.ini" <<END
[model]
preset = vit_tiny
image_size = 224
decoder_dim = 64
decoder_depth = 1
decoder_heads = 2
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

# train EVERY BPS: a run with a checkpoint after every EVERY-th step (0: only the last); prints median, 95th percentile
# (nearest rank) and longest of its steps' seconds.
train() {
    local directory=$TMP/run
    rm -rf "$directory"
    if ! FOVEA_DISK_UNDER="$directory/ckpt" FOVEA_DISK_BPS=$2 LD_PRELOAD="$(realpath "$BUILD")/tests/disk.so" \
        "$BUILD/train" "$TMP/throttle.ini" --set run.dir="$directory" --set checkpoint.every="$1" >"$TMP/log" 2>&1; then
        cat "$TMP/log" >&2
        exit 1
    fi
    sed -n 's/^{"step": \([0-9]*\),.* "seconds": \([^,]*\),.*/\1 \2/p' "$directory/metrics.jsonl" |
        awk -v warm=$WARM '$1 > warm { print $2 }' | sort -g |
        awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)], x[int(NR * 0.95 + 0.999999)], x[NR] }'
}

train 0 0 >"$TMP/runs"
for ((round = 0; round < ROUNDS; round++)); do
    train $WARM $BPS >>"$TMP/runs"
    train 0 0 >>"$TMP/runs"
done
bytes=$(du -sb "$TMP/run/ckpt/latest/" | cut -f 1)

# Odd lines are without saving, even ones with it.
awk -v threads="$(nproc)" -v steps=$((STEPS - WARM)) -v bps=$BPS -v bytes="$bytes" '
function middle(list, n,    i, j, t) {
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && list[j] < list[j - 1]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
function object(name, values) { return sprintf("\"%s\": {\"median\": %.4g, \"p95\": %.4g, \"max\": %.4g}", name, values[1], values[2], values[3]) }
{ for (k = 1; k <= 3; k++) seconds[NR, k] = $k }
END {
    for (k = 1; k <= 3; k++) {
        rounds = 0
        noise[k] = 1
        split("", with); split("", without); split("", ratio)
        for (i = 2; i < NR; i += 2) {
            rounds++
            with[rounds] = seconds[i, k]
            without[rounds] = (seconds[i - 1, k] + seconds[i + 1, k]) / 2
            ratio[rounds] = with[rounds] / without[rounds]
            apart = seconds[i + 1, k] / seconds[i - 1, k]
            if (apart < 1) apart = 1 / apart
            if (apart > noise[k]) noise[k] = apart
        }
        saving[k] = middle(with, rounds); not_saving[k] = middle(without, rounds); ratios[k] = middle(ratio, rounds)
    }
    printf "{\"benchmark\": \"throttle\", \"model\": \"vit_tiny 224, decoder 64x1\", \"batch\": 8, \"threads\": %d, ", threads
    printf "\"rounds\": %d, \"steps\": %d, \"disk_bytes_per_s\": %d, \"checkpoint_bytes\": %d, ", rounds, steps, bps, bytes
    printf "\"step_s\": {%s, %s}, ", object("saving", saving), object("not_saving", not_saving)
    printf "%s, %s, \"target\": 1.1}\n", object("ratio", ratios), object("noise", noise)
}' "$TMP/runs"
