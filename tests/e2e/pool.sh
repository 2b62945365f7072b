#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A pool of slots with a real daemon: jobs, their ends, their clients, restarts, and what goes wrong.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pool_daemon.sh"

if [ -z "$PYTHON" ]; then
    skip "a pool" "no python3"
    exit 0
fi
says() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi; }
submit() { "$POOL" submit "$@"; }

# --- No daemon, one daemon, two -----------------------------------------------------------------------------------------
expect_exit 69 "$POOL" status
expect_output "pool daemon --state"
slots 0 1 2
start_daemon
expect_exit 78 "$POOL" daemon --rule "$RULE"
expect_output "serves $FOVEA_POOL already: pid $daemon"
mkdir "$TMP/other" && : >"$TMP/other/thesis.tex"
expect_exit 64 "$POOL" --state "$TMP/other" daemon --rule "$RULE"
check "the state is for its user" test "$(stat -c %a "$FOVEA_POOL/pool.db" "$FOVEA_POOL/jobs" | paste -sd' ')" = "600 700"
check "the file with the leases can be read" test "$(stat -c %a "$FOVEA_POOL/leases")" = 755

# --- Jobs ---------------------------------------------------------------------------------------------------------------
top=$PWD
cd "$TMP" || exit 1
job=$(SECRET=yes submit --name first -- sh -c 'echo "$PWD $SECRET $FOVEA_JOB $FOVEA_GPUS [$CUDA_VISIBLE_DEVICES]"; umask')
says "submit prints the number alone" "$job" 1
expect_exit 0 "$POOL" wait "$job"
says "a job has folder, environment and umask of its submitter" "$("$POOL" logs "$job" | paste -sd' ')" "$TMP yes 1 0 [] $(umask)"
says "its state" "$(field 1 state)" done
says "its command line is whole" "$(field 1 command | grep -c 'FOVEA_JOB.*umask')" 1
job=$(submit -- sh -c 'exit 3')
expect_exit 3 "$POOL" wait "$job"
check "notify is told" await '"event": "failed", .*"job": 2' cat "$TMP/events"
says "its exit code is kept" "$(field "$job" exit) $(field "$job" state)" "3 failed"
cores=$(submit -- nproc)
expect_exit 0 "$POOL" wait "$cores"
check "a job has its share of the cores" test "$("$POOL" logs "$cores")" -le $((($(nproc) + 2) / 3))
expect_exit 0 "$POOL" wait "$(submit -- true)"
expect_exit 127 "$POOL" wait "$(submit -- "$TMP/nowhere")"
: >"$TMP/plain"
expect_exit 126 "$POOL" wait "$(submit -- "$TMP/plain")"
expect_exit 143 "$POOL" wait "$(submit -- sh -c 'kill $$')"
held=$(submit --after "$(submit -- sh -c "until [ -e $TMP/go-on ]; do sleep 0.05; done")" -- true)
says "a job after another waits" "$("$POOL" why "$held" --json | "$PYTHON" -S -c 'import json, sys; print(json.load(sys.stdin)["state"])')" waiting
: >"$TMP/go-on"
expect_exit 0 "$POOL" wait "$held"
expect_exit 64 submit --after 999 -- true
expect_exit 64 "$POOL" why gpu
expect_output "why takes a job's number, or gpu and the number of a GPU"
expect_exit 64 submit --gpu-ids 7 -- true
expect_exit 78 submit --gpus 4 -- true
expect_exit 64 submit --lane nowhere -- true
expect_exit 64 submit -- "$top/$BUILD/train" "$TMP/missing.ini"
expect_output missing.ini
expect_exit 64 submit --time soon -- true
expect_exit 64 "$POOL" cancel many
expect_exit 64 "$POOL" cancel 999
expect_exit 64 "$POOL" logs 999
before=$("$POOL" jobs --all --json | "$PYTHON" -S -c 'import json, sys; print(len(json.load(sys.stdin)))')
check "a dry run says what would be" submit --dry-run -- true
says "and queues nothing" "$("$POOL" jobs --all --json | "$PYTHON" -S -c 'import json, sys; print(len(json.load(sys.stdin)))')" "$before"

job=$(submit --name "$(printf 'a\nb\t<b>&\033[31m')" -- sh -c 'printf "one\ntwo\n"; sleep 0.4; echo three')
says "a name may have line ends and markup" "$(field "$job" name)" 'a\nb\t<b>&\u001b[31m'
check "tables have none of them" sh -c "! '$POOL' jobs | grep -q \"$(printf '\033')\""
says "logs -f goes on to the end" "$("$POOL" logs "$job" -f | paste -sd' ')" "one two three"

