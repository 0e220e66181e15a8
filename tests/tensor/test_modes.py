"""Grad modes as blocks and decorators: nothing leaks."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

import tinygrad_lite as tg


def test_a_decorator_leaves_the_mode_outside_alone() -> None:
    @tg.set_grad_enabled(False)
    def off() -> bool:
        return tg.is_grad_enabled()

    assert tg.is_grad_enabled()
    assert not off()
    assert tg.is_grad_enabled()


def test_set_grad_enabled_acts_at_once_and_a_block_takes_it_back() -> None:
    tg.set_grad_enabled(False)
    assert not tg.is_grad_enabled()
    tg.set_grad_enabled(True)
    with tg.set_grad_enabled(False):
        assert not tg.is_grad_enabled()
    assert tg.is_grad_enabled()


@pytest.mark.parametrize("decorate", [tg.no_grad, tg.no_grad(), tg.inference_mode()])
def test_decorated_functions_may_recurse(decorate: Any) -> None:
    @decorate
    def deep(n: int) -> bool:
        return tg.is_grad_enabled() if n == 0 else deep(n - 1)

    assert not deep(3)
    assert tg.is_grad_enabled()


def test_a_generator_runs_in_its_mode_and_its_user_does_not() -> None:
    log = []

    @tg.no_grad()
    def numbers() -> Generator[bool, int, str]:
        try:
            log.append((yield tg.is_grad_enabled()))
            try:
                yield tg.is_grad_enabled()
            except KeyError:
                yield tg.is_grad_enabled()
        finally:
            log.append(tg.is_grad_enabled())
        return "end"

    run = numbers()
    assert [next(run), tg.is_grad_enabled()] == [False, True]
    assert [run.send(7), tg.is_grad_enabled()] == [False, True]
    assert [run.throw(KeyError()), tg.is_grad_enabled()] == [False, True]
    with pytest.raises(StopIteration, match="end"):
        next(run)
    assert log == [7, False]
    run = numbers()
    next(run)
    run.close()
    assert log == [7, False, False]
    assert tg.is_grad_enabled()


def test_one_block_may_be_nested_in_itself() -> None:
    block = tg.no_grad()
    with block:
        with block:
            pass
        assert not tg.is_grad_enabled()
    assert tg.is_grad_enabled()


def test_inference_mode_false_records_within_any_block() -> None:
    w = tg.ones(2, requires_grad=True)
    for outer in (tg.no_grad(), tg.inference_mode(), tg.inference_mode(False)):
        with outer, tg.inference_mode(False):
            inner = w * 2
            assert (inner.requires_grad, inner.is_inference()) == (True, False)
            assert not tg.is_inference_mode_enabled()


def test_inference_mode_marks_the_memory_that_is_made_in_it() -> None:
    w = tg.ones(2, requires_grad=True)
    with tg.inference_mode():
        assert tg.is_inference_mode_enabled()
        x = w * 2
        assert all(t.is_inference() for t in (x, tg.Tensor([1.0]), w.clone()))
        assert not any(t.is_inference() for t in (w, w[0], w.view(2), w.detach(), w.data))
        with tg.enable_grad():
            recorded = w * 2
        assert (recorded.is_inference(), recorded.requires_grad) == (True, True)
    assert all(t.is_inference() for t in (x, x[:1], x.view(2), x.detach(), x.data, x.float()))
    assert not any(t.is_inference() for t in (x + 1, x.clone(), tg.ones(2), w * 2))


def test_inference_mode_marks_what_a_decorated_generator_makes() -> None:
    @tg.inference_mode()
    def two() -> Any:
        yield tg.ones(1)
        yield tg.ones(1)

    assert [(t.is_inference(), tg.ones(1).is_inference()) for t in two()] == [(True, False)] * 2
