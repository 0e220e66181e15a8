"""Train a variational autoencoder on CIFAR-10: `python examples/vae.py`.

Convolutions to a normal distribution over codes z, transposed ones back to an image
(Kingma & Welling 2014). The loss is the negative evidence lower bound, in nats an image,

    ‖x − x̂‖² / (2 σ²) + KL(q(z | x) ‖ N(0, 1)),  σ = 0.1 of pixels in [0, 1],

without the constant of the normal density. Test images are judged at the means of their codes, and
"explained" is the part of the pixels' variance about the mean image that is restored. The run
leaves `vae.png`: test images, the same restored, and samples, which decode normal noise.

The model is PyTorch code: with `import torch` it trains to the same losses from the same weights.
"""

# smoke: --max_steps 2 --batch_size 8 --eval_freq 2 --width 4 --out $OUT

from __future__ import annotations

import argparse
from collections.abc import Iterator

import _pictures
from _evaluation import Evaluation, tensors
from _flags import Parser, common_flags, count, fail
from _run import Run
from _training import Example

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F

SIGMA = 0.1


class VAE(nn.Module):
    """Images (N, 3, 32, 32) in [0, 1] to the same restored, and means and log σ² of codes (N, Z).

    Args:
        latent: Z.
        width: channels of the first convolution.
    """

    def __init__(self, latent: int = 64, width: int = 32) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * width * 4 * 4, 2 * latent),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, 4 * width * 4 * 4),
            nn.ReLU(),
            nn.Unflatten(1, (4 * width, 4, 4)),
            nn.ConvTranspose2d(4 * width, 2 * width, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 3, kernel_size=4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        codes = mean
        if self.training:
            codes = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return self.decoder(codes), mean, log_variance


def bound(
    restored: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor, images: torch.Tensor
) -> torch.Tensor:
    """The loss above, a mean over images; KL = −½ Σ (1 + log σ² − μ² − σ²) for codes N(μ, σ²).

    Args:
        restored, images: x̂ and x (N, 3, 32, 32).
        mean, log_variance: μ and log σ² (N, Z).
    """
    error = F.mse_loss(restored, images, reduction="sum") / (2 * SIGMA**2)
    divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    return (error + divergence) / images.shape[0]


class VAERun(Run):
    """A run that restores images; it has no labels, and so no accuracy."""

    measure = "explained"

    def _compute(self, rows: torch.Tensor) -> None:
        centred, _ = self.gather(rows)
        images = ((centred + self.mean) / 255).clamp(0, 1)
        self.optimizer.zero_grad()
        output = self.trained(images)
        loss = bound(*output, images)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            wrong = (output[0] - images).pow(2).sum()
            spread = (centred / 255).pow(2).sum()
            self.sums.add(*self.ranks.means(loss, 1 - wrong / spread))

    def prepare(self) -> None:
        """The optimizer as the flags say; the mean image, on the device."""
        super().prepare()
        self.mean = torch.from_numpy(self.data.mean_image).to(self.device)

    @torch.no_grad()
    def look(self) -> Evaluation | None:
        """The bound and the explained part on the test set."""
        self.model.eval()
        loss = wrong = spread = 0.0
        try:
            for centred, _ in map(tensors, self.test_set.batches(self.eval_batch)):
                if self.stop.signal:
                    return None
                images = ((centred + self.mean) / 255).clamp(0, 1)
                output = self.model(images)
                loss += bound(*output, images).item() * len(images)
                wrong += (output[0] - images).pow(2).sum().item()
                spread += (centred / 255).pow(2).sum().item()
        finally:
            self.model.train()
        return Evaluation(loss / len(self.test_set), 1 - wrong / spread, torch.zeros(0))

    @torch.no_grad()
    def drawn(self) -> Iterator[tuple[str, bytes]]:
        """The curves, and a picture of what is restored and what is made."""
        source = self.data.source
        if self.rows:
            title = f"{_pictures.data_name(source)}: {self.rows[-1].test_loss:.1f} nats an image"
            names = ("negative bound (nats an image)", self.measure)
            yield "curves.png", _pictures.curves(self.rows, source, title, names)
        self.model.eval()
        images = torch.from_numpy(self.data.test.pixels[:24]).to(self.device).float() / 255
        restored = self.model(images)[0]
        generator = torch.Generator().manual_seed(self.args.seed)
        codes = torch.randn(48, self.args.latent, generator=generator).to(self.device)
        samples = self.model.decoder(codes)
        self.model.train()
        parts = [part.cpu().numpy() for part in (images, restored, samples)]
        yield "vae.png", _pictures.restored(*parts, source)


def add_flags(parser: Parser) -> None:
    """The command line."""
    parser.flag("latent", type=count, default=64, help="numbers a code, default %(default)s")
    parser.flag("width", type=count, default=32, help="channels at first, default %(default)s")
    common_flags(
        parser,
        learning_rate=1e-3,
        max_steps=2000,
        batch_size=64,
        eval_freq=500,
        optimizer="adam",
    )


def check(args: argparse.Namespace, data: object) -> None:
    """Leave with status 2 for flags of classifiers."""
    for name in ("augment", "dropout"):
        if getattr(args, name):
            fail(f"--{name}: is not for an autoencoder")


def build_from(args: argparse.Namespace) -> nn.Module:
    """The model that the flags describe."""
    return VAE(args.latent, args.width)


EXAMPLE = Example("vae", __doc__, add_flags, build_from, eval_batch=500, check=check, runner=VAERun)
parse, main = EXAMPLE.parse, EXAMPLE.main

if __name__ == "__main__":
    raise SystemExit(main())
