"""How `test_derivations.py` compares a written formula with the engine and with differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite.autograd import grad

Array = np.ndarray[Any, np.dtype[Any]]
Rng = np.random.Generator
Plain = Callable[..., Array]
Library = Callable[..., tg.Tensor]

STEP = 1e-5  # of the central differences: both of their errors stay near 1e-10


def draw(rng: Rng, *shapes: int | tuple[int, ...]) -> list[Array]:
    """Normal numbers, an array of each shape."""
    return [rng.normal(size=shape) for shape in shapes]


def tensors(*arrays: Array) -> list[tg.Tensor]:
    """Copies of the arrays as tensors; floating-point ones gather gradients."""
    made = [tg.as_tensor(np.array(a)) for a in arrays]
    return [x.requires_grad_(x.is_floating_point()) for x in made]


def vjp(library: Library, *at: Array, wrt: int, g: Array) -> Array:
    """What the engine says of dL/dinput, if g = dL/doutput."""
    inputs = tensors(*at)
    found = grad(library(*inputs), inputs[wrt], tg.as_tensor(np.array(g)))[0]
    assert found is not None
    return found.detach().numpy()


def engine_jacobian(library: Library, *at: Array, wrt: int = 0) -> Array:
    """The engine's Jacobian, a row from each unit cotangent: output's shape + input's shape."""
    shape = library(*tensors(*at)).shape
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    rows = [vjp(library, *at, wrt=wrt, g=unit) for unit in units]
    return np.reshape(rows, shape + at[wrt].shape)


def differences(plain: Plain, *at: Array, wrt: int = 0) -> Array:
    """The Jacobian by central differences: output's shape + input's shape."""
    columns = []
    for index in np.ndindex(at[wrt].shape):
        ends = []
        for sign in (1, -1):
            moved = [np.array(a) for a in at]
            moved[wrt][index] += sign * STEP
            ends.append(np.asarray(plain(*moved)))
        columns.append((ends[0] - ends[1]) / (2 * STEP))
    return np.stack(columns, axis=-1).reshape(columns[0].shape + at[wrt].shape)


def agree(
    written: Array, library: Library, plain: Plain, *at: Array, wrt: int = 0, g: Array | None = None
) -> None:
    """Hold a written derivative of a function against the engine's and the measured one.

    Args:
        written: the formula's value: the Jacobian, or with g the gradient dL/dinput.
        library: the function on tensors.
        plain: the same function in NumPy, from its definition.
        at: the inputs, float64 (or constants of another dtype).
        wrt: which input to differentiate by.
        g: dL/doutput.
    """
    value = library(*tensors(*at)).detach().numpy()
    np.testing.assert_allclose(value, plain(*at), rtol=1e-10, atol=1e-13, err_msg="the value")
    measured = differences(plain, *at, wrt=wrt)
    if g is None:
        engine = engine_jacobian(library, *at, wrt=wrt)
    else:
        measured = np.tensordot(g, measured, g.ndim)
        engine = vjp(library, *at, wrt=wrt, g=g)
    assert written.shape == engine.shape == measured.shape
    np.testing.assert_allclose(engine, written, rtol=1e-9, atol=1e-11, err_msg="the engine")
    np.testing.assert_allclose(measured, written, rtol=1e-6, atol=1e-8, err_msg="differences")


def differ(printed: Array, ours: Array, engine: Array, right: int | None = None) -> None:
    """Show a slip: the engine agrees with our version and not with the printed one.

    Args:
        printed, ours, engine: the values, of one shape.
        right: the only index of the first axis at which the printed version holds.
    """
    np.testing.assert_allclose(ours, engine, rtol=1e-9, atol=1e-11)
    assert printed.shape == ours.shape
    same = [np.allclose(*rows, rtol=1e-6, atol=1e-6) for rows in zip(printed, engine, strict=True)]
    assert not all(same)
    assert right is None or same == [j == right for j in range(len(same))]
