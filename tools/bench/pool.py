# SPDX-License-Identifier: Apache-2.0
"""A pool's daemon on eight GPUs of the stand-in for NVML, with a history of 10,000 jobs: how long `pool status` takes, a
process and its answer together, and what share of a core the daemon and its reader of gauges use while nothing happens.
One JSON object.

usage: pool.py [--build build] [--jobs 10000] [--seconds 20]
"""
import argparse
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import time

GPUS = 8


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def start(pool, environment, rule):
    daemon = subprocess.Popen([pool, "daemon", "--rule", rule], env=environment, stderr=subprocess.DEVNULL)
    while subprocess.run([pool, "clock", "--json"], env=environment, capture_output=True).returncode:
        assert daemon.poll() is None, "no daemon"
        time.sleep(0.05)
    return daemon


def stop(daemon):
    daemon.send_signal(signal.SIGTERM)
    daemon.wait()


def add_history(path, jobs):
    """Copies of the one job that has ended, a minute apart."""
    database = sqlite3.connect(path)
    for table, key in (("jobs", "id"), ("attempts", "job"), ("ledger", "id")):
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})") if row[1] not in (key, "epoch")]
        names = ", ".join(columns)
        shift = names.replace("submitted", "submitted - 60 * n").replace("queued", "queued - 60 * n")
        shift = shift.replace("began", "began - 60 * n").replace("ended", "ended - 60 * n")
        extra = ", epoch" if table != "jobs" else ""
        more = ", n" if table == "attempts" else ", epoch" if table == "ledger" else ""
        which = "what = 'held'" if table == "ledger" else "1"
        database.execute(f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {jobs}) "
                         f"INSERT INTO {table} ({key}, {names}{extra}) SELECT 100000 + n, {shift}{more} FROM "
                         f"(SELECT * FROM {table} WHERE {which} ORDER BY {key} LIMIT 1), c")
    database.commit()
    database.close()


def processor_seconds(pid):
    """Of a process and its children."""
    total = 0
    children = open(f"/proc/{pid}/task/{pid}/children").read().split()
    for one in [str(pid)] + children:
        total += 1e-9 * int(open(f"/proc/{one}/schedstat").read().split()[0])
    return total


def median_ms(command, environment, rounds):
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        times.append(1000 * (time.perf_counter() - begin))
    return round(statistics.median(times), 2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=10000)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    pool = os.path.realpath(os.path.join(options.build, "pool"))
    with tempfile.TemporaryDirectory() as folder:
        rule, gpus = os.path.join(folder, "rule.ini"), os.path.join(folder, "gpus")
        environment = dict(os.environ, FOVEA_POOL=os.path.join(folder, "state"), FOVEA_FAKE_NVML=gpus,
                           LD_LIBRARY_PATH=os.path.realpath(os.path.join(options.build, "tests", "gauges")))
        write(gpus, "".join(f"uuid=GPU-{i} pci=0000:0{i}:00.0 minor={i} util=0 used=0 total=80e9 processes= "
                            "temperature=34 watts=95 cap=700\n" for i in range(GPUS)))
        write(rule, "[gpus]\n" + "".join(f"{i} = GPU-{i}\n" for i in range(GPUS)) + f"[lanes]\npool = pool 0-{GPUS - 1}\n")
        daemon = start(pool, environment, rule)
        subprocess.run([pool, "run", "--", "true"], env=environment, check=True)
        stop(daemon)
        add_history(os.path.join(folder, "state", "pool.db"), options.jobs)
        daemon = start(pool, environment, rule)
        time.sleep(2)
        before = processor_seconds(daemon.pid)
        time.sleep(options.seconds)
        idle = (processor_seconds(daemon.pid) - before) / options.seconds
        row = {"gpus": GPUS, "jobs_of_history": options.jobs,
               "status_ms": median_ms([pool, "status"], environment, 30), "status_limit_ms": 50,
               "jobs_all_ms": median_ms([pool, "jobs", "--all", "--json"], environment, 5),
               "ledger_ms": median_ms([pool, "ledger", "--json"], environment, 5),
               "idle_percent_of_a_core": round(100 * idle, 3), "idle_limit_percent": 0.5}
        row["within_limits"] = (row["status_ms"] < row["status_limit_ms"] and
                                row["idle_percent_of_a_core"] < row["idle_limit_percent"])
        stop(daemon)
    print(json.dumps(row))


if __name__ == "__main__":
    main()
