"""Run every experiment of the report and set our figures beside its own and PyTorch's.

    python examples/reproduce_report.py                 all 14 rows (the last takes longest)
    python examples/reproduce_report.py --only 1,7,13   some of them
    python examples/reproduce_report.py --quick         a few steps on the bundled sample

Each row leaves its files in `--out`/row_NN. A row that is finished is not run again, and one
that was interrupted goes on from its checkpoint, so a reproduction goes on where it stopped.
`report.md` holds the table, `figure_NN.png` the curves that the report shows under that number.
"""

# smoke: --quick --only 1,11,14 --out $OUT

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _folder
import _pictures
import _training
import cifar_cnn
import cifar_mlp
from _evaluation import COLUMNS, Row
from _flags import Parser, add_capture
from _stop import any_terminal
from _training import choose_device

TITLES = {"learning_rate": "lr", "lr_drop_step": "lr ÷10 at", "max_steps": "steps"}


@dataclass(frozen=True)
class Experiment:
    """One row of the table.

    Args:
        row: its number.
        figure: the figure of the report that shows it, if any.
        report: what the report says of its test accuracy.
        pytorch: PyTorch 2.13's best test accuracy with the same settings, seed 42.
        flags: those of the example that differ from its defaults.
        convnet: whether it is the ConvNet.
    """

    row: int
    figure: int | None
    report: str
    pytorch: float
    flags: dict[str, Any]
    convnet: bool = False

    @property
    def settings(self) -> str:
        """The flags as text."""
        if self.convnet:
            return "ConvNet, Adam 1e-4, batch 32, 5000 steps"
        return ", ".join(f"{TITLES.get(k, k)} {v}" for k, v in self.flags.items()) or "defaults"


def _experiments() -> tuple[Experiment, ...]:
    """The table; each MLP row is stated by what it changes in an earlier one."""
    row1: dict[str, Any] = {}
    row2 = {"init": "default"}
    row3 = row2 | {"max_steps": 3000}
    row4 = row3 | {"init": "normal"}
    row5 = row4 | {"learning_rate": 8e-4}
    row6 = row5 | {"max_steps": 6000}
    row7 = row6 | {"lr_drop_step": 3000}
    row10 = row7 | {"dnn_hidden_units": "300,400"}
    row12 = row10 | {"momentum": 0.9}
    return (
        Experiment(1, 1, "about 0.46 (the course)", 0.480, row1),
        Experiment(2, 2, "0.439", 0.442, row2),
        Experiment(3, 3, "0.459", 0.467, row3),
        Experiment(4, 4, "0.488", 0.501, row4),
        Experiment(5, 5, "0.51", 0.515, row5),
        Experiment(6, 6, "very small improvement", 0.520, row6),
        Experiment(7, 7, "0.532", 0.531, row7),
        Experiment(8, None, "0.542", 0.545, row7 | {"dnn_hidden_units": "400"}),
        Experiment(9, None, "0.551", 0.552, row7 | {"dnn_hidden_units": "1000"}),
        Experiment(10, 8, "lower than expected", 0.166, row10),
        Experiment(11, 9, "0.543", 0.549, row10 | {"optimizer": "adam"}),
        Experiment(12, None, "0.557", 0.549, row12),
        Experiment(13, 10, "0.562", 0.559, row12 | {"dnn_hidden_units": "400,600"}),
        Experiment(14, 11, "0.78", 0.784, {}, convnet=True),
    )


EXPERIMENTS = _experiments()


def flags_of(experiment: Experiment, args: argparse.Namespace) -> argparse.Namespace:
    """The experiment's flags, parsed by its example's own parser."""
    changes = dict(experiment.flags)
    if args.quick:
        changes |= {"max_steps": 4, "eval_freq": 2, "batch_size": 8}
        changes.pop("lr_drop_step", None)
    words = [f"--{name}={value}" for name, value in changes.items()]
    words += [f"--device={args.device}", f"--seed={args.seed}"]
    words += [] if args.capture is None else ["--capture" if args.capture else "--no-capture"]
    example = cifar_cnn if experiment.convnet else cifar_mlp
    return example.parse([*words, f"--out={args.out / f'row_{experiment.row:02d}'}"])


