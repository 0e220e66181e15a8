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


def test_inference_mode_false_changes_nothing() -> None:
    with tg.inference_mode(False):
        assert tg.is_grad_enabled()
    with tg.no_grad(), tg.inference_mode(False):
        assert not tg.is_grad_enabled()
