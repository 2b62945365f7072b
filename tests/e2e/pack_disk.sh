#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A disk that fills up while a shard is written: it is reported, and nothing unfinished is left (tests/preload/disk.c).
. "$(dirname "$0")/lib.sh"

write=$BUILD/tests/pack/test_pack
check "a pack is written" "$write" "$TMP"
first=$(stat -c %s "$TMP/pack/shards/00000.h5")
second=$(stat -c %s "$TMP/pack/shards/00001.h5")

# full AFTER WHAT LEFT: the disk takes AFTER bytes; WHAT cannot be written, LEFT are the shards that are there.
full() {
    local root=$TMP/after-$1
    mkdir "$root"
    if env LD_PRELOAD="$(realpath "$BUILD/tests/disk.so")" FOVEA_DISK_UNDER="$root/pack" FOVEA_DISK_FULL_AFTER="$1" "$write" "$root" \
        >"$TMP/output" 2>&1; then
        not_ok "a disk full after $1 bytes" "it succeeded"
        return
    fi
    ok "a disk full after $1 bytes"
    expect_output "disk full: cannot write $root/pack/$2"
    if [ "$(ls "$root/pack/shards" | tr '\n' ' ')" = "$3" ] && [ -z "$(find "$root/pack" -maxdepth 1 -type f)" ]; then
        ok "nothing unfinished is left"
    else
        not_ok "nothing unfinished is left" "$(cd "$root" && find pack | tr '\n' ' ')"
    fi
}
full 0 shards/00000.h5 ""
full 1000 shards/00000.h5 ""
full 4500 shards/00000.h5 ""
full $((first - 1)) shards/00000.h5 ""
full $((first + 4500)) shards/00001.h5 "00000.h5 "
full $((first + second + 10)) pack.json "00000.h5 00001.h5 "
