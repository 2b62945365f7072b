#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A disk that fills up while a checkpoint is being saved, and one that is too slow for the pace of saving
# (tests/preload/disk.c): nothing saved before is lost, and training does not wait.
. "$(dirname "$0")/lib.sh"
. tests/e2e/small_run.sh

# Takes two checkpoints and half of a third.
full_while_saving() {
    local directory=$TMP/full room
    room=$(du -sb "$TMP/reference/ckpt/step-40" | cut -f 1)
    extra=(FOVEA_DISK_UNDER="$directory/ckpt" FOVEA_DISK_FULL_AFTER=$((room * 5 / 2)) FOVEA_DISK_BPS=0)
    expect_exit 74 train "$directory"
    extra=()
    expect_output "disk full"
    if [ "$(field "$directory" exit_code)" = 74 ]; then ok "run.json records exit 74"; else not_ok "run.json records exit 74"; fi
    if [ "$(find "$directory/ckpt" -maxdepth 1 -name 'step-*' | wc -l)" = 2 ] &&
        [ -z "$(find "$directory/ckpt" -name '*.part')" ]; then
        ok "the two checkpoints before are there, the unfinished one is not"
    else
        not_ok "the two checkpoints before are there, the unfinished one is not" "$(ls -A "$directory/ckpt")"
    fi
    check "with room again --resume continues" train "$directory" --resume
    if grep -q "skipped" "$TMP/output"; then
        not_ok "from the newest checkpoint" "$(grep "skipped" "$TMP/output")"
    else
        ok "from the newest checkpoint"
    fi
    same_as_reference "equal at the end" "$directory"
}

# The whole run directory is on the full disk: records and metrics cannot be written either.
full_for_all() {
    local directory=$TMP/all room
    room=$(du -sb "$TMP/reference/ckpt/step-40" | cut -f 1)
    extra=(FOVEA_DISK_UNDER="$directory" FOVEA_DISK_FULL_AFTER=$((room * 3 / 2)) FOVEA_DISK_BPS=0)
    expect_exit 74 train "$directory"
    extra=()
    expect_output "disk full"
    check "with room again --resume continues, too" train "$directory" --resume
    same_as_reference "equal at the end, too" "$directory"
}

# A checkpoint takes about a hundred times as long as three steps: those due meanwhile are left out and counted.
slow() {
    local directory=$TMP/slow skipped
    extra=(FOVEA_DISK_UNDER="$directory/ckpt" FOVEA_DISK_BPS=500000)
    check "a slow disk" train "$directory"
    extra=()
    skipped=$(field "$directory" checkpoints_skipped)
    if [ "${skipped:-0}" -gt 0 ]; then
        ok "run.json counts checkpoints left out: $skipped"
    else
        not_ok "run.json counts checkpoints left out" "checkpoints_skipped: ${skipped:-none}"
    fi
    if tail -n 5 "$directory/metrics.jsonl" | grep -q '"checkpoints_skipped": [1-9]'; then
        ok "metrics.jsonl does, too"
    else
        not_ok "metrics.jsonl does, too" "$(tail -n 1 "$directory/metrics.jsonl")"
    fi
    same_as_reference "a slow disk: equal at the end, and the last step is saved" "$directory"
}

draw_images
write_config
make_reference
full_while_saving
full_for_all
slow