# --- Acts ---------------------------------------------------------------------------------------------------------------
blockers=$(for i in 1 2 3; do submit -- sleep 60; done)
job=$(submit -- sh -c 'echo ran')
check "it waits" await waiting field "$job" state
check "hold" "$POOL" hold "$job"
says "held" "$(field "$job" state)" held
check "release" "$POOL" release "$job"
says "waiting again" "$(field "$job" state)" waiting
expect_exit 78 "$POOL" run --now -- true
expect_output "held by $(id -un)"
expect_output "job "
expect_output "pid "
"$POOL" run --name queued -- true 2>"$TMP/said" &
client=$!
check "run waits, and says for what" await 'job [0-9]* waits: .*held by' cat "$TMP/said"
kill -9 $client
check "it leaves the queue with its client" await '"cancelled"' sh -c "'$POOL' jobs --all --json | tr '{' '\n' | grep -F '\"queued\"'"
# shellcheck disable=SC2086 # one word a job
check "cancel" "$POOL" cancel $blockers
check "then it runs" "$POOL" wait "$job"
says "a cancelled job" "$(field "$(head -n 1 <<<"$blockers")" state)" cancelled
expect_exit 0 "$POOL" retry "$(head -n 1 <<<"$blockers")"
check "a retried job runs again" await running field "$(head -n 1 <<<"$blockers")" state
"$POOL" cancel "$(head -n 1 <<<"$blockers")"
check "gpu drain" "$POOL" gpu 2 drain
check "the drain shows" await '"draining"' "$POOL" status --json
check "gpu clear" "$POOL" gpu 2 clear
check "filler off" "$POOL" filler off
job=$(submit -- true)
expect_exit 0 "$POOL" run -- true
says "off, the list waits and run is served" "$(field "$job" state)" waiting
check "filler on" "$POOL" filler on
expect_exit 0 "$POOL" wait "$job"

# --- run ----------------------------------------------------------------------------------------------------------------
says "run passes its files" "$(echo words | "$POOL" run -- sh -c 'cat; echo more >&2' 2>&1 | paste -sd' ')" "words more"
expect_exit 5 "$POOL" run -- sh -c 'exit 5'
expect_exit 137 "$POOL" run -- sh -c 'kill -9 $$'
expect_exit 127 "$POOL" run -- "$TMP/nowhere"
expect_exit 143 "$POOL" run --time 0.3 -- sleep 60
cat >"$TMP/typist.py" <<'EOF'
import fcntl, os, pty, struct, sys, termios
# A person at a terminal of 33 rows: waits for "ready", types Ctrl-C, and has the terminal back afterwards.
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    os.execv(sys.argv[1], [sys.argv[1], "run", "--", "sh", "-c",
             'trap "echo interrupted; exit 6" INT; tty; stty size; test -t 1 && echo ready; while :; do sleep 0.05; done'])
before, seen, typed, how = termios.tcgetattr(terminal), b"", False, None
try:
    while True:
        seen += os.read(terminal, 4096)
        if b"ready" in seen and not typed:
            typed = os.write(terminal, b"\x03") == 1
        if b"interrupted" in seen and how is None:
            # the terminal is kept open by this process: its settings can be read once the client is gone
            how = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            print("restored", termios.tcgetattr(terminal) == before)
            break
except OSError:
    pass
print(seen.decode())
sys.exit(how)
EOF
expect_exit 6 "$PYTHON" "$TMP/typist.py" "$POOL"
expect_output "33 77"
expect_output "/dev/pts/"
expect_output interrupted
expect_output "restored True"
cat >"$TMP/paster.py" <<'EOF'
import os, pty, select, sys
# Pastes more than a terminal takes into a job that first prints more than a terminal takes, and reads it afterwards.
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "run", "--", "sh", "-c",
             'stty raw -echo; echo ready; sleep 0.3; head -c 200000 /dev/zero | tr "\\0" z; echo "got $(head -c 20000 | wc -c)"'])
os.set_blocking(terminal, False)
seen, left = b"", b""
try:
    while b"got" not in seen[-20:]:
        readable, writable, _ = select.select([terminal], [terminal] if left else [], [], 10)
        if not readable and not writable:
            break
        if readable:
            more = os.read(terminal, 65536)
            if b"ready" in more:
                left = b"p" * 20000
            seen += more
        if writable:
            left = left[os.write(terminal, left[:1000]):]
    seen += os.read(terminal, 100) if select.select([terminal], [], [], 1)[0] else b""
