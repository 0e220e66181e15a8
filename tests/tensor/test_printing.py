"""How tensors print and format, as PyTorch's do."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as torch


def test_format() -> None:
    assert f"{torch.tensor(1.5)} {torch.tensor(1.25):.1f} {torch.tensor(3):03d}" == "1.5 1.2 003"
    assert f"{torch.tensor([1])}" == "tensor([1])"
    with pytest.raises(TypeError):
        f"{torch.tensor([1.0]):.2f}"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([1e-5, 2e-5], "tensor([1.0000e-05, 2.0000e-05])"),
        (1.5, "tensor(1.5000)"),
        ([0.5, 0.5], "tensor([0.5000, 0.5000])"),
        ([1.0, -2.0], "tensor([ 1., -2.])"),
        ([1001.0, 1.0], "tensor([1.0010e+03, 1.0000e+00])"),
        ([1.5, float("nan"), float("inf")], "tensor([1.5000,    nan,    inf])"),
        ([[1, 2], [3, 40]], "tensor([[ 1,  2],\n        [ 3, 40]])"),
        ([True, False], "tensor([ True, False])"),
        (list(range(2000)), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    ],
)
def test_repr(data: Any, text: str) -> None:
    assert repr(torch.tensor(data)) == text
