"""Trainings for accuracy: epochs, views of the images, smoothed labels, an average, seeds.

The test set is looked at for the curves alone: nothing is chosen by it, and a run's accuracy is
that of its last step.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from _augment import Reflected
from _flags import Parser, count, fail, fraction, positive, run_flags, whole
from _folder import CHECKPOINT
from _run import Run
from _training import Example

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.data import ImageDataset
from tinygrad_lite.nn import functional as F

PRECISIONS = ("float32", "tf32", "bfloat16")


def recipe_flags(
    parser: Parser,
    *,
    epochs: float,
    batch_size: int,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    label_smoothing: float,
    shift: int,
) -> None:
    """The flags of these trainings; the arguments are the defaults that differ."""
    add = parser.flag
    add("epochs", type=positive, default=epochs, help="default %(default)s")
    add("batch_size", type=count, default=batch_size, help="images a step, default %(default)s")
    add("learning_rate", type=positive, default=learning_rate, help="default %(default)s")
    add("momentum", type=fraction, default=momentum, help="default %(default)s")
    add("weight_decay", type=fraction, default=weight_decay, help="default %(default)s")
    add("label_smoothing", type=fraction, default=label_smoothing, help="default %(default)s")
    pixels = {"type": int, "choices": range(16), "metavar": "PIXELS"}
    add("shift", **pixels, default=shift, help="of views, at most; default %(default)s")
    add("precision", default="tf32", choices=PRECISIONS, help="on CUDA; default %(default)s")
    add("data_dir", default=None, help="folder with CIFAR-10 (default: found or downloaded)")
    add("seeds", type=whole, nargs="+", default=None, help="a run of each, and their mean")
    add("max_steps", type=count, default=None, help="stop there; the schedule stays")
    add("eval_freq", type=count, default=None, help="steps between evaluations, default an epoch")
    run_flags(parser, seed=0)


def prepare(args: argparse.Namespace, data: Any) -> Any:
    """The data with each channel's mean subtracted, and the flags that depend on its size."""
    args.eval_freq = args.eval_freq or len(data.train) // args.batch_size
    args.max_steps = args.max_steps or total_steps(args, data)
    channels = data.mean_image.mean(axis=(1, 2), keepdims=True)
    mean = np.broadcast_to(channels, data.mean_image.shape).copy()
    train = ImageDataset(data.train.pixels, data.train.labels, mean, args.seed)
    test = ImageDataset(data.test.pixels, data.test.labels, mean, args.seed + 1)
    return dataclasses.replace(data, train=train, test=test, mean_image=mean)


