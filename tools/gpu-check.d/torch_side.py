# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of a comparison: which Python has it, and the fastest of its forms."""
import os
import statistics
import subprocess
import sys
import time

from part import BACKEND, BUILD, ROOT, Failure, last_line
from problem import answer

SCRIPT = os.path.join(ROOT, "tools", "bench", "torch_bench.py")
# Each is tried on top of the fastest so far; those that compile longest come last.
FORMS = ([{"weights": "bf16"}, {"sdpa": "flash"}, {"compile": "reduce-overhead"},
          {"compile": "max-autotune-no-cudagraphs"}] if BACKEND == "cuda" else [{"weights": "bf16"}])
FIRST = {"precision": "bf16", "weights": "fp32",
         **({"compile": "default", "sdpa": "cudnn"} if BACKEND == "cuda" else {"compile": "none", "sdpa": "any"})}


def find():
    """A Python with PyTorch (that sees the GPU), or None; and its version, or the reason."""
    ask = "import torch; print(torch.__version__, torch.cuda.is_available())"
    said = "no Python has been asked"
    for python in filter(None, [os.environ.get("TORCH_PYTHON"), sys.executable, os.path.join(BUILD, "torch/bin/python")]):
        try:
            done = subprocess.run([python, "-c", ask], capture_output=True, text=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
        else:
            said = last_line(done.stdout if done.returncode == 0 else done.stderr)
            if done.returncode == 0 and (BACKEND != "cuda" or said.endswith("True")):
                return python, said
        if os.environ.get("TORCH_PYTHON"):
            break
    return None, said


class Torch:
    def __init__(self, part, python):
        self.part, self.python = part, python

    def run(self, command, folder, form, *arguments, limit=None):
        backend = "cuda" if BACKEND == "cuda" else "cpu"
        words = [self.python, SCRIPT, command, folder, "--backend", backend, "--threads", str(os.cpu_count())]
        for key, value in form.items():
            words += ["--" + key, str(value)]
        status, text = self.part.run(words + [str(a) for a in arguments], ours=False, PYTHONDONTWRITEBYTECODE="1",
                                     OMP_WAIT_POLICY="PASSIVE", **({"limit": limit} if limit else {}))
        if status:
            raise Failure(f"torch_bench {command} {form}: exit {status}: {last_line(text)}")
        return answer(text)

    def attempt(self, folder, form, seconds, limit=None):
        """The result of a form: its images/s, or the reason for none."""
        start = time.monotonic()
        try:
            figures = self.run("time", folder, form, "--seconds", seconds, limit=limit)
        except Failure as failure:
            return {**form, "failed": str(failure)[:300]}
        return {**form, "images_per_s": round(statistics.median(figures["images_per_s"]), 1),
                "compile_s": figures["compile_s"], "whole_s": round(time.monotonic() - start, 1)}

    def fastest(self, folder, precision, batches, seconds, until):
        """The fastest form found in the time, None if none ran, and all that were tried. `batches`, the largest first,
        are those that fit our side, which runs in `precision`."""
        tried = []
        for batch in batches:
            # The first may take all the time: without it there is no comparison.
            tried.append(self.attempt(folder, {**FIRST, "batch": batch}, seconds))
            if "images_per_s" in tried[-1]:
                break
        best = chosen(tried)
        changes = FORMS + [{"batch": batch} for batch in batches[len(tried):]]
        if precision == "fp8":
            changes.insert(1, {"precision": "fp8"})
        for change in changes if best else []:
            left = until - time.monotonic()
            form = {**best, **change}
            tried.append({**form, "failed": "not tried: no time was left"} if left < seconds else
                         self.attempt(folder, form, seconds, limit=left))
            best = chosen(tried)
        return best, tried


def chosen(tried):
    """The form with the most images/s; None: none ran."""
    best = max((one for one in tried if "images_per_s" in one), key=lambda one: one["images_per_s"], default=None)
    return best and {key: best[key] for key in (*FIRST, "batch")}
