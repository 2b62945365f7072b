# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/doctor: the folder where runs are written, its file system and its disk.

write_most=256           # MB; beyond the caches of most disks and controllers
write_seconds=60
checkpoint_mb=3950       # ViT-L with its decoder and AdamW's moments
run_mb=20000             # its run: three checkpoints, the best, and one that is being written
slow_write=100           # MB/s: a checkpoint of ViT-L takes 40 s and more
slow_sync=100            # ms: a disk without a cache takes 10 to 30

work=
trap '' XFSZ # dd says what happened instead of being killed
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

check_file_system() {
    local kind error
    kind=$(stat -f -c %T "$folder" 2>/dev/null)
    if ! error=$(ln -s target "$work/link" 2>&1); then
        warns links "no symbolic links on this $kind: ${error##*: }" \
            "checkpoints are complete without latest and best; take the one with the highest number"
    fi
    if command -v flock >/dev/null && ! error=$(flock -n "$work" true 2>&1); then
        warns "file system" "$kind without locks (${error##*: }): two runs in one folder are not noticed" \
            "never start two runs with one run.dir, or mount it with locks (NFS: without nolock; Lustre: flock)"
        return
    fi
    case $kind in
    tmpfs | ramfs)
        warns "file system" "$kind: what is there takes memory and is lost when the machine restarts" \
            "name a folder on a disk"
        ;;
    overlayfs)
        warns "file system" "$kind: what is there is lost with the container" \
            "mount a folder of the machine and name that"
        ;;
    *) ok "file system" "${kind:-unknown}, with locks" ;;
    esac
}

seconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN {printf "%.6f", to - from}'; }

# Writes SIZE MB for at most a minute, sets `start` and `written`, what it came to, and returns dd's status. The bytes
# are random, as some file systems compress.
write_file() {
    written=0 start=$EPOCHREALTIME
    head -c 8000000 /dev/urandom 2>"$work/error" >"$work/piece" || return
    start=$EPOCHREALTIME SECONDS=0
    while [ $written -lt "$1" ] && [ $SECONDS -lt $write_seconds ]; do
        dd if="$work/piece" of="$work/written" bs=8000000 oflag=append conv=notrunc 2>"$work/error" || return
        written=$((written + 8))
    done
    timeout $write_seconds dd if=/dev/null of="$work/written" conv=notrunc,fsync 2>"$work/error"
}

check_disk() {
    local free=$1 size=$write_most written write sync start i status=0
    if [ $((free / 10)) -lt $size ]; then size=$((free / 10 / 8 * 8)); fi
    if [ "$size" -lt 8 ]; then
        warns "disk rate" "not measured: too little space" "free some"
        return
    fi
    write_file "$size" || status=$?
    write=$(seconds_since "$start")
    if [ $status = 124 ]; then
        warns "disk rate" "$written MB are not on the disk after $write_seconds s" \
            "name a faster disk: a checkpoint of ViT-L has $checkpoint_mb MB"
        return
    elif [ $status != 0 ]; then
        fails 74 "disk rate" "$size MB cannot be written: $(sed -n '/^[a-z]*: /{s/.*: //p;q}' "$work/error")" \
            "look for a quota, or a limit on the size of a file (ulimit -f)"
        return
    fi
    start=$EPOCHREALTIME
    for ((i = 0; i < 8; i++)); do dd if=/dev/zero of="$work/synced" bs=4096 count=1 conv=fsync 2>/dev/null; done
    sync=$(awk -v all="$(seconds_since "$start")" 'BEGIN {print all / 8}')
    if [ -n "${FOVEA_DOCTOR_SECONDS-}" ]; then read -r write sync <<<"$FOVEA_DOCTOR_SECONDS"; fi
    report_rate "$written" "$write" "$sync"
}

report_rate() {
    local rate sync text
    rate=$(awk -v size="$1" -v seconds="$2" 'BEGIN {printf "%.0f", size / seconds}')
    sync=$(awk -v seconds="$3" 'BEGIN {printf "%.0f", 1000 * seconds}')
    text="$rate MB/s: a checkpoint of ViT-L takes $((checkpoint_mb / (rate > 0 ? rate : 1))) s"
    if [ "$rate" -lt $slow_write ]; then
        warns "disk rate" "$text" \
            "set checkpoint.every = auto, which follows the disk, or name a faster disk"
    else
        ok "disk rate" "$text"
    fi
    if [ "$sync" -gt $slow_sync ]; then
        warns fsync "$sync ms: the disk is busy, or far away" "see \`iostat -x 1\`, or name another disk"
    else
        ok fsync "$sync ms"
    fi
}

check_folder() {
    local free error
    if [ ! -d "$folder" ]; then
        fails 74 folder "$folder is no folder" "make it, or name another"
        return
    fi
    if ! error=$(mktemp -d "$folder/.doctor-XXXXXX" 2>&1); then
        fails 74 folder "$folder cannot be written to: ${error##*: }" "name another folder"
        return
    fi
    work=$error
    free=$(df -Pk "$folder" | awk 'NR == 2 {printf "%.0f", $4 * 1024 / 1e6}')
    if [ "${free:=0}" -lt $run_mb ]; then
        warns "disk space" "$free MB free in $folder: checkpoints of ViT-L take up to $run_mb MB" \
            "free some, lower checkpoint.keep, or name another folder"
    else
        ok "disk space" "$free MB free in $folder"
    fi
    check_file_system
    check_disk "$free"
}
