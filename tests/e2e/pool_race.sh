#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Many processes want few slots at once, and some are killed at random: no slot is ever held twice. What happened is
# checked from the ledger and from what the jobs themselves wrote, by a referee that knows nothing of the pool's code.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pool_daemon.sh"

if [ -z "$PYTHON" ]; then
    skip "a race for slots" "no python3"
    exit 0
fi
clients=16 attempts=240
if [ -n "${FOVEA_LONG-}" ]; then clients=64 attempts=10000; fi
slots 0 1 2 3 4 5
start_daemon
cat >"$TMP/script1.py" <<'EOF'
import os, random, re, signal, subprocess, sys, threading, time

pool, folder, clients, attempts = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
random.seed(1)
left = attempts
lock = threading.Lock()
codes, wrong = {}, []
# A job that finds another one's folder of its slot there has been given a slot that is held.
script = 'd="$1/slot$FOVEA_GPUS"; mkdir "$d" || { echo "$FOVEA_JOB" >>"$1/twice"; exit 99; }; sleep "$2"; rmdir "$d"'

def take(plan):
    global left
    with lock:
        if left == 0:
            return None
        left -= 1
        return plan.random(), plan.random()

def client(number):
    plan = random.Random(number)
    while True:
        draw = take(plan)
        if draw is None:
            return
        hold = draw[0] * 0.05
        process = subprocess.Popen([pool, "run", "--now", "--", "sh", "-c", script, "sh", folder, str(hold)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        if draw[1] < 0.2:
            time.sleep(draw[0] * 0.1)
            process.send_signal(signal.SIGKILL)
        error = process.communicate()[1]
        with lock:
            codes[process.returncode] = codes.get(process.returncode, 0) + 1
            if process.returncode == 78 and not re.search(r"held by \S+.*pid \d+.*job \d+.*since|draining|job \d+", error):
                wrong.append(error)
            if process.returncode not in (0, 78, -9):
                # the folder of a job that was killed is in the way of the next: that is no double booking
                if process.returncode != 99:
                    wrong.append("%d: %s" % (process.returncode, error))

threads = [threading.Thread(target=client, args=(i,)) for i in range(clients)]
for t in threads: t.start()
for t in threads: t.join()
print("codes", codes, wrong[:3])
sys.exit(bool(wrong) or codes.get(0, 0) == 0 or codes.get(78, 0) == 0)
EOF
check "$clients clients, $attempts attempts" "$PYTHON" "$TMP/script1.py" "$POOL" "$TMP" $clients $attempts
# shellcheck disable=SC2016 # python's
free() { "$POOL" status --json | "$PYTHON" -S -c 'import json, sys; print("free", all(g["state"] == "free" for g in json.load(sys.stdin)["gpus"]))'; }
check "at the end all slots are free" await 'free True' free
"$POOL" ledger --json >"$TMP/ledger"
"$POOL" jobs --all --json >"$TMP/jobs"
cat >"$TMP/script2.py" <<'EOF'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
jobs = json.load(open(sys.argv[2]))
attempts = {}
for job in jobs:
    for attempt in job["attempts"]:
        assert attempt["epoch"] not in attempts, attempt
        attempts[attempt["epoch"]] = (job["job"], attempt)
held = 0
for gpu in range(6):
    own = sorted((line for line in lines if line["gpu"] == gpu), key=lambda line: line["from"])
    epoch = 0
    for before, after in zip(own, own[1:]):
        assert before["to"] == after["from"], (before, after)
        assert before["from"] <= before["to"], before
    for line in own:
        if line["what"] != "held":
            continue
        held += 1
        assert line["epoch"] > epoch, (epoch, line)
        epoch = line["epoch"]
        job, attempt = attempts[epoch]
        assert job == line["job"] and gpu in attempt["gpus"], (line, attempt)
    # what jobs say of themselves
    spans = sorted((a["from"], a["to"]) for _, a in attempts.values() if gpu in a["gpus"])
    for one, two in zip(spans, spans[1:]):
        assert one[1] <= two[0], (gpu, one, two)
assert held > 20, held
print(held, "leases")
EOF
check "no overlap, no gap, epochs grow, each lease is one attempt's" "$PYTHON" "$TMP/script2.py" "$TMP/ledger" "$TMP/jobs"
check "no job is left" test -z "$(pool_processes | grep -vx "$daemon")"
check "the daemon is well" stop_daemon
