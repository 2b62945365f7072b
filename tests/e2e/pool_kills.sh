#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A daemon that is killed at random moments while jobs are submitted, run and end: what was promised is kept. No job is
# lost, none runs twice, every exit code is the job's own, and the ledger has no gap.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pool_daemon.sh"

if [ -z "$PYTHON" ]; then
    skip "a daemon that is killed" "no python3"
    exit 0
fi
rounds=12
if [ -n "${FOVEA_LONG-}" ]; then rounds=400; fi
slots 0 1 2
start_daemon
stop_daemon
cat >"$TMP/script1.py" <<'EOF'
import collections, json, os, random, signal, subprocess, sys, threading, time

pool, rule, folder, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
random.seed(2)
promised, stop, lock = {}, threading.Event(), threading.Lock()
# 64 is never run again: what is there twice ran twice. Few fail, since many early failures stop the filler.
script = 'echo "$FOVEA_JOB" >>"$1/ran"; sleep "$2"; exit "$3"'

def submit(seed):
    draw, count = random.Random(seed), 0
    while not stop.is_set():
        count += 1
        code = 64 if count % 7 == 0 else 0
        hold = draw.random() * 0.1
        done = subprocess.run([pool, "submit", "--", "sh", "-c", script, "sh", folder, "%.3f" % hold, str(code)],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode == 0:
            with lock:
                promised[int(done.stdout)] = code
        time.sleep(0.02)

def start():
    return subprocess.Popen([pool, "daemon", "--rule", rule], stderr=open(folder + "/daemon.log", "a"))

daemon = start()
threads = [threading.Thread(target=submit, args=(i,), daemon=True) for i in range(2)]
for t in threads: t.start()
def await_daemon():
    while subprocess.run([pool, "clock"], capture_output=True).returncode:
        assert daemon.poll() is None, "no daemon"

for round in range(rounds):
    if round % 4: # each fourth is killed while it starts
        await_daemon()
    time.sleep(0.3 * random.random())
    daemon.kill()
    daemon.wait()
    time.sleep(0.1 * random.random())
    daemon = start()
await_daemon()
time.sleep(0.3)
stop.set()
for t in threads: t.join()
for _ in range(200):
    answer = subprocess.run([pool, "jobs", "--all", "--json"], capture_output=True, text=True).stdout
    jobs = {job["job"]: job for job in json.loads(answer or "[]")}
    if jobs and all(job["state"] in ("done", "failed") for job in jobs.values()):
        break
    time.sleep(0.1)
ledger = [json.loads(line) for line in subprocess.run([pool, "ledger", "--json"], capture_output=True, text=True).stdout.splitlines()]
daemon.send_signal(signal.SIGTERM)
assert daemon.wait() == 0
ran = collections.Counter(int(line) for line in open(folder + "/ran"))
assert len(promised) >= rounds, len(promised)
for number, code in promised.items():
    job = jobs.get(number)
    assert job, "job %d is lost" % number
    assert ran[number] == 1, "job %d ran %d times" % (number, ran[number])
    assert job["exit"] == code, (code, job)
# A job whose answer was lost with its daemon ran like the others.
assert all(ran[number] == 1 for number in jobs), {n: ran[n] for n in jobs if ran[n] != 1}
last, epochs = {}, {}
for line in ledger:
    gpu = line["gpu"]
    assert gpu not in last or last[gpu]["to"] == line["from"], (last[gpu], line)
    last[gpu] = line
    if line["what"] == "held" and line["epoch"] != epochs.get(gpu):
        assert line["epoch"] > epochs.get(gpu, 0), line
        epochs[gpu] = line["epoch"]
assert any(line["what"] == "unseen" for line in ledger)
print(len(promised), "jobs", len(ledger), "lines")
EOF
check "$rounds daemons killed" "$PYTHON" "$TMP/script1.py" "$POOL" "$RULE" "$TMP" $rounds
tail -n 5 "$TMP/daemon.log" | sed "s/^/# /"
check "nothing is left" test -z "$(pool_processes)"
