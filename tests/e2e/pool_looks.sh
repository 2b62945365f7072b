#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a real daemon takes for idle, on GPUs of a stand-in for NVML: two looks without work, process and unexplained
# memory, and nothing else. What is not known is never idle.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pool_daemon.sh"

if [ -z "$PYTHON" ] || [ ! -e "$BUILD/tests/gauges/libnvidia-ml.so.1" ]; then
    skip "looks at GPUs" "it takes python3 and the stand-in for NVML"
    exit 0
fi
says() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi; }
LD_LIBRARY_PATH=$(realpath "$BUILD/tests/gauges")
export LD_LIBRARY_PATH FOVEA_FAKE_NVML=$TMP/gpus
sleep 300 &
foreign=$!

names=(idle busy later unsupported failing error lost foreign ghost unified unread)
# gpus ERROR LOST [EXTRA]: the node; further words of those two and of the first GPU. A GPU that fails from the start is
# not on the machine.
gpus() {
    {
        echo "driver=590.1"
        echo "uuid=GPU-idle pci=0000:01:00.0 minor=0 util=0 used=0 total=80e9 processes= temperature=34 watts=95 cap=700 token=POOL_LOOKS=$TMP each=1e9 busy=98 ${3-}"
        echo "uuid=GPU-busy pci=0000:02:00.0 minor=1 util=0,98 used=0 total=80e9 processes="
        echo "uuid=GPU-later pci=0000:03:00.0 minor=2 util=98,0 used=0 total=80e9 processes="
        echo "uuid=GPU-unsupported pci=0000:04:00.0 minor=3 used=0 total=80e9 processes="
        echo "uuid=GPU-failing pci=0000:05:00.0 minor=4 util=0 failing=util used=0 total=80e9 processes="
        echo "uuid=GPU-error pci=0000:06:00.0 minor=5 util=0 used=0 total=80e9 processes= $1"
        echo "uuid=GPU-lost pci=0000:07:00.0 minor=6 util=0 used=0 total=80e9 processes= $2"
        echo "uuid=GPU-foreign pci=0000:08:00.0 minor=7 util=0 used=5e9 total=80e9 processes=$foreign:5e9"
        echo "uuid=GPU-ghost pci=0000:09:00.0 minor=8 util=0 used=30e9 total=80e9 processes="
        echo "uuid=GPU-unified pci=0000:0a:00.0 minor=9 util=0 processes="
        echo "uuid=GPU-unread pci=0000:0b:00.0 minor=10 util=0 failing=memory used=0 total=80e9 processes="
    } >"$TMP/gpus.new"
    mv "$TMP/gpus.new" "$TMP/gpus"
}
gpus "" ""
rule "[node]" "name = test" "look_every = 1" "look_gap = 1" "grace = 5" "[gpus]" \
    "$(for i in "${!names[@]}"; do echo "$i = GPU-${names[$i]}"; done)" "[lanes]" "pool = pool 0-10"
start_daemon
gpus error=999 lost

# looked NAME: the verdicts on a GPU so far; state NAME: its state.
looked() {
    "$POOL" looks --json | "$PYTHON" -S -c "
import json, sys
names = '${names[*]}'.split()
print(' '.join(sorted({l['verdict'] for l in map(json.loads, sys.stdin) if names[l['gpu']] == '$1'})))"
}
state() { "$POOL" status --json | "$PYTHON" -S -c "
import json, sys
print([g['state'] for g in json.load(sys.stdin)['gpus'] if g['uuid'] == 'GPU-$1'][0])"; }
check "0 and 0 is idle" await '^idle$' looked idle
check "0, then 98 is busy" await '^busy$' looked busy
check "unified memory becomes idle" await '^idle$' looked unified
check "98, then 0 becomes idle later" await 'idle' looked later
check "there are looks at all" await 'unknown' looked unsupported
sleep 1.5
for name in unsupported failing error lost foreign ghost unread; do
    says "$name is never idle" "$(looked $name)" "$(case $name in foreign | ghost) echo busy ;; *) echo unknown ;; esac)"
done
says "an idle GPU is free" "$(state idle)" free
says "one that was lost is quarantined" "$(state lost)" quarantined
says "one that does not answer is unknown" "$(state error)" unknown
says "another's process is foreign" "$(state foreign)" foreign
says "memory without a process is a ghost" "$(state ghost)" ghost
says "the foreign process is named" "$("$POOL" status --json | "$PYTHON" -S -c "
import json, sys
h = [g['holder'] for g in json.load(sys.stdin)['gpus'] if g['uuid'] == 'GPU-foreign'][0]
print(h['user'], h['pid'], h['job'], h['command'])")" "$(id -un) $foreign None sleep 300"
"$POOL" why gpu 7 >"$TMP/why"
check "why says what frees it" grep -q "$foreign" "$TMP/why"
"$POOL" ghosts >"$TMP/ghosts"
check "memory without a process is listed" grep -q "gpu 8: 27.9G of memory in use, ghost" "$TMP/ghosts"
"$POOL" top >"$TMP/top"
check "top says what does not answer" grep -q "gpu 5 does not answer" "$TMP/top"
"$POOL" status >"$TMP/status"
says "tables have 80 columns" "$(awk 'length > 80' "$TMP/status" "$TMP/top" "$TMP/ghosts" "$TMP/why")" ""

jobs=$(for i in 1 2 3 4 5; do "$POOL" submit -- sh -c 'echo "$CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER"; sleep 20'; done)
check "jobs start" await '"running":3' "$POOL" status --json
wrote() { for job in $jobs; do "$POOL" logs "$job"; done | sort -u | paste -sd, | sed 's/ PCI_BUS_ID//g'; }
check "they see their GPUs" await '^GPU-idle,GPU-later,GPU-unified$' wrote
says "and start on idle ones alone" "$("$POOL" jobs --json | "$PYTHON" -S -c 'import json, sys; print(sum(j["state"] == "waiting" for j in json.load(sys.stdin)))')" 2
# held: what status says of the GPU whose job's processes show on it.
held() { "$POOL" status --json | "$PYTHON" -S -c "
import json, sys
g = [g for g in json.load(sys.stdin)['gpus'] if g['uuid'] == 'GPU-idle'][0]
print(g['state'], 'used' if (g['gauges']['memory_used'] or 0) >= 1e9 else 'empty', 'with others' if 'also' in g['reason'] else 'alone')"; }
# shellcheck disable=SC2086 # one word a job
"$POOL" cancel $jobs
check "the GPUs are free again" await free state idle
job=$(POOL_LOOKS=$TMP "$POOL" submit --gpu-ids 0 -- sleep 60)
check "the processes of its job are no others" await '^held used alone$' held
sleep 1.2
says "nor are they later" "$(held)" "held used alone"
"$POOL" cancel "$job"
check "it is free again" await free state idle
# A driver that hangs: the daemon answers, and says that it does not know.
gpus error=999 lost hang=60
check "a driver that hangs makes GPUs unknown" await unknown state idle
check "the daemon answers" timeout 2 "$POOL" clock
check "top shows what is known" timeout 2 "$POOL" top
check "it ends at once" timeout 3 "$POOL" filler off
stop_daemon

# A GPU that is gone at the next start: the others are served. On a new pool the rule is wrong.
gpus error=999 lost
sed -i '/GPU-idle/d' "$TMP/gpus"
start_daemon
check "the others become idle" await free state unified
says "the one that is gone is unknown" "$(state idle)" unknown
stop_daemon
expect_exit 65 "$POOL" --state "$TMP/new" daemon --rule "$RULE"
expect_output "GPU-idle"
kill $foreign
