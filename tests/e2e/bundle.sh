#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/bundle makes a folder that needs nothing from the machine it was made on; tools/gpu-check judges and records, as
# far as can be checked without a GPU.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/small_run.sh"
export BUILD
plugin=
[ -e "$BUILD/libfovea_cuda.so" ] && plugin=libfovea_cuda.so

# same NAME GOT WANTED
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2' is not '$3'"; fi
}

# --- Making one -----------------------------------------------------------------------------------------------------
mkdir -p "$TMP/mine" "$TMP/made/bundle"
touch "$TMP"/made/bundle/{BUNDLE,stale} "$TMP/made/bundle.tar.old"
if [ "${FOVEA_LONG-}" ]; then
    # The same tree with a bound that nothing keeps to.
    mkdir -p "$TMP/tree/tools"
    ln -s "$PWD"/* "$TMP/tree" 2>/dev/null
    ln -s "$PWD"/tools/* "$TMP/tree/tools" 2>/dev/null
    rm "$TMP/tree/tools/bundle"
    sed 's/^most=[0-9]*/most=1000000/' tools/bundle >"$TMP/tree/tools/bundle"
    expect_exit 65 bash "$TMP/tree/tools/bundle" "$TMP/made/bundle"
    expect_output "over 1 MB"
fi
check "a bundle is made, in another's place" tools/bundle "$TMP/made/bundle"
expect_output " MB packed"
check "nothing of the other is left" test ! -e "$TMP/made/bundle/stale" -a ! -e "$TMP/made/bundle.tar.old"
packed=$(ls "$TMP"/made/bundle.tar.*)
check "the archive is under 60 MB" test "$(stat -c %s "$packed")" -lt 60000000
expect_exit 64 tools/bundle "$TMP/mine"
expect_output "is no bundle"

# --- Using it elsewhere ---------------------------------------------------------------------------------------------
moved="$TMP/else where/bundle"
mkdir -p "$TMP/else where"
check "it unpacks" tar -xf "$packed" -C "$TMP/else where"
rm -rf "$TMP/made" "$TMP/tree"

# Only the folders of commands and of Python stay visible. Where mounting is allowed, the repository and CUDA are out of
# reach; CUDA's libraries are in $TMP/site, where a Python environment would have them.
path=/usr/bin:/bin
python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null) && path=$(dirname "$python"):$path
cuda=$(ldd "$BUILD/libfovea_cuda.so" 2>/dev/null | sed -n 's/.*libcublasLt.so.* => \(.*\)\/lib[^ ]* .*/\1/p')
mkdir -p "$TMP/site/nvidia/cu13/lib" "$TMP"/names/nvidia/{a,b,c}/lib "$TMP/none"
touch "$TMP/names/nvidia/b/lib/libcublasLt.so.13" "$TMP/names/nvidia/c/lib/libcudnn.so.9"
cat >"$TMP/hidden" <<'SCRIPT'
repository=$1 cuda=$2 site=$3 none=$4
shift 4
if [ "$cuda" ]; then mount --bind "$cuda" "$site/nvidia/cu13/lib" && mount --bind "$none" "$cuda" || exit 71; fi
mount --bind "$none" "$repository" || exit 71
exec "$@"
SCRIPT
hide=()
if (cd / && unshare -rm sh "$TMP/hidden" "$PWD" "$cuda" "$TMP/site" "$TMP/none" true) 2>/dev/null; then
    hide=(unshare -rm sh "$TMP/hidden" "$PWD" "$cuda" "$TMP/site" "$TMP/none")
else
    echo "# no mount namespaces: the repository stays in reach"
fi
variables=()
bare() {
    (cd / && "${hide[@]}" env -i PATH="$path" TMPDIR="$TMP" "${variables[@]}" "$@")
}

