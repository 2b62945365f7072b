#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./convert: weights of other programs in (tests/cases), safetensors and PyTorch's files out. FOVEA_PYTHON names a Python
# that has PyTorch, and timm for the last of the tests.
. "$(dirname "$0")/lib.sh"

CONVERT=$BUILD/convert
cases=tests/cases

# refused FILE WORD: exit 65, one line that names the file and contains WORD, and no output file.
refused() {
    local output
    output=$("$CONVERT" "$1" "$TMP/refused.safetensors" 2>&1 >"$TMP/printed")
    if [ $? = 65 ] && [ "$(wc -l <<<"$output")" = 1 ] && [[ $output == *"$1"*"$2"* ]] && ! [ -s "$TMP/printed" ] &&
        [ -z "$(find "$TMP" -name 'refused*')" ]; then
        ok "$(basename "$1") is refused"
    else
        not_ok "$(basename "$1") is refused" "$output"
    fi
}
refused $cases/pth/stride_beyond.pth '"w"'
refused $cases/pth/offset_negative.pth '"w"'
refused $cases/pth/call_in_weights.pth os.system
refused $cases/pth/no_storage.pth '"w"'
refused $cases/import/refuse_registers.pth '"reg_token"'
refused $cases/import/refuse_swiglu.pth '"blocks.0.mlp.w12.weight"'
head -c 100000 $cases/mae_micro.pth >"$TMP/short.pth"
refused "$TMP/short.pth" "cut off"
printf '\200\002\212\012l\374\234F\371 j\250P\031' >"$TMP/legacy.pth"
refused "$TMP/legacy.pth" "before version 1.6"
refused README.md "neither safetensors nor"
check "nothing was run" test ! -e /tmp/pwned_by_pickle

# A name with a line feed in it stays on the line.
printf '\115\0\0\0\0\0\0\0{"a\\nb":{"dtype":"F128","shape":[0],"data_offsets":[0,0]}}                   ' >"$TMP/lines.safetensors"
refused "$TMP/lines.safetensors" 'a?b'

# --- What is written -------------------------------------------------------------------------------------------------
check "a checkpoint of MAE becomes safetensors" "$CONVERT" $cases/mae_micro.pth "$TMP/mae.safetensors"
expect_output "mae.safetensors: 50 tensors, 88016 parameters"
check "and a file for PyTorch" "$CONVERT" "$TMP/mae.safetensors" "$TMP/mae.pth"
check "and safetensors again" "$CONVERT" "$TMP/mae.pth" "$TMP/again.safetensors"
check "which are the same" cmp "$TMP/mae.safetensors" "$TMP/again.safetensors"
check "an encoder alone" "$CONVERT" $cases/import/hf_hub "$TMP/encoder.pth" --encoder
expect_output "30 tensors, 32224 parameters; 20 left out"
check "a file can be replaced by itself" "$CONVERT" "$TMP/mae.pth" "$TMP/mae.pth" --encoder
check "and only once" test "$(find "$TMP" -name 'mae.pth*' | wc -l)" = 1

check "--list" "$CONVERT" $cases/import/hf_saved5 --list
expect_output "decoder_blocks.0.attn.qkv.weight   F32   [72, 24]  from decoder.decoder_encoder.layer.0.attention.attention.query.weight"
check "--list of a file that is refused" "$CONVERT" $cases/import/refuse_registers.pth --list
expect_output "reg_token                  F32   [1, 4, 32]"
check "--key" "$CONVERT" $cases/import/dinov2_teacher.pth --list --key teacher --encoder
expect_output "blocks.0.ls1.gamma         F32   [32]  from backbone.blocks.0.ls1.gamma"
expect_exit 65 "$CONVERT" $cases/import/dinov2_teacher.pth --list --key model
expect_output 'its entry "model" is missing; its entries: teacher, iteration'
expect_exit 64 "$CONVERT" $cases/import/hf_hub --list --key model
expect_exit 64 "$CONVERT" $cases/mae_micro.pth
expect_output "OUT is missing"
expect_exit 64 "$CONVERT" $cases/mae_micro.pth "$TMP/out.pth" --list
expect_exit 64 "$CONVERT" $cases/mae_micro.pth "$TMP/out.npz"
expect_output "out.npz: OUT must end in .safetensors, or in .pth for PyTorch"
expect_exit 74 "$CONVERT" $cases/mae_micro.pth "$TMP/none/out.pth"
expect_exit 74 "$CONVERT" "$TMP/none.pth" "$TMP/out.pth"

