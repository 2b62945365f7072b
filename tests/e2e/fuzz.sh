#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What reads files from outside under libFuzzer and the sanitizers, ten minutes each, in full rounds only: PyTorch's
# files, safetensors, JSON, INI, the pool's requests and rules (tests/fuzz). It starts from the kept corpus, which
# test_corpus reads in every round; a crash, a leak, a hang of ten seconds or 1.5 GB of memory fails it, and the input is
# kept in build/fuzz.
. "$(dirname "$0")/lib.sh"

if [ ! "${FOVEA_LONG-}" ]; then exit; fi
names="pth safetensors json ini request rule"
echo 'int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size) { return !data && size; }' >"$TMP/try.c"
if ! clang -fsanitize=fuzzer,address "$TMP/try.c" -o "$TMP/try" >"$TMP/output" 2>&1; then
    for name in $names; do skip "fuzzing of $name" "no clang with libFuzzer"; done
    exit
fi
san=address,undefined,fuzzer-no-link
check "the fuzzers are built" env -u MAKEFLAGS make -j2 fuzz CC=clang CXX=clang++ "SAN=$san"

# fuzz NAME: in the background; its log is $TMP/NAME.
fuzz() {
    mkdir -p "build/fuzz/$1" "$TMP/$1.folder" "$TMP/$1.found"
    FOVEA_FUZZ_FOLDER=$TMP/$1.folder "build/san-${san//,/-}/fuzz/$1" -max_total_time="${FOVEA_FUZZ_SECONDS:-600}" \
        -max_len=8192 -timeout=10 -rss_limit_mb=1500 -print_final_stats=1 -artifact_prefix="build/fuzz/$1/" \
        "$TMP/$1.found" "tests/fuzz/corpus/$1" >"$TMP/$1" 2>&1
    echo $? >"$TMP/$1.status"
}
for pair in "pth safetensors" "json ini" "request rule"; do
    for name in $pair; do fuzz "$name" & done
    wait
done
for name in $names; do
    if [ "$(cat "$TMP/$name.status")" = 0 ]; then
        ok "fuzzing of $name"
    else
        not_ok "fuzzing of $name" "$(grep -m 1 'ERROR\|SUMMARY' "$TMP/$name")"
        tail -n 30 "$TMP/$name" | sed 's/^/#   /'
    fi
    grep -o '^#[0-9].*cov: [0-9]* ft: [0-9]* corp: [0-9/A-Za-z]*' "$TMP/$name" | tail -n 1 | sed "s/^#/# $name: inputs /"
done
