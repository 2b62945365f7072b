#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./pool rule --check: a rule against the machine's GPUs, which are stand-ins (tests/gauges/fake_nvml.c).
. "$(dirname "$0")/lib.sh"

POOL=$BUILD/pool
if [ ! -f "$BUILD/tests/gauges/libnvidia-ml.so.1" ]; then
    skip "rules and GPUs" "no stand-in for NVML: make tests"
    exit 0
fi
LD_LIBRARY_PATH=$(realpath "$BUILD/tests/gauges")
export LD_LIBRARY_PATH FOVEA_FAKE_NVML=$TMP/gpus
gpus() { printf 'name=NVIDIA_H100 %s\n' "$@" >"$TMP/gpus"; }
# Of configs/node.ini.
shipped() { sed -n 's/^[0-9] = \(GPU-.*\)/uuid=\1/p' configs/node.ini; }

# A rule is also written where none of its GPUs is; only a daemon needs them.
check "the rule that comes with the program, on a machine without GPUs" "$POOL" rule --check configs/node.ini
expect_output "warning: configs/node.ini: its GPUs were not looked for on this machine"
expect_output "Lane pool, GPUs 2 to 7: the pool of all members."
mapfile -t uuids < <(shipped)
if [ ${#uuids[@]} = 8 ]; then ok "it has eight GPUs"; else not_ok "it has eight GPUs" "${#uuids[@]}"; fi
gpus "${uuids[@]}"
check "on the machine that it is for" "$POOL" rule --check configs/node.ini
if grep -q warning "$TMP/output"; then not_ok "without a warning" "$(cat "$TMP/output")"; else ok "without a warning"; fi
gpus "${uuids[@]:0:7}"
expect_exit 65 "$POOL" rule --check configs/node.ini
expect_output "gpus.7: ${uuids[7]#uuid=} is not on this machine, which has ${uuids[0]#uuid=}"
gpus "uuid=GPU-1 pci=0000:3b:00.0"
printf '[gpus]\n0 = GPU-1\n1 = 3b:00.0\n[lanes]\npool = pool 0-1\n' >"$TMP/twice.ini"
expect_exit 65 "$POOL" rule --check "$TMP/twice.ini"
expect_output "twice.ini:3: gpus.1: 3b:00.0 is GPU 0 already, which line 2 calls GPU-1"
printf '[gpus]\n0 = 0\n[lanes]\npool = pool 0\n' >"$TMP/index.ini"
check "an index works" "$POOL" rule --check "$TMP/index.ini"
expect_output "index.ini:2: gpus.0 = 0: an index can name another GPU after a restart"
expect_exit 65 "$POOL" rule --check "$TMP/nowhere.ini"
expect_output "nowhere.ini: there is no such rule"
