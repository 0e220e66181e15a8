"""Layers and functions give what PyTorch gives: values, gradients, keys, prints, errors."""

from __future__ import annotations

import importlib.util
import json
import pathlib
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.nn.beside.case import Case, build, flat, run, summary
from tests.nn.beside.cases import CASES, ERRORS
from tinygrad_lite.autograd import gradgradcheck

RECORDED = json.loads(
    pathlib.Path(__file__).with_name("beside").joinpath("recorded.json").read_text("utf-8")
)
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", CASES if importlib.util.find_spec("torch") else [])
def test_gives_what_pytorch_gives(name: str) -> None:
    import torch

    case = CASES[name]
    ours, theirs = run(case, tg), run(case, torch)
    assert ours.text == theirs.text
    assert ours.keys == theirs.keys
    for mine, other in ((ours.outputs, theirs.outputs), (ours.gradients, theirs.gradients)):
        assert len(mine) == len(other)
        for a, b in zip(mine, other, strict=True):
            assert a.shape == b.shape
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=case.tolerance, atol=case.tolerance)


@pytest.mark.parametrize("name", CASES)
def test_gives_what_was_recorded(name: str, device: str) -> None:
    """And, on the CPU, has second derivatives."""
    found, expected = summary(run(CASES[name], tg, device)), RECORDED["cases"][name]
    if device == "cpu":  # some tell the device
        assert found["text"] == expected["text"]
    assert found["keys"] == expected["keys"]
    for part in ("outputs", "gradients"):
        assert [shape for shape, _ in found[part]] == [shape for shape, _ in expected[part]]
        for (_, a), (_, b) in zip(found[part], expected[part], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
    if device == "cpu" and CASES[name].gradients and CASES[name].finite:
        second_derivatives(CASES[name])


def second_derivatives(case: Case) -> None:
    """Compare them with differences, or see at least that they are numbers."""
    thing, inputs, leaves = build(case, tg)
    call: Any = case.call or (lambda thing, *inputs: thing(*inputs))
    owners = places(thing)
    given = [i for i, tensor in enumerate(inputs) if tensor.requires_grad]

    def function(*values: Any) -> Any:
        own = list(inputs)
        for i, value in zip(given, values, strict=False):
            own[i] = value
        for (owner, attribute), value in zip(owners, values[len(given) :], strict=True):
            owner.__dict__[attribute] = value
        return tuple(t for t, k in zip(flat(call(thing, *own)), kept, strict=True) if k)

    kept = [t.requires_grad for t in flat(call(thing, *inputs))]
    if case.second:
        assert gradgradcheck(function, leaves)
        return
    # Once through everything: what can't run on tensors is found.
    squares = sum((t * t).sum() for t in function(*leaves))
    found = tg.autograd.grad(squares, leaves, create_graph=True, allow_unused=True)
    total = sum((g * g).sum() for g in found if g is not None and g.requires_grad)
    assert isinstance(total, int) or total.isfinite().all()
    if not isinstance(total, int):
        tg.autograd.grad(total, leaves, allow_unused=True)


def places(thing: Any) -> list[tuple[Any, str]]:
    """The modules and attributes of all parameters that get gradients."""
    if not isinstance(thing, tg.nn.Module):
        return []
    paths = (name.rpartition(".") for name, p in thing.named_parameters() if p.requires_grad)
    return [(thing.get_submodule(path), name) for path, _, name in paths]


def test_raises_the_type_that_pytorch_raises() -> None:
    wrong = {}
    for name, call in ERRORS.items():
        try:
            found = f"no error, but {call(tg)}"
        except Exception as error:
            found = type(error).__name__
        if found != RECORDED["errors"][name]:
            wrong[name] = f"{found}, not {RECORDED['errors'][name]}"
    assert wrong == {}


def test_a_case_is_one() -> None:
    assert all(isinstance(case, Case) for case in CASES.values())
