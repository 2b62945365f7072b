#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Figures against those that scikit-learn, scipy and torchmetrics gave (tests/cases/stats), and what is refused.
. "$(dirname "$0")/lib.sh"

for case in metrics metrics2; do
    check "metrics $case" "$BUILD/accept/metrics" "tests/cases/stats/$case.json" "$TMP/$case.json"
    check "$case is as recorded" "$BUILD/accept/compare_metrics" "tests/cases/stats/$case.json" "$TMP/$case.json"
done

# The comparison can fail.
sed 's/"mae": *[0-9]/"mae": 9/' "$TMP/metrics2.json" >"$TMP/wrong.json"
expect_exit 1 "$BUILD/accept/compare_metrics" tests/cases/stats/metrics2.json "$TMP/wrong.json"
expect_output "MISS case 10 mae"

# refused CASE TEXT: exit 65 with TEXT, and no output.
refused() {
    printf '{"cases": [%s]}' "$1" >"$TMP/in.json"
    expect_exit 65 "$BUILD/accept/metrics" "$TMP/in.json" "$TMP/none.json"
    expect_output "$2"
    check "nothing is written" test ! -e "$TMP/none.json"
}
refused '{"kind": "ranking", "labels": [0]}' "the kind ranking is not known here (case 0)"
refused '{"kind": "regression", "labels": [0], "predictions": [1], "weights": [1]}' '"weights" is a setting that is not known'
refused '{"kind": "regression", "labels": [0], "labels": [1], "predictions": [1]}' '"labels" appears twice'
refused '{"kind": "regression", "labels": [0, 1], "predictions": [1]}' "labels and predictions do not fit"
refused '{"kind": "regression", "labels": [0], "predictions": [null]}' "predictions holds what is no number"
refused '{"kind": "classification", "labels": [2], "probabilities": [[0.5, 0.5]]}' "the label of row 0 is 2: the classes are 0 to 1"
refused '{"kind": "classification", "labels": [1], "probabilities": [[0.5, 1.5]]}' "probability 1 of row 0 is 1.5"
refused '{"kind": "classification", "labels": [1], "probabilities": [[0.5, 0.5]], "classes": 3}' "classes is not the 2"
refused '{"kind": "multilabel", "labels": [[0, 2]], "probabilities": [[0.5, 0.5]]}' "the label of row 0 is 2: it must be 0 or 1 (label 1)"
refused '{"kind": "calibration", "labels": [0], "probabilities": [0.1], "net_benefit_at": [1]}' "it must be between 0 and 1"
refused '{"kind": "interval", "labels": [0], "scores": [0.1], "people": [-1]}' "the person -1, who is not known"

# --- Probes -----------------------------------------------------------------------------------------------------------
for case in binary classes regress; do
    check "probe $case" "$BUILD/accept/probe" "tests/cases/stats/probe_$case.safetensors" --out "$TMP/$case"
    check "$case is as recorded" "$BUILD/accept/compare_probe" "tests/cases/stats/probe_$case.safetensors" "$TMP/$case"
done
expect_exit 1 "$BUILD/accept/compare_probe" tests/cases/stats/probe_binary.safetensors "$TMP/classes"
expect_output "MISS coef"

# refused_probe PATTERN WITH TEXT: a case in which text of its header, of equal length, is another, is refused.
refused_probe() {
    sed "s/$1/$2/" tests/cases/stats/probe_binary.safetensors >"$TMP/odd.safetensors"
    expect_exit 65 "$BUILD/accept/probe" "$TMP/odd.safetensors" --out "$TMP/none"
    expect_output "$3"
    check "nothing is written" test ! -e "$TMP/none"
}
refused_probe '"made_with"' '"weighting"' "the setting weighting of the case is not known here"
refused_probe '"person"' '"weight"' "the tensor weight of the case is not known here"
refused_probe '"task": "binary"' '"task": "ranked"' "the task ranked of the case is not known here"
refused_probe '"kind": "probe"' '"kind": "other"' "the case is of kind other, not probe"
refused_probe '"grid": "C ' '"grid": "D ' 'the grid of the case is not "C "'
refused_probe '"classes": "2"' '"classes": "3"' "the case has 3 classes"
