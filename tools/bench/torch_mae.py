"""PyTorch's side of `make bench`: the same masked autoencoder, the same step, on the CPU.

usage: torch_mae.py [--threads 2] [--seconds 10] [--compile]

A step is what tools/bench/mae_step.c times: uint8 pictures -> normalised patches -> random mask -> forward -> masked
pixel loss on normalised targets -> backward -> AdamW. Written to be fast: visible patches alone are embedded, attention
is PyTorch's fused one, AdamW its fused one. Prints one JSON object.
"""
import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F

BATCH, SIZE, PATCH, KEEP_SHARE = 64, 96, 16, 0.25
DIM, DEPTH, HEADS = 192, 12, 3
DECODER_DIM, DECODER_DEPTH, DECODER_HEADS = 96, 4, 3
GRID = SIZE // PATCH
PATCHES, PATCH_DIM = GRID * GRID, 3 * PATCH * PATCH


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class MAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(PATCH_DIM, DIM)
        self.cls = nn.Parameter(torch.zeros(1, 1, DIM))
        self.mask_token = nn.Parameter(torch.zeros(1, 1, DECODER_DIM))
        self.register_buffer("pos", torch.randn(1 + PATCHES, DIM) * 0.5)
        self.register_buffer("decoder_pos", torch.randn(1 + PATCHES, DECODER_DIM) * 0.5)
        self.blocks = nn.Sequential(*[Block(DIM, HEADS) for _ in range(DEPTH)])
        self.norm = nn.LayerNorm(DIM, eps=1e-6)
        self.decoder_embed = nn.Linear(DIM, DECODER_DIM)
        self.decoder_blocks = nn.Sequential(*[Block(DECODER_DIM, DECODER_HEADS) for _ in range(DECODER_DEPTH)])
        self.decoder_norm = nn.LayerNorm(DECODER_DIM, eps=1e-6)
        self.decoder_pred = nn.Linear(DECODER_DIM, PATCH_DIM)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]))

    def forward(self, pixels, noise):
        n, keep = pixels.shape[0], int(PATCHES * KEEP_SHARE)
        picture = (pixels.float() / 255 - self.mean) / self.std
        patches = picture.view(n, GRID, PATCH, GRID, PATCH, 3).transpose(2, 3).reshape(n, PATCHES, PATCH_DIM)
        order = noise.argsort(dim=1)
        visible, hidden = order[:, :keep], order[:, keep:]

        def take(x, ids):
            return x.gather(1, ids.unsqueeze(-1).expand(-1, -1, x.shape[-1]))

        x = self.embed(take(patches, visible)) + self.pos[1:][visible]
        x = torch.cat([(self.cls + self.pos[:1]).expand(n, -1, -1), x], 1)
        latent = self.decoder_embed(self.norm(self.blocks(x)))
        tokens = torch.cat([latent[:, 1:], self.mask_token.expand(n, PATCHES - keep, -1)], 1)
        tokens = take(tokens, order.argsort(dim=1))
        y = torch.cat([latent[:, :1], tokens], 1) + self.decoder_pos
        pred = self.decoder_pred(self.decoder_norm(self.decoder_blocks(y)))[:, 1:]
        target = take(patches, hidden)
        target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
        return (take(pred, hidden) - target).square().mean()


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
    model = MAE()
    step_model = torch.compile(model) if options.compile else model
    decay = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}],
                                  lr=1e-4, betas=(0.9, 0.95), fused=True)
    pixels = torch.randint(0, 256, (BATCH, SIZE, SIZE, 3), dtype=torch.uint8)

    def step():
        loss = step_model(pixels, torch.rand(BATCH, PATCHES))
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
