"""Everyday names and prints, with the values that PyTorch gives."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
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


def test_to() -> None:
    x = torch.ones(2)
    assert x.to("cpu", non_blocking=True) is x
    assert x.to("cpu", copy=True) is not x


def test_utils_data() -> None:
    from tinygrad_lite.utils.data import DataLoader

    assert torch.utils.data.DataLoader is DataLoader
    data = torch.utils.data.TensorDataset(torch.arange(10))
    parts = torch.utils.data.random_split(data, [0.75, 0.25])
    assert [len(part) for part in parts] == [8, 2]
    found = [int(i) for part in parts for (x,) in DataLoader(part, 3) for i in x]
    assert sorted(found) == list(range(10))
    with pytest.raises(ValueError, match="sum to 9"):
        torch.utils.data.random_split(data, [5, 4])
    with pytest.raises(AttributeError, match="nothing"):
        _ = torch.nothing  # type: ignore[attr-defined]


def test_the_import_stays_light() -> None:
    code = "import sys, tinygrad_lite; assert 'tinygrad_lite.data' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_legacy() -> None:
    x = torch.FloatTensor([1, 2])
    assert (x.dtype, x.tolist(), x.type()) == (torch.float32, [1, 2], "torch.FloatTensor")
    assert torch.LongTensor(2, 3).shape == (2, 3)
    for kind in (torch.LongTensor, "torch.LongTensor", torch.int64):
        assert x.type(kind).dtype == torch.int64
    assert isinstance(x, torch.FloatTensor)
    assert not isinstance(x, torch.ByteTensor)
    variable = torch.autograd.Variable(x, requires_grad=True)
    assert variable.requires_grad
    assert not x.requires_grad  # and the memory is x's
    variable.data.zero_()
    assert x.tolist() == [0, 0]


def test_numpy_integers_make_integers() -> None:
    assert torch.arange(np.int64(3)).dtype == torch.full((2,), np.int32(1)).dtype == torch.int64
    assert torch.full((1,), True).dtype == torch.bool


def test_normal() -> None:
    assert torch.normal(5.0, 0.0, (2, 2)).tolist() == [[5, 5], [5, 5]]
    assert torch.normal(torch.tensor([1.0, 2.0]), 0.0).tolist() == [1, 2]


def test_order() -> None:
    x = torch.tensor([3.0, 1.0, 3.0, 2.0], requires_grad=True)
    assert torch.sort(x).indices.tolist() == [1, 3, 0, 2]
    assert x.argsort(descending=True).tolist() == [0, 2, 3, 1]
    values, indices = torch.topk(x, 2)
    assert (values.tolist(), indices.tolist()) == ([3, 3], [0, 2])
    (values * torch.tensor([1.0, 5.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 0, 5, 0]
    with pytest.raises(RuntimeError, match="out of range"):
        x.topk(5)


def test_places_and_counts() -> None:
    x = torch.tensor([[0, 2], [2, 5]])
    assert x.nonzero().tolist() == [[0, 1], [1, 0], [1, 1]]
    assert [i.tolist() for i in torch.where(x > 1)] == [[0, 1, 1], [1, 0, 1]]
    assert torch.tensor(1).nonzero().shape == (1, 0)
    values, inverse, counts = x.unique(return_inverse=True, return_counts=True)
    assert (values.tolist(), counts.tolist()) == ([0, 2, 5], [1, 2, 1])
    assert inverse.tolist() == [[0, 1], [1, 2]]
    assert torch.bincount(torch.tensor([0, 2, 2]), minlength=4).tolist() == [1, 0, 2, 0]
    weights = torch.tensor([0.5, 1.0, 2.0])
    assert torch.bincount(torch.tensor([0, 2, 2]), weights).tolist() == [0.5, 0, 3]
    hot = torch.zeros(2, 3).scatter_(1, torch.tensor([[2], [0]]), 1)
    assert hot.tolist() == [[0, 0, 1], [1, 0, 0]]
    hot.scatter_(0, torch.tensor([[1, 1]]), torch.tensor([[7.0, 8.0]]))
    assert hot.tolist() == [[0, 0, 1], [7, 8, 0]]
    with pytest.raises(RuntimeError, match="out of bounds"):
        hot.scatter_(1, torch.tensor([[3]]), 1)


def test_diagonals() -> None:
    x = torch.tensor([[1, 2, 3], [4, 5, 6]])
    assert (torch.diag(x, 1).tolist(), x.diag(-1).tolist(), x.trace().item()) == ([2, 6], [4], 6)
    assert torch.tensor([1, 2]).diag(-1).tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]


def test_aliases() -> None:
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert x.new_zeros(2, 1).dtype == x.new_ones((3,)).dtype == torch.float64
    assert (x.nelement(), x.is_cuda) == (2, False)
    assert torch.vstack([x, x]).shape == (2, 2)
    assert torch.hstack([x, x]).tolist() == torch.concat([x, x]).tolist() == [1, 2, 1, 2]
    assert (x.clamp_min(1.5).tolist(), x.clamp_max(1.5).tolist()) == ([1.5, 2], [1, 1.5])
