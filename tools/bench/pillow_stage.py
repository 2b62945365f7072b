# SPDX-License-Identifier: Apache-2.0
"""pillow_stage.py SIZE PROCESSES OUT FILE...: the work of build/bench/stage_frame, written with Pillow and numpy.

Read, SHA-256, decode, find the circle on a reduced image, cut its square, resize (BICUBIC), hash (pHash), write the
record. SIZE above 0 decodes JPEGs at a smaller scale (Image.draft), SIZE below 0 at full size. Prints JSON.
"""
import hashlib
import io
import json
import multiprocessing
import os
import sys
import time

import numpy as np
from PIL import Image

PARTS = ("read", "sha256", "decode", "circle", "resize", "phash", "write")
WAVES = np.cos(np.pi * (2 * np.arange(32)[None] + 1) * np.arange(8)[:, None] / 64)


def find_circle(image):
    """Circle around the box of pixels brighter than the border, found on an image of 1/8 of 3,000 pixels."""
    small = image.reduce(max(1, round(max(image.size) / 384)))
    level = np.asarray(small).max(axis=2)
    bright = level > level[0, 0] + 10
    rows, columns = np.flatnonzero(bright.sum(axis=1) > 2), np.flatnonzero(bright.sum(axis=0) > 2)
    if len(rows) == 0 or len(columns) == 0:
        return (image.width / 2, image.height / 2, max(image.size) / 2)
    scale = image.width / small.width
    radius = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    return ((columns[0] + columns[-1] + 1) / 2 * scale, (rows[0] + rows[-1] + 1) / 2 * scale, radius / 2 * scale)


def phash(record):
    grey = np.asarray(record.convert("L").resize((32, 32), Image.BOX), float)
    low = (WAVES @ grey @ WAVES.T).ravel()
    return low > np.median(low[1:])


def stage(task):
    size, path, out, place = task
    spent = [time.perf_counter()]
    with open(path, "rb") as file:
        data = file.read()
    spent.append(time.perf_counter())
    hashlib.sha256(data).digest()
    spent.append(time.perf_counter())
    image = Image.open(io.BytesIO(data))
    if size > 0:
        image.draft("RGB", (size * 5 // 2, size * 5 // 2))
    image = image.convert("RGB")
    spent.append(time.perf_counter())
    x, y, radius = find_circle(image)
    spent.append(time.perf_counter())
    box = [round(v) for v in (x - radius, y - radius, x + radius, y + radius)]
    record = image.crop(box).resize((abs(size), abs(size)), Image.BICUBIC)
    spent.append(time.perf_counter())
    phash(record)
    spent.append(time.perf_counter())
    pixels = record.tobytes()
    os.pwrite(out, pixels, place * len(pixels))
    spent.append(time.perf_counter())
    return [end - start for start, end in zip(spent, spent[1:])]


def main():
    size, processes, out, paths = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    descriptor = os.open(out, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o666)
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        pool.map(stage, [(size, paths[0], descriptor, i) for i in range(processes)])  # imports and first page faults
        start = time.perf_counter()
        spent = pool.map(stage, [(size, path, descriptor, i) for i, path in enumerate(paths)], chunksize=1)
        taken = time.perf_counter() - start
    each = {name: round(1e3 * sum(row[i] for row in spent) / len(paths), 3) for i, name in enumerate(PARTS)}
    print(json.dumps({"photographs": len(paths), "processes": processes,
                      "per_second": round(len(paths) / taken, 2), "milliseconds": each}))


if __name__ == "__main__":
    main()
