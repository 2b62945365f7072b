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

# --- Instructions -----------------------------------------------------------------------------------------------------
# Kernels of stores in a disassembly: "STORES KERNEL" for each that writes 16 neighbouring bytes by four stores of 4, as
# the compiler does with a vector store that it splits, and "LOCAL KERNEL" for one that uses local memory.
faulty_kernels() {
    awk 'function value(text, i, n) {
             for (i = 3; i <= length(text); i++) n = 16 * n + index("0123456789abcdef", substr(text, i, 1)) - 1
             return n }
         /Function :/ { name = $NF; count = 0 }
         /(STL|LDL)/ { print "LOCAL", name }
         /STG/ && !/STG\.E desc/ { count = 0 }
         /STG\.E desc/ && match($0, /\[R[0-9]+\.64[^]]*\]/) {
             split(substr($0, RSTART + 1, RLENGTH - 2), part, "+")
             sign = sub(/^-/, "", part[2]) ? -1 : 1
             if (part[1] != base) count = 0
             base = part[1]; at[count++] = part[2] == "" ? 0 : sign * value(part[2])
             if (count < 4) next
             low = at[count - 1]; found = 0
             for (i = count - 4; i < count; i++) if (at[i] < low) low = at[i]
             for (i = count - 4; i < count; i++) if (at[i] - low <= 12 && (at[i] - low) % 4 == 0) found += 2 ^ ((at[i] - low) / 4)
             if (found == 15) print "STORES", name }' | LC_ALL=C sort -u
}
stores() { printf '        Function : planted\n'; printf '  /*0010*/  STG.E desc[UR6][R2.64%s], R8 ;\n' "$@"; }
if [ "$(stores +0x10 +0x18 +0x14 +0x1c | faulty_kernels)" = "STORES planted" ]; then ok "a split store would be found"; else not_ok "a split store would be found"; fi
if [ -z "$(stores "" +0x4 +0x8 +0x10 | faulty_kernels)" ]; then ok "and other stores would not"; else not_ok "and other stores would not"; fi

cat "$BUILD"/obj/kernels/cuda/*.sass >"$TMP/stores" 2>/dev/null
if ! grep -q 'Function :' "$TMP/stores"; then
    skip "vector stores are whole" "no code for sm_90a, or no cuobjdump to read it with: tools/setup installs one beside nvcc"
else
    # The plain kernels of attention take heads of any size, and write single elements. weigh_axes reports a wrong crop,
    # whose numbers are neighbours, and otherwise writes one element at a time.
    faulty_kernels <"$TMP/stores" | grep -vE ' _Z[0-9]*plain_|^STORES _Z10weigh_axes' >"$TMP/faulty"
    if [ ! -s "$TMP/faulty" ]; then
        ok "vector stores are whole, and no kernel uses local memory"
    else
        not_ok "vector stores are whole, and no kernel uses local memory" "$(c++filt <"$TMP/faulty" | tr '\n' ';')"
    fi
fi
