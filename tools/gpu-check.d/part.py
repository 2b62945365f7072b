# SPDX-License-Identifier: Apache-2.0
"""Shared by the parts of tools/gpu-check: running programs, failing, and where files are."""
import json
import os
import re
import signal
import struct
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUNDLE = os.path.exists(os.path.join(ROOT, "BUNDLE"))
BUILD = os.path.join(ROOT, "bin" if BUNDLE else os.environ.get("BUILD", "build"))
LIMIT = 450  # seconds a part may take
NO_GPU = 69
BACKEND = os.environ.get("FOVEA_CHECK_BACKEND", "cuda")


class Failure(Exception):
    """A part cannot continue; its figures so far are kept."""


class Skipped(Exception):
    """A part needs something that this machine lacks."""


def rounds(usual):
    return os.environ.get("FOVEA_CHECK_ROUNDS", str(usual))


def program(name):
    return os.path.join(BUILD, name)


def cuda_env(command):
    return [os.path.join(ROOT, "tools", "cuda_env")] + command


def last_line(text):
    """The text without paths of this machine, for the results."""
    lines = text.strip().splitlines() or ["it printed nothing"]
    return lines[-1].replace(ROOT + "/", "").replace(tempfile.gettempdir() + "/", "")[:500]


def end(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class Part:
    """One part's folder for files, its remaining time and its figures."""

    def __init__(self, folder):
        self.folder = folder
        self.stop = time.monotonic() + LIMIT
        self.figures = {}

    def run(self, command, limit=LIMIT, ours=True, **environment):
        """Exit status and output of a command, which is ended when its time is over. Not ours: it has its own CUDA."""
        left = min(limit, self.stop - time.monotonic())
        with open(os.path.join(self.folder, "output"), "w+b") as output:
            process = subprocess.Popen(cuda_env(command) if ours else command, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=output,
                                       env={**os.environ, **environment}, start_new_session=True)
            try:
                status = process.wait(max(left, 0))
            except subprocess.TimeoutExpired:
                raise Failure(f"{os.path.basename(command[0])} was stopped after {left:.0f} s") from None
            finally:
                end(process)
            output.seek(0)
            return status, output.read().decode(errors="replace")

    def need(self, command, **environment):
        status, text = self.run(command, **environment)
        if status:
            raise Failure(f"{os.path.basename(command[0])}: exit {status}: {last_line(text)}")
        return text


def tap(text):
    """The number of passed tests, and the failed ones' names with reasons. A skipped one was not for this backend,
    unless it is the backend itself."""
    passed, skipped, failed, plan = 0, 0, [], None
    for line in text.splitlines():
        found = re.match(r"1\.\.(\d+)", line)
        if found:
            plan = int(found.group(1))
        found = re.match(r"(not )?ok \d+ - (.*)", line)
        if found and not found.group(1) and "# SKIP" not in line:
            passed += 1
        elif found and not found.group(1) and not found.group(2).startswith("cuda # SKIP"):
            skipped += 1
        elif found:
            failed.append(found.group(2))
        elif line.startswith("# ") and failed:
            failed[-1] = (failed[-1] + ": " + line[2:])[:500]
    if plan != passed + skipped + len(failed):
        failed.append(f"{passed + skipped + len(failed)} of {plan} tests ran: {last_line(text)}")
    return passed, failed


def notes(path):
    """__metadata__ of a safetensors file."""
    with open(path, "rb") as file:
        return json.loads(file.read(struct.unpack("<Q", file.read(8))[0])).get("__metadata__", {})
