"""`torch.testing`: `assert_close`, and tensors to test with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .absent import explain as _explain
from .backend import is_array
from .backend import numpy as np
from .backend.dtypes import FLOATING, as_dtype, promote
from .tensor import Tensor
from .tensor.concatenate import stack
from .tensor.create import from_numpy, tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

# Relative and absolute, by dtype: PyTorch's.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
_WIDE: dict[type, str] = {float: "float64", complex: "complex128"}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise unless |actual − expected| ≤ atol + rtol |expected| everywhere.

    Args:
        actual, expected: tensors, arrays, numbers, or sequences and mappings of these.
        allow_subclasses: whether the types may differ, if one is the other's subclass.
        rtol, atol: given together, or PyTorch's for the dtype (1.3e-6 and 1e-5 of float32).
        equal_nan: whether NaN equals NaN.
        check_device, check_dtype: whether these must be the same.
        check_layout: without effect; all tensors are strided.
        check_stride: whether tensors must lie in the same order in memory.
        msg: says what is wrong instead, or makes that of what would be said.

    Raises:
        AssertionError: they are not close; the message says where and by how much.
        TypeError: they cannot be compared.
        ValueError: only one of rtol and atol is given.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_close: rtol and atol must both be given, or neither")

    def compare(a: Any, b: Any, place: str) -> str | None:
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            if a.keys() != b.keys():
                return f"The keys of the mappings do not match{place}: {[*a]} and {[*b]}"
            pairs: Any = [(a[k], b[k], f"{place}[{k!r}]") for k in a]
        elif _several(a) and _several(b):
            if len(a) != len(b):
                return f"The length of the sequences mismatch{place}: {len(a)} != {len(b)}"
            pairs = [(x, y, f"{place}[{i}]") for i, (x, y) in enumerate(zip(a, b, strict=True))]
        else:
            return _difference(
                _tensor(a), _tensor(b), place, rtol, atol, equal_nan, check_device,
                check_dtype and type(a) is type(b) and not isinstance(a, int | float | complex),
                check_stride,
            )  # fmt: skip
        return next((found for pair in pairs if (found := compare(*pair))), None)

    said = compare(actual, expected, "")
    if said:
        raise AssertionError(said if msg is None else msg(said) if callable(msg) else msg)


def _several(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _tensor(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value.detach()
    if is_array(value) or isinstance(value, int | float | complex | np.generic):
        return tensor(value, dtype=_WIDE.get(type(value)))
    raise TypeError(f"assert_close: can't compare a {type(value).__name__}")


def _difference(
    a: Tensor,
    b: Tensor,
    place: str,
    rtol: float | None,
    atol: float | None,
    equal_nan: bool,
    check_device: bool,
    check_dtype: bool,
    check_stride: bool,
) -> str | None:
    """A sentence that says how two tensors differ; None if they are close."""
    at = f" (at {place})" if place else ""
    if a.shape != b.shape:
        return f"The values for attribute 'shape' do not match{at}: {a.shape} != {b.shape}."
    for name, wanted in (("device", check_device), ("dtype", check_dtype)):
        if wanted and getattr(a, name) != getattr(b, name):
            return (
                f"The values for attribute '{name}' do not match{at}: {getattr(a, name)} != "
                f"{getattr(b, name)}."
            )
    if check_stride and a.stride() != b.stride():
        return (
            f"The values for attribute 'stride()' do not match{at}: {a.stride()} != {b.stride()}."
        )
    if rtol is None or atol is None:
        both = [_TOLERANCES.get(t.dtype.name, (0.0, 0.0)) for t in (a, b)]
        rtol, atol = max(r for r, _ in both), max(a for _, a in both)
    dtype = promote(a.array.dtype, b.array.dtype)
    wide = "float64" if dtype.kind in FLOATING else "complex128" if dtype.kind == "c" else dtype
    x, y = (np.asarray(t.cpu().to(dtype=wide).numpy()) for t in (a, b))
    exactly = x if x.dtype.kind == "c" else x.astype("float64")
    if x.dtype.kind in "fc":
        close = np.isclose(x, y, rtol, atol, equal_nan)
    elif rtol == atol == 0:
        close = x == y
    else:
        close = (x == y) | (abs(exactly - y) <= atol + rtol * abs(y))
    if close.all():
        return None
    kind = "Tensor-likes" if x.ndim else "Scalars"
    gap = np.where(close, 0, abs(exactly - y))
    worst = np.unravel_index(np.nanargmax(gap) if not np.isnan(gap).all() else 0, gap.shape)
    where = f" at index {tuple(map(int, worst))}" if x.ndim else ""
    exact = rtol == atol == 0
    return (
        f"{kind} are not {'equal' if exact else 'close'}!{at}\n\n"
        f"Mismatched elements: {int((~close).sum())} / {close.size} "
        f"({100 * float((~close).mean()):.1f}%)\n"
        f"Greatest absolute difference: {float(gap[worst])}{where} (up to {atol} allowed)\n"
        f"Greatest relative difference there: {float(gap[worst] / abs(y[worst]))}"
        f" (up to {rtol} allowed)"
    )


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any = None,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of draws from [low, high); by default from [−9, 9], as far as the dtype reaches.

    Args:
        shape: as integers or one sequence.
        dtype, device, requires_grad: as of `tensor`.
        low, high: the bounds.
        noncontiguous: it shows every second element of a tensor of twice the length.
        exclude_zero: the smallest number above 0, or 1 of integers, stands for each 0.
        memory_format: has no effect.

    Raises:
        ValueError: both `noncontiguous` and a `memory_format`.
    """
    from .backend import random

    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    wanted = as_dtype(dtype)
    least = 0 if wanted.kind in "bu" else -9
    a, b = least if low is None else low, (2 if wanted.kind == "b" else 9) if high is None else high
    if wanted.kind in FLOATING:
        array = random.uniform(sizes, np.dtype("float64"), None, a, b).astype(wanted)
    else:
        array = random.integers(int(a), int(b), sizes, wanted)
    if exclude_zero:
        array[array == 0] = np.finfo(wanted).tiny if wanted.kind == "f" else 1
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "make_tensor: The parameters `noncontiguous` and `memory_format` are mutually "
            f"exclusive, but got {noncontiguous} and {memory_format}"
        )
    made = from_numpy(array).to(device=device)
    if noncontiguous and made.numel() > 1:
        made = stack([made, made], -1).flatten(-2)[..., ::2]
    return made.requires_grad_(requires_grad)


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """`assert_close` with the wider tolerances and without the checks of the older function.

    Args:
        actual, expected: see there; dtypes may differ.
        rtol, atol: given together; default: for float32 1e-4 and 1e-5, for float64 1e-5 and 1e-8,
            for float16 1e-3 both, of the dtype that tolerates more.
        equal_nan: whether NaN equals NaN.
        msg: says what is wrong instead.
    """
    actual = actual if isinstance(actual, Tensor) else tensor(actual)
    expected = expected if isinstance(expected, Tensor) else tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        both = [_OLDER.get(t.dtype.name, (0.0, 0.0)) for t in (actual, expected)]
        rtol, atol = (max(pair) for pair in zip(*both, strict=True))
    assert_close(
        actual,
        expected,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_dtype=False,
        msg=msg or None,
    )


_OLDER = {"float16": (1e-3, 1e-3), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-8)}


_explain(__name__)
