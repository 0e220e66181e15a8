"""A second pass without `retain_graph`: no error where PyTorch saves nothing."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite.nn import functional as F

SAVE_NOTHING: dict[str, Any] = {
    "tril": lambda x: x.tril(),
    "triu in place": lambda x: x.clone().triu_(1),
    "diag": lambda x: x[0].diag(1),
    "diagflat": lambda x: x.diagflat(),
    "diag_embed": lambda x: x.diag_embed(),
    "diagonal_scatter": lambda x: x.diagonal_scatter(x[0, :3]),
    "zero_": lambda x: (x * 1).zero_(),
    "fill_": lambda x: (x * 1).fill_(2.0),
    "lu_unpack": lambda x: tg.lu_unpack(x[:, :3], tg.tensor([1, 2, 3], dtype=tg.int32)).L,
    "nearest": lambda x: F.interpolate(x[None], 6),
    "nearest-exact": lambda x: F.interpolate(x[None], 7, mode="nearest-exact"),
    "linear": lambda x: F.interpolate(x[None], 6, mode="linear"),
    "bilinear": lambda x: F.interpolate(x[None, None], (2, 5), mode="bilinear"),
    "bicubic": lambda x: F.interpolate(x[None, None], (2, 5), mode="bicubic"),
    "smooth": lambda x: F.interpolate(x[None, None], (2, 2), mode="bilinear", antialias=True),
    "pad": lambda x: F.pad(x, (1, 1)),
    "roll": lambda x: x.roll(1),
    "flip": lambda x: x.flip(0),
    "cat": lambda x: tg.cat([x, x]),
}
SAVE: dict[str, Any] = {
    "masked_fill": lambda x: x.masked_fill(x.detach() > 0, 0.0),
    "index_select": lambda x: x.index_select(0, tg.tensor([0, 0])),
    "where": lambda x: tg.where(x.detach() > 0, x, 0.0),
    "exp": lambda x: x.exp(),
    "mul": lambda x: x * x,
}


@pytest.mark.parametrize("name", SAVE_NOTHING)
def test_goes_on(name: str) -> None:
    x = tg.arange(12.0).reshape(3, 4).requires_grad_()
    loss = SAVE_NOTHING[name](x).sum()
    loss.backward()
    once = x.grad.clone()
    loss.backward()
    assert x.grad.equal(2 * once)


@pytest.mark.parametrize("name", SAVE)
def test_is_refused(name: str) -> None:
    x = tg.arange(12.0).reshape(3, 4).requires_grad_()
    loss = SAVE[name](x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        loss.backward()
