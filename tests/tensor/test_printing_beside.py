"""Printed tensors beside PyTorch's: every character."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch

theirs = pytest.importorskip("torch")

OPTIONS: list[dict[str, Any]] = [
    {}, {"precision": 2}, {"sci_mode": True}, {"sci_mode": False}, {"linewidth": 40},
    {"edgeitems": 2, "threshold": 20}, {"profile": "short"}, {"profile": "full"},
]  # fmt: skip


def arrays(seed: int) -> Any:
    """One of each kind: integers, fractions, powers of ten, infinities; scalars, empty, large."""
    draw = np.random.default_rng(seed)
    for dtype in ("f4", "f8", "f2", "i8", "i4", "u1", "i1", "?"):
        for _ in range(6):
            shape = tuple(draw.integers(0, 6, draw.integers(0, 4)).tolist())
            if draw.random() < 0.2:
                shape = tuple(draw.integers(1, 40, draw.integers(1, 4)).tolist())
            values = np.asarray(draw.standard_normal(shape) * 10.0 ** draw.integers(-6, 10))
            if draw.random() < 0.3 or dtype[0] != "f":
                values = np.round(values)
            if draw.random() < 0.3:
                special = draw.choice([0, np.nan, np.inf])
                values = np.where(draw.random(shape) < 0.3, special, values)
            with np.errstate(all="ignore"):
                kept = values if dtype[0] == "f" else np.nan_to_num(values) % 100
                yield np.asarray(kept).astype(dtype)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_prints_as_pytorch(options: dict[str, Any]) -> None:
    try:
        for library in (torch, theirs):
            library.set_printoptions(**options)
        for i, array in enumerate(arrays(len(str(options)))):
            mine, its = torch.from_numpy(array), theirs.from_numpy(array)
            if array.dtype.kind == "f" and i % 3 == 0:
                mine, its = (x.clone().requires_grad_() for x in (mine, its))
                if i % 2:
                    mine, its = mine * 1, its * 1
            assert repr(mine) == repr(its)
            assert str([mine]) == str([its])
            if array.ndim == 0 and array.dtype.kind == "f":
                assert f"{mine:.4f} {mine:8.2e}" == f"{its:.4f} {its:8.2e}"
    finally:
        for library in (torch, theirs):
            library.set_printoptions(profile="default")


def test_an_unknown_profile() -> None:
    with pytest.raises(KeyError):
        torch.set_printoptions(profile="long")
