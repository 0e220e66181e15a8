"""Parameter: a leaf that shares its data's array; its copies, its printing."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


def test_parameter_is_a_leaf_that_shares_the_array_of_its_data() -> None:
    source = tg.ones(2, requires_grad=True) * 3
    p = nn.Parameter(source)
    assert isinstance(p, tg.Tensor)
    assert p.requires_grad
    assert p.is_leaf
    assert p.array is source.array
    assert type(p * 1) is tg.Tensor
    assert not nn.Parameter(tg.tensor([1]), requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)


def test_parameter_sees_changes_through_its_data() -> None:
    data = tg.ones(2)
    p = nn.Parameter(data)
    y = (p * p).sum()
    data.add_(1)
    with pytest.raises(RuntimeError, match="in-place"):
        y.backward()


def test_parameter_prints_and_refuses() -> None:
    assert repr(nn.Parameter(tg.ones(2))) == (
        "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    )
    with pytest.raises(TypeError, match="got list"):
        nn.Parameter([1.0])  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(tg.tensor([1]))


def test_copies_of_a_parameter_leave_its_gradient_behind_as_pytorchs() -> None:
    p = nn.Parameter(tg.ones(2))
    p.grad = tg.ones(2)
    for q in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert type(q) is nn.Parameter
        assert q.requires_grad
        assert q.array is not p.array
        (q * 3).sum().backward()
        np.testing.assert_array_equal(q.grad.numpy(), [3, 3])
        np.testing.assert_array_equal(p.grad.numpy(), [1, 1])
    with pytest.raises(RuntimeError, match="leaf"):
        copy.deepcopy(p * 2)
