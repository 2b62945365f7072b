# SPDX-License-Identifier: Apache-2.0
"""The parts bench:MODEL: pretraining steps, ours and PyTorch's in turns, after both are shown to compute the same.

Both take the same weights, random images and masks. Our side takes the trainer's own steps, which bring both from
the host; PyTorch finds both on the device.
"""
import os
import re
import shutil
import signal
import statistics
import subprocess
import time

from losses import distance, falls, windows
from part import BACKEND, Failure, Skipped, program
from problem import SMALL, answer, export, ours, synth
from replay import worst_of
from torch_side import Torch, find

GPU = BACKEND == "cuda"
# Images in a batch: multiples of 168 fill the waves of Hopper's 132 processors, in our kernels and in cuBLAS's alike.
BATCHES = (1008, 672, 504, 336) if GPU else (8, 4)
GATE = {"batch": 16, "ring": 8, "steps": 200} if GPU else {"batch": 8, "ring": 4, "steps": 40}
TURN, PROBE = (20, 4) if GPU else (0.3, 0.2)  # seconds
STARTS = {"ours": 12, "pytorch": 45} if GPU else {"ours": 1, "pytorch": 5}  # seconds that a turn takes to start
# Allowed distance of the first step from PyTorch's in FP32: what the 8 bits of BF16 add up to in such models, and the 4
# of E4M3 in the encoder's products. FP8 is also checked by its losses.
LOSS, GRADIENT = {"bf16": 1e-3, "fp8": 3e-3}, {"bf16": 2e-2, "fp8": 2.5e-1}
WANTED = {("vit_large", "bf16"): 1.15, ("vit_large", "fp8"): 1.5}


def gate(part, torch, folder, precision):
    """Raises unless our steps compute the same as PyTorch's in FP32."""
    steps = ("--steps", GATE["steps"])
    files = {side: os.path.join(part.folder, side + ".safetensors") for side in ("torch", "ours")}
    plain = {"precision": "fp32"}
    reference = torch.run("follow", folder, plain, *steps, "--out", files["torch"])["losses"]
    others = {"other masks": torch.run("follow", folder, plain, *steps, "--masks", 1)["losses"],
              "bf16": torch.run("follow", folder, {"precision": "bf16"}, *steps)["losses"]}
    mine = ours(part, "follow", folder, precision, *steps, "--out", files["ours"])["losses"]
    _, text = part.run([program("accept/compare"), files["torch"], files["ours"], precision])
    worst = worst_of(text)
    for file in files.values():
        os.remove(file)
    found = {"loss": worst.get("loss"), "gradient": worst.get("gradient"), "curve": distance(mine, reference),
             "pytorch_curves": {name: distance(curve, reference) for name, curve in others.items()},
             "losses": [round(x, 5) for x in windows(mine)], "pytorch_losses": [round(x, 5) for x in windows(reference)]}
    part.figures["gate"] = found
    fallen = [] if falls(reference) else ["PyTorch's loss does not fall"]
    for name, most in (("loss", LOSS[precision]), ("gradient", GRADIENT[precision])):
        if not (isinstance(found[name], float) and found[name] <= most):
            fallen.append(f"{name} of the first step {found[name]} from PyTorch's in FP32, {most} allowed")
    if not found["curve"] <= max(found["pytorch_curves"].values()):
        fallen.append(f"losses {found['curve']:.4f} from PyTorch's, whose own differ by {found['pytorch_curves']}")
    found["passed"] = not fallen
    if fallen:
        raise Failure("the gate: " + "; ".join(fallen))


