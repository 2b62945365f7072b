#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# At its 200th step a run is compared with the best one beside it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_run.sh"

draw_images
write_config

# A run of 200 steps of some milliseconds, without what is not looked at here.
run() {
    local directory=$1
    shift
    "$BUILD/train" "$TMP/small.ini" --set run.dir="$directory" --set train.steps=230 --set train.device=cpu --set val.every=0 \
        --set train.precision=fp32 --set checkpoint.every=0 --set log.every=1 --set train.threads=1 "$@"
}
images_per_s() { sed -n 's/.*"throughput": {"images_per_s": \([^,]*\),.*/\1/p' "$1/run.json"; }

check "a first run has nothing to compare with" run "$TMP/runs/first"
if grep -q "^slow: " "$TMP/output"; then not_ok "and does not warn"; else ok "and does not warn"; fi
own=$(images_per_s "$TMP/runs/first")
# Of the steps 101 to 200: 8 images each, in the seconds that metrics.jsonl has. Both have nine digits.
law=$(sed -n 's/^{"step": \([0-9]*\),.* "seconds": \([^,]*\),.*/\1 \2/p' "$TMP/runs/first/metrics.jsonl" |
    awk -v own="$own" '$1 > 100 && $1 <= 200 { seconds += $2; steps++ }
        END { off = own * seconds / 800 - 1; print steps, (off < 0 ? -off : off) < 1e-6 ? "equal" : "not " 800 / seconds }')
if [ "$law" = "100 equal" ]; then ok "run.json has the images/s of steps 101 to 200"; else not_ok "run.json has the images/s of steps 101 to 200" "$own, $law"; fi
if [ -n "$(field "$TMP/runs/first" device)" ] && grep -q '"versions": {"compiler": "' "$TMP/runs/first/run.json"; then
    ok "and device and versions"
else
    not_ok "and device and versions"
fi

# The first run's record, a million times as fast and by another compiler; then one that is slower than anything.
sed -i 's/"images_per_s": [^,]*/"images_per_s": 1e12/; s/"compiler": "[^"]*"/"compiler": "cc 1.0"/g' "$TMP/runs/first/run.json"
check "a run beside a faster one, up to step 199" run "$TMP/runs/second" --until 199
if grep -q "^slow: " "$TMP/output"; then not_ok "is not warned early"; else ok "is not warned early"; fi
if [ -z "$(images_per_s "$TMP/runs/second")" ]; then ok "and has no figure"; else not_ok "and has no figure"; fi
check "one that gets to 200" run "$TMP/runs/third" --until 200
expect_output "of the 1e+12 that the run first reached with this configuration and device; versions differ: compiler cc 1.0 there,"
if awk -v own="$(images_per_s "$TMP/runs/third")" 'BEGIN { exit !(own > 0 && own < 1e12) }'; then ok "and has a figure all the same"; else not_ok "and has a figure all the same"; fi

sed -i 's/"images_per_s": [^,]*/"images_per_s": 1e-3/' "$TMP"/runs/{first,third}/run.json
check "one beside slower ones" run "$TMP/runs/fourth" --until 200
if grep -q "^slow: " "$TMP/output"; then not_ok "does not warn"; else ok "does not warn"; fi
check "another configuration" run "$TMP/runs/fifth" --until 200 --set optim.beta2=0.9
if grep -q "^slow: " "$TMP/output"; then not_ok "is not compared"; else ok "is not compared"; fi
