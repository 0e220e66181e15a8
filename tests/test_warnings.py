"""Warnings are shown at the user's line, however deep in the package they are given."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F
from tinygrad_lite.tensor import old_forms

ONE, TWO = torch.ones(2, 2), torch.ones(2, 2, 2)
INPUT, CLASSES = torch.ones(2, 3), torch.tensor([0, 2])


def _scheduler_before_its_optimizer() -> None:
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    torch.optim.lr_scheduler.StepLR(optimizer, 1).step()


def _epoch() -> None:
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer).step(1.0, epoch=1)


def _same_twice() -> None:
    w = torch.ones(1, requires_grad=True)
    torch.optim.SGD([w, w], lr=0.1)


class _Plain(torch.distributions.Distribution):
    def __init__(self) -> None:
        super().__init__(validate_args=True)


CASES: dict[str, Callable[[], Any]] = {
    "a loss behind a decorator": lambda: F.mse_loss(ONE, ONE, size_average=False),
    "a loss": lambda: F.cross_entropy(INPUT, CLASSES, reduce=False),
    "a loss that shares its end": lambda: F.hinge_embedding_loss(ONE, ONE, reduce=True),
    "a module": lambda: nn.MSELoss(size_average=True),
    "a module with weights": lambda: nn.NLLLoss(reduce=False),
    "a module with a margin": lambda: nn.HingeEmbeddingLoss(size_average=False),
    "another size": lambda: F.mse_loss(ONE, torch.ones(2)),
    "another size, in a module": lambda: nn.L1Loss()(ONE, torch.ones(2)),
    "kl_div": lambda: F.kl_div(ONE, ONE),
    "kl_div, in a module": lambda: nn.KLDivLoss()(ONE, ONE),
    "dropout2d": lambda: F.dropout2d(TWO),
    "dropout2d, in a module": lambda: nn.Dropout2d()(TWO),
    "dropout3d, in a module": lambda: nn.Dropout3d()(TWO),
    "grid_sample": lambda: F.grid_sample(TWO[None], TWO[None]),
    "upsample_nearest": lambda: F.upsample_nearest(TWO[None], scale_factor=2),
    "instance norm": lambda: nn.InstanceNorm1d(5)(torch.ones(1, 3, 4)),
    "nn.init": lambda: nn.init.uniform(torch.ones(2)),
    "recurrent": lambda: nn.LSTM(1, 1, dropout=0.5),
    "Hardtanh": lambda: nn.Hardtanh(min_value=-1.0),
    "clip_grad_norm": lambda: nn.utils.clip_grad_norm([], 1.0),
    "compile": lambda: torch.compile(nn.Linear(1, 1)),
    "Module.compile": lambda: nn.Sequential(nn.ReLU()).compile(),
    "scheduler": _scheduler_before_its_optimizer,
    "scheduler of another kind": _epoch,
    "optimizer": _same_twice,
    "distribution": _Plain,
    "softmax": lambda: F.softmax(ONE),
    "softmax, in a module": lambda: nn.Softmax()(ONE),
    "softmin, in a module": lambda: nn.Softmin()(ONE),
    "log_softmax, in a Sequential": lambda: nn.Sequential(nn.LogSoftmax())(ONE),
}


@pytest.mark.parametrize("case", CASES)
def test_a_warning_is_shown_at_the_users_line(case: str) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        CASES[case]()
    assert [w.filename for w in seen] == [__file__] * len(seen)
    assert seen


def test_an_old_form_warns_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_forms, "_warned", set())
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for _ in range(2):
            assert torch.add(ONE, 2, ONE).tolist() == [[3, 3], [3, 3]]  # type: ignore[call-overload, arg-type]
    assert ["overload of add is deprecated" in str(w.message) for w in seen] == [True]
