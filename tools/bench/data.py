#!/usr/bin/env python3
"""The data side beside others, as ratios in the same run: the loader beside bare reads and PyTorch's DataLoader, staging
beside Pillow, and what feeding 60,000 pictures a second would take. Called by `make bench-data`.

Draws its own photographs (tools/synth) below BUILD/bench-packs and keeps them there. PyTorch, h5py and Pillow come as in
run.py; without them the rows that need them are skipped, with the reason.
"""
import argparse
import glob
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import torch_python  # noqa: E402

IMAGES, SIDE = 2000, 256
LARGE, LARGE_SIDE = 40, 3000
FEED, GPUS, SLOTS, BATCH = 60000, 6, 3, 512


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE).stdout.decode()


def draw(build, folder, images, side):
    if not os.path.exists(os.path.join(folder, "labels.csv")):
        run(os.path.join(build, "synth"), folder, "--images", images, "--size", side, "--seed", 1, "--force")
    return sorted(glob.glob(os.path.join(folder, "**", "*.jpg"), recursive=True))


def stage(build, folder, out):
    """Stages anew; photographs a second of the whole program, shards on disk included."""
    if os.path.exists(out):
        run(os.path.join(build, "stage"), "forget", out, "--delete")
    before = os.times()
    run(os.path.join(build, "stage"), "folder", folder, "--out", out, "--size", SIDE)
    return os.times().elapsed - before.elapsed


def has(python, modules):
    return subprocess.run([python, "-c", "import " + modules], stderr=subprocess.DEVNULL).returncode == 0


def loader_rows(build, python, pack, folder, seconds):
    rows = json.loads(run(os.path.join(build, "bench", "loader_bench"), pack, seconds))
    result = {"fovea": rows["runs"]}
    if python and has(python, "torch, h5py, PIL"):
        result["pytorch"] = json.loads(run(python, "tools/bench/torch_loader.py", pack, folder, seconds))
        best = max(row["loader"] for row in rows["runs"])
        for name in ("pack", "files"):
            result["ratio_" + name] = round(best / result["pytorch"][name]["best"], 2)
    else:
        result["pytorch"] = {"skipped": "no Python with torch, h5py and PIL"}
    return result


def stage_rows(build, python, files, folder, out):
    seconds = stage(build, folder, out)
    result = {"photographs": len(files), "pixels": LARGE_SIDE, "fovea": round(len(files) / seconds, 1)}
    if not python or not has(python, "PIL, numpy"):
        result["pillow"] = {"skipped": "no Python with PIL and numpy"}
        return result
    for name, side in (("pillow", -SIDE), ("pillow_draft", SIDE)):
        row = json.loads(run(python, "tools/bench/pillow_stage.py", side, os.cpu_count(), out + ".raw", *files))
        result[name] = row["per_second"]
        result["ratio_" + name] = round(result["fovea"] / row["per_second"], 2)
    return result


def feed_rows(loader):
    """What six GPUs at 10,000 pictures a second each would take; the rates are this machine's."""
    record = SIDE * SIDE * 3
    one = loader["fovea"][0]
    return {"computed": {"pictures_per_second": FEED, "bytes_per_second": FEED * record,
                         "slots": GPUS * SLOTS, "slot_bytes": BATCH * record,
                         "cores": round(FEED / one["loader"], 2)},
            "measured_per_core": {"loader": one["loader"], "pread": one["pread"], "cropped_224": one["cropped_224"]}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--out", default="build/bench-data.json")
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    python, _ = torch_python(options.build)
    room = os.path.join(options.build, "bench-packs")
    small, large = os.path.join(room, "small"), os.path.join(room, "large")
    draw(options.build, small, IMAGES, SIDE)
    files = draw(options.build, large, LARGE, LARGE_SIDE)
    pack = os.path.join(room, "pack")
    stage(options.build, small, pack)
    loader = loader_rows(options.build, python, pack, small, options.seconds)
    result = {"loader": loader, "stage": stage_rows(options.build, python, files, large, os.path.join(room, "large-pack")),
              "feed": feed_rows(loader)}
    with open(options.out, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
