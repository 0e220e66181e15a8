"""`torch._foreach_…`: what PyTorch gives for lists, numbers for all, and PyTorch's names."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as torch

torch_: Any = torch  # they are made when asked for


def pair(*numbers: float) -> list[Any]:
    """Tensors of one element each, a list of them."""
    return [torch.tensor([number]) for number in numbers]


def test_new_tensors() -> None:
    one, two = pair(1.0, -2.0), pair(3.0, 4.0)
    f = {name: getattr(torch, f"_foreach_{name}") for name in ("add", "addcmul", "norm", "lerp")}
    rows = (
        (f["add"](one, 1), [2, -1]),
        (f["add"](one, [1, 2]), [2, 0]),
        (f["add"](one, two, alpha=2), [7, 6]),
        (f["add"](one, torch.tensor(3.0), alpha=2), [7, 4]),
        (f["add"](self=one, scalar=2), [3, 0]),
        (torch_._foreach_sub(one, two, alpha=2), [-5, -10]),
        (torch_._foreach_mul(one, scalars=[2, 3]), [2, -6]),
        (torch_._foreach_div(one, two), [1 / 3, -0.5]),
        (f["addcmul"](one, two, two, 2), [19, 30]),
        (f["addcmul"](one, two, two, value=2), [19, 30]),
        (f["addcmul"](one, two, two, [2, 3]), [19, 46]),
        (f["addcmul"](one, two, two, scalars=[2, 3]), [19, 46]),
        (f["addcmul"](one, two, two, torch.tensor([2.0, 3.0])), [19, 46]),
        (torch_._foreach_addcdiv(one, tensor1=one, tensor2=two, value=6), [3, -5]),
        (f["lerp"](one, two, 0.5), [2, 1]),
        (f["lerp"](one, tensors1=two, weights=pair(0.0, 1.0)), [1, 4]),
        (torch_._foreach_maximum(one, 0), [1, 0]),
        (torch_._foreach_minimum(one, [0, -3]), [0, -3]),
        (torch_._foreach_maximum(one, two), [3, 4]),
        (torch_._foreach_clamp_max(one, -1), [-1, -2]),
        (torch_._foreach_pow(one, 2), [1, 4]),
        (torch_._foreach_pow(2, two), [8, 16]),
        (torch_._foreach_pow(two, exponent=[2, 0]), [9, 1]),
        (torch_._foreach_neg(one), [-1, 2]),
        (torch_._foreach_max([torch.tensor([1.0, 5.0])]), [5]),
        (f["norm"]([torch.tensor([3.0, -4.0])]), [5]),
        (f["norm"]([torch.tensor([3.0, -4.0])], ord=1), [7]),
        (f["norm"]([torch.tensor([3.0, -4.0])], float("inf")), [4]),
    )
    for found, wanted in rows:
        assert type(found) is tuple
        assert [tensor.item() for tensor in found] == pytest.approx(wanted)
    assert [tensor.item() for tensor in one] == [1, -2]
    assert f["norm"](one, 2, torch.float64)[0].dtype == torch.float64


def test_in_place() -> None:
    ours, other = pair(1.0, -2.0), pair(3.0, 4.0)
    first = ours[0]
    assert torch_._foreach_add_(ours, other, alpha=2) is ours
    torch_._foreach_minimum_(ours, 6.5)  # no method of that name
    torch_._foreach_pow_(ours, 2)
    assert [tensor.item() for tensor in ours] == [42.25, 36]
    torch_._foreach_copy_(ours, src=other)
    assert (first.item(), other[0].item(), ours[0] is first) == (3, 3, True)
    torch_._foreach_zero_(ours)
    assert (first.item(), other[0].item()) == (0, 3)


def test_refused() -> None:
    one = pair(1.0)
    for wrong in (
        lambda: torch_._foreach_sub(2, one),
        lambda: torch_._foreach_pow_(2, one),
        lambda: torch_._foreach_add(torch.ones(2), 1),
        lambda: torch_._foreach_pow(torch.ones(2), one),
    ):
        with pytest.raises(TypeError, match="expected a list of tensors, but got"):
            wrong()
    with pytest.raises(RuntimeError, match="must have at least one tensor"):
        torch_._foreach_add([], 1)
    with pytest.raises(RuntimeError, match="same number of elements, got 1 and 2"):
        torch_._foreach_add(one, [1, 2])
    with pytest.raises(RuntimeError, match=r"must have no dimensions, but has shape \(2,\)"):
        torch_._foreach_mul(one, torch.ones(2))
