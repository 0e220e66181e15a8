"""Expressions with what PyTorch 2.13 gave for each: values and dtypes, or an error's type.

`beside.txt` has a line for each, `expression  #  result`; statements may come before the
expression, each followed by ` ;; `. `python -m tests.tensor.test_beside`
reads expressions and prints such lines, where PyTorch is installed.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite

PAGE = Path(__file__).with_name("beside.txt")
LINES = [
    tuple(line.split("  #  "))
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if "  #  " in line
]


def told(value: Any) -> Any:
    """A result as it is written down: elements and dtype of a tensor, six digits of a number."""
    if hasattr(value, "requires_grad") and hasattr(value, "tolist"):
        return f"{told(value.tolist())} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list | tuple):
        return type(value)(map(told, value)) if type(value) in (list, tuple) else list(value)
    return value


def outcome(expression: str, torch: Any) -> str:
    """What an expression gives in a library, or the type of its error."""

    def grad(function: Any, *values: Any) -> Any:
        leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
        return torch.autograd.grad(function(*leaves).sum(), leaves)

    names = {"torch": torch, "np": np, "inf": np.inf, "nan": np.nan, "F": torch.nn.functional}
    names |= {"nn": torch.nn, "grad": grad}
    *statements, last = expression.split(" ;; ")
    try:
        exec("\n".join(statements), names)
        return str(told(eval(last, names)))
    except Exception as error:
        known = (IndexError, TypeError, ValueError, ZeroDivisionError, AttributeError)
        known += (OverflowError,)
        return next((k.__name__ for k in known if isinstance(error, k)), "RuntimeError")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("expression", "expected"), LINES, ids=[e for e, _ in LINES])
def test_as_pytorch(expression: str, expected: str) -> None:
    assert outcome(expression, tinygrad_lite) == expected


def main() -> None:
    """Print the lines of the expressions that are read, as PyTorch has them."""
    import torch

    warnings.simplefilter("ignore")
    for line in sys.stdin:
        expression = line.partition("  #  ")[0].strip()
        if expression:
            print(f"{expression}  #  {outcome(expression, torch)}")


if __name__ == "__main__":
    main()
