#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attention by cuDNN without a GPU. cuDNN itself compiles plans for GPUs that are only described (tests/cases/h100.json,
# h200.json), with a stand-in for the driver: they show that graph, shape and chip are supported and how much memory they
# need. Both chips have the same multiprocessors, so the second waits for FOVEA_LONG. A stand-in for cuDNN computes its
# graphs, which are compared with the formulas.
. "$(dirname "$0")/lib.sh"

if ! make -s --no-print-directory list-cudnn | grep -q .; then
    skip "attention by cuDNN" "no nvcc or no cudnn.h"
    exit 0
fi

# start OUTPUT NAME FOLDER ARGUMENTS...: a program in the background. The libraries in FOLDER precede the system's, and a
# GPU of this machine is hidden.
start() {
    local output=$1 name=$2 folder=$BUILD/tests/cudnn/$3
    shift 3
    CUDA_VISIBLE_DEVICES="" LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH+:$LD_LIBRARY_PATH} "$BUILD/tests/cudnn/$name" "$@" \
        >"$TMP/$output" 2>&1 </dev/null &
}

# pass_on OUTPUT PROCESS: its results, and whether it ran to its end.
pass_on() {
    local line status=0
    wait "$2" || status=$?
    while IFS= read -r line; do
        case $line in
        "ok - "*) ok "${line#ok - }" ;;
        "not ok - "*) not_ok "${line#not ok - }" ;;
        *) echo "# $line" ;;
        esac
    done <"$TMP/$1"
    if [ "$status" = 0 ]; then ok "$1: ran to its end"; else not_ok "$1: ran to its end" "exit status $status"; fi
}

start runs runs library
runs=$!
start h100 plans driver tests/cases/h100.json
h100=$!
pass_on runs "$runs"
pass_on h100 "$h100"
if [ "${FOVEA_LONG-}" ]; then
    start h200 plans driver tests/cases/h200.json
    pass_on h200 $!
fi
