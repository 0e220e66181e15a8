"""What the training examples share: the command line's meaning, from flags to a run's end."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import _flags
import _folder
import _ranks
from _run import Run
from _stop import any_terminal

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.data import cifar10, cifar10_sample


@dataclass(frozen=True)
class Example:
    """A training example: what it has of its own.

    Args:
        name: of the script, and of its default folder under `runs/`.
        about: the script's docstring.
        add_flags: adds its flags to a parser.
        build: the model, from the flags.
        eval_batch: images at a time in evaluations.
        check: leaves with status 2 if the flags can't work on the data.
        prepare: the data as this example trains on it; it may fill in flags that depend on it.
        runner: what trains.
        load: reads the data; it may fill in flags that depend on it.
    """

    name: str
    about: str | None
    add_flags: Callable[[_flags.Parser], None]
    build: Callable[[argparse.Namespace], nn.Module]
    eval_batch: int = 1000
    check: Callable[[argparse.Namespace, Any], None] = lambda args, data: None
    prepare: Callable[[argparse.Namespace, Any], Any] = lambda args, data: data
    runner: type[Run] = Run
    load: Callable[[argparse.Namespace], Any] = lambda args: load_data(args)

    def parse(self, argv: list[str] | None = None) -> argparse.Namespace:
        """The command line; with `--resume` the settings of the run that it names."""
        parser = _flags.Parser(self.about)
        self.add_flags(parser)
        args = parser.parse_args(argv)
        if args.resume is not None:
            args = _flags.resumed(parser, self._saved_words(args.resume), argv)
        _flags.check(args)
        return args

    def _saved_words(self, run: Path) -> list[str]:
        path = _folder.checkpoint_of(run)
        try:
            state = torch.load(path)
        except FileNotFoundError:
            _flags.fail(f"--resume {run}: there is no checkpoint ({path})")
        except (OSError, ValueError) as error:
            before = torch.previous_checkpoint(path)
            hint = f"; the one before is {before}" if before.exists() else ""
            _flags.fail(f"--resume {run}: {error}{hint}")
        if not isinstance(state, dict) or state.get("example") != self.name:
            other = state.get("example") if isinstance(state, dict) else None
            kind = f"a run of {other}.py" if isinstance(other, str) else "not a run's checkpoint"
            _flags.fail(f"--resume {run}: is {kind}, not of {self.name}.py")
        return [str(word) for word in state["flags"]]

    def rebuild(self, state: dict[str, Any]) -> nn.Module:
        """The trained model that a checkpoint holds.

        Raises:
            KeyError, TypeError, AttributeError: it lacks what belongs there.
            RuntimeError: its weights are not those of the net that its flags describe.
        """
        args, weights = self.parse(state["flags"]), state["model"]
        largest = max((n for tensor in weights.values() for n in tensor.shape), default=0)
        if any(width > largest for width in getattr(args, "dnn_hidden_units", ())):
            raise RuntimeError("the weights are smaller than the flags say")  # before they are made
        model = self.build(args)
        model.load_state_dict(weights)
        return model

    def main(self, argv: list[str] | None = None) -> int:
        """Train as the command line says; the exit status."""
        any_terminal()
        try:
            args = self.parse(argv)
            _folder.check_out(args.out)
            _ranks.join(args)
            device = choose_device(args.device, args.capture)
            status = self.run(args, device, self.load(args))
            _ranks.leave()
            return status
        except KeyboardInterrupt:  # before the training, or for the second time in it
            return 130

    def run(self, args: argparse.Namespace, device: str, data: Any) -> int:
        """Train on a data set; the exit status."""
        unit = getattr(data, "unit", "images")
        if args.batch_size > len(data.train):
            _flags.fail(f"--batch_size {args.batch_size}: the training set has only "
                        f"{len(data.train)} {unit}")  # fmt: skip
        self.check(args, data)
        data = self.prepare(args, data)
        torch.manual_seed(args.seed)
        model = _ranks.Ranks().converted(self.build(args)).to(device)
        sizes = f"{len(data.train)} training and {len(data.test)} test {unit}"
        print(f"{data.source}: {sizes}; {device}")
        return self.runner(self.name, model, data, args, device, self.eval_batch).train()


def choose_device(name: str, capture: bool | None = None) -> str:
    """The device to run on; leaves with status 2 if it was asked for and can't be used.

    Also if a capture was asked for and the device is not CUDA.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if capture and name != "cuda":
        _flags.fail(f"--capture: needs a CUDA device, not {name}")
    try:
        torch.zeros(1, device=name)
    except RuntimeError as error:
        _flags.fail(f"--device {name}: {error}")
    return name


def load_data(args: argparse.Namespace, sample: bool = False) -> Any:
    """CIFAR-10, or its bundled sample; leaves with status 2 if `--data_dir` is not whole."""
    if sample:
        return cifar10_sample(seed=args.seed)
    try:
        return cifar10(args.data_dir, seed=args.seed)
    except (OSError, ValueError) as error:
        _flags.fail(f"--data_dir: {error}")


def machine(device: str) -> str:
    """The machine and the versions, for the foot of a table."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        names = [line for line in text.splitlines() if line.startswith("model name")]
        processor = names[0].partition(":")[2].strip() if names else processor
    where = torch.cuda.get_device_name() if device == "cuda" else f"{os.cpu_count()} cores"
    return (
        f"{processor}, {where}; Python {platform.python_version()}, NumPy {version('numpy')}, "
        f"tinygrad_lite {torch.__version__}."
    )