# Programs and libraries load only libraries of the bundle, of the C library and of CUDA.
bare "$moved/tools/cuda_env" find "$moved/bin" "$moved/lib" -type f -exec ldd {} + >"$TMP/loaded"
check "the loaded libraries can be listed" grep -q 'libjpeg.* => .*/else where/bundle/lib/' "$TMP/loaded"
foreign=$(grep -vF "=> $moved/lib/" "$TMP/loaded" | grep '=>' |
    grep -vE '^\s*(linux-vdso|ld-linux[^ ]*|libc|libm|libmvec|libdl|libpthread|librt|libresolv|libcublasLt)\.so|^\s*/lib[^ ]*/ld-' | sort -u)
same "no library of this machine but the C library is loaded" "$foreign" ""
check "no file of it names the repository" test -z "$(grep -rlIF "$PWD" "$moved")"

write_config
check "it draws" bare "$moved/synth" "$TMP/data" --images 32 --size 64 --val 0.25 --test 0
check "it trains" bare "$moved/train" "$TMP/small.ini" --set run.dir="$TMP/run" --set train.device=cpu --until 5
check "and writes a checkpoint" test -s "$TMP/run/ckpt/latest/weights.safetensors"
bare "$moved/tools/doctor" "$TMP" >"$TMP/machine" 2>&1
check "it looks at the machine" grep -q '^[a-z]* *disk rate ' "$TMP/machine"
case=$moved/tests/cases/mae_micro.safetensors
check "it replays a case" bare "$moved/tools/cuda_env" "$moved/bin/accept/replay" "$case" --out "$TMP/out"
check "which matches its recording" bare "$moved/tools/cuda_env" "$moved/bin/accept/compare" "$case" "$TMP/out"

# said NAME TEXT: gpu-check in the bundle refuses in one line with TEXT and leaves nothing.
said() {
    expect_exit 69 bare "$moved/tools/gpu-check" ops
    expect_output "$2"
    same "$1: in one line" "$(wc -l <"$TMP/output")" 1
    check "$1: no result is written" test ! -e "$moved/tools/results"
}
if [ ! "$python" ]; then
    skip "gpu-check" "no python3"
    exit 0
elif [ -e /dev/nvidiactl ]; then
    skip "gpu-check without a GPU" "there is a GPU"
elif [ ! "$plugin" ]; then
    said "without the plugin" "there is no libfovea_cuda.so"
    skip "CUDA's libraries" "no nvcc"
