"""PyTorch's side of a comparison: which Python has it, and the fastest of its forms."""
import os
import subprocess
import sys
import time

from .part import BACKEND, BUILD, ROOT, Failure, last_line
from .problem import answer

SCRIPT = os.path.join(ROOT, "tools", "bench", "torch_bench.py")
# Each is tried on top of the fastest so far; what takes longest to compile comes last.
FORMS = ([{"weights": "bf16"}, {"sdpa": "flash"}, {"compile": "reduce-overhead"}, {"batch": 504},
          {"compile": "max-autotune-no-cudagraphs"}, {"batch": 256}] if BACKEND == "cuda" else [{"weights": "bf16"}])
FIRST = ({"compile": "default", "weights": "fp32", "sdpa": "cudnn"} if BACKEND == "cuda" else
         {"compile": "none", "weights": "fp32", "sdpa": "any"})


def find():
    """A Python that has PyTorch (and sees the GPU), or None, and what it said or why there is none."""
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

    def run(self, command, folder, precision, *arguments, limit=None, form=None):
        backend = "cuda" if BACKEND == "cuda" else "cpu"
        words = [self.python, SCRIPT, command, folder, "--backend", backend, "--precision", precision, "--threads",
                 str(os.cpu_count())]
        for key, value in (form or {}).items():
            words += ["--" + key, str(value)]
        status, text = self.part.run(words + [str(a) for a in arguments], PYTHONDONTWRITEBYTECODE="1",
                                     OMP_WAIT_POLICY="PASSIVE", **({"limit": limit} if limit else {}))
        if status:
            raise Failure(f"torch_bench {command} {precision} {form or ''}: exit {status}: {last_line(text)}")
        return answer(text)

    def fastest(self, folder, precision, batch, seconds, until):
        """The fastest form that could be found by then, and all that were tried with their images/s, or why not."""
        tried, best, best_rate = [], None, 0.0
        for change in [{}] + FORMS:
            form = {**(best or {**FIRST, "batch": batch}), **change}
            left = until - time.monotonic()
            if left < seconds and best:
                tried.append({**form, "not_tried": "no time was left"})
                continue
            start = time.monotonic()
            try:
                # The first may take what there is: without it there is no comparison.
                figures = self.run("time", folder, precision, "--seconds", seconds, form=form,
                                   limit=left if best else None)
            except Failure as failure:
                tried.append({**form, "failed": str(failure)[:300]})
                continue
            rate = sorted(figures["images_per_s"])[len(figures["images_per_s"]) // 2]
            tried.append({**form, "images_per_s": round(rate, 1), "compile_s": figures["compile_s"],
                          "whole_s": round(time.monotonic() - start, 1)})
            if rate > best_rate:
                best, best_rate = form, rate
        return best, tried
