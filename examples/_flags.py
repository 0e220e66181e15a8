"""Command lines of the examples: flags that say in one line what is wrong with them."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any, NoReturn

# What may differ from the first part of a run when it is resumed.
CHANGEABLE = (
    "max_steps",
    "checkpoint_every",
    "data_dir",
    "device",
    "capture",
    "detect_anomaly",
    "generate",
)
NOT_SETTINGS = ("resume", "out")  # where a run is, not what it does


def fail(message: str) -> NoReturn:
    """Leave with status 2 and one line."""
    print(" ".join(f"{Path(sys.argv[0]).name}: {message}".split()), file=sys.stderr)
    raise SystemExit(2)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line.

    Args:
        about: the script's docstring, whose first line is shown (None under `python -OO`).
    """

    def __init__(self, about: str | None) -> None:
        super().__init__(description=(about or "").partition("\n")[0])

    def error(self, message: str) -> NoReturn:
        fail(message)

    def flag(self, name: str, **options: Any) -> None:
        """Add `--a_flag`, and `--a-flag` for the same."""
        spellings = dict.fromkeys([f"--{name}", f"--{name.replace('_', '-')}"])
        self.add_argument(*spellings, dest=name, **options)

    def typed(self, argv: list[str] | None) -> dict[str, Any]:
        """What the command line itself says, without the defaults."""
        absent = object()
        blank = argparse.Namespace(**{action.dest: absent for action in self._actions})
        found = vars(self.parse_args(argv, blank))
        return {name: value for name, value in found.items() if value is not absent}


def number(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, but is {text!r}") from None
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be finite, but is {text}")
    return value


def positive(text: str) -> float:
    """A finite number above 0."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"must be positive, but is {text}")
    return value


def fraction(text: str) -> float:
    """A number in [0, 1)."""
    value = number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be in [0, 1), but is {text}")
    return value


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, but is {text!r}") from None


def count(text: str) -> int:
    """A whole number above 0."""
    value = whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, but is {text}")
    return value


def common_flags(
    parser: Parser,
    *,
    learning_rate: float,
    max_steps: int,
    batch_size: int,
    eval_freq: int,
    optimizer: str,
) -> None:
    """The flags of the assignment's trainings; the arguments are the defaults that differ."""
    add = parser.flag
    add("learning_rate", type=positive, default=learning_rate, help="default %(default)s")
    add("max_steps", type=count, default=max_steps, help="training steps, default %(default)s")
    add("batch_size", type=count, default=batch_size, help="images a step, default %(default)s")
    add("eval_freq", type=count, default=eval_freq, help="steps between evaluations, %(default)s")
    add("data_dir", default=None, help="folder with CIFAR-10 (default: found or downloaded)")
    add("optimizer", default=optimizer, choices=("sgd", "adam", "adamw"), help="%(default)s")
    add("momentum", type=fraction, default=0.0, help="of sgd, default %(default)s")
    add("weight_decay", type=fraction, default=None, help="default 0, of adamw 0.01")
    add("lr_drop_step", type=count, default=None, help="divide the learning rate by 10 there")
    add("dropout", type=fraction, default=0.0, help="probability, default %(default)s")
    add("augment", action="store_true", help="shift images by up to 4 pixels and mirror half")
    add("distributed", action="store_true", help="one of the ranks that mpiexec began")
    run_flags(parser, seed=42)


def run_flags(parser: Parser, *, seed: int) -> None:
    """The flags of every run: where it computes, its seed, where its files are, how it is watched.

    Args:
        parser: gets the flags.
        seed: the default.
    """
    add = parser.flag
    add("device", default="auto", choices=("auto", "cpu", "cuda"), help="default %(default)s")
    add("seed", type=whole, default=seed, help="default %(default)s")
    add("out", type=Path, default=None, help="folder for the results, default runs/<name>")
    add("resume", type=Path, default=None, metavar="RUN", help="go on with the run in this folder")
    add("checkpoint_every", type=count, default=None, help="steps; default: each evaluation")
    add("detect_anomaly", action="store_true", help="look for the first NaN or infinity; slow")
    add_capture(parser)


def add_capture(parser: argparse.ArgumentParser) -> None:
    """Add `--capture` and `--no-capture`; with neither, a step on CUDA is captured if it can be."""
    parser.add_argument(
        "--capture",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="replay the training step as one CUDA graph; default: on CUDA, where it works",
    )


def check(args: argparse.Namespace) -> None:
    """Leave with status 2 if flags contradict each other."""
    if getattr(args, "momentum", 0) and getattr(args, "optimizer", "sgd") != "sgd":
        fail(f"--momentum {args.momentum}: {args.optimizer} has none; it is sgd's")
    if args.detect_anomaly and args.capture:
        fail("--detect_anomaly: looks at each operation, which a captured step can't; "
             "leave out --capture")  # fmt: skip


def words(args: argparse.Namespace) -> list[str]:
    """The settings as a command line, which a checkpoint keeps."""
    found = []
    for name, value in vars(args).items():
        if name in NOT_SETTINGS or value is None:
            continue
        if isinstance(value, bool):
            if value or name == "capture":
                found.append(f"--{name}" if value else f"--no-{name}")
            continue
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        found.append(f"--{name}={text}")
    return found


def resumed(parser: Parser, saved: list[str], argv: list[str] | None) -> argparse.Namespace:
    """The settings of a run, with what may change taken from the command line.

    Args:
        saved: the run's `words`.
        argv: the command line, with `--resume`.
    """
    before, typed = parser.parse_args(saved), parser.typed(argv)
    allowed = [name for name in CHANGEABLE if hasattr(before, name)]
    for name, value in typed.items():
        if name == "out":
            fail("--out: a resumed run stays in its folder; leave it out")
        if name in CHANGEABLE or name == "resume":
            setattr(before, name, value)
        elif value != getattr(before, name):
            fail(f"--{name} {value}: the run was begun with {getattr(before, name)}; "
                 f"a resumed run may change only {', '.join(allowed)}")  # fmt: skip
    return before
