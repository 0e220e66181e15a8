"""A factor by position, as the optimizers of PyTorch's first years have it; PyTorch's values."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as torch

X, Y = [1.0, 2.0], [3.0, 4.0]
M = [[1.0, 2.0], [3.0, 4.0]]
CALLS: list[tuple[str, list[Any], Any]] = [
    ("add", [X, 2, Y], [7.0, 10.0]),
    ("sub", [X, 2, Y], [-5.0, -6.0]),
    ("sub", [X, 2.0, [3.0]], [-5.0, -4.0]),
    ("addcmul", [X, 2, Y, Y], [19.0, 34.0]),
    ("addcdiv", [X, 2, Y, X], [7.0, 6.0]),
    ("addmm", [M, 2, M, M], [[9.0, 14.0], [21.0, 30.0]]),
    ("addmm", [M, 2, 3, M, M], [[23.0, 34.0], [51.0, 74.0]]),
    ("addmv", [X, 2, M, X], [7.0, 15.0]),
    ("addmv", [X, 2, 3, M, X], [17.0, 37.0]),
    ("addr", [M, 2, X, Y], [[5.0, 8.0], [12.0, 16.0]]),
    ("addr", [M, 2, 3, X, Y], [[11.0, 16.0], [24.0, 32.0]]),
    ("addbmm", [M, 2, 3, [M], [M]], [[23.0, 34.0], [51.0, 74.0]]),
    ("baddbmm", [[M], 2, 3, [M], [M]], [[[23.0, 34.0], [51.0, 74.0]]]),
]


def tensors(values: list[Any]) -> list[Any]:
    return [torch.tensor(v) if isinstance(v, list) else v for v in values]


@pytest.mark.parametrize(("name", "values", "expected"), CALLS)
def test_a_factor_by_position(name: str, values: list[Any], expected: Any) -> None:
    x, *others = tensors(values)
    assert getattr(x, name)(*others).tolist() == expected
    assert getattr(x, f"{name}_")(*others) is x
    assert x.tolist() == expected


@pytest.mark.parametrize(("name", "values", "expected"), CALLS)
def test_a_factor_by_position_of_a_function(name: str, values: list[Any], expected: Any) -> None:
    x, beta, *others = tensors(values)
    product = name in ("addmm", "addmv", "addr", "addbmm", "baddbmm")
    first = (beta, x) if product else (x, beta)
    assert getattr(torch, name)(*first, *others).tolist() == expected


def test_the_gradient_of_a_former_call() -> None:
    x, y = torch.tensor([1.0]), torch.tensor([3.0], requires_grad=True)
    x.sub(2, y).backward()
    assert y.grad is not None
    assert y.grad.tolist() == [-2.0]


def test_what_is_no_former_call_is_refused() -> None:
    x = torch.tensor(X)
    with pytest.raises(TypeError):
        x.add("2", x)
    with pytest.raises(TypeError):
        x.addcmul(2, x)
    with pytest.raises(TypeError, match="vec2"):
        x.addr(x, 2, x)
