#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The branches of the kernels that checkops never takes in the emulator, for each instance of a template: each has its
# reason in tests/checkops/branches.tsv. Full rounds build the kernels with gcov's counters and run checkops on them, two
# minutes of one core; otherwise only the table is looked at.
. "$(dirname "$0")/lib.sh"

table=tests/checkops/branches.tsv
missing=$(awk -F '\t' 'NR > 1 { while ((getline line < ("kernels/cuda/" $1)) > 0) found = found || index(line, $3); if (!found) print $1 ": " $3; close("kernels/cuda/" $1); found = 0 }' "$table")
if [ -z "$missing" ]; then ok "the table's lines exist"; else not_ok "the table's lines exist" "$missing"; fi

if [ ! "${FOVEA_LONG-}" ]; then exit; fi
# A compiler may be two words, as ccache g++ is.
if ! command -v gcov >/dev/null || ! command -v python3 >/dev/null || ! ${CXX:-g++} --version | grep -q "Free Software"; then
    skip "branches" "they are counted by g++, gcov and python3"
    exit
fi
check "kernels that count" env -u MAKEFLAGS make -j2 branches
rm -f build/obj/branches/*.gcda
check "checkops runs on them" build/branches/checkops --backend emu
check "each branch is taken or explained" tools/branches build/obj/branches "$table"
tail -n 1 "$TMP/output" | sed 's/^/# /'
# The list can fail.
sed 2d "$table" >"$TMP/table"
expect_exit 1 tools/branches build/obj/branches "$TMP/table"
expect_output "was never taken"
