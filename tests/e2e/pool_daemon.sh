# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh by the scripts of the pool: a pool in $TMP, its daemon, and the end of all that was started.
#
#   rule LINES...        writes the rule; slots N...: one of slots without a GPU in a lane "pool"
#   start_daemon         starts one and waits until it serves; $daemon is its process
#   stop_daemon          ends it by SIGTERM; kill_daemon by SIGKILL; its jobs run on
#   field JOB KEY        of a job, as JSON
#   await TEXT CMD...    waits at most 20 s until the command prints a line that matches TEXT
export FOVEA_POOL=$TMP/state
POOL=$(realpath "$BUILD/pool")
RULE=$TMP/rule.ini
daemon=
# A shim that looks for the right Python takes a quarter of a second.
PYTHON=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null)

rule() { printf '%s\n' "$@" >"$RULE"; }
slots() {
    rule "[node]" "name = test" "look_every = 1" "look_gap = 1" "grace = 5" "notify = $TMP/notify" "[gpus]" "$(printf '%s = cpu\n' "$@")" "[lanes]" \
        "pool = pool $(tr ' ' ',' <<<"$*")" "[roles]" "admin = root" "member = *"
}

start_daemon() {
    printf '#!/bin/sh\ncat >>"%s/events"\n' "$TMP" >"$TMP/notify"
    chmod 755 "$TMP/notify"
    "$POOL" daemon --rule "$RULE" >>"$TMP/daemon.log" 2>&1 &
    daemon=$!
    local i
    for i in $(seq 200); do
        if "$POOL" clock --json >"$TMP/started" 2>&1; then return; fi
        kill -0 $daemon 2>/dev/null || break
        sleep 0.05
    done
    cat "$TMP/started" >>"$TMP/daemon.log"
    sed 's/^/# /' "$TMP/daemon.log"
    echo "# no daemon"
    exit 1
}
stop_daemon() {
    kill "$daemon" && wait "$daemon"
    local status=$?
    daemon=
    return $status
}
kill_daemon() {
    kill -9 "$daemon"
    wait "$daemon" 2>/dev/null
    daemon=
}

field() { "$POOL" jobs --all --json | "$PYTHON" -S -c "
import json, sys
job = [job for job in json.load(sys.stdin) if job['job'] == $1][0]
print(json.dumps(job['$2']).strip('\"'))"; }
await() {
    local text=$1 i
    shift
    for i in $(seq 200); do
        if "$@" 2>/dev/null | grep -qE -- "$text"; then return; fi
        sleep 0.1
    done
    return 1
}

# Processes of this pool's jobs, their keepers and daemons that started by themselves, by the lease and the folder that
# they know.
pool_processes() {
    { grep -lsz "^FOVEA_LEASE=$TMP/" /proc/[0-9]*/environ
    grep -ls "^pool.*$TMP/" /proc/[0-9]*/cmdline; } | cut -d/ -f3 | sort -u
}
end_pool() {
    local status=$?
    [ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null
    # shellcheck disable=SC2046 # one word a process
    kill -9 $(pool_processes) 2>/dev/null
    (exit $status)
    finish
}
trap end_pool EXIT
