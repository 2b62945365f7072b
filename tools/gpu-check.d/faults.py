# SPDX-License-Identifier: Apache-2.0
"""The part faults: a model that does not fit, a missing GPU, a run killed and resumed."""
import json
import os
import re
import struct
import subprocess
import time

from part import BACKEND, NO_GPU, Failure, cuda_env, end, last_line, program

CONFIG = """[model]
preset = vit_tiny
image_size = 32
patch_size = 8
dim = 64
depth = 2
heads = 2
decoder_dim = 64
decoder_depth = 1
decoder_heads = 2
[data]
train = {folder}/data/train
workers = 1
[train]
device = {backend}
steps = {steps}
global_batch = 8
threads = 1
[optim]
base_lr = 1e-2
warmup_epochs = 1
[val]
every = 0
[checkpoint]
every = {every}
keep = 2
[log]
every = 1
recon_images = 2
"""


def fault(part, name, code, text, command, **environment):
    status, said = part.run(command, **environment)
    part.figures[name] = {"exit": status, "said": last_line(said)}
    if status != code or text not in said:
        raise Failure(f"{name}: exit {status} instead of {code} and '{text}': {last_line(said)}")


def kill_once_saved(part, command, directory):
    """Whether the run was killed before its end: there is a checkpoint, and steps are left."""
    with open(os.path.join(part.folder, "output"), "wb") as output:
        process = subprocess.Popen(cuda_env(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   start_new_session=True)
        try:
            while process.poll() is None and time.monotonic() < part.stop:
                if os.path.exists(os.path.join(directory, "ckpt", "latest", "weights.safetensors")):
                    break
                time.sleep(0.005)
            ended = process.poll() is not None
        finally:
            end(process)
    return not ended


def logged_steps(directory):
    with open(os.path.join(directory, "metrics.jsonl")) as file:
        return sum('"loss"' in line for line in file)


def killed_and_resumed(part, train):
    whole, broken = (os.path.join(part.folder, name) for name in ("whole", "broken"))
    part.need(train + ["--set", "run.dir=" + whole])
    if not kill_once_saved(part, train + ["--set", "run.dir=" + broken], broken):
        raise Failure("the run ended before it could be killed")
    at = logged_steps(broken)
    text = part.need(train + ["--set", "run.dir=" + broken, "--resume"])
    resumed = re.search(r"resuming from step (\d+)", text)
    equal = {}
    for name in ("weights", "optimizer"):
        paths = [os.path.join(run, "ckpt", "latest", name + ".safetensors") for run in (whole, broken)]
        with open(paths[0], "rb") as one, open(paths[1], "rb") as other:
            equal[name] = one.read() == other.read()
    part.figures["killed and resumed"] = {"steps": logged_steps(whole), "killed_after": at,
                                          "resumed_from": int(resumed.group(1)) if resumed else 0, "equal": equal}
    if not resumed or not all(equal.values()):
        raise Failure(f"killed and resumed: resumed from {resumed and resumed.group(1)}, equal to the byte: {equal}")


def huge_case(part):
    """A case without tensors, whose model takes 1.8 TB: replay allocates at once, where train plans first."""
    path = os.path.join(part.folder, "huge.safetensors")
    shape = {"kind": "mae", "image_size": 32, "patch_size": 8, "dim": 8192, "depth": 128, "heads": 128, "decoder_dim": 32,
             "decoder_depth": 1, "decoder_heads": 2, "mask_ratio": 0.75, "norm_pix_loss": 1, "lr": 1e-3,
             "weight_decay": 0.05, "beta1": 0.9, "beta2": 0.95, "adam_eps": 1e-8, "batch": 8, "steps": 1}
    header = json.dumps({"__metadata__": {key: str(value) for key, value in shape.items()}}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
    return path


def faults(part):
    config = os.path.join(part.folder, "small.ini")
    # A GPU does a thousand steps in the time of a few emulated ones.
    steps, every = {"cuda": (2000, 100), "emu": (16, 4)}.get(BACKEND, (40, 5))
    with open(config, "w") as file:
        file.write(CONFIG.format(folder=part.folder, backend=BACKEND, steps=steps, every=every))
    part.need([program("synth"), os.path.join(part.folder, "data"), "--images", "64", "--size", "64", "--val", "0",
               "--test", "0"])
    train = [program("train"), config]
    fallen = []

    def attempt(function, *arguments, **environment):
        try:
            function(part, *arguments, **environment)
        except Failure as failure:
            fallen.append(str(failure))

    attempt(killed_and_resumed, train)
    elsewhere = ["--force", "--set", "run.dir=" + os.path.join(part.folder, "fault")]
    if BACKEND != "cpu":
        attempt(fault, "more memory than there is", 76, "out of GPU memory", [
            program("accept/replay"), huge_case(part), "--out", os.path.join(part.folder, "out"), "--backend", BACKEND])
        attempt(fault, "too large a model", 76, "out of ", train + elsewhere + [
            "--set", "model.dim=8192", "--set", "model.heads=128", "--set", "model.depth=128"])
        attempt(fault, "no GPU to be seen", NO_GPU, "shows no GPU", train + elsewhere,
                **({"CUDA_VISIBLE_DEVICES": ""} if BACKEND == "cuda" else {"FOVEA_EMU_FAULT": "no-device"}))
    if fallen:
        raise Failure("; ".join(fallen))
