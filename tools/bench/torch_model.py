# SPDX-License-Identifier: Apache-2.0
"""The masked autoencoder of He et al., arXiv 2111.06377, in PyTorch, as fovea trains it (src/model/mae.c), written to be
fast: only visible patches are cut, normalised and embedded, only hidden ones are predicted, and attention is PyTorch's
fused one. Parameters have the public names, so weights can be exchanged.
"""
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Shape:
    image_size: int
    patch_size: int
    dim: int
    depth: int
    heads: int
    decoder_dim: int
    decoder_depth: int
    decoder_heads: int
    mask_ratio: float = 0.75
    norm_pix_loss: bool = True
    gelu: str = "none"  # F.gelu's approximation

    @property
    def grid(self):
        return self.image_size // self.patch_size

    @property
    def patches(self):
        return self.grid * self.grid

    @property
    def keep(self):
        return int(self.patches * (1 - self.mask_ratio))

    @property
    def patch_dim(self):
        return 3 * self.patch_size * self.patch_size


class Attention(nn.Module):
    def __init__(self, dim, heads, linear):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = linear(dim, 3 * dim), linear(dim, dim)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d))


class Mlp(nn.Module):
    def __init__(self, dim, linear, gelu):
        super().__init__()
        self.gelu = gelu
        self.fc1, self.fc2 = linear(dim, 4 * dim), linear(4 * dim, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate=self.gelu))


class Block(nn.Module):
    def __init__(self, dim, heads, gelu, linear=nn.Linear):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn, self.mlp = Attention(dim, heads, linear), Mlp(dim, linear, gelu)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, dim, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)  # only its weights are used: patches are vectors already

    def forward(self, patches):
        return F.linear(patches, self.proj.weight.flatten(1), self.proj.bias)


def take(x, ids):
    return x.gather(1, ids.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


class MAE(nn.Module):
    """`linear` is the class of the encoder's linear layers."""

    def __init__(self, shape, linear=nn.Linear):
        super().__init__()
        self.shape = shape
        self.patch_embed = PatchEmbed(shape.dim, shape.patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, shape.dim))
        self.mask_token = nn.Parameter(torch.zeros(1, 1, shape.decoder_dim))
        self.register_buffer("pos_embed", torch.randn(1, 1 + shape.patches, shape.dim) * 0.5)
        self.register_buffer("decoder_pos_embed", torch.randn(1, 1 + shape.patches, shape.decoder_dim) * 0.5)
        self.blocks = nn.Sequential(*[Block(shape.dim, shape.heads, shape.gelu, linear) for _ in range(shape.depth)])
        self.norm = nn.LayerNorm(shape.dim, eps=1e-6)
        self.decoder_embed = nn.Linear(shape.dim, shape.decoder_dim)
        self.decoder_blocks = nn.Sequential(
            *[Block(shape.decoder_dim, shape.decoder_heads, shape.gelu) for _ in range(shape.decoder_depth)])
        self.decoder_norm = nn.LayerNorm(shape.decoder_dim, eps=1e-6)
        self.decoder_pred = nn.Linear(shape.decoder_dim, shape.patch_dim)
        # Pixels are (v / 255 - mean) / std: one multiplication and one addition per channel.
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        self.register_buffer("pixel_scale", 1 / (255 * std), persistent=False)
        self.register_buffer("pixel_shift", -mean / std, persistent=False)

    def normalised(self, patches):
        """Patches uint8 [n][count][y][x][channel], normalised, in FP32."""
        return patches.float() * self.pixel_scale.float() + self.pixel_shift.float()

    def forward(self, pixels, ids):
        """The mean loss of uint8 images [n][size][size][3]; ids [n][patches]: the visible patches first."""
        s = self.shape
        n, kind = pixels.shape[0], self.cls_token.dtype
        cut = pixels.view(n, s.grid, s.patch_size, s.grid, s.patch_size, 3).transpose(2, 3)
        cut = cut.reshape(n, s.patches, s.patch_dim)
        visible, hidden = ids[:, :s.keep], ids[:, s.keep:]

        x = self.normalised(take(cut, visible).view(n, s.keep, s.patch_size, s.patch_size, 3))
        x = self.patch_embed(x.permute(0, 1, 4, 2, 3).reshape(n, s.keep, s.patch_dim).to(kind))
        x = x + self.pos_embed[0, 1:][visible]
        x = torch.cat([(self.cls_token + self.pos_embed[:, :1]).expand(n, -1, -1).to(x.dtype), x], 1)
        latent = self.decoder_embed(self.norm(self.blocks(x)))

        places = torch.empty_like(ids).scatter_(1, ids, torch.arange(s.patches, device=ids.device).expand_as(ids))
        tokens = self.mask_token.to(latent.dtype).expand(n, s.patches - s.keep, -1)
        tokens = take(torch.cat([latent[:, 1:], tokens], 1), places)
        y = self.decoder_blocks(torch.cat([latent[:, :1], tokens], 1) + self.decoder_pos_embed)
        prediction = self.decoder_pred(self.decoder_norm(take(y[:, 1:], hidden)))

        target = self.normalised(take(cut, hidden).view(n, s.patches - s.keep, s.patch_size, s.patch_size, 3))
        target = target.reshape(n, s.patches - s.keep, s.patch_dim)
        if s.norm_pix_loss:
            target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
        return (prediction.float() - target).square().mean()


def parameter_groups(model, weight_decay):
    """fovea's groups: no decay for vectors and biases."""
    plain = {name for name, p in model.named_parameters() if p.ndim <= 1 or name.endswith(".bias")}
    return [{"params": [p for name, p in model.named_parameters() if name not in plain], "weight_decay": weight_decay},
            {"params": [p for name, p in model.named_parameters() if name in plain], "weight_decay": 0.0}]
