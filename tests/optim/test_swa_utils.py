"""Averaged models and running statistics computed anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.optim import swa_utils


def models(count: int) -> list[Any]:
    made = []
    for i in range(count):
        model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        model[0].weight.data = tg.arange(6.0).reshape(3, 2) * (i + 1) ** 2
        model(tg.ones(4, 2) * i)
        made.append(model)
    return made


@pytest.mark.parametrize("how", ["default", "avg_fn", "multi_avg_fn"])
def test_running_mean(how: str) -> None:
    average = {
        "default": {},
        "avg_fn": {"avg_fn": swa_utils.get_swa_avg_fn()},
        "multi_avg_fn": {"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()},
    }[how]
    averaged = swa_utils.AveragedModel(models(1)[0], **average)
    others = models(3)
    for other in others:
        averaged.update_parameters(other)
    weights = [other[0].weight.detach().numpy() for other in others]
    np.testing.assert_allclose(
        averaged.module[0].weight.detach().numpy(), np.mean(weights, 0), rtol=1e-6
    )
    assert averaged.n_averaged == 3
    last = others[-1][1].running_mean.numpy()
    np.testing.assert_array_equal(averaged.module[1].running_mean.numpy(), last)
    assert set(averaged.state_dict()) == {
        "n_averaged",
        *(f"module.{name}" for name in others[0].state_dict()),
    }
    assert averaged.eval()(tg.ones(1, 2)).shape == (1, 3)


def test_exponential_mean_of_buffers_too() -> None:
    first, second = models(2)
    for options in (
        {"avg_fn": swa_utils.get_ema_avg_fn(0.75)},
        {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.75)},
    ):
        averaged = swa_utils.AveragedModel(first, use_buffers=True, **options)
        averaged.update_parameters(first)
        averaged.update_parameters(second)
        for owner, name in ((0, "weight"), (1, "running_mean")):
            a, b = (getattr(m[owner], name).detach().numpy() for m in (first, second))
            found = getattr(averaged.module[owner], name).detach().numpy()
            np.testing.assert_allclose(found, 0.75 * a + 0.25 * b, rtol=1e-6)


def test_running_statistics_are_those_of_all_batches() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5)).eval()
    rng = np.random.default_rng(0)
    batches = [tg.tensor(rng.standard_normal((8, 2)).astype("float32")) for _ in range(3)]
    swa_utils.update_bn([(b, None) for b in batches], model)
    means = np.mean([b.numpy().mean(0) for b in batches], 0)
    variances = np.mean([b.numpy().var(0, ddof=1) for b in batches], 0)
    np.testing.assert_allclose(model[0].running_mean.numpy(), means, rtol=1e-5)
    np.testing.assert_allclose(model[0].running_var.numpy(), variances, rtol=1e-5)
    assert model[0].momentum == 0.1
    assert not model.training
    swa_utils.update_bn([], nn.Linear(1, 1))


def test_errors() -> None:
    for make in (swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match=r"Invalid decay value 1.5"):
            make(1.5)
    both = {"avg_fn": swa_utils.get_swa_avg_fn(), "multi_avg_fn": swa_utils.get_swa_multi_avg_fn()}
    with pytest.raises(AssertionError, match="Only one of"):
        swa_utils.AveragedModel(nn.Linear(1, 1), **both)  # type: ignore[arg-type]
    optimizer = tg.optim.SGD([tg.ones(1, requires_grad=True)])
    with pytest.raises(ValueError, match="must be one of 'cos' or 'linear'"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="exp")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0"):
        swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr must have the same length"):
        swa_utils.SWALR(optimizer, [0.1, 0.2])
