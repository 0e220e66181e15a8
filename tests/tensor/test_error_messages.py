"""Wrong calls raise PyTorch's exception types, under the operation's own name, in our own words.

`wrong_calls.txt` has one call a line: the expression, "#", the type that PyTorch 2.13 raises, and
the name that the message starts with. The names in the expressions are in `_names`.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.several import several

LINES = Path(__file__).with_name("wrong_calls.txt").read_text(encoding="utf-8").splitlines()
CALLS = [line.rsplit("  #  ", 1) for line in LINES]

# What only who wrote the library, or NumPy, can make sense of.
LEAKED = re.compile(
    r"has no attribute|ufunc|numpy\b|object is not (callable|iterable|subscriptable)|"
    r"unsupported operand|cannot be interpreted|invalid literal|could not convert|"
    r"not understood|has no len|\baxis\b|TensorBase|not supported between|not in list|"
    r"broadcast input|at_least|at_most|allow_pickle|read-only|not enough values to unpack",
    re.IGNORECASE,
)


def _hooked(hook: Callable[[Any], Any]) -> None:
    y = tg.ones(2, 3, requires_grad=True) * 2
    y.register_hook(hook)
    y.sum().backward()


def _names() -> dict[str, Any]:
    """A matrix of floats x, one that requires a gradient g, of integers i, of booleans b."""
    return {
        "torch": tg, "F": tg.nn.functional, "nn": tg.nn, "optim": tg.optim, "np": np,
        "x": tg.ones(2, 3), "g": tg.ones(2, 3, requires_grad=True),
        "i": tg.arange(6).reshape(2, 3), "b": tg.ones(2, 3, dtype="bool"),
        "y": lambda: tg.ones(2, 3), "h": _hooked,
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_wrong_calls() -> None:
    with several() as case:
        for call, expected in CALLS:
            with case(call):
                check(call, expected)


def check(call: str, expected: str) -> None:
    kind, _, name = expected.partition("  ")
    with pytest.raises(getattr(builtins, kind)) as raised:
        eval(call, _names())
    text = str(raised.value)
    assert text.startswith(name), text
    assert not LEAKED.search(text.replace("use tensor.detach().numpy()", "").replace("numpy:", ""))
