"""Tensors made anew, moved, converted, and joined: dtypes, legacy types, other names."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as torch


def test_to() -> None:
    x = torch.ones(2)
    assert x.to("cpu", non_blocking=True) is x
    assert x.to("cpu", copy=True) is not x


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


def test_aliases() -> None:
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert x.new_zeros(2, 1).dtype == x.new_ones((3,)).dtype == torch.float64
    assert (x.nelement(), x.is_cuda) == (2, False)
    assert torch.vstack([x, x]).shape == (2, 2)
    assert torch.hstack([x, x]).tolist() == torch.concat([x, x]).tolist() == [1, 2, 1, 2]
    assert (x.clamp_min(1.5).tolist(), x.clamp_max(1.5).tolist()) == ([1.5, 2], [1, 1.5])


def test_linspace_of_float32_is_pytorchs_to_the_bit() -> None:
    # Written down from PyTorch, whose step is a float32 too.
    assert torch.linspace(-1, 1, 21)[10].item() == -1.4901161193847656e-08
    assert torch.linspace(1e-4, 0.02, 1000)[314].item() == 0.006354854907840490


def test_an_affine_grid_is_pytorchs_to_the_bit() -> None:
    # A spatial transformer begins at the identity: its places are pixels, where the gradient of
    # an interpolation jumps, and the last bit decides which side it has.
    identity = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    grid = torch.nn.functional.affine_grid(identity, (1, 1, 28, 28), align_corners=False)
    found = [grid[0, 0, k, 0].item() for k in (2, 4, 18)]
    assert found == [-0.8214285969734192, -0.6785714030265808, 0.3214285373687744]


def test_linspace_of_the_other_dtypes_too() -> None:
    """Printed by PyTorch 2.13: products are added unrounded in float64, and rounded in 16 bits."""
    found = torch.linspace(-2.7, 2.4, 8, dtype=torch.float64)
    assert found[3:5].tolist() == [-0.5142857142857146, 0.2142857142857143]
    assert torch.linspace(-1.277, 1.376, 3, dtype=torch.float16)[1].item() == 0.0498046875
    tenths = torch.linspace(0.1, 2.7, 7, dtype=torch.bfloat16).tolist()
    assert tenths == [
        0.10009765625,
        0.53515625,
        0.97265625,
        1.3984375,
        1.828125,
        2.265625,
        2.703125,
    ]
    huge = torch.linspace(-1e308, 1e307, 3, dtype=torch.float64)
    assert huge.tolist() == [-1e308, -4.5e307, 1e307]


def test_linspace_counts_from_either_end() -> None:
    found = torch.linspace(0, 1, 11, dtype=torch.float64)  # 6 · 0.1 would be 0.6000000000000001
    assert found[6:].tolist() == [0.6, 0.7, 0.8, 0.9, 1.0]
    assert torch.linspace(0.1, 0.7, 7, dtype=torch.float64)[-1].item() == 0.7


def test_arange_counts_large_integers_exactly() -> None:
    assert torch.arange(0, 2**62 + 1, 2**61).tolist() == [0, 2**61, 2**62]
    assert torch.arange(0, -(2**62) - 1, -(2**61)).tolist() == [0, -(2**61), -(2**62)]
    for end in (-(2**63), -(2**61)):  # PyTorch's process dies of the first
        with pytest.raises(RuntimeError, match="more than any memory holds"):
            torch.arange(0, end, -1)


def test_arange_from_elsewhere_in_other_steps() -> None:
    assert torch.arange(3, 6).tolist() == [3, 4, 5]
    assert torch.arange(3.5, 6).tolist() == [3.5, 4.5, 5.5]
    assert torch.arange(0, 5, 1.5, dtype=torch.int32).tolist() == [0, 1, 2, 3]
    assert torch.arange(5, 0, -2).tolist() == [5, 3, 1]
    found = torch.arange(0.1, 2000, 0.1).numpy()  # in float32 throughout, up to 6e-5 off
    exact = 0.1 + 0.1 * np.arange(len(found))
    np.testing.assert_array_equal(found, exact.astype(np.float32))
