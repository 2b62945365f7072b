#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/run itself: its results for programs that pass, fail, skip, crash, hang or print nothing.
. "$(dirname "$0")/lib.sh"

tree=$TMP/tree
mkdir -p "$tree/tests/e2e" "$tree/build/tests"
cp tests/run "$tree/tests/run"
cat >"$tree/Makefile" <<'END'
list-tested:
	@if [ "$(SAN)" = thread ]; then ls build/thread/* 2>/dev/null || true; elif [ -z "$(SAN)" ]; then cat programs; fi
END

# program NAME <<body: a fake test program, the only one; more with `and`.
and() {
    { echo '#!/usr/bin/env bash' && cat; } >"$tree/build/tests/$1"
    chmod +x "$tree/build/tests/$1"
    echo "build/tests/$1" >>"$tree/programs"
}
program() {
    : >"$tree/programs"
    and "$1"
}

# outcome CODE LASTLINE [TEXT...]: runs the tree's tests/run and looks at its exit status, last line and other lines.
outcome() {
    local code=$1 line=$2 text
    shift 2
    expect_exit "$code" env -u REQUIRE -u FOVEA_LONG -u MAKEFLAGS "${SETTING:-NONE=1}" "$tree/tests/run" ${ARGUMENT:+"$ARGUMENT"}
    if [ "$(tail -n 1 "$TMP/output")" = "$line" ]; then
        ok "last line: $line"
    else
        not_ok "last line: $line" "it is: $(tail -n 1 "$TMP/output")"
    fi
    for text in "$@"; do expect_output "$text"; done
}

program test_good <<'END'
echo 1..2; echo ok 1 - a; echo ok 2 - b
END
outcome 0 '2 passed, 0 failed, 0 skipped' 'ok    tests/test_good'

program test_bad <<'END'
echo 1..3; echo 'ok 1 - a'; echo 'ERROR: three is not four'; echo 'not ok 2 - b'; echo '# file.c:8: error: Failure!'
echo 'not ok 3 - c'; echo '# 0x1 != 0x2'; exit 2
END
outcome 1 '1 passed, 2 failed, 0 skipped' 'FAIL tests/test_bad: b: three is not four; file.c:8' 'FAIL tests/test_bad: c: 0x1 != 0x2'

# cmocka's way of skipping, TAP's, and a whole program.
program test_skips <<'END'
echo 1..3; echo 'ok 1 - a'; echo 'no compiler here'; echo 'not ok 2 # SKIP b'; echo 'ok 3 - c # SKIP no device'
END
and test_none <<'END'
echo '1..0 # SKIP no network'
END
outcome 0 '1 passed, 0 failed, 3 skipped' 'SKIP tests/test_skips: b: no compiler here' 'SKIP tests/test_skips: c: no device' \
    'SKIP tests/test_none: no network'
SETTING=REQUIRE=1 outcome 1 '1 passed, 0 failed, 3 skipped'

program test_cut <<'END'
echo 1..3; echo ok 1 - a
END
outcome 1 '1 passed, 1 failed, 0 skipped' 'ended after 1 of 3 tests'

program test_crash <<'END'
echo 1..2; echo ok 1 - a; kill -SEGV $$
END
outcome 1 '1 passed, 1 failed, 0 skipped' 'ended by signal 11'

program test_silent <<'END'
echo hello
END
outcome 1 '0 passed, 1 failed, 0 skipped' 'no plan was printed'

program test_leak <<'END'
echo 1..1; echo ok 1 - a; echo '==7==ERROR: LeakSanitizer: detected memory leaks'; echo more; exit 23
END
outcome 1 '1 passed, 1 failed, 0 skipped' 'exit status is 23: ==7==ERROR: LeakSanitizer'

program test_hang <<'END'
echo 1..1; sleep 60
END
SETTING=TEST_TIMEOUT=1 outcome 1 '0 passed, 1 failed, 0 skipped' 'stopped after 1 s'

echo build/tests/test_missing >"$tree/programs"
outcome 1 '0 passed, 1 failed, 0 skipped' 'not built'

# Two at a time, where there is room: the first waits for what the second makes.
program test_waits <<'END'
for _ in {1..600}; do [ -e build/made ] && break; sleep 0.05; done
echo 1..1; [ -e build/made ] && echo ok 1 - a || echo not ok 1 - a
END
and test_makes <<'END'
echo 1..1; touch build/made; echo ok 1 - b
END
SETTING=TEST_JOBS=2 outcome 0 '2 passed, 0 failed, 0 skipped'

# A failure does not end the run; parts of paths choose; --long reaches the programs; scripts and sanitizers' builds run.
program test_one <<'END'
echo 1..1; echo "${FOVEA_LONG:+not }ok 1 - short"
END
and test_two <<'END'
echo 1..1; echo "ok 1 - always"
END
mkdir "$tree/build/thread"
cp "$tree/build/tests/test_two" "$tree/build/thread/test_three"
printf '#!/bin/bash\n. %q/tests/e2e/lib.sh\nok "a script"\n' "$PWD" >"$tree/tests/e2e/script.sh"
echo 'exit 1' >"$tree/tests/e2e/helper.sh" # no #!: sourced by others, no test
outcome 0 '4 passed, 0 failed, 0 skipped' 'thread/test_three' 'tests/e2e/script.sh'
ARGUMENT=--long outcome 1 '3 passed, 1 failed, 0 skipped'
ARGUMENT=est_tw outcome 0 '1 passed, 0 failed, 0 skipped'
ARGUMENT=nothing outcome 1 '0 passed, 1 failed, 0 skipped' 'no test has a path with: nothing'
expect_exit 64 "$tree/tests/run" --nonsense

# lib.sh: a script that dies halfway prints no plan.
printf '#!/bin/bash\n. %q/tests/e2e/lib.sh\nok one\nexit 3\n' "$PWD" >"$tree/tests/e2e/script.sh"
ARGUMENT=script.sh outcome 1 '1 passed, 1 failed, 0 skipped' 'no plan was printed: it ended early, exit status 3'
printf '#!/bin/bash\n. %q/tests/e2e/lib.sh\nnot_ok one because\nskip two "no reason"\nexpect_exit 3 sh -c "exit 3"\nexpect_exit 0 false\n' "$PWD" \
    >"$tree/tests/e2e/script.sh"
ARGUMENT=script.sh outcome 1 '1 passed, 2 failed, 1 skipped' 'one: because' 'exit 0: false: exit status 1 instead of 0' \
    'two: no reason'

echo 'list-tested: ; false' >"$tree/Makefile"
ARGUMENT=est_two outcome 1 '0 passed, 3 failed, 0 skipped' 'make did not list'