else
    if [ ${#hide[@]} -eq 0 ]; then
        skip "gpu-check without CUDA's libraries" "no mount namespaces"
    else
        said "without CUDA's libraries" "libcublasLt"
    fi
    if [ ${#hide[@]} -gt 0 ]; then
        variables=(PYTHONPATH="$TMP/names")
        same "Python's folders are searched" "$(bare "$moved/tools/cuda_env" printenv LD_LIBRARY_PATH)" \
            "$moved/lib:$TMP/names/nvidia/b/lib:$TMP/names/nvidia/c/lib"
    fi
    variables=(PYTHONPATH="$TMP/site")
    said "without a GPU" "no NVIDIA driver is installed"
    variables=()
fi

# --- What gpu-check judges and records -----------------------------------------------------------------------------
results=$TMP/results.json
gpu_check() { env TMPDIR="$TMP" tools/gpu-check "$@"; }
# recorded PYTHON: ok when that holds of the results `r`.
recorded() {
    check "recorded: $1" python3 -c "import json, sys; r = json.load(open(sys.argv[1])); p = r['parts']; sys.exit(not ($1))" "$results"
}
expect_exit 64 gpu_check nothing
expect_exit 64 env FOVEA_CHECK_BACKEND=emu tools/gpu-check ops
expect_output "--out"

export FOVEA_CHECK_BACKEND=emu FOVEA_CHECK_ROUNDS=1 FOVEA_CHECK_CASES="mae_micro vit_ft_micro"
check "the emulator passes replay and faults" gpu_check --out "$results" replay faults
recorded "sorted(p['replay']['figures']) == [f'{c} {p}' for c in ('mae_micro', 'vit_ft_micro') for p in ('bf16', 'fp32', 'fp8')] and all(f['passed'] and f['worst'] for f in p['replay']['figures'].values())"
recorded "p['faults']['figures']['killed and resumed']['equal'] == {'weights': True, 'optimizer': True}"
recorded "0 < p['faults']['figures']['killed and resumed']['killed_after'] < p['faults']['figures']['killed and resumed']['steps'] == 16"
recorded "[p['faults']['figures'][f]['exit'] for f in ('more memory than there is', 'too large a model', 'no GPU to be seen')] == [76, 76, 69]"
recorded "r['machine'] == {'gpu': None, 'backend': 'emu'} and len(p['faults']['commit']) >= 7 and p['faults']['seconds'] > 0"
# The emulator has no speed, so that part fails; the others still run, and earlier results stay.
expect_exit 1 gpu_check --out "$results" speed ops
recorded "p['ops']['passed'] is True and p['ops']['figures']['passed'] > 30 and not p['ops']['figures']['failed']"
recorded "p['speed']['passed'] is False and p['replay']['passed'] is True"

export FOVEA_CHECK_BACKEND=cpu
mkdir "$TMP/bin"
printf '%s\n' '#!/bin/sh' 'tool=$2; while [ "${1#/}" = "$1" ]; do shift; done' '"$@" -o exp2' 'status=$?' \
    'echo "========= ERROR SUMMARY: $([ $tool = "$BAD" ] && echo 3 || echo 0) errors"' '[ $tool = "$BAD" ] && exit 99' \
    'exit $status' >"$TMP/bin/compute-sanitizer"
chmod +x "$TMP/bin/compute-sanitizer"
check "a sanitizer that finds nothing" env PATH="$TMP/bin:$PATH" BAD= tools/gpu-check --out "$results" sanitize
recorded "[p['sanitize']['figures'][t]['summary'] for t in ('memcheck', 'synccheck', 'racecheck')] == ['ERROR SUMMARY: 0 errors'] * 3"
expect_exit 1 env PATH="$TMP/bin:$PATH" BAD=racecheck tools/gpu-check --out "$results" sanitize
recorded "p['sanitize']['reason'] == 'racecheck: exit 99: ERROR SUMMARY: 3 errors'"

# Without PyTorch bench is skipped, whatever our side reports. With it (here our own program stands in), the gate comes first.
export TORCH_PYTHON="$TMP/bin/no-torch"
printf '%s\n' '#!/bin/sh' 'echo "No module named torch" >&2' 'exit 1' >"$TMP/bin/no-torch"
cat >"$TMP/bin/torch" <<SCRIPT
#!/bin/bash
if [ "\$1" = -c ]; then echo "9.9 False"; exit; fi
words=() drop=0
for word in "\${@:2}"; do
    case \$word in --compile | --weights | --sdpa) drop=2 ;; esac
    if [ \$drop -gt 0 ]; then drop=\$((drop - 1)); else words+=("\$word"); fi
done
"$(realpath "$BUILD/bench/mae_bench")" "\${words[@]}" | sed "s/^{/{\"compile_s\": 0, /; \${WRONG-}"
SCRIPT
chmod +x "$TMP"/bin/*torch
if [ "${FOVEA_LONG-}" ]; then
    variables=(FOVEA_CHECK_BACKEND=cpu TORCH_PYTHON="$TORCH_PYTHON")
    check "bench without PyTorch, and curves, in the bundle" bare "$moved/tools/gpu-check" --out "$results" bench:vit_large curves
    variables=()
    recorded "p['bench:vit_large']['passed'] is None and 'No module named torch' in p['bench:vit_large']['reason']"
    recorded "p['bench:vit_large']['figures']['ours']['images_per_s'] > 0 and 'ratio' not in p['bench:vit_large']['figures']"
    recorded "p['curves']['figures']['bf16']['same_weights'] and 0 < p['curves']['figures']['bf16']['distance'] < p['curves']['figures']['spread_of_seeds']"
fi
# Timed without cuDNN, a rate is another program's.
if python3 - 2>"$TMP/output" <<'SCRIPT'
import sys
sys.path.insert(0, "tools/gpu-check.d")
sys.dont_write_bytecode = True
from bench import require_library
from part import Failure
require_library({"images_per_s": 1})
try:
    require_library({"images_per_s": 1, "note": "attention by our plain kernels, not by cuDNN"})
except Failure as failure:
    sys.exit("not by cuDNN" not in str(failure))
sys.exit("no failure")
SCRIPT
then ok "bench without a library that it names fails"; else not_ok "bench without a library that it names fails" "$(tail -n 1 "$TMP/output")"; fi
# The tanh form of GELU: another loss from the same weights, images and masks.
small=(--set model.image_size=32 --set model.patch_size=8 --set model.dim=32 --set model.depth=2 --set model.heads=2
    --set model.decoder_dim=32 --set model.decoder_depth=1 --set model.decoder_heads=2 --batch 4 --ring 2 --steps 2)
for form in erf tanh; do
    check "the model with GELU's form $form" "$BUILD/bench/mae_export" "$TMP/$form" --config configs/vit_base.ini "${small[@]}" --set model.activation=$form
    expect_output "\"gelu\": \"$form\""
    "$BUILD/bench/mae_bench" follow "$TMP/$form" --steps 2 >"$TMP/$form.losses" 2>&1
done
check "both have the same weights" cmp <(tail -c 1000 "$TMP/erf/weights.safetensors") <(tail -c 1000 "$TMP/tanh/weights.safetensors")
# By rounding alone the losses would agree to 1e-7; the forms differ by up to 5e-4 in a value near 1.
if paste "$TMP/erf.losses" "$TMP/tanh.losses" | awk '{ gsub(/[^0-9.e+-]+/, " "); print }' | awk '{ off = ($(NF) - $(NF / 2)) / $(NF); if (off < 0) off = -off; exit !(off > 1e-7 && off < 1e-3) }'; then
    ok "and slightly other losses"
else
    not_ok "and slightly other losses" "$(cat "$TMP/erf.losses" "$TMP/tanh.losses")"
fi
if [ "${FOVEA_LONG-}" ]; then
    export TORCH_PYTHON="$TMP/bin/torch"
    check "bench beside the same program" gpu_check --out "$results" bench:vit_base
    recorded "p['bench:vit_base']['figures']['gate']['passed'] and 0 < p['bench:vit_base']['figures']['gate']['gradient'] < 2e-2"
    recorded "len(p['bench:vit_base']['figures']['pytorch']['windows']) == 10 and p['bench:vit_base']['figures']['ratio'] > 0"
    expect_exit 1 env WRONG='s/"losses": \[[0-9.]*,/"losses": [9,/' tools/gpu-check --out "$results" bench:vit_base
    recorded "'the gate: losses' in p['bench:vit_base']['reason'] and 'ratio' not in p['bench:vit_base']['figures']"
fi

# Programs that fail: a comparison that misses, a run that ends with other weights.
mkdir -p "$TMP"/wrong/{accept,tests}
ln -s "$(realpath "$BUILD/synth")" "$TMP/wrong"
printf '%s\n' '#!/bin/sh' 'echo 1..2' 'echo "ok 1 - gelu_forward"' 'echo "not ok 2 - adamw"' 'echo "# off by 3"' 'exit 70' >"$TMP/wrong/tests/checkops"
printf '#!/bin/sh\n' >"$TMP/wrong/accept/replay"
printf '%s\n' '#!/bin/sh' 'echo "# MISS gradient       grad.x                1.5e-01 (bound 3e-05)"' \
    'echo "# 7 tensors compared, 1 missed"' 'exit 1' >"$TMP/wrong/accept/compare"
printf '%s\n' '#!/bin/sh' 'case $* in *broken*) set -- "$@" --set train.seed=2 ;; esac' \
    "exec '$(realpath "$BUILD/train")' \"\$@\"" >"$TMP/wrong/train"
chmod +x "$TMP"/wrong/accept/* "$TMP"/wrong/tests/* "$TMP/wrong/train"
expect_exit 1 env BUILD="$TMP/wrong" tools/gpu-check --out "$results" replay faults ops
recorded "p['ops']['passed'] is False and 'adamw: off by 3' in p['ops']['figures']['failed'][0] and p['ops']['figures']['passed'] == 1"
recorded "'mae_micro bf16: # 7 tensors compared, 1 missed' in p['replay']['reason'] and p['replay']['passed'] is False"
recorded "p['replay']['figures']['mae_micro fp32'] == {'passed': False, 'worst': {'gradient': 0.15}}"
recorded "p['faults']['passed'] is False and p['faults']['figures']['killed and resumed']['equal']['weights'] is False"

sed -i 's/"gpu": null/"gpu": "Another"/' "$results"
expect_exit 65 gpu_check --out "$results" sanitize
expect_output "is of Another"
echo '[]' >"$results"
expect_exit 65 gpu_check --out "$results" sanitize

"$BUILD/tests/checkops" --bench -o adamw >"$TMP/bench"
cat >"$TMP/parts.py" <<'PYTHON'
import sys
sys.path.insert(0, "tools/gpu-check.d")
import bench, losses, machine, operations, part

assert operations.operation_row("linear_forward         bf16     12608  1024  4096     0      123.4 us    913.5 GB/s   21 % of a copy"
                           "  857012.3 GFLOP/s") == {
    "operation": "linear_forward", "type": "bf16", "shape": [12608, 1024, 4096], "us": 123.4, "gb_per_s": 913.5,
    "share_of_copy": 0.21, "gflop_per_s": 857012.3}
rows = [operations.operation_row(line) for line in open(sys.argv[1]).read().splitlines()[1:]]
assert [row["type"] for row in rows] == ["fp32", "bf16"] and all(row["us"] > 0 for row in rows), rows

assert machine.gpu_of("cuda, NVIDIA H100 80GB HBM3, 79.2 GiB: a copy moves 2,800.0 GB/s") == ("NVIDIA H100 80GB HBM3", "79.2 GiB")
assert [machine.slug(name) for name in ("NVIDIA H200", "NVIDIA A100-SXM4-80GB")] == ["h200", "a100-sxm4-80gb"]
assert part.tap("1..2\nok 1 - a\nok 2 - b\n") == (2, [])
assert part.tap("1..2\nok 1 - cuda # SKIP none\nok 2 - b\n") == (1, ["cuda # SKIP none"])
assert part.tap("1..2\nok 1 - a\nnot ok 2 - b\n# far off\n") == (1, ["b: far off"])
assert part.tap("1..3\nok 1 - a\nKilled\n")[1] == ["1 of 3 tests ran: Killed"]
assert part.tap("")[1] != []

falling = [1 - i / 200 for i in range(100)]
assert losses.falls(falling) and not losses.falls([1.0] * 100)
assert losses.distance(falling, falling) == 0 and losses.distance(falling[:-1] + [float("nan")], falling) == float("inf")
assert abs(losses.distance([1.01 * x for x in falling], falling) - 0.01) < 1e-9
figures = {"ours": {"images_per_s": 4000.0, "peak_tflop_per_s": 989.4}, "ceilings": {"product_tflop_per_s": 750.0}}
bench.add_shares(figures, 123.7e9)
assert figures["ours"] == {"images_per_s": 4000.0, "peak_tflop_per_s": 989.4, "tflop_per_s": 494.8, "share_of_product": 0.6597, "mfu": 0.5001}, figures
del figures["ours"]["peak_tflop_per_s"]
bench.add_shares(figures, 123.7e9)
assert figures["ours"]["mfu"] is None

one = part.Part(sys.argv[2])
try:
    one.run(["sleep", "60"], limit=0.2)
    sys.exit("a command ran past its time")
except part.Failure as failure:
    assert "sleep was stopped" in str(failure), failure
PYTHON
check "lines of checkops are read, and a part that takes too long ends" python3 -B "$TMP/parts.py" "$TMP/bench" "$TMP"
