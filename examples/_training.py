"""What the CIFAR-10 examples share: flags, the training loop, and what a run leaves behind.

A run writes into its `--out` folder: `metrics.csv` (one row an evaluation), `curves.png`,
`checkpoint.npz` (model, optimizer, data order and random state) and `summary.json`. An
interrupt (Ctrl-C) ends the run after the step it is in and leaves all of them.

On CUDA the data set lies on the GPU, and the training step is captured: one launch a step.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

import tinygrad_lite as torch
from tinygrad_lite import nn, optim
from tinygrad_lite.data import cifar10, cifar10_sample
from tinygrad_lite.nn import functional as F

COLUMNS = ("step", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate")


@dataclass
class Row:
    """One evaluation; the training figures are means over the steps since the one before."""

    step: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    learning_rate: float


@dataclass
class History:
    """The evaluations so far, and the time spent in training steps alone."""

    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    step: int = 0


def add_flag(parser: argparse.ArgumentParser, name: str, **options: Any) -> None:
    """Add `--a_flag`, and `--a-flag` for the same."""
    spellings = dict.fromkeys([f"--{name}", f"--{name.replace('_', '-')}"])
    parser.add_argument(*spellings, dest=name, **options)


def common_flags(
    parser: argparse.ArgumentParser,
    *,
    learning_rate: float,
    max_steps: int,
    batch_size: int,
    eval_freq: int,
    optimizer: str,
) -> None:
    """The flags of both examples, with the assignment's defaults of each."""
    add = lambda name, **options: add_flag(parser, name, **options)  # noqa: E731
    add("learning_rate", type=positive, default=learning_rate, help="default %(default)s")
    add("max_steps", type=count, default=max_steps, help="training steps, default %(default)s")
    add("batch_size", type=count, default=batch_size, help="images a step, default %(default)s")
    add("eval_freq", type=count, default=eval_freq, help="steps between evaluations, %(default)s")
    add("data_dir", default=None, help="folder with CIFAR-10 (default: found or downloaded)")
    add("device", default="auto", choices=("auto", "cpu", "cuda"), help="default %(default)s")
    add("optimizer", default=optimizer, choices=("sgd", "adam", "adamw"), help="%(default)s")
    add("momentum", type=float, default=0.0, help="of sgd, default %(default)s")
    add("lr_drop_step", type=count, default=None, help="divide the learning rate by 10 there")
    add("seed", type=int, default=42, help="default %(default)s")
    add("out", type=Path, default=None, help="folder for the results, default runs/<name>")
    add_capture(parser)


def add_capture(parser: argparse.ArgumentParser) -> None:
    """Add `--capture` and `--no-capture`; with neither, a step on CUDA is captured if it can be."""
    parser.add_argument(
        "--capture",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="replay the training step as one CUDA graph; default: on CUDA, where it works",
    )


def positive(text: str) -> float:
    """A number above 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be positive, but is {text}")
    return value


def count(text: str) -> int:
    """A whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, but is {text}")
    return value


def choose_device(name: str, capture: bool | None = None) -> str:
    """The device to run on; leaves with status 2 if it was asked for and can't be used.

    Also if a capture was asked for and the device is not CUDA.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if capture and name != "cuda":
        print(f"--capture: needs a CUDA device, not {name}", file=sys.stderr)
        raise SystemExit(2)
    try:
        torch.zeros(1, device=name)
    except RuntimeError as error:
        print(f"--device {name}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    return name


def load_data(args: argparse.Namespace, sample: bool = False) -> Any:
    """CIFAR-10, or its bundled sample; leaves with status 2 if `--data_dir` is not whole."""
    if sample:
        return cifar10_sample(seed=args.seed)
    try:
        return cifar10(args.data_dir, seed=args.seed)
    except (FileNotFoundError, ValueError) as error:
        print(f"--data_dir: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def make_optimizer(model: nn.Module, args: argparse.Namespace) -> optim.Optimizer:
    """The optimizer that the flags name."""
    if args.optimizer == "sgd":
        return optim.SGD(model.parameters(), lr=args.learning_rate, momentum=args.momentum)
    kind = optim.Adam if args.optimizer == "adam" else optim.AdamW
    return kind(model.parameters(), lr=args.learning_rate)


def evaluate(model: nn.Module, dataset: Any, batch_size: int) -> tuple[float, float]:
    """Mean loss and accuracy over a whole data set, in evaluation mode."""
    model.eval()
    loss = correct = 0.0
    with torch.no_grad():
        for x, t in map(tensors, dataset.batches(batch_size)):
            logits = model(x)
            loss += F.cross_entropy(logits, t, reduction="sum").item()
            correct += (logits.argmax(dim=1) == t).sum().item()
    model.train()
    return loss / len(dataset), correct / len(dataset)


def tensors(batch: tuple[Any, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and labels, which a set in host memory gives as arrays."""
    images, labels = batch
    if isinstance(images, torch.Tensor):
        return images, labels
    return torch.from_numpy(images), torch.from_numpy(labels)


