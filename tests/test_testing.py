"""`torch.testing`."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as torch


def test_assert_close() -> None:
    close = torch.testing.assert_close  # found when it is asked for
    close(torch.ones(2), torch.ones(2) + 1e-7)
    close({"a": [1.0, torch.ones(1)]}, {"a": [1.0, torch.ones(1)]})
    close(np.ones(2), np.ones(2))
    turned, large = torch.ones(2, 3).t(), torch.tensor(2**53)
    close(turned, torch.ones(3, 2))
    with pytest.raises(AssertionError, match=r"attribute 'stride\(\)' do not match"):
        close(turned, torch.ones(3, 2), check_stride=True)
    with pytest.raises(AssertionError, match="not equal"):
        close(large, large + 1)
    close(torch.tensor([float("nan")]), torch.tensor([float("nan")]), equal_nan=True)
    for a, b, said in [
        (torch.ones(2), torch.tensor([1.0, 1.1]), "Mismatched elements: 1 / 2"),
        (torch.ones(2), torch.ones(3), "'shape'"),
        (torch.ones(2), torch.ones(2).double(), "'dtype'"),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), "not equal"),
        ([1, 2], [1], "length"),
        ({"a": 1}, {"b": 1}, "keys"),
        (torch.tensor([float("nan")]), torch.tensor([float("nan")]), "not close"),
    ]:
        with pytest.raises(AssertionError, match=said):
            close(a, b)
    with pytest.raises(AssertionError, match="mine"):
        close(1, 2, msg="mine")
    with pytest.raises(ValueError, match="both"):
        close(1, 1, rtol=0.1)
