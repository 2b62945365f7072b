# SPDX-License-Identifier: Apache-2.0
"""The parts ops, speed and sanitize: the operations one by one."""
import os
import re
import shutil
import time

from part import BACKEND, Failure, Skipped, last_line, program, rounds, tap

ROUNDS = 60


def ops(part):
    status, text = part.run([program("tests/checkops"), "--backend", BACKEND, "--rounds", rounds(ROUNDS)])
    passed, failed = tap(text)
    part.figures.update({"rounds": int(rounds(ROUNDS)), "passed": passed, "failed": failed})
    if status or failed:
        raise Failure(f"{len(failed)} of {passed + len(failed)}: {failed[0][:200]}" if failed else
                      f"checkops: exit {status}: {last_line(text)}")


LINE = re.compile(r"(?P<operation>\w+) +(?P<type>fp32|bf16) +(?P<shape>\d+ +\d+ +\d+ +\d+) +(?P<us>[\d.]+) us +"
                  r"(?P<gb>[\d.]+) GB/s +(?P<share>\d+) % of a copy(?: +(?P<gflop>[\d.]+) GFLOP/s)?$")


def operation_row(line):
    found = LINE.match(line)
    if not found:
        return None
    shape = [int(n) for n in found["shape"].split()]
    while shape and not shape[-1]:
        shape.pop()
    row = {"operation": found["operation"], "type": found["type"], "shape": shape, "us": float(found["us"]),
           "gb_per_s": float(found["gb"]), "share_of_copy": int(found["share"]) / 100}
    if found["gflop"]:
        row["gflop_per_s"] = float(found["gflop"])
    return row


def speed(part):
    first, *lines = part.need([program("tests/checkops"), "--bench", "--backend", BACKEND]).splitlines()
    copy = re.search(r"a copy moves ([\d.]+) GB/s", first)
    rows = [operation_row(line) for line in lines if "of a copy" in line]
    if not copy or not rows or None in rows:
        raise Failure("checkops --bench prints what is not understood: "
                      + next((line for line in lines if "of a copy" in line and not operation_row(line)), first))
    part.figures.update({"copy_gb_per_s": float(copy.group(1)), "operations": rows})


def sanitizer():
    folders = os.environ.get("PATH", "").split(":") + [os.path.join(os.environ.get("CUDA_HOME", "/usr/local/cuda"), *p)
                                                       for p in (["bin"], ["compute-sanitizer"])]
    return shutil.which("compute-sanitizer", path=":".join(folders))


def sanitize(part):
    path = sanitizer()
    if not path:
        raise Skipped("compute-sanitizer is neither in PATH nor in CUDA's folder")
    fallen = []
    for count, tool in enumerate(("memcheck", "synccheck", "racecheck")):
        # checkops provokes errors of the CUDA runtime on purpose: those are not memcheck's findings.
        command = [path, "--tool", tool, "--target-processes", "all", "--error-exitcode", "99"]
        command += ["--report-api-errors", "no"] if tool == "memcheck" else []
        start = time.monotonic()
        try:
            status, text = part.run(command + [program("tests/checkops"), "--backend", BACKEND, "--rounds", rounds(2)],
                                    limit=(part.stop - start) / (3 - count))
        except Failure as failure:
            fallen.append(f"{tool}: {failure}")
            continue
        summary = re.search(r"^=+ (.*SUMMARY.*)$", text, re.M)
        failed = tap("\n".join(line for line in text.splitlines() if not line.startswith("=====")))[1]
        part.figures[tool] = {"summary": summary and summary.group(1), "failed": failed,
                              "seconds": round(time.monotonic() - start, 1)}
        if status or failed or not summary:
            fallen.append(f"{tool}: exit {status}: {summary.group(1) if summary else last_line(text)}")
    if fallen:
        raise Failure("; ".join(fallen))