class Sums:
    """Loss and accuracy added up over steps where the model is: reading them may wait for it."""

    def __init__(self, device: str) -> None:
        self.tensor = torch.zeros(2, dtype="float64", device=device)
        self._marks: dict[str, tuple[float, float, int]] = {}

    def add(self, loss: torch.Tensor, accuracy: torch.Tensor) -> None:
        """One more step's."""
        self.tensor += torch.stack([loss, accuracy]).double()

    def means(self, reader: str, step: int) -> tuple[float, float]:
        """The means over the steps since this reader read the last time."""
        loss, accuracy = self.tensor.tolist()
        loss_0, accuracy_0, step_0 = self._marks.get(reader, (0.0, 0.0, 0))
        self._marks[reader] = loss, accuracy, step
        steps = max(step - step_0, 1)
        return (loss - loss_0) / steps, (accuracy - accuracy_0) / steps


class Run:
    """A training run: the loop, its interrupt, and the files it leaves.

    Args:
        name: the default folder under `runs/`.
        model: on the device already.
        data: what `cifar10` gave.
        args: the flags.
        device: "cpu" or "cuda".
        eval_batch: images at a time in evaluations.
    """

    def __init__(
        self,
        name: str,
        model: nn.Module,
        data: Any,
        args: argparse.Namespace,
        device: str,
        eval_batch: int = 1000,
    ) -> None:
        self.model, self.data, self.args, self.device = model, data, args, device
        on_gpu = device != "cpu"
        self.train_set = data.train.to(device) if on_gpu else data.train
        self.test_set = data.test.to(device) if on_gpu else data.test
        self.sums = Sums(device)
        captured = on_gpu and args.capture is not False
        self.compute = self._compute
        if captured:
            self.compute = torch.cuda.graph(self._compute, device=device)
        self.eval_batch = eval_batch
        self.optimizer = make_optimizer(model, args)
        drops = [args.lr_drop_step] if args.lr_drop_step else []
        self.schedule = optim.lr_scheduler.MultiStepLR(self.optimizer, drops, gamma=0.1)
        self.out = Path("runs") / name if args.out is None else args.out
        self.out.mkdir(parents=True, exist_ok=True)
        self.history = History()
        self.interrupted = False

    def train(self) -> int:
        """Train, evaluate, write everything; the exit status (130 after an interrupt)."""
        previous = signal.signal(signal.SIGINT, self._interrupt)
        try:
            self._loop()
        finally:
            signal.signal(signal.SIGINT, previous)
            self.write()
        return 130 if self.interrupted else 0

    def _interrupt(self, *_: object) -> None:
        if self.interrupted:  # asked twice: at once
            raise KeyboardInterrupt
        self.interrupted = True

    def _loop(self) -> None:
        args, history = self.args, self.history
        bar = tqdm(total=args.max_steps, unit="step", disable=None, dynamic_ncols=True)
        start = time.perf_counter()
        while history.step < args.max_steps and not self.interrupted:
            self.step()
            history.step += 1
            step = history.step
            bar.update()
            if step % 10 == 0 and not bar.disable:
                loss, accuracy = self.sums.means("bar", step)
                rate = step * args.batch_size / (history.seconds + time.perf_counter() - start)
                bar.set_postfix_str(
                    f"loss {loss:.3f}, accuracy {accuracy:.3f}, {rate:,.0f} images/s"
                )
            last = step == args.max_steps or (self.interrupted and not history.rows)
            if step % args.eval_freq == 0 or last:
                means = self.sums.means("evaluation", step)
                history.seconds += time.perf_counter() - start
                self._evaluate(*means, bar)
                start = time.perf_counter()
        self.sums.means("end", history.step)  # the GPU has done all steps before the clock stops
        history.seconds += time.perf_counter() - start
        bar.close()

    def step(self) -> None:
        """One training step, on the next batch."""
        rows = torch.from_numpy(self.data.train.next_indices(self.args.batch_size))
        try:
            self.compute(rows)
        except torch.cuda.CaptureError as error:
            if self.args.capture:
                raise
            print(f"The steps are not captured: {error}", file=sys.stderr)
            self.compute = self._compute
            self.compute(rows)
        self.schedule.step()

    def _compute(self, rows: torch.Tensor) -> None:
        """What the device does in a step; it may be captured, so it reads nothing back."""
        x, t = tensors(self.train_set.gather(rows if self.device != "cpu" else rows.numpy()))
        self.optimizer.zero_grad()
        logits = self.model(x)
        loss = F.cross_entropy(logits, t)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.sums.add(loss, (logits.argmax(dim=1) == t).float().mean())

    def _evaluate(self, train_loss: float, train_accuracy: float, bar: Any) -> None:
        test_loss, test_accuracy = evaluate(self.model, self.test_set, self.eval_batch)
        rate = self.schedule.get_last_lr()[0]
        row = Row(self.history.step, train_loss, train_accuracy, test_loss, test_accuracy, rate)
        self.history.rows.append(row)
        bar.write(
            f"step {row.step:5d}  train loss {train_loss:.3f} accuracy {train_accuracy:.3f}  "
            f"test loss {test_loss:.3f} accuracy {test_accuracy:.3f}"
        )

    def write(self) -> None:
        """Write the metrics, the curves, the checkpoint and the summary."""
        with (self.out / "metrics.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(asdict(row) for row in self.history.rows)
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": self.schedule.state_dict(),
                "train": self.data.train.state_dict(),
                "random": torch.get_rng_state(),
                "step": self.history.step,
            },
            self.out / "checkpoint.npz",
        )
        summary = self.summary()
        (self.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        if self.history.rows:
            draw_curves(self.history.rows, self.out / "curves.png", self.data.source)
        print(
            f"best test accuracy {summary['best_test_accuracy']} after "
            f"{summary['steps']} steps, {summary['seconds']:.1f} s of training "
            f"({summary['images_per_second']:,.0f} images/s); results are in {self.out}"
        )

    def summary(self) -> dict[str, Any]:
        """What `summary.json` holds."""
        accuracies = [row.test_accuracy for row in self.history.rows]
        images = self.history.step * self.args.batch_size
        return {
            "best_test_accuracy": max(accuracies, default=None),
            "final_test_accuracy": accuracies[-1] if accuracies else None,
            "steps": self.history.step,
            "seconds": round(self.history.seconds, 3),
            "images_per_second": round(images / max(self.history.seconds, 1e-9), 1),
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "device": self.device,
            "seed": self.args.seed,
            "dataset": self.data.source,
            "settings": {
                k: str(v) if isinstance(v, Path) else v for k, v in vars(self.args).items()
            },
        }


def machine(device: str) -> str:
    """The machine and the versions, for the foot of a table."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        text = Path("/proc/cpuinfo").read_text()
        names = [line for line in text.splitlines() if line.startswith("model name")]
        processor = names[0].partition(":")[2].strip() if names else processor
    where = torch.cuda.get_device_name() if device == "cuda" else f"{os.cpu_count()} cores"
    return (
        f"{processor}, {where}; Python {platform.python_version()}, NumPy {version('numpy')}, "
        f"tinygrad_lite {torch.__version__}."
    )


def draw_curves(rows: list[Row], path: Path, source: str, title: str = "") -> None:
    """Loss and accuracy against steps, train and test, side by side."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    steps = [row.step for row in rows]
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, what in zip(axes, ("loss", "accuracy"), strict=True):
        for part in ("train", "test"):
            values = [getattr(row, f"{part}_{what}") for row in rows]
            axis.plot(steps, values, marker="o", markersize=3, label=part)
        axis.set_xlabel("step")
        axis.set_ylabel("cross entropy (nats)" if what == "loss" else "accuracy")
        axis.set_title(what.capitalize())
        axis.grid(alpha=0.3)
        axis.legend()
    best = max(row.test_accuracy for row in rows)
    name = "CIFAR-10" if source == "cifar10" else "the bundled sample, not CIFAR-10"
    text = f"{title or name}: best test accuracy {best:.3f}"
    figure.suptitle(text, fontsize=12 if len(text) < 90 else 9)  # long ones fit as well
    figure.savefig(path, dpi=120)
    plt.close(figure)
