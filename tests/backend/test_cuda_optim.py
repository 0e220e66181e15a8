"""CUDA's optimizer updates, run on the host, against their plain form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests import cuda_host
from tests.backend.test_cuda_norm import on
from tests.backend.test_optim_kernels import NAMES, OPTIONS, STATE, layouts, place
from tests.cuda_host.device import emulated
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cuda import optim as cuda_optim
from tinygrad_lite.backend.plain import optim as plain_optim

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")

CPU = namespace_for("cpu")


@pytest.fixture
def xp() -> Iterator[Any]:
    with emulated() as space:
        yield space


def near(dtype: str) -> dict[str, float]:
    tolerance = {"float16": 3e-2, "float32": 2e-5, "float64": 1e-12}[dtype]
    return {"rtol": tolerance, "atol": tolerance}


def live(name: str, options: dict[str, Any]) -> Any:
    """What a captured step has in `scalars`."""
    if name != "adam_step":
        return np.array([options["lr"]])
    words = ("step", "lr", "beta1", "beta2", "eps")
    sizes = plain_optim.adam_sizes(*(options[w] for w in words))
    return np.array([1 - options["lr"] * options["weight_decay"], *sizes])


def draw_arrays(data: Any, name: str, dtype: str, rng: np.random.Generator) -> list[Any]:
    """A parameter, its gradient and its state, in any memory order."""
    shape = tuple(data.draw(st.lists(st.integers(0, 5), max_size=4), "shape"))
    main = data.draw(layouts(shape), "layout")
    other = data.draw(layouts(shape)) if data.draw(st.booleans()) else main
    arrays = [place(rng.standard_normal(shape).astype(dtype), k) for k in (main, other)]
    for number, kind in enumerate(STATE[name]):
        left_out = kind == "optional" and data.draw(st.booleans(), "left out")
        # RMSprop's mean is far from the root of the squares' mean, so that nothing cancels.
        values = (1 + rng.random(shape).astype(dtype)) * (1 if number == 0 else 0.3)
        values = values.astype(dtype)
        arrays.append(None if left_out else place(values, main))
    return arrays


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), dtype=st.sampled_from(["float32", "float64", "float16"]))
def test_many_parameters(xp: Any, name: str, data: Any, dtype: str) -> None:
    options = {word: data.draw(values, word) for word, values in OPTIONS[name].items()}
    options |= {"alpha": max(options["alpha"], 0.1)} if "alpha" in options else {}
    rng = np.random.default_rng(data.draw(st.integers(0, 99), "seed"))
    several = [
        draw_arrays(data, name, dtype, rng) for _ in range(data.draw(st.integers(1, 4), "count"))
    ]
    moved = [on(xp, *arrays) for arrays in several]
    words = dict(options)
    if data.draw(st.booleans(), "captured"):
        words["scalars"] = xp.asarray(live(name, options))
        words |= {"lr": float("nan")} | ({"step": 9} if name == "adam_step" else {})
    with xp.updates() as together:
        for arrays in moved:
            assert getattr(together, name)(*arrays, **words) is None
    for arrays, ours in zip(several, moved, strict=True):
        grad = arrays[1].copy()
        with np.errstate(all="ignore"):
            wide = [a if a is None else a.astype("float64") for a in arrays]
            getattr(plain_optim, name)(CPU, *wide, **options)
        for a, b in zip(ours, wide, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a.get(), b, **near(dtype))
        np.testing.assert_array_equal(ours[1].get(), grad)


def usual(xp: Any, sizes: list[int]) -> list[list[Any]]:
    rng = np.random.default_rng(0)
    return [[xp.asarray(rng.standard_normal(n).astype("float32")) for _ in "pg"] for n in sizes]


SGD = {"lr": 0.5, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0} | {
    "first": False, "nesterov": False, "maximize": False,
}  # fmt: skip


def test_one_launch_for_all_with_the_same_options(xp: Any) -> None:
    sizes = [1, 0, 5000, 1024, 1025, *range(1, 44), 2048]  # 48 that are not empty
    several = usual(xp, sizes)
    expected = [p.get() - np.float32(0.5) * g.get() for p, g in several]
    cuda_host.launched()
    with xp.updates() as together:
        for p, g in several:
            together.sgd_step(p, g, None, **SGD)
    assert cuda_host.launched() == ["sgd"]
    for (p, _), b in zip(several, expected, strict=True):
        np.testing.assert_array_equal(p.get(), b)
    more = usual(xp, [3] * (cuda_optim.MOST + 1))
    with xp.updates() as together:
        for k, (p, g) in enumerate(more):
            together.sgd_step(p, g, None, **(SGD | {"lr": 0.25 if k == 7 else 0.5}))
    assert cuda_host.launched() == ["sgd"] * 2  # one has options of its own
    np.testing.assert_array_equal(
        more[7][0].get(), usual(xp, [3] * 8)[7][0].get() - np.float32(0.25) * more[7][1].get()
    )
    with xp.updates() as together:
        for p, g in usual(xp, [3] * (cuda_optim.MOST + 1)):
            together.sgd_step(p, g, None, **SGD)
    assert cuda_host.launched() == ["sgd"] * 2  # more than a table holds


def test_a_parameter_given_twice_is_updated_twice(xp: Any) -> None:
    ((p, g),) = usual(xp, [5])
    expected = p.get() - np.float32(0.5) * g.get() - np.float32(0.5) * g.get()
    cuda_host.launched()
    with xp.updates() as together:
        together.sgd_step(p, g, None, **SGD)
        together.sgd_step(p, g, None, **SGD)
    assert cuda_host.launched() == ["sgd"] * 2  # in one launch they could run at once
    np.testing.assert_array_equal(p.get(), expected)


def test_each_has_the_live_numbers_that_it_was_given(xp: Any) -> None:
    several = usual(xp, [5, 5])
    rates = [0.5, 0.25]
    expected = [p.get() - np.float32(r) * g.get() for (p, g), r in zip(several, rates, strict=True)]
    with xp.updates() as together:
        for (p, g), rate in zip(several, rates, strict=True):
            together.sgd_step(p, g, None, scalars=xp.asarray(np.array([rate])), **SGD)
    for (p, _), b in zip(several, expected, strict=True):
        np.testing.assert_array_equal(p.get(), b)


def test_alone_without_collecting(xp: Any) -> None:
    ((p, g),) = usual(xp, [5])
    expected = p.get() - np.float32(0.5) * g.get()
    xp.sgd_step(p, g, None, **SGD)
    np.testing.assert_array_equal(p.get(), expected)


def test_flags_may_be_integers_and_numbers_too(xp: Any) -> None:
    ((p, g),) = usual(xp, [5])
    expected = p.get() + g.get()
    xp.sgd_step(p, g, None, **(SGD | {"lr": 1, "momentum": 0, "maximize": 1, "first": 0}))
    np.testing.assert_array_equal(p.get(), expected)


def test_nothing_else_is_offered(xp: Any) -> None:
    with xp.updates() as together, pytest.raises(AttributeError, match="lbfgs_step"):
        together.lbfgs_step()


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_optimizers_collect_their_updates(xp: Any, name: str) -> None:
    def steps(device: str) -> list[Any]:
        rng = np.random.default_rng(0)
        leaves = [
            tg.tensor(rng.standard_normal(s), dtype=tg.float32, device=device).requires_grad_()
            for s in [(3, 4), (5,), ()]
        ]
        optimizer = getattr(tg.optim, name)(
            [{"params": leaves[:2]}, {"params": leaves[2:], "lr": 0.5}], lr=0.1, weight_decay=0.1
        )
        for _ in range(3):
            optimizer.zero_grad()
            sum((leaf * leaf * leaf).sum() for leaf in leaves).backward()
            optimizer.step()
        return [leaf.detach().cpu().numpy() for leaf in leaves]

    expected = steps("cpu")
    cuda_host.launched()
    found = steps("strict")
    kind = {"AdamW": "adam"}.get(name, name.lower())
    assert cuda_host.launched().count(kind) == 6  # for each step and group one
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
