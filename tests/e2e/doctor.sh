#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/doctor on machines that are only described: files in $TMP/root stand for /proc and /sys, and commands of the
# system print what a test wants.
. "$(dirname "$0")/lib.sh"

bin=$TMP/bin root=$TMP/root folder=$TMP/folder
mkdir -p "$bin" "$TMP/without" "$TMP/libraries" "$folder" "$root"/{proc/self,sys/bus/pci/devices,sys/fs/cgroup/job/step}

# fake NAME: a command with the script that is on standard input
fake() {
    { echo '#!/usr/bin/env bash' && cat; } >"$bin/$1"
    chmod +x "$bin/$1"
}
fake nproc <<<'echo 16'
fake df <<<'printf "Filesystem 1024-blocks Used Available\nx %s 0 %s\n" "$FREE" "$FREE"'
fake stat <<<'echo "${KIND-ext2/ext3}"'
# The data is not written, so that a test takes no second.
fake dd <<END
if [ -n "\${STOP-}" ]; then kill -TERM \$PPID; fi
exec $(command -v dd) "\${@/bs=8000000/count=0}"
END
for command in "$bin"/*; do ln -s "$command" "$TMP/without"; done
fake nvidia-smi <<'END'
if [ -n "${GPU_ERROR-}" ]; then
    echo "$GPU_ERROR"
    exit 9
fi
case "$*" in
*--query-gpu=*)
    echo "0, NVIDIA H100, 81559, ${USED-1}, 00000000:1B:00.0, ${DRIVER-580.65.06}"
    echo "1, NVIDIA H100, 81559, 1, 00000000:9A:00.0, ${DRIVER-580.65.06}"
    ;;
*) echo "| NVIDIA-SMI  Driver Version: ${DRIVER-580.65.06}  CUDA Version: ${CUDA-13.0} |" ;;
esac
END
touch "$TMP/libraries/libnvidia-ml.so.1" "$TMP/libraries/libcublasLt.so.13" "$TMP/libraries/libcudnn.so.9.12.0"
ln -s libcudnn.so.9.12.0 "$TMP/libraries/libcudnn.so.9"

# describe ALLOWED-CORES MEMORY-FREE SWAP-FREE NODE-OF-GPU-0 QUOTA GROUP-MEMORY
describe() {
    local device
    printf 'MemTotal: 64000000 kB\nMemAvailable: %s kB\nSwapTotal: 4000000 kB\nSwapFree: %s kB\n' "$2" "$3" \
        >"$root/proc/meminfo"
    printf 'Name:\tx\nCpus_allowed_list:\t%s\n' "$1" >"$root/proc/self/status"
    echo 0::/job/step >"$root/proc/self/cgroup"
    mkdir -p "$root/proc/self/ns" && ln -sfn 'pid:[4026531836]' "$root/proc/self/ns/pid"
    mkdir -p "$root"/sys/devices/system/node/node{0,1} "$root"/sys/bus/pci/devices/0000:{1b,9a}:00.0
    echo 0-7 >"$root/sys/devices/system/node/node0/cpulist"
    echo 8-15 >"$root/sys/devices/system/node/node1/cpulist"
    for device in "$root"/sys/bus/pci/devices/*; do
        echo 0x10de >"$device/vendor"
        echo 0x030200 >"$device/class"
        echo 1 >"$device/numa_node"
    done
    echo "$4" >"$root/sys/bus/pci/devices/0000:1b:00.0/numa_node"
    echo "max 100000" >"$root/sys/fs/cgroup/job/step/cpu.max"
    echo "$5 100000" >"$root/sys/fs/cgroup/job/cpu.max"
    echo "$6" >"$root/sys/fs/cgroup/job/memory.max"
}

# doctor [NAME=VALUE...] -- [ARGUMENT...]; the disk is fast and small unless a test says otherwise.
doctor() {
    local settings=()
    while [ "$1" != -- ]; do
        settings+=("$1")
        shift
    done
    env PATH="$bin:$PATH" LD_LIBRARY_PATH="$TMP/libraries" FOVEA_DOCTOR_ROOT="$root" FOVEA_DOCTOR_SECONDS="1 0.02" \
        FREE=200000 FOVEA_POOL="$TMP/pool" "${settings[@]}" tools/doctor "${@:2}"
}
# A part of a line that the last command printed, with one blank between columns.
expect_line() {
    tr -s ' ' <"$TMP/output" >"$TMP/narrow"
    mv "$TMP/narrow" "$TMP/output"
    expect_output "$1"
}
expect_empty() { if [ -z "$(ls -A "$folder")" ]; then ok "$1"; else not_ok "$1" "$(ls -A "$folder")"; fi; }

# --- two GPUs
describe 0-3,8 60000000 4000000 0 max max
roomy() { (ulimit -S -n 1024 && doctor FREE=30000000 -- "$folder"); }
check "a machine with two GPUs" roomy
expect_line "ok driver 580.65.06, for CUDA 13.0"
expect_line "ok GPU 1 NVIDIA H100, 81559 MiB"
expect_line "ok NUMA GPU 0 on node 0, cores 0-7"
expect_line "ok NUMA GPU 1 on node 1, cores 8-15"
expect_line "ok cuDNN libcudnn.so.9.12.0 in $TMP/libraries"
expect_line "ok open files 1024"
expect_line "ok cores 16"
expect_line "ok memory 61440 MB free of 65536 MB"
expect_line "ok swap 0 of 4096 MB in use"
expect_line "ok disk space 30720 MB free in $folder"
expect_line "ok disk rate 256 MB/s: a checkpoint of ViT-L takes 15 s"
expect_line "ok fsync 20 ms"
expect_line "ok NVML libnvidia-ml.so.1 in $TMP/libraries"
expect_line "ok pool state in $TMP, on ext2/ext3"
expect_line "nothing hinders a run"
expect_empty "what it wrote is removed"

describe 0-3 5000000 1000000 -1 150000 4000000000
slow=(FREE=900000 FOVEA_DOCTOR_SECONDS="4 0.2")
small() { (ulimit -n 256 && ulimit -l 64 && doctor USED=40000 "${slow[@]}" -- "$folder"); }
check "warnings are no failure" small
expect_line "warns GPU 0 NVIDIA H100, 40000 of 81559 MiB are in use"
expect_line "warns NUMA the node of GPU 0 is not known"
expect_line "warns NUMA GPU 1 is on node 1 (cores 8-15), this process may use only cores 0-3"
expect_line "warns memlock 64 KiB may be locked"
expect_line "warns open files 256"
expect_line "warns cores 1.50 of 16, by the control group's quota for 2 GPUs"
expect_line "warns memory 4000 MB free of 65536 MB, limited by the control group"
expect_line "warns swap 3072 of 4096 MB are in use"
expect_line "warns /dev/shm 922 MB"
expect_line "warns disk space 922 MB free"
expect_line "warns disk rate 22 MB/s: a checkpoint of ViT-L takes 179 s; set checkpoint.every = auto"
expect_line "warns fsync 200 ms"
expect_line "nothing hinders a run; warnings: "

# --- drivers
describe 0-15 60000000 4000000 0 max max
expect_exit 69 doctor DRIVER=550.54.15 CUDA=12.4 -- "$folder"
expect_line "fails driver 550.54.15 is for CUDA 12.4, and the kernels need 13; install driver 580 or newer"
expect_line "a run cannot do its work here"
check "an older driver with CUDA's package for compatibility" doctor DRIVER=550.54.15 CUDA=13.0 -- "$folder"
expect_exit 69 doctor GPU_ERROR="couldn't communicate with the driver" -- "$folder"
expect_line "fails driver nvidia-smi finds no working GPU: couldn't communicate with the driver"
if command -v nvidia-smi >/dev/null; then
    skip "without nvidia-smi" "it is here"
else
    expect_exit 69 doctor PATH="$TMP/without:$PATH" -- "$folder"
    expect_line "fails driver a GPU of NVIDIA's is here, but nvidia-smi is not"
    echo 0x1002 | tee "$root"/sys/bus/pci/devices/*/vendor >/dev/null
    check "no GPU" doctor PATH="$TMP/without:$PATH" -- "$folder"
    expect_line "ok GPU none: runs compute on the CPU"
