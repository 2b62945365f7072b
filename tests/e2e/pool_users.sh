#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two users of one pool: neither reaches what is the other's. A root daemon starts jobs as their submitters.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pool_daemon.sh"

if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null || [ -z "$PYTHON" ]; then
    skip "two users" "it takes root, setpriv and python3"
    exit 0
fi
says() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi; }
# as UID CMD...: the programs are read by others from a folder that they may enter.
chmod 711 "$TMP"
cp "$POOL" "$TMP/pool"
POOL=$TMP/pool
as() {
    local uid=$1
    shift
    setpriv --reuid="$uid" --regid="$uid" --clear-groups env HOME=/nowhere "$@"
}
ann=$(id -u nobody) ben=$(id -u games 2>/dev/null || id -u daemon)

slots 0 1
start_daemon
for uid in $ann $ben; do install -d -o $uid -g $uid -m 700 "$TMP/$uid"; done
cd "$TMP/$ann" || exit 1
job=$(as $ann "$POOL" submit --name private -- sh -c 'id -u; id -G; id -g; touch mine; echo secret; exec sleep 30')
check "it runs" await running field "$job" state
check "it writes" await secret "$POOL" logs "$job"
says "as its submitter, with no other groups" "$("$POOL" logs "$job" | paste -sd' ')" "$ann $ann $ann secret"
says "its files are its submitter's" "$(stat -c %u mine)" $ann
cd / || exit 1
pid=$("$POOL" status --json | "$PYTHON" -S -c 'import json, sys; print([g["holder"]["pid"] for g in json.load(sys.stdin)["gpus"] if g["holder"]][0])')
says "the holder is the job's first process" "$(stat -c %u "/proc/$pid")" $ann

for call in "cancel $job" "hold $job" "retry $job" "logs $job" "wait $job" "filler off" "gpu 0 drain" "ghosts"; do
    # shellcheck disable=SC2086 # words
    expect_exit 78 as $ben "$POOL" $call
done
check "nothing happened to it" await running field "$job" state
check "others do not see its name" sh -c "! setpriv --reuid=$ben --regid=$ben --clear-groups '$POOL' jobs --json | grep -qE 'private|secret'"
check "nor its command" sh -c "! setpriv --reuid=$ben --regid=$ben --clear-groups '$POOL' status --json | grep -q secret"
says "nor in the audit" "$(as $ben "$POOL" audit --json | grep -c secret)" 0
says "which its owner sees" "$(as $ann "$POOL" audit --json | grep -c secret)" 1
# denied CMD...: the second user cannot.
denied() { if as $ben "$@" >"$TMP/output" 2>&1; then not_ok "denied: $*"; else ok "denied: $*"; fi; }
denied cat "$FOVEA_POOL/pool.db"
denied ls "$FOVEA_POOL/jobs"
denied sh -c "echo 999 >'$FOVEA_POOL/leases/$job'"
denied sh -c ": >'$FOVEA_POOL/socket.new'"
denied rm "$FOVEA_POOL/socket"
check "the lease may be read" as $ben cat "$FOVEA_POOL/leases/$job"
if getent passwd 54321 >"$TMP/entry"; then
    skip "a user without an entry" "54321 has one"
else
    says "a user without an entry, in no group" "$(as 54321 "$POOL" run -- sh -c 'id -u; id -G' | paste -sd' ')" "54321 65534"
fi
# A client cannot say who it is.
plain=/usr/bin/python3
if [ -x $plain ]; then
    says "a claim to be root" "$(as $ben $plain -S -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"{\"call\":\"cancel\",\"job\":1,\"uid\":0,\"user\":\"root\"}\n")
print(s.recv(4096).decode()[:10])' "$FOVEA_POOL/socket")" '{"exit":78'
else
    skip "a claim to be root" "no $plain"
fi
job2=$(cd "/tmp" && (ulimit -n 123 && as $ben "$POOL" submit -- sh -c 'id -u; ulimit -Hn'))
expect_exit 0 as $ben "$POOL" wait "$job2"
says "limits are the submitter's" "$(as $ben "$POOL" logs "$job2" | paste -sd' ')" "$ben 123"
# Nor have more than it has: the request of that job, sent with other limits by a process with lower ones.
"$PYTHON" - "$FOVEA_POOL/jobs/$job2/1.start.json" >"$TMP/request" <<'EOF'
import json, sys
request = json.load(open(sys.argv[1]))["request"]
request["limits"] = [["unlimited", "unlimited"] for _ in request["limits"]]
print(json.dumps({"call": "submit", "request": request}))
EOF
chmod 644 "$TMP/request"
if [ -x $plain ]; then
    job3=$(ulimit -n 111 && as $ben $plain -S -c 'import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(open(sys.argv[2], "rb").read())
print(json.loads(s.recv(4096))["answer"]["job"])' "$FOVEA_POOL/socket" "$TMP/request")
    expect_exit 0 as $ben "$POOL" wait "$job3"
    says "limits that were made up" "$(as $ben "$POOL" logs "$job3" | paste -sd' ')" "$ben 111"
else
    skip "limits that were made up" "no $plain"
fi
expect_exit 78 as $ben "$POOL" run --now --gpus 2 -- true
expect_output "held by nobody"
check "an admin may" "$POOL" cancel "$job"
says "cancelled" "$(await cancelled field "$job" state && field "$job" state)" cancelled
stop_daemon

# Who is no member may read the rule, and nothing else.
sed -i "s/^member = .*/member = $(id -un $ann)/" "$RULE"
start_daemon
check "a member is served" as $ann "$POOL" status
for call in status "run -- true" "jobs --all" audit; do
    # shellcheck disable=SC2086 # words
    expect_exit 78 as $ben "$POOL" $call
done
expect_output "is no member of this pool"
check "the rule is for everybody" as $ben "$POOL" rule
stop_daemon

# A daemon that is not root serves its own user alone.
install -d -o $ann -g $ann -m 711 "$TMP/ann"
cp "$RULE" "$TMP/ann/rule.ini"
chmod 644 "$TMP/ann/rule.ini"
as $ann "$POOL" --state "$TMP/ann/state" daemon --rule "$TMP/ann/rule.ini" 2>"$TMP/ann.log" &
daemon=$!
check "it starts" await . as $ann "$POOL" --state "$TMP/ann/state" clock --json
check "it says whom it serves" grep -q "serving one user alone" "$TMP/ann.log"
expect_exit 0 as $ann "$POOL" --state "$TMP/ann/state" run -- true
check "its user is its admin" as $ann "$POOL" --state "$TMP/ann/state" gpu 0 drain
expect_exit 78 as $ben "$POOL" --state "$TMP/ann/state" status
expect_exit 78 "$POOL" --state "$TMP/ann/state" status
kill "$(cat "$TMP/ann/state/lock")"
wait $daemon
says "it ends" "$?" 0
daemon=

# Without a daemon, a user's first job starts one.
says "a user's own daemon runs jobs as that user" "$(cd / && as $ann "$POOL" --state "$TMP/$ann/own" run -- id -u 2>"$TMP/said")" $ann
check "it says so" grep -q "started a daemon for $TMP/$ann/own" "$TMP/said"
kill "$(cat "$TMP/$ann/own/lock")"
