#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A pack's shards and files of features are HDF5 as others read it: h5py sees every table, name and number that was
# written. FOVEA_PYTHON names a Python that has h5py.
. "$(dirname "$0")/lib.sh"

python=
for candidate in "${FOVEA_PYTHON-}" python3 /usr/bin/python3; do
    if [ "$candidate" ] && "$candidate" -c 'import h5py' 2>/dev/null; then
        python=$candidate
        break
    fi
done
check "a pack is written" "$BUILD/tests/pack/test_pack" "$TMP"
check "features are written" "$BUILD/tests/eval/test_extract" "$TMP"
if [ -z "$python" ]; then
    skip "h5py reads the shards" "no Python with h5py (tools/setup installs python3-h5py)"
    skip "h5py reads features" "no Python with h5py (tools/setup installs python3-h5py)"
    exit 0
fi

cat >"$TMP/read.py" <<'PYTHON'
import hashlib, json, os, sys
import h5py

root = sys.argv[1]
pack = json.load(open(root + "/pack/pack.json"))
label = "hba1c (%) ä"
assert pack["labels"] == ["age", label] and pack["records"] == 12, pack
assert sorted(os.listdir(root + "/pack/shards")) == [shard["file"] for shard in pack["shards"]]
lines = [line.rstrip("\n").split("\t") for line in open(root + "/expected.tsv", encoding="utf-8")]
assert len(lines) == 12
for entry in pack["shards"]:
    path = root + "/pack/shards/" + entry["file"]
    data = open(path, "rb").read()
    assert len(data) == entry["bytes"] and hashlib.sha256(data).hexdigest() == entry["sha256"]
    rows = [line[1:] for line in lines if line[0] == entry["file"]]
    assert len(rows) == entry["records"]
    with h5py.File(path, "r") as shard:
        kinds = {"checksum": "<u8", "phash": "<u8", "flags": "<u4", "sha256": "|u1", "circle": "<f4", "crop": "<i4", "size": "<i4"}
        texts = ["source", "person", "device", "modality", "eye", "split"]
        assert set(shard) == {"images", "labels", *kinds, *texts}, set(shard)
        assert set(shard["labels"]) == {"age", label}
        attributes = {key: value.decode() if isinstance(value, bytes) else value for key, value in shard.attrs.items()}
        assert attributes == {"format": "fovea-pack", "version": 1, "dataset": "sample", "dataset_version": "1.2", "licensed": 1}
        images = shard["images"]
        assert images.shape == (len(rows), 12, 12, 3) and images.dtype == "u1"
        assert images.chunks is None and images.compression is None and images.id.get_offset() == entry["offset"]
        assert entry["offset"] % 4096 == 0
        for name, kind in kinds.items():
            assert shard[name].dtype.str == kind, (name, shard[name].dtype)
        for row in rows:
            i = int(row[0])
            assert [shard[name][i].decode() for name in texts] == row[1:7], row
            number = lambda field: [float(word) for word in field.split()]
            assert shard["sha256"][i].tobytes().hex() == row[7]
            assert [int(shard["checksum"][i]), int(shard["phash"][i])] == [int(row[8]), int(row[9])]
            assert shard["circle"][i].tolist() == number(row[10])
            assert shard["crop"][i].tolist() == number(row[11]) and shard["size"][i].tolist() == number(row[12])
            assert int(shard["flags"][i]) == int(row[13])
            for field, name in ((row[14], "age"), (row[15], label)):
                value = float(shard["labels"][name][i])
                assert value == float(field) or (field.endswith("nan") and value != value), (name, field, value)
            assert images[i].tobytes().hex() == row[16]
            place = entry["offset"] + i * 12 * 12 * 3
            assert data[place:place + 12 * 12 * 3].hex() == row[16]
PYTHON
check "h5py reads the shards" "$python" "$TMP/read.py" "$TMP"
# The example of the format's page runs unchanged.
sed -n '/^```python$/,/^```$/p' docs/pack-format.md | grep -v '^```' >"$TMP/example.py"
check "the example of docs/pack-format.md runs" "$python" "$TMP/example.py" "$TMP/pack"
expect_output "00001.h5 (5, 12, 12, 3)"

cat >"$TMP/features.py" <<'PYTHON'
import math, struct, sys
import h5py

root = sys.argv[1]
values = struct.unpack("<304f", open(root + "/features.f32", "rb").read())
with h5py.File(root + "/features.h5", "r") as file:
    assert set(file) == {"features", "record", "dataset", "split", "source", "person"}, set(file)
    assert set(file.attrs) == {"format", "version", "encoder", "weights", "data", "view"}, set(file.attrs)
    attributes = {key: value.decode() if isinstance(value, bytes) else value for key, value in file.attrs.items()}
    assert attributes["format"] == "fovea-features" and attributes["version"] == "1", attributes
    assert len(attributes["weights"]) == 64 and len(attributes["data"]) == 16, attributes
    assert attributes["view"].startswith("center of 32 pixels, mean, fp32, 2 heads"), attributes
    assert file["features"].shape == (19, 16) and file["features"].dtype == "<f4"
    for found, wanted in zip(file["features"][:].flatten(), values):
        assert found == wanted or (math.isnan(found) and math.isnan(wanted))
    assert [math.isnan(row[0]) for row in file["features"]] == [i == 4 for i in range(19)]
    assert file["record"][:].tolist() == list(range(19))
    assert [text.decode() for text in file["person"]] == ["anna" if i % 2 else "bert" for i in range(19)]
    assert file["source"][3].decode() == "drawn_03.png" and file["split"][3].decode() == "train"
    assert file["dataset"][3].decode() == "drawn"
PYTHON
check "h5py reads features" "$python" "$TMP/features.py" "$TMP"