except OSError:
    pass
print(seen.count(b"z"), seen[-40:].decode().strip())
os.close(terminal)
EOF
says "neither end of a terminal waits for the other" "$(timeout 20 "$PYTHON" "$TMP/paster.py" "$POOL" | sed 's/z*got */ /')" "200000  20000"
"$POOL" run -- sh -c 'echo $$ >started; sleep 60' &
client=$!
check "a job of run starts" await . cat "$TMP/started"
kill -9 $client
check "it ends with its client" await '^$' sh -c "kill -0 $(cat "$TMP/started") 2>/dev/null && echo alive || echo"
"$POOL" run -- sh -c 'trap "exit 9" TERM; echo >ready; while :; do sleep 0.05; done' &
client=$!
check "another one starts" await '^$' cat "$TMP/ready"
kill -TERM $client
wait $client
says "SIGTERM reaches it, and its code comes back" "$?" 9

# --- Bad clients --------------------------------------------------------------------------------------------------------
"$PYTHON" - "$FOVEA_POOL/socket" >"$TMP/bad" 2>&1 <<'EOF'
import socket, sys
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.settimeout(10)
    return s
s = connect(); s.sendall(b"\x00\xff garbage\n"); print(s.recv(4096).decode(), s.recv(1))
quiet = connect(); quiet.sendall(b'{"call":"jobs","all":true}')
deaf = connect(); deaf.setblocking(False)
try:
    for i in range(200000): deaf.send(b'{"call":"status"}\n' * 10)
    print("never dropped")
except BlockingIOError:
    print("waits")
except OSError as error:
    print("dropped")
s = connect(); s.sendall(b'{"call":"clock"}\n'); print(s.recv(4096).decode()[:10])
many = [connect() for i in range(100)]
for m in many: m.sendall(b'{"call":"clock"}\n')
print(sum(m.recv(4096).startswith(b'{"exit":0') for m in many))
EOF
says "garbage is refused" "$(grep -c '"exit":64' "$TMP/bad")" 1
check "a client that does not read is dropped or waits" grep -qxE 'dropped|waits' "$TMP/bad"
check "the others are served" grep -qx '{"exit":0,' "$TMP/bad"
check "a hundred of them" grep -qx 100 "$TMP/bad"
long=$(head -c 1000000 /dev/zero | tr '\0' x)
job=$(printf '%s' "$long" | xargs -n 1 -s 2000000 true 2>/dev/null; "$PYTHON" - "$POOL" <<'EOF'
import subprocess, sys
words = ["y" * 100000] * 10
print(subprocess.run([sys.argv[1], "submit", "--", "sh", "-c", "echo ${#1} $#", "sh"] + words, capture_output=True, text=True).stdout.strip())
EOF
)
expect_exit 0 "$POOL" wait "$job"
says "1 MB of arguments" "$("$POOL" logs "$job")" "100000 10"

# --- Restarts -----------------------------------------------------------------------------------------------------------
# Jobs that end when a file says so.
until_file='echo written; until [ -e "$1" ]; do sleep 0.05; done; exit $2'
long=$(submit -- sh -c "$until_file" sh later 65)
quick=$(submit -- sh -c "$until_file" sh soon 77)
check "both run" await running field "$quick" state
check "both run" await running field "$long" state
"$POOL" run -- sh -c "$until_file" sh later 8 &
client=$!
check "and one in the foreground" await '"running": 3|"running":3' "$POOL" status --json
"$POOL" run -- sh -c 'exit 11' &
waiting=$!
check "and one waits" await '"waiting": 1|"waiting":1' "$POOL" status --json
"$POOL" wait "$long" &
waiter=$!
"$POOL" logs -f "$long" >"$TMP/followed" &
follower=$!
sleep 0.2
kill_daemon
: >soon
check "a job ends without a daemon" await '"exit": *77' cat "$FOVEA_POOL/jobs/$quick/1.exit.json"
start_daemon
says "the end of a job that no daemon saw" "$(field "$quick" exit)" 77
says "one that runs is adopted" "$(field "$long" state)" running
: >later
wait $client
says "run goes on without its daemon" "$?" 8
wait $waiting
says "and so does one that waited" "$?" 11
wait $waiter
says "wait goes on, too" "$?" 65
wait $follower
says "and logs -f" "$(cat "$TMP/followed")" "written"
job=$(submit -- sh -c 'sleep 0.5')
check "SIGTERM ends the daemon" stop_daemon
start_daemon
expect_exit 0 "$POOL" wait "$job"
"$POOL" ledger --json >"$TMP/ledger"
cat >"$TMP/script1.py" <<'EOF'
import json, sys
last = {}
for line in map(json.loads, open(sys.argv[1])):
    gpu = line["gpu"]
    assert gpu not in last or last[gpu]["to"] == line["from"], (last[gpu], line)
    if line["epoch"]:
        assert line["epoch"] >= last.get(("epoch", gpu), 0), line
        last["epoch", gpu] = line["epoch"]
    last[gpu] = line