fi

# --- the pool
describe 0-15 60000000 4000000 0 max max
echo 0x10de | tee "$root"/sys/bus/pci/devices/*/vendor >/dev/null
ln -sfn 'pid:[4026532190]' "$root/proc/self/ns/pid"
mv "$TMP/libraries/libnvidia-ml.so.1" "$TMP/moved"
check "a container, and a folder of the network" doctor KIND=nfs -- "$folder"
expect_line "warns pool $TMP is on nfs: the pool's database needs a disk of this machine; name a folder on one"
expect_line "warns pool this is a container with process numbers of its own"
if ldconfig -p 2>/dev/null | grep -q 'libnvidia-ml\.so\.1 '; then
    skip "without NVML" "it is here"
else
    expect_line "warns NVML libnvidia-ml.so.1 is missing"
fi
mv "$TMP/moved" "$TMP/libraries/libnvidia-ml.so.1"

# --- the folder
check "in memory" doctor KIND=tmpfs -- "$folder"
expect_line "warns file system tmpfs: what is there takes memory"
limits=$(realpath "$BUILD/tests")/limits.so
check "neither locks nor links" doctor KIND=nfs LD_PRELOAD="$limits" FOVEA_LOCK_ERROR=37 FOVEA_LINK_ERROR=1 -- "$folder"
expect_line "warns file system nfs without locks (No locks available)"
expect_line "warns links no symbolic links on this nfs: Operation not permitted"
check "too little space to measure" doctor FREE=70000 -- "$folder"
expect_line "warns disk rate not measured: too little space"
limited() { (ulimit -f 100 && doctor -- "$folder"); }
expect_exit 74 limited
expect_line "fails disk rate 16 MB cannot be written: File too large; look for a quota"
expect_exit 74 doctor -- "$TMP/none"
expect_line "fails folder $TMP/none is no folder"
expect_exit 143 doctor STOP=1 -- "$folder"
expect_empty "what it wrote is removed when it is stopped"
expect_exit 64 doctor -- --fix
expect_exit 64 doctor -- a b

# --- as JSON
expect_exit 69 doctor DRIVER=550.54.15 CUDA=12.4 -- --json "$TMP/\"none\\"
cp "$TMP/output" "$TMP/report"
read_report() {
    python3 -c '
import json, sys
with open(sys.argv[1]) as file:
    report = json.load(file)
checks = {check["check"]: check for check in report["checks"]}
assert report["exit_code"] == 69
assert checks["cores"] == {"state": "ok", "check": "cores", "value": "16", "advice": ""}
assert checks["folder"]["state"] == "fails" and "\"none\\ is no folder" in checks["folder"]["value"], checks["folder"]
' "$TMP/report"
}
if command -v python3 >/dev/null; then
    check "the report is JSON" read_report
else
    skip "the report is JSON" "no python3"
fi

# --- this machine, where what it finds depends on what is there
tools/doctor "$folder" >"$TMP/output" 2>"$TMP/errors" </dev/null
expect_line " kernel $(uname -sr)"
expect_line " disk rate "
check "no command prints errors" test ! -s "$TMP/errors"
expect_empty "what it wrote here is removed"
