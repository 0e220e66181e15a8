"""What a rule is told that makes more than its output where it is recorded."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite.graph import mode
from tinygrad_lite.ops.rule import declare
from tinygrad_lite.tensor.apply import apply_keeping


def test_it_keeps_what_its_gradient_needs_where_there_may_be_one() -> None:
    seen: list[bool] = []

    def probe(xp: Any, x: Any) -> Any:
        seen.append(mode.grad)
        return x * 2, (lambda g: g * 2,)

    rule = declare(probe)
    plain, leaf = tg.ones(3), tg.ones(3, requires_grad=True)
    inputs = [plain, leaf, leaf * 1, leaf[1:], plain[1:]]
    outputs = [apply_keeping(rule, x) for x in inputs]
    assert seen[:4] == [False, True, True, True]
    assert [y.requires_grad for y in outputs] == [False, True, True, True, False]
    assert mode.grad
    with tg.no_grad():
        apply_keeping(rule, leaf)
        assert not mode.grad
    assert seen[-1] is False


def test_gradients_are_recorded_again_after_an_error() -> None:
    def failing(xp: Any, x: Any) -> Any:
        raise ValueError("no")

    with pytest.raises(RuntimeError, match="no"):
        apply_keeping(declare(failing), tg.ones(3))
    assert mode.grad
