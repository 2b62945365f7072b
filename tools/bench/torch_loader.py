"""torch_loader.py PACK FOLDER SECONDS: what PyTorch's DataLoader makes of the records that build/bench/loader_bench reads.

Batches of 256 uint8 pictures in random order, at 0, 1, 2, ... workers up to twice the cores, each the best of its rounds:
  pack   the records of PACK's shards by numpy.memmap, the fastest way to them from Python
  files  the pictures of FOLDER, decoded by Pillow (all of one size)
Prints JSON: pictures a second by workers, and the best.
"""
import glob
import json
import os
import sys
import time

import h5py
import numpy as np
import torch
from PIL import Image

BATCH = 256


class Pack(torch.utils.data.Dataset):
    def __init__(self, path):
        self.shards = []
        for name in sorted(glob.glob(os.path.join(path, "shards", "*.h5"))):
            with h5py.File(name, "r") as shard:
                images = shard["images"]
                self.shards.append(np.memmap(name, np.uint8, "r", images.id.get_offset(), images.shape))
        self.ends = np.cumsum([len(shard) for shard in self.shards])

    def __len__(self):
        return int(self.ends[-1])

    def __getitem__(self, i):
        shard = int(np.searchsorted(self.ends, i, side="right"))
        return torch.from_numpy(np.array(self.shards[shard][i - (self.ends[shard - 1] if shard else 0)]))


class Files(torch.utils.data.Dataset):
    def __init__(self, path):
        self.paths = sorted(glob.glob(os.path.join(path, "**", "*.jpg"), recursive=True))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        with Image.open(self.paths[i]) as image:
            return torch.from_numpy(np.array(image.convert("RGB")))


def measure(dataset, workers, seconds):
    """Pictures a second, after the workers have started and every page has been read."""
    loader = torch.utils.data.DataLoader(dataset, BATCH, shuffle=True, num_workers=workers, drop_last=True,
                                         persistent_workers=workers > 0, prefetch_factor=4 if workers else None)
    for _ in loader:
        pass
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for batch in loader:
            count += len(batch)
    return count / (time.perf_counter() - start)


def main():
    pack, folder, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    torch.set_num_threads(1)
    cores = len(os.sched_getaffinity(0))
    result = {"pytorch": torch.__version__, "cores": cores}
    for name, dataset in (("pack", Pack(pack)), ("files", Files(folder))):
        rates = {workers: round(measure(dataset, workers, seconds)) for workers in range(2 * cores + 1)}
        result[name] = {"by_workers": rates, "best": max(rates.values())}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
