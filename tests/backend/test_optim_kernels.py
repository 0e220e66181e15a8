"""The optimizers' kernels: the fast form gives the plain form's numbers, but for rounding."""

from __future__ import annotations

import contextlib
import functools
import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tg
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import blas
from tinygrad_lite.backend.cpu import optim as cpu_optim
from tinygrad_lite.backend.plain import optim as plain_optim

NAMES = ("sgd_step", "adam_step", "rmsprop_step", "adagrad_step")
RATES = st.sampled_from([0.0, 0.1, 0.9])

COMMON = {"lr": st.sampled_from([0.0, 0.01, 3.0]), "weight_decay": RATES, "maximize": st.booleans()}
EPS = {"eps": st.sampled_from([1e-8, 0.1])}
OPTIONS: dict[str, dict[str, Any]] = {
    "sgd_step": {
        **COMMON,
        "first": st.booleans(),
        "momentum": RATES,
        "dampening": RATES,
        "nesterov": st.booleans(),
    },
    "adam_step": {
        **COMMON,
        **EPS,
        "step": st.integers(1, 20),
        "beta1": RATES,
        "beta2": RATES,
        "decoupled": st.booleans(),
    },
    "rmsprop_step": {**COMMON, **EPS, "alpha": st.sampled_from([0.5, 0.9]), "momentum": RATES},
    "adagrad_step": {**COMMON, **EPS},
}
# For each kernel: its arrays of state, and which of them may be left out.
STATE = {
    "sgd_step": ("optional",),
    "adam_step": ("", "", "optional"),
    "rmsprop_step": ("", "optional", "optional"),
    "adagrad_step": ("",),
}


@st.composite
def layouts(draw: Any, shape: tuple[int, ...]) -> Any:
    """How an array may lie in memory: an order of the axes, and gaps (or not) between elements."""
    axes = draw(st.sampled_from([tuple(range(len(shape))), tuple(range(len(shape)))[::-1]]))
    axes = draw(st.permutations(axes)) if draw(st.integers(0, 3)) == 0 else axes
    return tuple(axes), draw(st.sampled_from([1, 1, 1, 2, -1]))


def place(values: Any, layout: Any) -> Any:
    """The values in an array of that layout."""
    axes, gap = layout
    shape = tuple(values.shape[a] for a in axes)
    memory = np.zeros((*shape[:-1], shape[-1] * abs(gap)) if shape else (), values.dtype)
    array = memory[..., ::gap] if shape else memory
    array = array.transpose(np.argsort(axes))
    array[...] = values
    return array


@pytest.mark.parametrize("openblas", [True, False])
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_fast_form_is_the_plain_form(name: str, openblas: bool, data: Any) -> None:
    shape = tuple(data.draw(st.lists(st.integers(0, 5), max_size=4), "shape"))
    dtype = data.draw(st.sampled_from(["float32", "float64", "float16"]), "dtype")
    options = {word: data.draw(values, word) for word, values in OPTIONS[name].items()}
    rng = np.random.default_rng(data.draw(st.integers(0, 99), "seed"))
    main = data.draw(layouts(shape), "layout")
    arrays = [place(rng.standard_normal(shape).astype(dtype), main)]
    other = data.draw(st.booleans(), "gradient in another layout")
    layout = data.draw(layouts(shape), "layout of the gradient") if other else main
    arrays.append(place(rng.standard_normal(shape).astype(dtype), layout))
    for kind in STATE[name]:
        # The mean of the squares well above the square of the mean, or √(v − m²) has no digits.
        values = (1 if len(arrays) > 2 else 9) + rng.random(shape).astype(dtype)
        layout = data.draw(layouts(shape)) if data.draw(st.integers(0, 4)) == 0 else main
        left_out = kind == "optional" and data.draw(st.booleans(), "left out")
        arrays.append(None if left_out else place(values, layout))
    expected = [None if a is None else a.copy() for a in arrays]
    grad = arrays[1].copy()
    xp = namespace_for("cpu")
    block = data.draw(st.sampled_from([1, 7, 1 << 15]), "block")
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(cpu_optim, "BLOCK", block)
        patch.setattr(blas, "SHORT", 0)
        if not openblas:
            patch.setattr(blas, "_axpby", lambda letter: None)
        patch.setattr(cpu_optim, "_scratch", cpu_optim._Scratch())
        assert getattr(plain_optim, name)(xp, *expected, **options) is None
        assert getattr(xp, name)(*arrays, **options) is None
    # It rounds once where the plain form does twice.
    close = {"float16": 4e-3, "float32": 2e-5, "float64": 2e-14}[dtype]
    for ours, plain in zip(arrays, expected, strict=True):
        if plain is not None:
            np.testing.assert_allclose(ours, plain, rtol=close, atol=close)
    np.testing.assert_array_equal(arrays[1], grad)


