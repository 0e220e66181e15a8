"""What objects print, and what their constructors refuse, are PyTorch's.

`forms.txt` has an expression a line, which is evaluated with each library as `torch`: both print
the same, or raise an exception of the same type. Of a line that ends in "..." also every option of
the constructor is tried, with another value of its kind and with one out of its range.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.utils.prune

import tinygrad_lite
from tests.several import several

LINES = (Path(__file__).parent / "forms.txt").read_text(encoding="utf-8").splitlines()
TOPICS = [line.removeprefix("# ") for line in LINES if line.startswith("# ")]

# Other values for an option of this type; for a word those of its name, and one that there isn't.
VALUES: dict[type, list[Any]] = {
    bool: [True, False],
    int: [2, 0, -1],
    float: [0.3, 1.5, -1.0],
    tuple: [(0.5, 0.9), (1.0, 0.9), (-1.0, 0.9)],
    type(None): [2, 0.5],
    str: ["wrong"],
}
WORDS = {
    "reduction": ["sum", "none"],
    "padding_mode": ["reflect", "replicate", "circular"],
    "nonlinearity": ["relu"],
    "activation": ["gelu"],
    "mode": ["sum", "max", "bilinear", "triangular2", "exp_range"],
    "approximate": ["tanh"],
}

# What we refuse when it is made, and PyTorch when it is used, or never.
EARLIER = re.compile(
    r"reduction='wrong'|(stride|dilation)=(0|-1)|padding=-1|differentiable=True|"
    r"Lazy.*groups=|padding='wrong'|lambd=-"
)


def _given(library: Any) -> dict[str, Any]:
    """What the expressions may name."""
    params = [library.nn.Parameter(library.zeros(2))]
    return {
        "torch": library,
        "nn": library.nn,
        "F": library.nn.functional,
        "optim": library.optim,
        "lr": library.optim.lr_scheduler,
        "data": library.utils.data,
        "D": library.distributions,
        "C": library.distributions.constraints,
        "T": library.distributions.transforms,
        "P": params,
        "O": library.optim.SGD(params, lr=0.1, momentum=0.9),
    }


def _printed(library: Any, expression: str) -> str | Exception:
    """What it prints, without addresses and places of classes, or the exception."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = repr(eval(expression, _given(library)))
    except Exception as error:
        return error
    text = re.sub(r"<(?:\w+\.)*(\w+) object at 0x[0-9a-f]+>", r"<\1>", text)
    return re.sub(r"0x[0-9a-f]+", "", text).replace("tinygrad_lite", "torch")


def _options(call: str) -> Iterator[str]:
    """The call, with each option that it does not give at other values."""
    name, _, rest = call.partition("(")
    made = eval(name, _given(torch))
    given = eval(f"(lambda *a, **k: (a, k))({rest}", _given(torch))
    taken = inspect.signature(made).bind_partial(*given[0], **given[1]).arguments
    for option in inspect.signature(made).parameters.values():
        default = option.default
        if option.name in {*taken, "device", "dtype", "params"} or default is option.empty:
            continue
        words = WORDS.get(option.name, []) if isinstance(default, str | int) else []
        for value in [*VALUES.get(type(default), []), *words]:
            joint = ", " if rest != ")" else ""
            yield f"{name}({rest[:-1]}{joint}{option.name}={value!r})"


def _expressions(topic: str) -> Iterator[str]:
    start = LINES.index(f"# {topic}") + 1
    for line in LINES[start:]:
        if line.startswith("# "):
            return
        call = line.removesuffix(" ...")
        if call:
            yield call
        if call != line:
            yield from _options(call)


@pytest.mark.parametrize("topic", TOPICS)
def test_prints_and_refuses_as_pytorch(topic: str) -> None:
    with several() as case:
        for call in _expressions(topic):
            with case(call):
                _compare(call)


def _compare(call: str) -> None:
    ours, theirs = _printed(tinygrad_lite, call), _printed(torch, call)
    if isinstance(ours, Exception) and not isinstance(theirs, Exception):
        assert EARLIER.search(call), f"{call}: refused: {ours!r}"
    elif isinstance(ours, Exception) or isinstance(theirs, Exception):
        assert type(ours).__name__ == type(theirs).__name__, f"{call}: {ours!r}, {theirs!r}"
    else:
        assert ours == theirs, call
