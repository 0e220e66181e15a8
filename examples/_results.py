"""What a run leaves beside its checkpoint: metrics, a summary, the model, pictures, last words."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import _flags
import _folder
import _pictures
from _evaluation import COLUMNS, Row

import tinygrad_lite as torch


def metrics(rows: list[Row], measure: str) -> str:
    """The text of `metrics.csv`: a row an evaluation, columns named after what is measured."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writerow({name: name.replace("accuracy", measure) for name in COLUMNS})
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def summary(run: Any) -> dict[str, Any]:
    """What `summary.json` holds of a `Run`."""
    accuracies = [row.test_accuracy for row in run.rows]
    images = run.step * run.args.batch_size
    settings = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(run.args).items()
        if name not in _flags.NOT_SETTINGS
    }
    return {
        f"best_test_{run.measure}": max(accuracies, default=None),
        f"final_test_{run.measure}": accuracies[-1] if accuracies else None,
        "steps": run.step,
        "seconds": round(run.seconds, 3),
        f"{run.unit}_per_second": round(images / max(run.seconds, 1e-9), 1),
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "device": run.device,
        "seed": run.args.seed,
        "dataset": run.data.source,
        "settings": settings,
    }


def summary_text(run: Any) -> str:
    """`summary.json` itself."""
    return json.dumps(summary(run), indent=2) + "\n"


def last_words(run: Any) -> str:
    """What a run that ends prints."""
    if run.stop.signal and run.written < 0:
        return f"stopped after step {run.step}, with nothing to keep"
    if run.stop.signal:
        return (
            f"stopped after step {run.step}; go on after step {run.written} with "
            f"{Path(sys.argv[0]).name} --resume {run.folder.path}"
        )
    found, some = summary(run), "not all " * run.failed
    return (
        f"best test {run.measure} {found[f'best_test_{run.measure}']:.4f} after "
        f"{found['steps']} steps, {found['seconds']:.1f} s of training "
        f"({found[f'{run.unit}_per_second']:,.0f} {run.unit}/s); "
        f"{some}results are in {run.folder.path}"
    )


def leave(run: Any) -> None:
    """Write what a run leaves at its end, the model and pictures; that takes seconds.

    Once it is told to stop it begins nothing more: a resumed run makes up for the rest.

    Raises:
        OSError: they can't be written.
    """
    if run.stop.signal or not run.folder.writes:
        return
    half = {
        name: t.to(dtype="float16") if t.ndim > 1 else t  # variances can be beyond float16
        for name, t in run.model.state_dict().items()
    }
    torch.save(run.about() | {"model": half}, run.folder.path / _folder.MODEL)
    drawn = run.drawn()
    try:
        while not run.stop.signal and (picture := next(drawn, None)) is not None:
            run.folder.write(*picture)
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        print(f"no pictures: {library} is missing (pip install -e '.[examples]')", file=sys.stderr)


def pictures(run: Any) -> Iterator[tuple[str, bytes]]:
    """A classifier's: its curves, what it confuses, its mistakes, its first filters."""
    if run.rows:
        yield "curves.png", _pictures.curves(run.rows, run.data.source)
    if run.evaluation is None:  # a run that was finished before it was resumed
        run.evaluation = run.look()
    if run.evaluation is None:
        return
    test, classes, source = run.data.test, run.data.classes, run.data.source
    probabilities = run.evaluation.logits.softmax(dim=1).numpy()
    predicted = probabilities.argmax(axis=1)
    yield "confusion.png", _pictures.confusion(test.labels, predicted, classes, source)
    yield (
        "mistakes.png",
        _pictures.mistakes(test.pixels, test.labels, probabilities, classes, source),
    )
    first = next(p for p in run.model.parameters() if p.ndim > 1).detach().cpu().numpy()
    yield "filters.png", _pictures.filters(first)
