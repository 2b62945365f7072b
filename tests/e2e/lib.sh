# SPDX-License-Identifier: Apache-2.0
# Sourced by every script in tests/e2e: results in TAP, a temporary directory, the repository root as the current one.
#
#   ok NAME, not_ok NAME [REASON], skip NAME REASON   one result
#   check NAME CMD...         ok when the command exits 0
#   expect_exit CODE CMD...   ok when it exits with CODE; what it printed is in $TMP/output
#   expect_output TEXT        ok when the last expect_exit's or check's command printed TEXT
#
# $BUILD is the folder of the programs, $TMP is removed at the end. $SYNTH draws images that are a script's input and not
# its subject; where $BUILD is sanitized it is the plain program, which takes a third of the time. The plan is printed when
# the script comes to its end: one that dies halfway prints none, and tests/run counts that as a failure. Nothing has to
# be called last.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
BUILD=${BUILD:-build}
SYNTH=${SYNTH:-$BUILD/synth}
TMP=$(mktemp -d "${TMPDIR:-/tmp}/fovea-e2e-XXXXXX") || exit 1
TESTS=0
FAILED=0

ok() {
    TESTS=$((TESTS + 1))
    printf 'ok %d - %s\n' "$TESTS" "$1"
}

not_ok() {
    TESTS=$((TESTS + 1))
    FAILED=$((FAILED + 1))
    printf 'not ok %d - %s\n' "$TESTS" "$1"
    if [ $# -gt 1 ]; then printf '# %s\n' "$2"; fi
}

skip() {
    TESTS=$((TESTS + 1))
    printf 'ok %d - %s # SKIP %s\n' "$TESTS" "$1" "$2"
}

check() {
    local name=$1
    shift
    expect_named 0 "$name" "$@"
}

expect_exit() {
    local code=$1
    shift
    expect_named "$code" "exit $code: $*" "$@"
}

expect_named() {
    local code=$1 name=$2 status=0
    shift 2
    "$@" >"$TMP/output" 2>&1 </dev/null || status=$?
    if [ "$status" = "$code" ]; then
        ok "$name"
    else
        not_ok "$name" "exit status $status instead of $code: $(tail -n 1 "$TMP/output")"
        sed 's/^/#   /' "$TMP/output"
    fi
}

expect_output() {
    if grep -qF -- "$1" "$TMP/output"; then
        ok "says: $1"
    else
        not_ok "says: $1" "but it printed: $(tail -n 1 "$TMP/output")"
        sed 's/^/#   /' "$TMP/output"
    fi
}

finish() {
    local status=$?
    rm -rf "$TMP"
    if [ "$status" -ne 0 ]; then
        echo "# the script ended early with exit status $status"
        exit "$status"
    fi
    echo "1..$TESTS"
    if [ "$FAILED" -gt 0 ]; then exit 1; fi
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
