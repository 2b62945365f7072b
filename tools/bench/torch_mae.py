# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of `make bench`: the same masked autoencoder, the same step, on the CPU.

usage: torch_mae.py [--threads 2] [--seconds 10] [--compile]

A step is what tools/bench/mae_step.c times: uint8 images -> random mask -> forward -> masked pixel loss on normalised
targets -> backward -> AdamW, with AdamW's fused form. Prints one JSON object.
"""
import argparse
import json
import time

import torch

from torch_model import MAE, Shape, parameter_groups

BATCH = 64
SHAPE = Shape(image_size=96, patch_size=16, dim=192, depth=12, heads=3, decoder_dim=96, decoder_depth=4, decoder_heads=3)


def gemm_gflops(n=1024, seconds=1.0):
    a, b = torch.randn(n, n), torch.randn(n, n)
    a @ b
    best, start = 0.0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        t = time.perf_counter()
        a @ b
        best = max(best, 2 * n**3 / (time.perf_counter() - t) / 1e9)
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model = MAE(SHAPE)
    step_model = torch.compile(model) if options.compile else model
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.05), lr=1e-4, betas=(0.9, 0.95), fused=True)
    pixels = torch.randint(0, 256, (BATCH, SHAPE.image_size, SHAPE.image_size, 3), dtype=torch.uint8)

    def step():
        loss = step_model(pixels, torch.rand(BATCH, SHAPE.patches).argsort(dim=1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    for _ in range(5):
        step()
    times = []
    start = time.perf_counter()
    while time.perf_counter() - start < options.seconds:
        t = time.perf_counter()
        step()
        times.append(time.perf_counter() - t)
    times.sort()
    print(json.dumps({"program": "pytorch " + torch.__version__ + (" compiled" if options.compile else ""),
                      "images_per_s": round(BATCH / times[len(times) // 2], 1),
                      "gemm_1024_gflops": round(gemm_gflops(), 1),
                      "parameters": sum(p.numel() for p in model.parameters()), "steps": len(times)}))


main()