def usual(name: str, shape: tuple[int, ...], seed: int = 0) -> Any:
    """A kernel of the CPU with arrays in Fortran order and everyday options, ready to call."""
    rng = np.random.default_rng(seed)
    words = {"lr": 0.01, "weight_decay": 0.1, "maximize": True, "first": False, "momentum": 0.9}
    words |= {"dampening": 0.0, "nesterov": True, "step": 3, "beta1": 0.9, "beta2": 0.99}
    words |= {"eps": 1e-8, "decoupled": False, "alpha": 0.9}
    arrays = [
        np.asfortranarray((i == 2) + rng.random(shape, dtype="float32"))
        for i in range(2 + len(STATE[name]))
    ]
    options = {word: words[word] for word in OPTIONS[name]}
    call = functools.partial(getattr(namespace_for("cpu"), name), *arrays, **options)
    return call, arrays


@pytest.mark.parametrize("name", NAMES)
def test_no_temporaries_of_the_size_of_the_parameter(name: str) -> None:
    call, arrays = usual(name, (3072, 100))
    call()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < arrays[0].nbytes / 50


@pytest.mark.parametrize("name", NAMES)
def test_memory_order_other_than_c_takes_the_fast_form(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("the plain form was called")

    monkeypatch.setattr(plain_optim, "_direction", fail)
    call, arrays = usual(name, (5, 4))
    call()
    arrays[1] = np.ascontiguousarray(arrays[1])  # the gradient alone in another order
    call.func(*arrays, **call.keywords)
    call, arrays = usual(name, (2, 3, 4, 5))
    permuted = [a.transpose(2, 0, 3, 1) for a in arrays]
    call.func(*permuted, **call.keywords)


@pytest.mark.parametrize("name", NAMES)
def test_other_shapes_of_as_many_elements_raise(name: str) -> None:
    call, arrays = usual(name, (5, 4))
    for i in range(1, len(arrays)):
        wrong = [np.ascontiguousarray(a) for a in arrays]
        wrong[i] = np.ones((4, 5), "float32")
        with pytest.raises(ValueError, match="broadcast"):
            call.func(*wrong, **call.keywords)


@pytest.mark.parametrize("name", NAMES)
def test_threads_have_scratch_of_their_own(name: str) -> None:
    jobs = [usual(name, (300, 700), seed) for seed in range(4)]
    alone = [usual(name, (300, 700), seed) for seed in range(4)]

    def repeat(call: Any) -> None:
        for _ in range(10):
            call()

    threads = [threading.Thread(target=repeat, args=(call,)) for call, _ in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (call, expected), (_, arrays) in zip(alone, jobs, strict=True):
        repeat(call)
        np.testing.assert_array_equal(arrays[0], expected[0])


@pytest.mark.parametrize("threads", [1, 3])
def test_updates_at_once_are_updates_one_by_one(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of parameters that are views of one array, and of those that have no blocks."""
    monkeypatch.setattr(cpu_optim, "BLOCK", 100)
    monkeypatch.setattr(cpu_optim, "SHARED", 1)
    monkeypatch.setattr(cpu_optim, "_scratch", cpu_optim._Scratch())
    xp, before = namespace_for("cpu"), tg.get_num_threads()
    tg.set_num_threads(threads)
    found = []
    for together in (True, False):
        rng = np.random.default_rng(0)
        memory = rng.random((40, 50))
        params = [memory[:30], memory[20:], rng.random((7, 6))[:, ::2], rng.random(5)]
        grads = [np.random.default_rng(i).random(p.shape) for i, p in enumerate(params)]
        states = [np.zeros_like(p) for p in params]
        words = OPTIONS_OF_SGD
        with xp.updates() if together else contextlib.nullcontext(xp) as kernels:
            for param, grad, state in zip(params, grads, states, strict=True):
                kernels.sgd_step(param, grad, state, **words)
        found.append([*params, *states])
    tg.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)
    assert not np.allclose(found[0][0], np.random.default_rng(0).random((40, 50))[:30])


def test_an_update_waits_for_one_of_the_same_memory() -> None:
    memory, words = np.ones((4, 4)), {**OPTIONS_OF_SGD, "momentum": 0.0, "weight_decay": 0.0}
    xp = namespace_for("cpu")
    with xp.updates() as kernels:
        kernels.sgd_step(memory[:3], np.ones((3, 4)), None, **words)
        kernels.sgd_step(memory[2:], np.ones((2, 4)), None, **words)
        np.testing.assert_allclose(memory, [[0.9] * 4] * 3 + [[1.0] * 4])  # the first is done
    np.testing.assert_allclose(memory, [[0.9] * 4] * 2 + [[0.8] * 4, [0.9] * 4])


OPTIONS_OF_SGD = {
    "first": False,
    "lr": 0.1,
    "momentum": 0.9,
    "dampening": 0.0,
    "weight_decay": 0.1,
    "nesterov": False,
    "maximize": False,
}
