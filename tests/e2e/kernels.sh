#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The emulator knows each kernel in the sources, because something launches it, and checkops fails for those that it knows
# and did not run. So every kernel has a test.
. "$(dirname "$0")/lib.sh"

CHECKOPS=$BUILD/tests/checkops
check "checkops lists the kernels" "$CHECKOPS" --kernels
# Names without namespace and template arguments.
sed -E 's/<.*//; s/.*:://' "$TMP/output" | LC_ALL=C sort -u >"$TMP/known"

# `__global__`, `void`, launch bounds and the name may be on lines of their own; comments do not count.
cat kernels/cuda/*.cu kernels/cuda/*.cuh | sed -E 's,//.*,,' | tr '\n' ' ' | sed -E 's,/\*([^*]|\*[^/])*\*/, ,g' >"$TMP/text"
grep -oE '__global__[^;{]*' "$TMP/text" |
    sed -E 's/__launch_bounds__ *\(([^()]|\([^()]*\))*\)//; s/^__global__ *(static *)?(inline *)?void *([A-Za-z_0-9]+).*/\3/' |
    LC_ALL=C sort -u >"$TMP/written"

count=$(grep -o '__global__' "$TMP/text" | wc -l)
check "there are kernels in the sources" test "$count" -gt 0
if grep -vqE '^[A-Za-z_0-9]+$' "$TMP/written"; then
    not_ok "every kernel's name can be read" "$(grep -vE '^[A-Za-z_0-9]+$' "$TMP/written" | head -n 1)"
else
    ok "every kernel's name can be read"
fi
missing=$(LC_ALL=C comm -23 "$TMP/written" "$TMP/known" | tr '\n' ' ')
if [ -z "$missing" ]; then ok "every kernel is launched"; else not_ok "every kernel is launched" "not by anything: $missing"; fi
