"""Dropout of whole channels."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tests import strict
from tests.op_table import to_numpy
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F


def test_drops_whole_channels_of_each_sample_by_itself(device: str) -> None:
    x = tg.rand(40, 30, 3, 2).to(device) + 1
    y, p = to_numpy(F.dropout2d(x, 0.25)), 0.25
    kept = y != 0
    assert (kept == kept[:, :, :1, :1]).all()
    np.testing.assert_allclose(y, to_numpy(x) * kept / (1 - p), rtol=1e-6)
    channels = kept[:, :, 0, 0]
    assert abs(channels.mean() - (1 - p)) < 0.05
    assert channels.any(1).all()
    assert channels.std(0).min() > 0  # not one mask for the whole batch
    assert channels.std(1).min() > 0


def test_the_gradient_takes_the_same_mask(device: str) -> None:
    x = tg.ones(8, 4, 2, 2, device=device, requires_grad=True)
    y = F.dropout2d(x, 0.5)
    y.backward(tg.full((8, 4, 2, 2), 3.0, device=device))
    assert 0 < (to_numpy(y) != 0).mean() < 1
    np.testing.assert_array_equal(to_numpy(x.grad), 3 * to_numpy(y))


def test_one_seed_drops_the_same_on_every_device(device: str) -> None:
    found = []
    for place in ("cpu", device):
        tg.manual_seed(7)
        found.append(to_numpy(F.dropout2d(tg.ones(5, 6, 2, 2, device=place), 0.5)))
    np.testing.assert_array_equal(*found)
    tg.manual_seed(8)
    other = to_numpy(F.dropout2d(tg.ones(5, 6, 2, 2, device=device), 0.5))
    assert not np.array_equal(other, found[0])


def test_evaluation_and_certain_probabilities(device: str) -> None:
    x = tg.rand(2, 3, 4, 4).to(device) + 1
    assert F.dropout2d(x, 0.5, training=False) is x
    assert F.dropout2d(x, 0.0) is x
    assert (to_numpy(F.dropout2d(x, 1.0)) == 0).all()
    layer = nn.Dropout2d(0.9)
    assert layer.eval()(x) is x
    assert not tg.equal(layer.train()(x), x)


def test_in_place(device: str) -> None:
    x = tg.ones(4, 8, 2, 2, device=device)
    assert nn.Dropout2d(inplace=True)(x) is x
    assert set(np.unique(to_numpy(x))) == {0, 2}


def test_prints_as_pytorch_does() -> None:
    assert repr(nn.Dropout2d(0.25)) == "Dropout2d(p=0.25, inplace=False)"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(6, 20), (6, 20, 5), (6, 20, 2, 2, 2)])
def test_other_ranks_bring_a_warning(shape: tuple[int, ...], dtype: str, device: str) -> None:
    with pytest.warns(UserWarning, match=f"dropout2d: received a {len(shape)}-D input") as found:
        y = F.dropout2d(tg.ones(*shape, dtype=dtype, device=device))
    assert found[0].filename == __file__
    assert y.dtype == dtype
    kept = to_numpy(y).reshape(6, 20, -1) != 0
    assert (kept == kept[:, :, :1]).all()
    assert 0.2 < kept.mean() < 0.8


def test_errors() -> None:
    with pytest.raises(RuntimeError, match=r"dropout2d: Feature .* at least 2 dim.*\(3,\)"):
        F.dropout2d(tg.ones(3))
    with pytest.raises(RuntimeError, match=r"feature_alpha_dropout: Feature.* at least 2 dim"):
        F.feature_alpha_dropout(tg.ones(3), training=True)
    with pytest.raises(RuntimeError, match=r"dropout3d: .* at least 1 dim"), pytest.warns():
        F.dropout3d(tg.ones(()))
    x = tg.ones(3)
    with pytest.warns(UserWarning, match="1-D input"):
        same = F.dropout2d(x, training=False)
    assert same is x
    for p in (-0.1, 1.5):
        with pytest.raises(ValueError, match=f"between 0 and 1, but got {p}"):
            F.dropout2d(tg.ones(1, 1, 1, 1), p)
        with pytest.raises(ValueError, match=f"between 0 and 1, but got {p}"):
            nn.Dropout2d(p)


def test_never_waits_for_the_device() -> None:
    strict.install()
    x = tg.ones(2, 3, 2, 2, device="strict", requires_grad=True)
    g = tg.ones(2, 3, 2, 2, device="strict")
    with strict.forbid_sync():
        F.dropout2d(x).backward(g)
