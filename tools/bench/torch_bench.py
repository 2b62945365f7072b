# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of tools/gpu-check's comparison, with the arguments of tools/bench/mae_bench.c and a few more.

usage: torch_bench.py follow FOLDER --steps N [--out OUT.safetensors] [--masks N] ...
       torch_bench.py time FOLDER --seconds S [--compile MODE] [--weights fp32|bf16] [--sdpa cudnn|flash|any] ...

FOLDER is written by tools/bench/mae_export.c: weights, a ring of batches and their masks. `follow` takes steps without
torch.compile and without TF32. `time` takes them in PyTorch's fastest form: fused AdamW, gradients set to None, TF32
where products are FP32, the whole ring on the device.

  --precision   fp32, bf16, or fp8: the encoder's linear layers in FP8 (E4M3, a scale for each row; the weight's gradient
                in BF16), the rest in BF16
  --weights     with bf16 and fp8: fp32 under autocast, or bf16 with FP32 masters that AdamW updates
  --masks N     follow: each batch gets the masks of the Nth batch after it, which acts as another seed
"""
import argparse
import contextlib
import json
import mmap
import os
import struct
import sys
import time

import torch

from torch_model import MAE, Shape, parameter_groups

WINDOWS, WARMUP, WARMUP_LEAST, WINDOW_STEPS, WARMUP_SHARE = 5, 30, 3, 50, 0.2  # as in mae_bench.c
TYPES = {"F32": torch.float32, "U8": torch.uint8, "I32": torch.int32}


def read_tensors(path):
    """Tensors and __metadata__ of a safetensors file."""
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    notes = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind = TYPES[entry["dtype"]]
        tensors[name] = torch.frombuffer(data, dtype=kind, count=(end - begin) // kind.itemsize,
                                         offset=start + begin).view(entry["shape"])
    return tensors, notes


def write_tensors(path, tensors):
    """Writes FP32 tensors as a safetensors file."""
    header, offset = {}, 0
    for name, tensor in tensors.items():
        size = 4 * tensor.numel()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.contiguous().numpy().tobytes())


class Fp8Product(torch.autograd.Function):
    """x w^T with E4M3 factors, a scale for each row of a factor, and the same for x's gradient; w's gradient in BF16."""

    @staticmethod
    def rows(x):
        scale = x.abs().amax(dim=1, keepdim=True).float().clamp(min=1e-12) / 448
        return (x.float() / scale).to(torch.float8_e4m3fn), scale

    @staticmethod
    def product(a, b):
        """a b^T."""
        a8, a_scale = Fp8Product.rows(a)
        b8, b_scale = Fp8Product.rows(b)
        return torch._scaled_mm(a8, b8.t(), scale_a=a_scale, scale_b=b_scale.t(), out_dtype=torch.bfloat16,
                                use_fast_accum=False)

    @staticmethod
    def forward(context, x, w):
        context.save_for_backward(x, w)
        return Fp8Product.product(x, w)

    @staticmethod
    def backward(context, dy):
        x, w = context.saved_tensors
        return Fp8Product.product(dy, w.t().contiguous()), dy.t() @ x


class Fp8Linear(torch.nn.Linear):
    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1]).bfloat16()
        y = Fp8Product.apply(rows, self.weight.bfloat16()) + self.bias.bfloat16()
        return y.view(*x.shape[:-1], y.shape[-1])


class Bench:
    def __init__(self, options):
        self.options = options
        self.device = "cuda" if options.backend == "cuda" else "cpu"
        tensors, notes = read_tensors(os.path.join(options.folder, "weights.safetensors"))
        whole = {"image_size", "patch_size", "dim", "depth", "heads", "decoder_dim", "decoder_depth", "decoder_heads"}
        shape = Shape(**{key: int(notes[key]) for key in whole}, mask_ratio=float(notes["mask_ratio"]),
                      norm_pix_loss=float(notes["norm_pix_loss"]) != 0,
                      gelu="tanh" if float(notes["gelu_tanh"]) else "none")
        if shape.keep != int(notes["keep"]):
            sys.exit(f"torch_bench: {shape.keep} visible patches, not {notes['keep']}")
        model = MAE(shape, Fp8Linear if options.precision == "fp8" else torch.nn.Linear)
        model.load_state_dict({name.removeprefix("weights."): t for name, t in tensors.items()})
        self.model = model.to(self.device)
        self.masters = None
        if options.precision != "fp32" and options.weights == "bf16":
            # Copies first: the model's own values are rounded.
            self.masters = [p.detach().clone() for p in self.model.parameters()]
            self.model.bfloat16()
        self.optimizer = self.make_optimizer(notes)
        data, _ = read_tensors(os.path.join(options.folder, "data.safetensors"))
        batch = options.batch or data["pixels"].shape[1]
        self.batch = batch
        self.pixels = data["pixels"][:, :batch].contiguous().to(self.device)
        self.ids = data["ids"][:, :batch].long().contiguous().to(self.device)
        self.rates = data["lr"].tolist() if "lr" in data else []
        self.step_number = 0
        self.loss_of = self.model

    def make_optimizer(self, notes):
        groups = parameter_groups(self.model, float(notes["weight_decay"]))
        if self.masters:
            own = {id(p): master for p, master in zip(self.model.parameters(), self.masters)}
            groups = [{**group, "params": [own[id(p)] for p in group["params"]]} for group in groups]
        return torch.optim.AdamW(groups, lr=1e-4, betas=(float(notes["beta1"]), float(notes["beta2"])),
                                 eps=float(notes["eps"]), fused=True)

    def gradients(self):
        place = self.step_number % len(self.pixels)
        # In each round a batch gets the masks of another batch.
        ids = self.ids[(self.step_number + self.step_number // len(self.ids) + self.options.masks) % len(self.ids)]
        mixed = self.options.precision != "fp32" and not self.masters
        with torch.autocast(self.device, torch.bfloat16) if mixed else contextlib.nullcontext():
            loss = self.loss_of(self.pixels[place], ids)
        loss.backward()
        return loss

    @torch.no_grad()
    def update(self):
        if self.step_number < len(self.rates):
            for group in self.optimizer.param_groups:
                group["lr"] = self.rates[self.step_number]
        self.step_number += 1
        own = list(self.model.parameters())
        if self.masters:
            gradients = [torch.empty_like(master) for master in self.masters]
            torch._foreach_copy_(gradients, [p.grad for p in own])
            for master, gradient in zip(self.masters, gradients):
                master.grad = gradient
        self.optimizer.step()
        if self.masters:
            torch._foreach_copy_(own, self.masters)
            self.optimizer.zero_grad(set_to_none=True)
        self.model.zero_grad(set_to_none=True)

    def follow(self):
        losses, kept = [], {}
        for i in range(self.options.steps):
            losses.append(self.gradients().detach())
            if i == 0 and self.options.out:
                kept = {"grad." + name: p.grad.float().cpu() for name, p in self.model.named_parameters()}
            self.update()
        losses = torch.stack(losses).float().cpu()
        if self.options.out:
            write_tensors(self.options.out, {**kept, "loss": losses[:1], "losses": losses})
        return {"losses": losses.tolist()}

    def window(self, steps):
        """Seconds for `steps` steps, by the device's own clock, and the last step's loss."""
        if self.device == "cpu":
            begin = time.perf_counter()
            for _ in range(steps):
                loss = self.gradients().detach()
                self.update()
            return time.perf_counter() - begin, loss
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        marks[0].record()
        for _ in range(steps):
            if self.options.compile == "reduce-overhead":
                torch.compiler.cudagraph_mark_step_begin()
            loss = self.gradients().detach()
            self.update()
        marks[1].record()
        marks[1].synchronize()
        return marks[0].elapsed_time(marks[1]) / 1e3, loss

    def time(self):
        options = self.options
        if options.compile != "none":
            self.loss_of = torch.compile(self.model, mode=None if options.compile == "default" else options.compile,
                                         dynamic=False)
        begin = time.perf_counter()
        self.window(1)  # compiles
        compiled = time.perf_counter() - begin
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        begin, last, warmup = time.perf_counter(), 0.0, 0
        while warmup < WARMUP:
            if warmup >= WARMUP_LEAST and time.perf_counter() - begin + last > WARMUP_SHARE * options.seconds:
                break
            last, loss = self.window(1)
            warmup += 1
        left = options.seconds - (time.perf_counter() - begin)
        steps = max(1, min(WINDOW_STEPS, int(left / WINDOWS / last)))
        rates = []
        for _ in range(WINDOWS):
            seconds, loss = self.window(steps)
            rates.append(self.batch * steps / seconds)
        memory = torch.cuda.max_memory_allocated() / 1e6 if self.device == "cuda" else 0
        return {"batch": self.batch, "warmup": warmup, "steps_per_window": steps, "compile_s": round(compiled, 2),
                "memory_mb": round(memory), "loss": float(loss), "images_per_s": rates}


def sdpa(name):
    """Forces one attention kernel."""
    if name == "any":
        return contextlib.nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel
    return sdpa_kernel({"cudnn": SDPBackend.CUDNN_ATTENTION, "flash": SDPBackend.FLASH_ATTENTION}[name])


def parse():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("command", choices=("follow", "time"))
    parser.add_argument("folder")
    parser.add_argument("--backend", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp8"), default="fp32")
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--out")
    parser.add_argument("--masks", type=int, default=0)
    parser.add_argument("--compile", choices=("none", "default", "reduce-overhead", "max-autotune-no-cudagraphs"),
                        default="none")
    parser.add_argument("--weights", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--sdpa", choices=("cudnn", "flash", "any"), default="any")
    return parser.parse_args()


def main():
    begin = time.perf_counter()
    options = parse()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    if options.command == "time":
        torch.set_float32_matmul_precision("high")
    bench = Bench(options)
    startup = time.perf_counter() - begin
    with sdpa(options.sdpa):
        result = bench.follow() if options.command == "follow" else bench.time()
    versions = {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    print(json.dumps({"program": f"pytorch {torch.__version__} {options.precision}", "versions": versions,
                      "startup_s": round(startup, 2), **result}))


if __name__ == "__main__":
    main()
