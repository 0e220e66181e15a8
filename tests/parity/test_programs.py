"""Programs of views and in-place changes do what they do in PyTorch."""

from __future__ import annotations

from hypothesis import given, settings

from .programs import Statement, difference, programs


@settings(max_examples=10 * settings.default.max_examples)
@given(program=programs)
def test_as_pytorch(program: list[Statement]) -> None:
    found = difference(program)
    assert found is None, f"{program}: {found}"
