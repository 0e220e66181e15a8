"""Writes `recorded.json`: what PyTorch gives for each case and each error."""

from __future__ import annotations

import json
import pathlib
import warnings

import torch

from .case import run, summary
from .cases import CASES, ERRORS

warnings.simplefilter("ignore")


def raised(name: str) -> str:
    """The type of the exception that PyTorch raises."""
    try:
        ERRORS[name](torch)
    except Exception as error:
        return type(error).__name__
    raise SystemExit(f"{name}: PyTorch does not raise")


found = {
    "torch": torch.__version__.partition("+")[0],
    "cases": {name: summary(run(case, torch)) for name, case in CASES.items()},
    "errors": {name: raised(name) for name in ERRORS},
}
file = pathlib.Path(__file__).with_name("recorded.json")
lines = [f'"torch": {json.dumps(found["torch"])}']
for part in ("cases", "errors"):
    rows = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found[part].items()]  # type: ignore
    lines.append(f'"{part}": {{\n' + ",\n".join(rows) + "\n}")
file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