# --- What PyTorch and timm make of it --------------------------------------------------------------------------------
python=
for candidate in "${FOVEA_PYTHON-}" python3 /usr/bin/python3; do
    if [ "$candidate" ] && "$candidate" -c 'import torch' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    skip "PyTorch loads what is written" "no Python with PyTorch (FOVEA_PYTHON names one)"
    exit 0
fi
cat >"$TMP/written.py" <<'PYTHON'
# Every type that PyTorch and safetensors share, views, every protocol: there, and back.
import json, struct, subprocess, sys
import torch

convert, folder = sys.argv[1], sys.argv[2]
names = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
         "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
         "C64": torch.complex64}
for name, word in {"U16": "uint16", "U32": "uint32", "U64": "uint64", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
                   "F8_E8M0": "float8_e8m0fnu", "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz"}.items():
    if hasattr(torch, word):
        names[name] = getattr(torch, word)
torch.manual_seed(1)
tensors = {}
for name, kind in names.items():
    raw = torch.randint(0, 255, (48,), dtype=torch.uint8)
    whole = (raw & 1).bool() if kind == torch.bool else raw.view(kind)
    tensors |= {"whole." + name: whole, "every2." + name: whole[1::2], "one." + name: whole[:1].expand(3, 1)}
x = torch.randn(2, 3, 4, 5)
tensors |= {"permuted": x.permute(3, 1, 0, 2), "slice": x[:, 1:, ::2], "scalar": x[0, 0, 0, 0], "empty": x[:0],
            "parameter": torch.nn.Parameter(x), "large.stride": torch.as_strided(x, (1, 3), (2**40, 2))}

def data(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""

def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    return {name: (entry["dtype"], entry["shape"], body[slice(*entry["data_offsets"])])
            for name, entry in header.items() if name != "__metadata__"}

kinds = {kind: name for name, kind in names.items()}
expected = {name: (kinds[t.dtype], list(t.shape), data(t)) for name, t in tensors.items()}
for protocol in (2, 3, 4, 5):
    torch.save({"model": tensors, "epoch": 3, "rates": [1e-3, 2**70, -(2**40)], "ids": {1, 2}}, folder + "/all.pth",
               pickle_protocol=protocol)
    subprocess.run([convert, folder + "/all.pth", folder + "/all.safetensors"], check=True)
    assert read(folder + "/all.safetensors") == expected, protocol
subprocess.run([convert, folder + "/all.safetensors", folder + "/back.pth"], check=True)
for mapped in (False, True):
    back = torch.load(folder + "/back.pth", weights_only=True, mmap=mapped)["model"]
    assert {name: (kinds[t.dtype], list(t.shape), data(t)) for name, t in back.items()} == expected
PYTHON
check "PyTorch loads what is written" "$python" "$TMP/written.py" "$CONVERT" "$TMP"

if ! "$python" -c 'import timm' 2>/dev/null; then
    skip "timm loads an encoder" "no timm beside PyTorch (FOVEA_PYTHON names a Python)"
    exit 0
fi
cat >"$TMP/strict.py" <<'PYTHON'
# Every name and shape of timm's model, and no other.
import sys
import torch
from timm.models.vision_transformer import VisionTransformer

for path, options in ((sys.argv[1], {"img_size": 32, "patch_size": 8, "num_heads": 4}),
                      (sys.argv[2], {"img_size": 70, "patch_size": 14, "num_heads": 2, "init_values": 1e-5})):
    model = VisionTransformer(embed_dim=32, depth=2, num_classes=0, **options)
    model.load_state_dict(torch.load(path, weights_only=True)["model"], strict=True)
PYTHON
check "DINOv2's encoder alone" "$CONVERT" $cases/import/dinov2_teacher.pth "$TMP/dinov2.pth" --encoder
check "timm loads an encoder" "$python" "$TMP/strict.py" "$TMP/encoder.pth" "$TMP/dinov2.pth"