def total_steps(args: argparse.Namespace, data: Any) -> int:
    """How many steps the epochs have; what does not fill a batch is left out of each."""
    return math.ceil(args.epochs * (len(data.train) // args.batch_size))


class RecipeRun(Run):
    """A run that trains on shifted and mirrored views, with smoothed labels.

    An image is mirrored in every other epoch, half of the images in the even ones: it is never seen
    twice the same way in a row, as it would be if each view were drawn (Jordan 2024, section 3.6).
    """

    def prepare(self) -> None:
        """Make the views; a subclass adds `optimizer` and `schedule`."""
        args, count = self.args, len(self.data.train)
        self.total = total_steps(args, self.data)
        self.views = Reflected(self.data.mean_image.shape[-1], args.shift, self.device)
        self.mirrored_first = torch.Generator().manual_seed(args.seed).numpy.random(count) < 0.5
        torch.backends.cudnn.allow_tf32 = args.precision == "tf32"
        torch.set_float32_matmul_precision("high" if args.precision == "tf32" else "highest")

    def draw(self) -> tuple[torch.Tensor, ...]:
        """Where the batch is, and which of its images are mirrored."""
        train = self.data.train
        rows = train.next_indices(self.args.batch_size)
        mirrored = self.mirrored_first[rows] ^ bool(train.epochs_completed % 2)
        return torch.from_numpy(rows), torch.from_numpy(mirrored)

    def region(self) -> Any:
        """What the forward pass runs in."""
        if self.args.precision != "bfloat16":
            return contextlib.nullcontext()
        return torch.autocast(self.device, dtype="bfloat16")

    def _compute(self, rows: torch.Tensor, mirrored: torch.Tensor) -> None:
        x, t = self.gather(rows)
        self.optimizer.zero_grad()
        with self.region():
            logits = self.model(self.views(x, mirrored.to(x.device)))
            loss = F.cross_entropy(logits, t, label_smoothing=self.args.label_smoothing)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.sums.add(loss, (logits.argmax(dim=1) == t).float().mean())

    def judged(self) -> nn.Module:
        """At the end six views of each image vote."""
        return SixViews(self.model) if self.step >= self.total else self.model


class SixViews(nn.Module):
    """Logits averaged over an image, and it shifted by a pixel both ways, each also mirrored.

    The unshifted views have half of the weight. (Jordan 2024, section 3.5.)

    Args:
        model: of images (N, C, H, W).
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        wide = F.pad(images, (1, 1, 1, 1), mode="reflect")
        shifted = self._both(wide[:, :, :-2, :-2]) + self._both(wide[:, :, 2:, 2:])
        return self._both(images) / 2 + shifted / 4

    def _both(self, images: torch.Tensor) -> torch.Tensor:
        return (self.model(images) + self.model(images.flip(3))) / 2


class Lookahead:
    """Slow weights, to which the fast ones return (Zhang et al. 2019).

        s ← δ s + (1 − δ) w,  w ← s

    over all floating-point numbers of a model, running statistics among them.

    Args:
        model: whose weights w are; s begins as they are.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.slow = {name: fast.clone() for name, fast in self._fast().items()}

    def _fast(self) -> dict[str, torch.Tensor]:
        state = self.model.state_dict()
        return {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """s ← δ s + (1 − δ) w, then w ← s; decay is δ."""
        for name, fast in self._fast().items():
            fast.copy_(self.slow[name].mul_(decay).add_(fast, alpha=1 - decay))

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The slow weights by their names."""
        return dict(self.slow)

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from what `state_dict` gave.

        Raises:
            KeyError: a name is missing.
        """
        for name, slow in self.slow.items():
            slow.copy_(state[name])


def main(example: Example, argv: list[str] | None = None) -> int:
    """`Example.main`, or with `--seeds` one run of each and their mean; the exit status.

    With `--resume` as well, that folder's runs go on, and those that it lacks begin.
    """
    parser = Parser(example.about)
    example.add_flags(parser)
    typed = parser.typed(argv)
    seeds = typed.pop("seeds", None)
    if seeds is None:
        return example.main(argv)
    if "seed" in typed:
        fail("--seed: is one of --seeds; give one of the two")
    out = typed.pop("resume", None) or typed.pop("out", None) or Path("runs", example.name)
    rest = [f"--{name}={value}" for name, value in typed.items() if not isinstance(value, bool)]
    for name, value in typed.items():
        if isinstance(value, bool):
            rest.append(f"--{name}" if value else f"--no-{name}")
    found = []
    for seed in seeds:
        folder = out / f"seed-{seed}"
        there = (folder / CHECKPOINT).exists()
        where = f"--resume={folder}" if there else f"--out={folder}"
        status = example.main([*rest, f"--seed={seed}", where])
        if status:
            return status
        found.append(json.loads((folder / "summary.json").read_text(encoding="utf-8")))
    print("seed  test accuracy  seconds of training")
    for summary in found:
        accuracy, seconds = summary["final_test_accuracy"], summary["seconds"]
        print(f"{summary['seed']:4d}  {accuracy:13.4f}  {seconds:.1f}")
    mean, seconds = (
        statistics.fmean(summary[name] for summary in found)
        for name in ("final_test_accuracy", "seconds")
    )
    print(f"mean  {mean:13.4f}  {seconds:.1f}")
    return 0
