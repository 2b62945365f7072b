#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks the data side, as ratios within one run: the loader against bare reads and PyTorch's DataLoader, staging
against Pillow, and the cost of feeding 60,000 images a second. Called by `make bench-data`; takes about eight minutes.

The photographs are drawn by tools/synth below BUILD/bench-packs and kept there. PyTorch, h5py and Pillow are found as in
run.py; rows that need a missing one are skipped, with the reason.

Our programs and the peers are measured in turns, ROUNDS times. A figure is the median of its rounds, a ratio the median
of the rounds' ratios, "spread" is (largest - smallest) / median. "cores" is the number of processors the programs kept
busy, by their own processor time; "per_core" is a rate divided by it. A short scan of each peer (torch_loader.py) finds
its best choices of workers, prefetch and batch: of all; of those with workers, which read while the training runs, as
ours do (without workers the training waits); and per core. The machine should be idle otherwise: the load of other
programs is recorded, and warned about.
"""
import argparse
import ctypes
import glob
import json
import mmap
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import processor, torch_python  # noqa: E402

IMAGES, SIDE = 2000, 256
LARGE, LARGE_SIDE = 80, 3000
HASHES = (10000, 100000, 1000000)
BATCHES = (64, 256)
FEED, GPUS, SLOTS, BATCH = 60000, 6, 3, 512
OTHERS = 0.1  # cores that other programs may use before a warning
WIDE = 0.1  # a figure with a larger spread gets a warning
HOT = 0.98  # smallest share of pages in memory that counts as hot; tables and ends of files may be missing


class Watch:
    """Cores that programs other than this one and its children use."""

    def __init__(self):
        self.start, self.all, self.own = time.monotonic(), self.busy(), self.mine()

    @staticmethod
    def busy():
        with open("/proc/stat") as file:
            fields = [int(field) for field in file.readline().split()[1:9]]
        return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")  # without idle and waiting for disks

    @staticmethod
    def mine():
        now = os.times()
        return now.user + now.system + now.children_user + now.children_system

    def others(self):
        return max(0.0, self.busy() - self.all - (self.mine() - self.own)) / (time.monotonic() - self.start)


def warn(text):
    print("bench-data: " + text, file=sys.stderr)


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench-data: {' '.join(map(str, command[:4]))}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def draw(build, folder, images, side):
    if not os.path.exists(os.path.join(folder, "labels.csv")):
        run(os.path.join(build, "synth"), folder, "--images", images, "--size", side, "--seed", 1, "--force")
    return sorted(glob.glob(os.path.join(folder, "**", "*.jpg"), recursive=True))


def stage(build, folder, out):
    """Stages from scratch; seconds and processor seconds of the whole program, including shards on disk."""
    if os.path.exists(out):
        run(os.path.join(build, "stage"), "forget", out, "--delete")
    before = os.times()
    run(os.path.join(build, "stage"), "folder", folder, "--out", out, "--size", SIDE)
    after = os.times()
    return after.elapsed - before.elapsed, (after.children_user + after.children_system - before.children_user -
                                            before.children_system)


def has(python, modules):
    return subprocess.run([python, "-c", "import " + modules], stderr=subprocess.DEVNULL).returncode == 0


def resident(paths):
    """The share of these files' pages in the page cache."""
    libc, pages, there = ctypes.CDLL(None), 0, 0
    for path in paths:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE) as mapping:
            count = -(-len(mapping) // mmap.PAGESIZE)
            seen, start = (ctypes.c_ubyte * count)(), ctypes.c_char.from_buffer(mapping)
            failed = libc.mincore(ctypes.byref(start), ctypes.c_size_t(len(mapping)), seen)
            del start
            if failed:
                return None
            pages, there = pages + count, there + sum(page & 1 for page in seen)
    return round(there / pages, 4)


def spread(values):
    return round((max(values) - min(values)) / statistics.median(values), 3)


def median(values, digits=0):
    return round(statistics.median(values), digits or None)


def ratio(ours, theirs):
    return round(statistics.median(a / b for a, b in zip(ours, theirs)), 2)


class Loaders:
    """The loader and its peers on one pack."""

    def __init__(self, build, python, pack, folder, seconds):
        self.program, self.python = os.path.join(build, "bench", "loader_bench"), python
        self.pack, self.folder, self.seconds = pack, folder, seconds
        self.rounds, self.peer_rounds, self.choices = [], [], []

    def torch(self, mode, *arguments):
        return json.loads(run(self.python, "tools/bench/torch_loader.py", mode, self.pack, *arguments))

    def scan(self):
        """Our best batch, and each peer's best choices: overall, with workers, and per core."""
        short = self.seconds / 2
        tried = [json.loads(run(self.program, "time", self.pack, short, batch)) for batch in BATCHES]
        self.batch = max(tried, key=lambda row: row["runs"][-1]["loader"])["batch"]
        if not self.python:
            return
        self.scanned = self.torch("scan", self.folder, short)
        for peer in dict.fromkeys(row["peer"] for row in self.scanned["rows"]):
            rows = [row for row in self.scanned["rows"] if row["peer"] == peer]
            best = [max(rows, key=lambda row: row["rate"]),
                    max((row for row in rows if row["workers"]), key=lambda row: row["rate"]),
                    max(rows, key=lambda row: row["rate"] / row["cores"])]
            self.choices += dict.fromkeys((peer, row["workers"], row["prefetch"], row["batch"]) for row in best)
        digests = {"fovea": json.loads(run(self.program, "digest", self.pack))["digest"], **self.torch("digest")}
        self.same = {peer: value == digests["fovea"] for peer, value in digests.items() if peer != "fovea"}
        for peer, same in self.same.items():
            if not same:
                sys.exit(f"bench-data: {peer} does not deliver the records that the loader delivers")

    def round(self):
        self.rounds.append(json.loads(run(self.program, "time", self.pack, self.seconds, self.batch))["runs"])
        if self.python:
            rows = self.torch("time", self.folder, self.seconds, json.dumps(self.choices))["rows"]
            self.peer_rounds.append(dict(zip(self.choices, rows)))

    def ours(self):
        result = []
        for runs in zip(*self.rounds):
            names = [name for name in runs[0] if name not in ("threads", "cores")]
            row = {"threads": runs[0]["threads"], "batch": self.batch}
            row.update({name: median([run[name] for run in runs]) for name in names})
            row["ratio"] = round(statistics.median(run["loader"] / run["pread"] for run in runs), 3)
            row["cores"] = median([run["cores"] for run in runs], 2)
            row["per_core"] = median([run["loader"] / run["cores"] for run in runs])
            row["spread"] = {name: spread([run[name] for run in runs]) for name in names}
            result.append(row)
        return result

    def peer_at(self, choice):
        """A peer's row for one choice: against our best number of threads, and per core against our one thread."""
        rows = [peers[choice] for peers in self.peer_rounds]
        rates, per_core = [row["rate"] for row in rows], [row["rate"] / row["cores"] for row in rows]
        most = [max(run["loader"] for run in runs) for runs in self.rounds]
        one = [runs[0]["loader"] / runs[0]["cores"] for runs in self.rounds]
        return {"workers": choice[1], "prefetch": choice[2], "batch": choice[3], "rate": median(rates),
                "spread": spread(rates), "cores": median([row["cores"] for row in rows], 2),
                "per_core": median(per_core), "ratio": ratio(most, rates), "ratio_per_core": ratio(one, per_core)}

    def peer(self, peer):
        rows = [self.peer_at(choice) for choice in self.choices if choice[0] == peer]
        return {"same_records": self.same.get(peer),  # None: the images before cropping
                "best": max(rows, key=lambda row: row["rate"]),
                "best_with_workers": max((row for row in rows if row["workers"]), key=lambda row: row["rate"]),
                "best_per_core": max(rows, key=lambda row: row["per_core"])}

    def result(self, files):
        result = {"images": IMAGES, "side": SIDE, "fovea": self.ours()}
        if not self.python:
            result["pytorch"] = {"skipped": "no Python with torch, h5py and PIL"}
            return result
        scan = {}
        for row in self.scanned["rows"]:
            how = f"workers {row['workers']}, prefetch {row['prefetch']}, batch {row['batch']}"
            scan.setdefault(row["peer"], {})[how] = row["rate"]
        peers = {peer: self.peer(peer) for peer in scan}
        result["pytorch"] = {"pytorch": self.scanned["pytorch"], "h5py": self.scanned["h5py"], "peers": peers,
                             "scan": scan}
        result["resident"] = {"shards": resident(glob.glob(os.path.join(self.pack, "shards", "*.h5"))),
                              "files": resident(files)}
        return result


class Stages:
    """./stage and the same work with Pillow, in as many processes as there are cores."""

    def __init__(self, build, python, files, folder, out):
        self.build, self.python, self.files, self.folder, self.out = build, python, files, folder, out
        self.rounds, self.parts = [], []

    def beside(self, *program):
        """A program that does the work of each photograph, without tables and shards, and times its parts."""
        return json.loads(run(*program, os.cpu_count(), self.out + ".raw", *self.files))

    def round(self):
        seconds, busy = stage(self.build, self.folder, self.out)
        row = {"fovea": len(self.files) / seconds, "cores": busy / seconds}
        parts = {"fovea": self.beside(os.path.join(self.build, "bench", "stage_frame"), SIDE)["milliseconds"]}
        for name, side in (("pillow", -SIDE), ("pillow_draft", SIDE)) if self.python else ():
            peer = self.beside(self.python, "tools/bench/pillow_stage.py", side)
            row[name], parts[name] = peer["per_second"], peer["milliseconds"]
        self.rounds.append(row)
        self.parts.append(parts)

    def result(self):
        result = {"photographs": len(self.files), "pixels": LARGE_SIDE}
        columns = {name: [row[name] for row in self.rounds] for name in self.rounds[0]}
        result.update({name: median(values, 2) for name, values in columns.items()})
        for name in ("pillow", "pillow_draft"):
            if name in columns:
                result["ratio_" + name] = ratio(columns["fovea"], columns[name])
            else:
                result[name] = {"skipped": "no Python with PIL and numpy"}
        result["spread"] = {name: spread(values) for name, values in columns.items()}
        result["milliseconds"] = {
            name: {part: median([row[name][part] for row in self.parts], 3) for part in parts}
            for name, parts in self.parts[0].items()}
        return result


def near_duplicates(build):
    """The search for near duplicates, whose time for a hash is to stay the same up to a million."""
    return [json.loads(run(os.path.join(build, "bench", "near_duplicates"), count)) for count in HASHES]


def feed_rows(loader):
    """The cost of feeding six GPUs at 10,000 images a second each, from this machine's rates."""
    record = SIDE * SIDE * 3
    one = loader["fovea"][0]
    return {"computed": {"images_per_second": FEED, "bytes_per_second": FEED * record,
                         "slots": GPUS * SLOTS, "slot_bytes": BATCH * record,
                         "cores": round(FEED / one["loader"], 2)},
            "measured_per_core": {"loader": one["loader"], "pread": one["pread"], "cropped_224": one["cropped_224"]}}


def wide_ones(value, path=""):
    """Paths and values of all spreads above WIDE, except in the scan."""
    if not isinstance(value, dict):
        return [(path, value)] if path.endswith("spread") and isinstance(value, float) and value > WIDE else []
    found = []
    for name, child in value.items():
        if name == "fovea" and isinstance(child, list):
            child = {str(row["threads"]) + "_threads": row for row in child}
        if path.endswith("spread") and isinstance(child, float):
            found += [(path + "." + name, child)] if child > WIDE else []
        else:
            found += wide_ones(child, path + "." + name if path else name)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--out", default="build/bench-data.json")
    parser.add_argument("--seconds", type=float, default=1.2, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    python, _ = torch_python(options.build)
    torch = python if python and has(python, "torch, h5py, PIL") else None
    pillow = python if python and has(python, "PIL, numpy") else None
    room = os.path.join(options.build, "bench-packs")
    small, large = os.path.join(room, f"small-{IMAGES}"), os.path.join(room, f"large-{LARGE}")
    small_files, large_files = draw(options.build, small, IMAGES, SIDE), draw(options.build, large, LARGE, LARGE_SIDE)
    pack = os.path.join(room, "pack")
    stage(options.build, small, pack)

    watch = Watch()
    time.sleep(2)
    before = watch.others()
    if before > OTHERS:
        warn(f"others keep {before:.1f} of {os.cpu_count()} cores busy: wait for a quiet machine")
    loaders = Loaders(options.build, torch, pack, small, options.seconds)
    stages = Stages(options.build, pillow, large_files, large, os.path.join(room, "large-pack"))
    loaders.scan()
    watch = Watch()
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        loaders.round()
        stages.round()
    others = watch.others()
    loader = loaders.result(small_files)
    result = {"machine": {"processor": processor(), "cores": os.cpu_count(), "rounds": options.rounds,
                          "seconds": options.seconds, "others_cores_before": round(before, 2),
                          "others_cores_meanwhile": round(others, 2)},
              "loader": loader, "stage": stages.result(), "feed": feed_rows(loader),
              "near_duplicates": near_duplicates(options.build)}
    with open(options.out, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print(json.dumps(result, indent=1))
    if others > OTHERS:
        warn(f"others took {others:.1f} of {os.cpu_count()} cores meanwhile: these figures are not to be quoted")
    for what, share in loader.get("resident", {}).items():
        if share is None or share < HOT:
            warn(f"the {what} are not in memory as a whole: {share} of their pages")
    for path, value in wide_ones(result):
        warn(f"{path}: {100 * value:.0f} % between the least and the most of {options.rounds} rounds")


if __name__ == "__main__":
    main()
