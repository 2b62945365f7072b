#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The leakage control on recorded cases (tests/cases/eval), and what is refused.
. "$(dirname "$0")/lib.sh"

for case in clean copies eyes; do
    check "control $case" "$BUILD/accept/control" "tests/cases/eval/control_$case.safetensors" "$TMP/$case.json" --b 199
    check "$case is as recorded" "$BUILD/accept/compare_control" "tests/cases/eval/control_$case.json" "$TMP/$case.json"
done

# The comparison can fail.
expect_exit 1 "$BUILD/accept/compare_control" tests/cases/eval/control_eyes.json "$TMP/clean.json"
for word in "MISS verdict: clean, want leaking" "names people" "names scramble" "MISS score" "MISS null_mean" "MISS p:"; do
    expect_output "$word"
done

# refused PATTERN WITH TEXT: a case in which text of its header, of equal length, is another, is refused.
refused() {
    sed "s/$1/$2/" tests/cases/eval/control_clean.safetensors >"$TMP/odd.safetensors"
    expect_exit 65 "$BUILD/accept/control" "$TMP/odd.safetensors" "$TMP/none.json" --b 199
    expect_output "$3"
    check "nothing is written" test ! -e "$TMP/none.json"
}
refused '"site"' '"room"' "the tensor room of the case is not known here"
refused '"task"' '"tusk"' "the setting tusk of the case is not known here"
refused '"task": "binary"' '"task": "ranked"' "the task ranked of the case is not known here"
refused '"kind": "control"' '"kind": "another"' "the case is of kind another, not control"
refused '31.622776601683793 100"' '31.622776601683793 200"' "the grid of the case is not that of the linear probe"
expect_exit 64 "$BUILD/accept/control" tests/cases/eval/control_clean.safetensors "$TMP/none.json" --b 18
expect_output "cannot be 0.05; take 19 or more"
