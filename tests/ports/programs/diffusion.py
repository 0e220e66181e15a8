"""A denoising diffusion model: a noise schedule, time embeddings, and averaged weights."""

import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.ports.draws import fill, normal, pictures

TIMESTEPS = 20


def extract(a, t, x_shape):
    b, *_ = t.shape
    return a.gather(-1, t).reshape(b, *((1,) * (len(x_shape) - 1)))


class SinusoidalPosEmb(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        half_dim = self.dim // 2
        emb = torch.exp(torch.arange(half_dim, device=x.device) * -(math.log(10000) / half_dim))
        emb = x[:, None] * emb[None, :]
        return torch.cat((emb.sin(), emb.cos()), dim=-1)


class ResnetBlock(nn.Module):
    def __init__(self, dim, dim_out, time_dim):
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(time_dim, dim_out * 2))
        self.proj1, self.proj2 = (
            nn.Conv2d(dim, dim_out, 3, padding=1),
            nn.Conv2d(dim_out, dim_out, 3, padding=1),
        )
        self.norm1, self.norm2 = nn.GroupNorm(4, dim_out), nn.GroupNorm(4, dim_out)
        self.act = nn.SiLU()
        self.res_conv = nn.Conv2d(dim, dim_out, 1) if dim != dim_out else nn.Identity()

    def forward(self, x, t):
        scale, shift = self.mlp(t)[:, :, None, None].chunk(2, dim=1)
        h = self.act(self.norm1(self.proj1(x)) * (scale + 1) + shift)
        return self.act(self.norm2(self.proj2(h))) + self.res_conv(x)


class Unet(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.time_mlp = nn.Sequential(
            SinusoidalPosEmb(dim), nn.Linear(dim, 16), nn.GELU(), nn.Linear(16, 16)
        )
        self.init_conv = nn.Conv2d(1, dim, 3, padding=1)
        self.down, self.mid = ResnetBlock(dim, dim, 16), ResnetBlock(dim, dim * 2, 16)
        self.downsample = nn.Conv2d(dim, dim, 4, 2, 1)
        self.upsample = nn.ConvTranspose2d(dim * 2, dim, 4, 2, 1)
        self.up = ResnetBlock(dim * 2, dim, 16)
        self.final_conv = nn.Conv2d(dim, 1, 1)

    def forward(self, x, time):
        t = self.time_mlp(time)
        x = self.down(self.init_conv(x), t)
        h = self.upsample(self.mid(self.downsample(x), t))
        return self.final_conv(self.up(torch.cat((h, x), dim=1), t))


class GaussianDiffusion(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model
        betas = torch.linspace(1e-4, 0.2, TIMESTEPS, dtype=torch.float64)
        alphas_cumprod = torch.cumprod(1.0 - betas, dim=0)
        register = lambda name, val: self.register_buffer(name, val.to(torch.float32))
        register("sqrt_alphas_cumprod", torch.sqrt(alphas_cumprod))
        register("sqrt_one_minus_alphas_cumprod", torch.sqrt(1.0 - alphas_cumprod))
        register(
            "posterior",
            betas * (1.0 - F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)) / (1.0 - alphas_cumprod),
        )

    def q_sample(self, x_start, t, noise):
        return (
            extract(self.sqrt_alphas_cumprod, t, x_start.shape) * x_start
            + extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape) * noise
        )

    def forward(self, img, t, noise):
        out = self.model(self.q_sample(img * 2 - 1, t, noise), t)
        loss = F.mse_loss(out, noise, reduction="none").flatten(1).mean(dim=-1)
        return (loss * (1 + extract(self.posterior, t, loss.shape))).mean()


def main():
    images = torch.from_numpy(pictures(64, 8, seed=6)[0]).clamp(0.0, 1.0)
    diffusion = GaussianDiffusion(Unet())
    fill(diffusion)
    ema = copy.deepcopy(diffusion).eval().requires_grad_(False)
    optimizer = torch.optim.Adam(diffusion.parameters(), lr=3e-3, betas=(0.9, 0.99))
    losses = []
    for step in range(16):
        t = torch.arange(16) * 7 % TIMESTEPS
        noise = torch.from_numpy(normal(16, 1, 8, 8, seed=50 + step))
        loss = diffusion(images[16 * (step % 4) :][:16], t, noise)
        (loss / 2).backward()
        losses.append(loss.item())
        if step % 2:
            optimizer.step()
            optimizer.zero_grad()
            with torch.no_grad():
                for p, q in zip(ema.parameters(), diffusion.parameters()):
                    p.lerp_(q, 0.1)
    losses.append(ema(images[:16], t, noise).item())
    return losses
