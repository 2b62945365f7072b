# SPDX-License-Identifier: Apache-2.0
"""The version that was checked, and the machine it ran on."""
import datetime
import os
import re
import subprocess

from part import BACKEND, BUNDLE, ROOT, Failure, last_line, program


def output_of(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def gpu_of(text):
    """Name and memory of the GPU that the programs use, from checkops --bench."""
    found = re.match(r"cuda, (.*), ([\d.]+ GiB): a copy", text)
    if not found:
        raise Failure("checkops --bench names no GPU: " + last_line(text))
    return found.groups()


def slug(gpu):
    return re.sub(r"[^a-z0-9]+", "-", gpu.lower().removeprefix("nvidia ")).strip("-")


def machine(part):
    if not os.path.exists(program("tests/checkops")):
        raise Failure(f"{program('tests/checkops')} is missing; `make accept {program('tests/checkops')}` builds it")
    if BACKEND != "cuda":
        return {"gpu": None, "backend": BACKEND}
    name, memory = gpu_of(part.need([program("tests/checkops"), "--bench", "-o", "none", "--backend", BACKEND]))
    driver = output_of(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]).split()
    cuda = re.search(r"CUDA (?:UMD )?Version: ([\d.]+)", output_of(["nvidia-smi"]))
    return {"gpu": name, "backend": BACKEND, "memory": memory, "driver": driver[0] if driver else None,
            "driver_cuda": cuda and cuda.group(1), "date": datetime.date.today().isoformat()}


def version():
    if BUNDLE:
        with open(os.path.join(ROOT, "BUNDLE")) as file:
            return dict(line.split(maxsplit=1) for line in file.read().splitlines())
    text = output_of(["git", "-C", ROOT, "-c", "safe.directory=*", "describe", "--always", "--abbrev=40", "--match=",
                      "--dirty"])
    return {"commit": text.strip() or "unknown"}
