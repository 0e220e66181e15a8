"""`as_strided` reads, writes and differentiates the memory that a tensor is a view of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.backend import namespace_for, to_host


def test_views_of_views(device: str) -> None:
    x = tg.arange(12.0, device=device).reshape(3, 4)
    assert x.as_strided((2, 3), (1, 4)).tolist() == [[0, 4, 8], [1, 5, 9]]
    assert x[1:].as_strided((2,), (2,)).tolist() == [4, 6]  # it begins where the view does
    assert x.t().as_strided((4,), (1,), 2).tolist() == [2, 3, 4, 5]
    assert x[1:, ::2].as_strided((2,), (1,), 11 - 1).tolist() == [10, 11]
    x.as_strided((2, 2), (4, 1), 1).fill_(-1)
    assert x.tolist() == [[0, -1, -1, 3], [4, -1, -1, 7], [8, 9, 10, 11]]
    assert x.as_strided_((2,), (5,)).tolist() == [0, -1]
    assert tg.arange(4).as_strided((3, 2), (1, 1)).tolist() == [[0, 1], [1, 2], [2, 3]]
    if device == "cpu":
        assert x.data_ptr() == x.as_strided((1,), (1,)).data_ptr()


def test_gradients_meet_where_windows_overlap(device: str) -> None:
    x = tg.arange(6.0, device=device).requires_grad_()
    x.as_strided((4, 3), (1, 1)).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 2, 3, 3, 2, 1]
    y = tg.tensor(np.random.default_rng(0).normal(size=(3, 4)), requires_grad=True)
    assert tg.autograd.gradgradcheck(lambda t: t.t().as_strided((3, 2), (1, 2)) ** 2, [y])


def test_a_change_through_a_view_is_recorded() -> None:
    x = tg.arange(6.0).requires_grad_()
    y = x * 2
    y.as_strided((2,), (3,), 1).mul_(5)
    (y * y).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 200, 16, 24, 800, 40]


def test_gradients_of_what_is_written_with_strides(device: str) -> None:
    """(PyTorch 2.13 gives the input those of other places.)"""
    rng = np.random.default_rng(1)
    x, src = (tg.tensor(rng.normal(size=s), requires_grad=True) for s in ((3, 3), (2, 2)))

    def written(a: Any, b: Any) -> Any:
        return a.as_strided_scatter(b, (2, 2), (1, 2), 1)

    assert written(tg.zeros(3, 3), tg.ones(2, 2)).tolist() == [[0, 1, 1], [1, 1, 0], [0, 0, 0]]
    assert tg.autograd.gradcheck(lambda a, b: written(a, b) ** 2, [x, src])
    with pytest.raises(RuntimeError, match="src must have the shape"):
        written(x, x)
    assert written(tg.zeros(3, 3).t(), tg.ones(2, 2)).sum().item() == 4
    with pytest.raises(RuntimeError, match="has gaps"):
        written(tg.zeros(3, 6)[:, ::2], tg.ones(2, 2))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (((2, 2), (1,)), "mismatch in length"),
        (((2, 2), (1, 3)), "out of bounds for a storage of 4 elements"),
        (((2,), (-1,)), "Negative strides"),
        (((-2,), (1,)), "must not be negative"),
        (((2,), (1,), -3), "out of bounds"),
        (((2,), (1,), 3), "out of bounds"),
    ],
)
def test_what_is_refused(args: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        tg.zeros(4).as_strided(*args)


def test_memory_with_gaps() -> None:
    leaf = tg.zeros(8)[::2].detach()
    assert leaf.as_strided((3,), (1,)).tolist() == [0, 0, 0]
    with pytest.raises(RuntimeError, match="has gaps"):
        leaf.requires_grad_().as_strided((3,), (1,))


def test_empty_ones(device: str) -> None:
    assert tg.empty_strided((2, 3), (1, 2), device=device).stride() == (1, 2)
    assert tg.empty_permuted((2, 3, 4), (0, 2, 1), device=device).stride() == (12, 1, 3)
    made = tg.zeros(1, dtype=tg.int64, device=device).new_empty_strided((2, 2), (1, 2))
    assert (made.dtype, made.device.type, made.stride()) == ("int64", device, (1, 2))
    x = tg.tensor([[1, 0], [2, 3]], device=device)
    assert x.nonzero_static(size=4, fill_value=7).tolist() == [[0, 0], [1, 0], [1, 1], [7, 7]]
    assert to_host(tg.poisson(tg.full((2000,), 3.0, device=device)).array).mean() == pytest.approx(
        3, abs=0.2
    )


def test_contiguous_in_a_memory_format(device: str) -> None:
    last, last_3d = tg.channels_last, tg.channels_last_3d
    x = tg.zeros(2, 3, 4, 5, device=device)
    turned = tg.zeros(2, 4, 5, 3, device=device).permute(0, 3, 1, 2)
    volume = tg.zeros(2, 4, 5, 6, 3, device=device).permute(0, 4, 1, 2, 3)
    assert x.is_contiguous()
    assert x.is_contiguous(memory_format=tg.contiguous_format)
    assert not x.is_contiguous(memory_format=last)
    assert turned.is_contiguous(memory_format=last)
    assert not turned.is_contiguous()
    assert volume.is_contiguous(memory_format=last_3d)
    assert not turned.is_contiguous(memory_format=last_3d)
    assert not volume.is_contiguous(memory_format=last)
    assert x[:, :1].contiguous().is_contiguous(memory_format=last)  # both at once


WINDOWED: dict[str, Any] = {
    "whole": lambda x: x,
    "behind the first rows": lambda x: x[2:],
    "every second column": lambda x: x[:, 1::2],
    "turned": lambda x: x.t()[1:],
    "of memory in another order": lambda x: (x.t().contiguous().t() + 0)[1:],
}


@pytest.mark.parametrize("name", WINDOWED)
@pytest.mark.parametrize(("axis", "size", "step"), [(0, 3, 1), (0, 2, 2), (1, 2, 3), (1, 4, 2)])
def test_windows(name: str, axis: int, size: int, step: int, device: str) -> None:
    x = WINDOWED[name](tg.arange(72.0, device=device).reshape(8, 9))
    y, n = x.unfold(axis, size, step), (x.shape[axis] - size) // step + 1
    assert y.shape[axis] == n
    for i in range(n):
        wanted = x.narrow(axis, i * step, size).movedim(axis, -1)
        assert y.select(axis, i).equal(wanted)


def test_windows_of_what_must_not_be_written() -> None:
    fixed = np.arange(6.0).view()  # of memory that may be
    fixed.flags.writeable = False
    assert not tg.from_numpy(fixed).unfold(0, 2, 1).array.flags.writeable


def test_an_empty_view_behind_the_end() -> None:
    for offset in (0, 3):
        assert tg.zeros(0).as_strided((0, 2), (1, 1), offset).shape == (0, 2)
        assert namespace_for("cpu").as_strided(np.zeros(0), (0,), (1,), offset).shape == (0,)
