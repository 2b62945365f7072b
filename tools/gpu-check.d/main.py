# SPDX-License-Identifier: Apache-2.0
"""The command: arguments, one part after the other, results."""
import datetime
import functools
import json
import os
import shutil
import signal
import sys
import tempfile
import time

from bench import bench
from curves import curves
from faults import faults
from machine import machine, slug, version
from operations import ops, sanitize, speed
from part import BACKEND, NO_GPU, ROOT, Failure, Part, Skipped
from replay import replay

PARTS = {"ops": ops, "replay": replay, "bench:vit_large": functools.partial(bench, model="vit_large", precision="bf16"),
         "curves": curves, "bench:vit_large_fp8": functools.partial(bench, model="vit_large", precision="fp8"),
         "bench:vit_base": functools.partial(bench, model="vit_base", precision="bf16"),
         "bench:vit_large_tanh": functools.partial(bench, model="vit_large", precision="bf16", activation="tanh"),
         "faults": faults, "speed": speed, "sanitize": sanitize}


def refuse(code, message):
    sys.stderr.write(f"gpu-check: {message}\n")
    sys.exit(code)


def parse(arguments, usage):
    out, parts = None, []
    while arguments:
        argument = arguments.pop(0)
        if argument in ("-h", "--help"):
            print(usage.strip())
            sys.exit(0)
        if argument == "--out" and arguments:
            out = arguments.pop(0)
        elif argument in PARTS:
            parts.append(argument)
        else:
            refuse(64, f"{argument} is not understood; parts: {' '.join(PARTS)} (--help shows the usage)")
    if BACKEND not in ("cuda", "emu", "cpu") or (BACKEND != "cuda" and not out):
        refuse(64, f"FOVEA_CHECK_BACKEND={BACKEND}: cuda, or cpu and emu, which need --out FILE")
    return out, parts or list(PARTS)


def run_part(name, folder):
    """Runs a part; its record for the results."""
    os.mkdir(folder)
    part, start = Part(folder), time.monotonic()
    record = {"passed": True}
    try:
        PARTS[name](part)
    except Failure as failure:
        record = {"passed": False, "reason": str(failure)}
    except Skipped as reason:
        record = {"passed": None, "reason": str(reason)}
    record.update({"seconds": round(time.monotonic() - start, 1), "figures": part.figures})
    verdict = {True: "ok", False: "FAIL", None: "skipped"}[record["passed"]]
    print(f"{verdict:8}{name:20}{record['seconds']:7.1f} s  {record.get('reason', '')}", flush=True)
    return record


def write(path, results):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".tmp", "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    os.replace(path + ".tmp", path)


def earlier_parts(path, gpu):
    if not os.path.exists(path):
        return {}
    try:
        with open(path) as file:
            results = json.load(file)
        other, parts = results["machine"]["gpu"], results["parts"]
    except (ValueError, KeyError, TypeError):
        refuse(65, f"{path} is no result of gpu-check: name another with --out")
    if other != gpu:
        refuse(65, f"{path} is of {other}, not of {gpu}: name another with --out")
    return parts


def main(usage):
    out, names = parse(sys.argv[1:], usage)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="fovea-check-") as folder:
        try:
            here = machine(Part(folder))
        except Failure as failure:
            refuse(NO_GPU, str(failure))
        path = out or os.path.join(ROOT, "tools", "results", f"gpu-{slug(here['gpu'])}.json")
        results = {"machine": here, "parts": earlier_parts(path, here["gpu"])}
        failed = 0
        for name in names:
            inside = os.path.join(folder, name.replace(":", "-"))
            record = run_part(name, inside)
            shutil.rmtree(inside)
            failed += record["passed"] is False
            # Each part has its own version: a later call may run other parts with another. Written at once, so that
            # an interrupted call keeps it.
            results["parts"][name] = {**record, **version(), "date": datetime.date.today().isoformat()}
            write(path, results)
    print(path)
    return 1 if failed else 0