class Sampler:
    """Clock, power and temperature of the GPU, twice a second, where nvidia-smi reports them."""

    def __init__(self, part):
        self.path = os.path.join(part.folder, "samples")

    def __enter__(self):
        self.process = None
        if GPU and shutil.which("nvidia-smi"):
            index = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
            with open(self.path, "wb") as file:
                self.process = subprocess.Popen(
                    ["nvidia-smi", "-i", index, "-lms", "500", "--format=csv,noheader,nounits",
                     "--query-gpu=clocks.sm,power.draw,temperature.gpu"], stdout=file, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def figures(self, seconds):
        """Medians over the last seconds: the windows are at a program's end, after its start-up."""
        if not self.process:
            return {}
        with open(self.path) as file:
            rows = [re.findall(r"[\d.]+", line) for line in file]
        rows = [[float(x) for x in row] for row in rows if len(row) == 3][-max(int(seconds), 1):]
        names = ("sm_clock_mhz", "power_w", "temperature_c")
        return {name: statistics.median(row[i] for row in rows) for i, name in enumerate(names)} if rows else {}


def try_batches(part, folder, precision):
    """Our images/s with each batch that fits; PyTorch chooses among the same batches."""
    tried = {}
    for batch in BATCHES:
        try:
            tried[batch] = statistics.median(
                ours(part, "time", folder, precision, "--seconds", PROBE, "--batch", batch)["images_per_s"])
        except Failure as failure:
            tried[batch] = str(failure)
    part.figures["our_batches"] = tried
    rates = {batch: rate for batch, rate in tried.items() if isinstance(rate, float)}
    if not rates:
        raise Failure(str(tried[BATCHES[-1]]))
    return rates


def require_library(figures):
    """Raises where our side ran without a library that it names: its rate would be that of the plain kernels."""
    if "note" in figures:
        raise Failure("our side was timed without a library: " + figures["note"])


def summary(turns):
    rates = [rate for turn in turns for rate in turn["images_per_s"]]
    quarters = statistics.quantiles(rates, n=4)
    return {"images_per_s": round(statistics.median(rates), 1), "least": round(min(rates), 1),
            "interquartile": round(quarters[2] - quarters[0], 1), "windows": [round(rate, 1) for rate in rates],
            **{key: value for key, value in turns[-1].items() if key not in ("images_per_s", "loss")}}


def add_shares(figures, flop):
    """The share of the ceilings, and of the chip's peak where our side knows it, that the steps reach."""
    peak = figures["ours"].get("peak_tflop_per_s")
    for side in ("ours", "pytorch"):
        if side in figures:
            rate = figures[side]["images_per_s"] * flop / 1e12
            figures[side]["tflop_per_s"] = round(rate, 4)
            figures[side]["share_of_product"] = round(rate / figures["ceilings"]["product_tflop_per_s"], 4)
            figures[side]["mfu"] = round(rate / peak, 4) if peak else None


def take_turns(part, folder, precision, batch, torch, form):
    """ours, PyTorch, ours, PyTorch: both see the same machine, never at the same time."""
    turns = {side: [] for side in (("ours", "pytorch") if torch else ("ours",))}
    left = (part.stop - time.monotonic()) / 2 - sum(STARTS[side] for side in turns)
    seconds = round(max(min(TURN, left / len(turns)), PROBE), 1)
    for _ in range(2):
        for side in turns:
            with Sampler(part) as sampler:
                figures = (ours(part, "time", folder, precision, "--seconds", seconds, "--batch", batch)
                           if side == "ours" else
                           torch.run("time", folder, form, "--seconds", seconds))
            turns[side].append({**figures, **sampler.figures(seconds * 0.8 * 2)})
    return turns


def bench(part, model, precision, activation="erf"):
    sets = ["model.activation=" + activation]
    sets += [] if GPU else ["model." + key for key in SMALL] + ["optim.base_lr=3e-3"]
    python, said = find()
    torch = Torch(part, python) if python else None
    part.figures.update({"model": model, "precision": precision, "torch": said})
    held, _ = export(part, "gate", model + ".ini", sets, "--batch", GATE["batch"], "--ring", GATE["ring"], "--steps",
                     GATE["steps"], "--images", synth(part, GATE["batch"] * GATE["ring"], 256 if GPU else 64))
    if torch:
        gate(part, torch, held, precision)
    folder, about = export(part, "ring", model + ".ini", sets, "--batch", BATCHES[0], "--ring", 8, "--no-weights")
    os.rename(os.path.join(held, "weights.safetensors"), os.path.join(folder, "weights.safetensors"))
    part.figures.update(about)
    part.figures["ceilings"] = answer(part.need([program("bench/ceiling"), "--backend", BACKEND]))
    rates, form = try_batches(part, folder, precision), None
    if torch:
        until = part.stop - 4 * TURN - 2 * sum(STARTS.values())
        form, part.figures["pytorch_forms"] = torch.fastest(folder, precision, list(rates), PROBE, until)
        if not form:
            raise Failure("no form of PyTorch ran: " + part.figures["pytorch_forms"][0]["failed"])
    turns = take_turns(part, folder, precision, max(rates, key=rates.get), torch, form)
    part.figures["ours"] = summary(turns["ours"])
    if torch:
        part.figures["pytorch"] = {**summary(turns["pytorch"]), "form": form}
    add_shares(part.figures, about["flop_per_image"])
    # The emulator never has the library.
    if BACKEND != "emu":
        require_library(part.figures["ours"])
    if not torch:
        raise Skipped(f"no Python here has PyTorch{' that sees the GPU' if GPU else ''} ({said}): only our side "
                      "was timed, without a comparison")
    ratio = part.figures["ours"]["images_per_s"] / part.figures["pytorch"]["images_per_s"]
    part.figures["ratio"] = round(ratio, 3)
    wanted = WANTED.get((model, precision), 0)
    if GPU and ratio < wanted:
        raise Failure(f"{ratio:.3f} times PyTorch's images/s, {wanted} wanted")
