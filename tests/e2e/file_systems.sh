#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where the system offers less than usual: no locks, no symbolic links (tests/preload/limits.c), a limit on the size of
# files, no standard input, output and error.
. "$(dirname "$0")/lib.sh"
. tests/e2e/small_run.sh

draw_images
write_config
# limits NAME=VALUE COMMAND...
limits() { (export LD_PRELOAD="$PRELOAD/limits.so" "${1?}" && "${@:2}"); }
run() {
    local directory=$1
    shift
    "$BUILD/train" "$TMP/small.ini" --set run.dir="$directory" --set train.steps=6 "$@"
}
none() {
    if grep -q "$2" "$TMP/output"; then not_ok "$1" "$(grep "$2" "$TMP/output")"; else ok "$1"; fi
}

# --- no locks: Lustre answers ENOSYS, NFS ENOLCK, others 524; 11 is the answer while another process has the lock
check "staged without locks" limits FOVEA_LOCK_ERROR=37 "$BUILD/stage" folder "$TMP/data/val" --out "$TMP/pack" --size 48
expect_output "warning: $TMP/pack cannot be locked, because its file system has no locks (No locks available)"
check "and verified" limits FOVEA_LOCK_ERROR=38 "$BUILD/stage" verify "$TMP/pack"
none "reading needs no lock" lock
check "and split" limits FOVEA_LOCK_ERROR=524 "$BUILD/stage" split "$TMP/pack" --val 0.5 --test 0
check "and trained on" limits FOVEA_LOCK_ERROR=95 run "$TMP/unlocked" --set data.train="$TMP/pack" --set data.val= \
    --set train.global_batch=4
if [ "$(grep -c 'warning: .* no locks' "$TMP/output")" = 1 ]; then ok "with one warning"; else not_ok "with one warning"; fi
check "a pack that another process writes is read" limits FOVEA_LOCK_ERROR=11 "$BUILD/stage" verify "$TMP/pack"
expect_exit 64 limits FOVEA_LOCK_ERROR=11 "$BUILD/stage" split "$TMP/pack" --val 0.2
expect_output "another process is staging"
expect_exit 64 limits FOVEA_LOCK_ERROR=11 run "$TMP/unlocked" --resume --set data.train="$TMP/pack" --set data.val= \
    --set train.global_batch=4
expect_output "another run is writing"

# --- no symbolic links
check "trained without links" limits FOVEA_LINK_ERROR=1 run "$TMP/unlinked"
if [ "$(grep -c 'warning: cannot create link .*Operation not permitted' "$TMP/output")" = 1 ]; then
    ok "with one warning"
else
    not_ok "with one warning" "$(cat "$TMP/output")"
fi
check "and resumed" limits FOVEA_LINK_ERROR=95 run "$TMP/unlinked" --resume --set train.steps=6 --until 6
expect_output "nothing left to do at step 6"

# --- a limit on the size of files
limited() { (ulimit -f 20 && "$@"); } # KiB
expect_exit 74 limited run "$TMP/limited"
expect_output "File too large; raise the limit on the size of a file (ulimit -f)"
expect_exit 74 limited "$BUILD/stage" folder "$TMP/data/val" --out "$TMP/limited_pack" --size 128
expect_output "ulimit -f"
expect_exit 74 limited "$BUILD/synth" "$TMP/drawn" --images 2 --size 1024
expect_output "ulimit -f"

# --- no standard files
closed() { "$@" <&- >&- 2>&-; }
check "a run without standard files" closed run "$TMP/closed" --set train.steps=3
if [ "$(grep -c '^{"step": [0-9]*, .*}$' "$TMP/closed/metrics.jsonl")" = "$(grep -c '' "$TMP/closed/metrics.jsonl")" ]; then
    ok "prints into none of its own files"
else
    not_ok "prints into none of its own files" "$(head -n 1 "$TMP/closed/metrics.jsonl")"
fi
check "staged without standard files" closed "$BUILD/stage" folder "$TMP/data/val" --out "$TMP/closed_pack" --size 48
check "the pack is intact" "$BUILD/stage" verify "$TMP/closed_pack"