def run(
    experiment: Experiment, args: argparse.Namespace, device: str, data: Any, start: Any
) -> bool:
    """Train one row, unless it is finished already; False after an interrupt."""
    flags = flags_of(experiment, args)
    if finished(flags) is not None:
        return True
    print(f"\nrow {experiment.row}: {experiment.settings}")
    if _folder.checkpoint_of(flags.out).exists():
        flags.resume = flags.out
    data.train.load_state_dict(start)  # every row sees the same batches
    example = cifar_cnn.EXAMPLE if experiment.convnet else cifar_mlp.EXAMPLE
    return example.run(flags, device, data) == 0


def finished(flags: argparse.Namespace) -> dict[str, Any] | None:
    """The summary of a row that was run to its end, with these settings and this seed."""
    path = flags.out / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if not summary or summary["best_test_accuracy"] is None or summary["seed"] != flags.seed:
        return None
    rows = read_rows(flags.out / "metrics.csv")
    return summary if rows and rows[-1].step == summary["steps"] == flags.max_steps else None


def write_report(args: argparse.Namespace, about: str) -> None:
    """The table and the figures of all rows that are finished."""
    lines = [
        "# The report, reproduced",
        "",
        f"Best test accuracy over the evaluations, seed {args.seed}; seconds of training steps "
        "alone. 'PyTorch' is PyTorch 2.13 on a CPU with the same settings, seed 42.",
        "",
        f"{about}",
        "",
        *(["**A quick run of 4 steps on the bundled sample: only a trial.**", ""] * args.quick),
        "| # | figure | settings | report | PyTorch | ours | ours − PyTorch | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for e in EXPERIMENTS:
        flags = flags_of(e, args)
        summary = finished(flags)
        if summary is None:
            continue
        best = summary["best_test_accuracy"]
        figure = "–" if e.figure is None else f"[{e.figure}](figure_{e.figure:02d}.png)"
        lines.append(
            f"| {e.row} | {figure} | {e.settings} | {e.report} | {e.pytorch:.3f} | {best:.3f} | "
            f"{best - e.pytorch:+.3f} | {summary['seconds']:.0f} |"
        )
        if e.figure is not None:
            rows, title = read_rows(flags.out / "metrics.csv"), f"Row {e.row}: {e.settings}"
            picture = _pictures.curves(rows, summary["dataset"], title)
            (args.out / f"figure_{e.figure:02d}.png").write_bytes(picture)
    lines += ["", EXPLANATION, ""]
    (args.out / "report.md").write_text("\n".join(lines), encoding="utf-8")
    print(f"\nthe table is in {args.out / 'report.md'}")


EXPLANATION = (
    "Row 10 is meant to be low: with weights N(0, 1e-4²) in three layers the logits, and with "
    "them the gradients of every layer, start out so small that plain SGD at 8e-4 hardly leaves "
    "the plateau in 6,000 steps; Adam (row 11), which divides by the gradients' own size, and "
    "momentum (row 12), which adds them up, get off it."
)


def read_rows(path: Path) -> list[Row]:
    """The evaluations that a run wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(int(r["step"]), *(float(r[name]) for name in COLUMNS[1:]))
            for r in csv.DictReader(file)
        ]


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(__doc__)
    add = parser.flag
    rows = {e.row for e in EXPERIMENTS}

    def only(text: str) -> set[int]:
        chosen = {int(part) for part in text.split(",")}
        if chosen - rows:
            raise argparse.ArgumentTypeError(f"there are no rows {sorted(chosen - rows)}")
        return chosen

    add("only", type=only, default=rows, help="rows to run, comma separated; default all")
    add("quick", action="store_true", help="a few steps on the bundled sample")
    add("data_dir", default=None, help="folder with CIFAR-10 (default: found or downloaded)")
    add("device", default="auto", choices=("auto", "cpu", "cuda"), help="default %(default)s")
    add("seed", type=int, default=42, help="default %(default)s")
    add("out", type=Path, default=None, help="default runs/report, or runs/report_quick")
    add_capture(parser)
    args = parser.parse_args(argv)
    if args.out is None:
        args.out = Path("runs/report_quick" if args.quick else "runs/report")
    return args


def main(argv: list[str] | None = None) -> int:
    """Run what is missing, then write the table and the figures."""
    any_terminal()
    args = parse(argv)
    device = choose_device(args.device, args.capture)
    data = _training.load_data(args, sample=args.quick)
    args.out.mkdir(parents=True, exist_ok=True)
    status, start = 0, data.train.state_dict()
    for experiment in EXPERIMENTS:
        if experiment.row in args.only and not run(experiment, args, device, data, start):
            status = 130
            break
    write_report(args, _training.machine(device))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