assert set(key for key in last if isinstance(key, int)) == {0, 1, 2}
EOF
check "the ledger has no gap" "$PYTHON" "$TMP/script1.py" "$TMP/ledger"
check "looks" "$POOL" looks --json
check "audit has every act" sh -c "'$POOL' audit --json | grep -c submit"
check "status without gauges says so" sh -c "'$POOL' status | grep -q 'no gauges'"
check "the rule in words" sh -c "'$POOL' rule | grep -q 'You are '"
check "a rule that is right" "$POOL" rule --check "$RULE"
printf '[gpus]\n0 = cpu\n[lanes]\na = pool 0-1\n' >"$TMP/wrong.ini"
expect_exit 65 "$POOL" rule --check "$TMP/wrong.ini"
for table in "jobs --all" "why 1" "why gpu 0" top clock "ledger" "audit" ghosts; do
    # shellcheck disable=SC2086 # words
    check "$table" "$POOL" $table
done
# A disk without room, by the limit of a file's size: nothing is promised that could not be written.
if command -v prlimit >/dev/null; then
    for code in 5 6; do
        (
            "$POOL" run -- sh -c "sleep 2; exit $code" 2>/dev/null
            echo $? >"$TMP/code$code"
        ) &
    done
    check "jobs run" await '"running":2' "$POOL" status --json
    prlimit --pid "$daemon" --fsize=4096:
    sleep 2.5
    expect_exit 74 submit -- true
    expect_output "$FOVEA_POOL/pool.db"
    check "a full disk: questions are answered" "$POOL" status
    expect_exit 74 "$POOL" run --now -- true
    prlimit --pid "$daemon" --fsize=unlimited:
    check "with room again it goes on" await . submit --name room -- true
    for code in 5 6; do says "a job that ended without room keeps its code" "$(await . cat "$TMP/code$code" && cat "$TMP/code$code")" $code; done
    check "and the job runs" await done sh -c "'$POOL' jobs --all | grep 'true'"
    expect_exit 0 "$POOL" run -- true
else
    skip "a full disk" "no prlimit"
fi
check "a last SIGTERM" stop_daemon
expect_exit 69 "$POOL" status
expect_exit 69 "$POOL" run -- true
# Who begins a new database keeps the folders of jobs: no job gets the end or the log of another one.
old=$(find "$FOVEA_POOL/jobs" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | tail -1)
rm "$FOVEA_POOL"/pool.db*
start_daemon
says "a new database skips the numbers of old jobs" "$("$POOL" submit -- true)" $((old + 1))
check "and its job runs" await done sh -c "'$POOL' jobs --all"
check "another SIGTERM" stop_daemon
check "without a daemon, the rule of one to come" sh -c "'$POOL' rule | grep -q 'No daemon serves'"

if command -v systemd-analyze >/dev/null; then
    sed "s|^ExecStart=[^ ]*|ExecStart=$POOL|" "$top/tools/systemd/fovea-pool.service" >"$TMP/fovea-pool.service"
    says "systemd accepts the unit" "$(systemd-analyze verify "$TMP/fovea-pool.service" 2>&1 | grep 'fovea-pool\.service')" ""
else
    skip "systemd accepts the unit" "no systemd-analyze"
fi
check "a restart of the unit ends no job" grep -qx KillMode=process "$top/tools/systemd/fovea-pool.service"

# --- A daemon of one's own, a state that cannot be written -----------------------------------------------------------------
says "the first job starts a daemon" "$(FOVEA_POOL=$TMP/own "$POOL" run -- echo there 2>"$TMP/said")" there
check "and says so" grep -q "started a daemon for $TMP/own (pid" "$TMP/said"
check "it stays" env FOVEA_POOL="$TMP/own" "$POOL" clock
kill "$(cat "$TMP/own/lock")"
: >"$TMP/file"
expect_exit 74 "$POOL" --state "$TMP/file/state" daemon --rule "$RULE"
expect_exit 65 "$POOL" --state "$TMP/new" daemon --rule "$TMP/plain.ini"
