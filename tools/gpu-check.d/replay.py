# SPDX-License-Identifier: Apache-2.0
"""The part replay: the recorded cases of tests/cases, in each precision."""
import os
import re

from part import BACKEND, ROOT, Failure, last_line, notes, program

CASES = os.path.join(ROOT, "tests", "cases")
PRECISIONS = ("fp32", "bf16", "fp8")


def worst_of(text):
    """From compare's lines: each kind's largest deviation."""
    found = re.findall(r"^# (?:ok|MISS) +(\S.*?) +(\S+) +(\S+) \(bound", text, re.M)
    return {kind: float(value) if value not in ("inf", "nan", "-nan") else value for kind, _, value in found}


def replay(part):
    wanted = os.environ.get("FOVEA_CHECK_CASES", "").split()
    cases = sorted(name for name in os.listdir(CASES) if name.endswith(".safetensors")
                   and notes(os.path.join(CASES, name)).get("kind") in ("mae", "vit_finetune")
                   and (not wanted or os.path.splitext(name)[0] in wanted))
    missed = []
    for name in cases:
        for precision in PRECISIONS:
            case, out = os.path.join(CASES, name), os.path.join(part.folder, "out.safetensors")
            part.need([program("accept/replay"), case, "--out", out, "--backend", BACKEND, "--precision", precision])
            status, text = part.run([program("accept/compare"), case, out, precision])
            label = f"{os.path.splitext(name)[0]} {precision}"
            part.figures[label] = {"passed": status == 0, "worst": worst_of(text)}
            if status:
                missed.append(f"{label}: {last_line(text)}")
    if missed or not cases:
        raise Failure("; ".join(missed) or "no case in tests/cases")
