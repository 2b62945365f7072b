# SPDX-License-Identifier: Apache-2.0
"""PyTorch's DataLoader on the records that build/bench/loader_bench reads, in the forms that users write.

  torch_loader.py scan PACK FOLDER SECONDS      every peer at every choice of workers, prefetch and batch
  torch_loader.py time PACK FOLDER SECONDS JSON     the choices of a list [[peer, workers, prefetch, batch], ...]
  torch_loader.py digest PACK                   SHA-256 of the SHA-256 of each record, in pack order, by peer

Peers, all of uint8 images in random order, none of which verifies what it reads:
  h5py            shards opened when first needed, in each worker: images[i], one record at a time
  h5py_batches    the same, a batch at a time: a BatchSampler's indices, sorted, read into one array
  memmap          the records by numpy.memmap at the shards' offset, one at a time
  memmap_batches  the same, a batch at a time: images[indices]
  files           the JPEG files of FOLDER, decoded by Pillow (all of one size), one at a time
h5py_batches reads record by record with read_direct(), because images[indices] is ten times slower. Workers are 0, 1, 2,
4, ... up to twice the cores. "cores": processors kept busy, by the processor time of this process and its workers.
Prints JSON.
"""
import glob
import hashlib
import json
import multiprocessing
import os
import sys
import time
import warnings

import h5py
import numpy as np
import torch
from PIL import Image
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

BATCHES = (64, 256)
PREFETCH = (2, 4)
TICK = os.sysconf("SC_CLK_TCK")


class Pack(Dataset):
    """A pack's shards, opened in each worker when first needed: handles must not cross a fork."""

    def __init__(self, path):
        self.names = sorted(glob.glob(os.path.join(path, "shards", "*.h5")))
        self.shards, lengths = None, []
        for name in self.names:
            with h5py.File(name, "r") as file:
                lengths.append(len(file["images"]))
                self.shape = file["images"].shape[1:]
        self.ends = np.cumsum(lengths)

    def __len__(self):
        return int(self.ends[-1])

    def open(self, name):
        return h5py.File(name, "r")["images"]

    def opened(self):
        if self.shards is None:
            self.shards = [self.open(name) for name in self.names]
        return self.shards

    def place(self, i):
        shard = int(np.searchsorted(self.ends, i, side="right"))
        return self.opened()[shard], int(i - (self.ends[shard - 1] if shard else 0))

    def __getitem__(self, i):
        shard, number = self.place(i)
        return torch.from_numpy(shard[number])


class Batches(Pack):
    """The same, given a batch's indices."""

    def __getitem__(self, indices):
        batch = np.empty((len(indices), *self.shape), np.uint8)
        for i, index in enumerate(sorted(indices)):
            shard, number = self.place(index)
            shard.read_direct(batch, np.s_[number], np.s_[i])
        return torch.from_numpy(batch)


class Mapped(Pack):
    def open(self, name):
        with h5py.File(name, "r") as file:
            images = file["images"]
            return np.memmap(name, np.uint8, "r", images.id.get_offset(), images.shape)

    def __getitem__(self, i):
        shard, number = self.place(i)
        return torch.from_numpy(np.array(shard[number]))


class MappedBatches(Mapped):
    def __getitem__(self, indices):
        indices = np.sort(indices)
        cuts = np.searchsorted(indices, self.ends)
        starts = np.concatenate(([0], self.ends[:-1]))
        parts = [shard[indices[first:end] - start] for shard, first, end, start
                 in zip(self.opened(), np.concatenate(([0], cuts[:-1])), cuts, starts) if end > first]
        return torch.from_numpy(parts[0] if len(parts) == 1 else np.concatenate(parts))


class Files(Dataset):
    def __init__(self, path):
        self.paths = sorted(glob.glob(os.path.join(path, "**", "*.jpg"), recursive=True))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        with Image.open(self.paths[i]) as image:
            return torch.from_numpy(np.array(image.convert("RGB")))


PEERS = {"h5py": Pack, "h5py_batches": Batches, "memmap": Mapped, "memmap_batches": MappedBatches, "files": Files}


def open_loader(peer, source, workers, prefetch, batch, order):
    dataset = PEERS[peer](source)
    sampler = order(dataset)
    options = {"num_workers": workers, "persistent_workers": workers > 0,
               "prefetch_factor": prefetch if workers else None}
    if peer.endswith("_batches"):
        sampler = BatchSampler(sampler, batch, drop_last=order is RandomSampler)
        return DataLoader(dataset, sampler=sampler, batch_size=None, **options)
    return DataLoader(dataset, batch, sampler=sampler, drop_last=order is RandomSampler, **options)


def processor_seconds():
    """Processor seconds of this process and its living workers."""
    total = time.process_time()
    for worker in multiprocessing.active_children():
        with open(f"/proc/{worker.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def measure(peer, source, workers, prefetch, batch, seconds):
    """After the workers have started and every page has been read."""
    loader = open_loader(peer, source, workers, prefetch, batch, RandomSampler)
    for _ in loader:
        pass
    count, busy, start = 0, processor_seconds(), time.perf_counter()
    while time.perf_counter() - start < seconds:
        for images in loader:
            count += len(images)
            if time.perf_counter() - start >= seconds:
                break
    taken = time.perf_counter() - start
    return {"workers": workers, "prefetch": prefetch, "batch": batch, "rate": round(count / taken),
            "cores": round((processor_seconds() - busy) / taken, 3)}


def choices():
    most = 2 * len(os.sched_getaffinity(0))
    workers = [0] + [1 << i for i in range(most.bit_length()) if 1 << i <= most]
    return [(count, prefetch if count else 0, batch)
            for count in workers for prefetch in (PREFETCH if count else PREFETCH[:1]) for batch in BATCHES]


def digest(peer, pack):
    records = hashlib.sha256()
    for batch in open_loader(peer, pack, 2, 2, 64, SequentialSampler):
        for record in batch.numpy():
            records.update(hashlib.sha256(record.tobytes()).digest())
    return records.hexdigest()


def main():
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="This DataLoader will create")  # more workers than cores, on purpose
    mode, pack = sys.argv[1:3]
    if mode == "digest":
        print(json.dumps({peer: digest(peer, pack) for peer in PEERS if peer != "files"}))
        return
    folder, seconds = sys.argv[3], float(sys.argv[4])
    wanted = json.loads(sys.argv[5]) if mode == "time" else [(peer, *how) for peer in PEERS for how in choices()]
    rows = [{"peer": peer, **measure(peer, folder if peer == "files" else pack, *how, seconds)}
            for peer, *how in wanted]
    print(json.dumps({"pytorch": torch.__version__, "h5py": h5py.__version__, "rows": rows}))


if __name__ == "__main__":
    main()
