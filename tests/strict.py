"""A NumPy that behaves as CuPy 14.2: what breaks on a GPU breaks here, without a GPU.

`StrictLibrary()` answers to the names that NumPy and CuPy share, with the keywords that both
take, and works on `StrictArray`, which (as `cupy.ndarray`) never becomes a NumPy array by
itself. Inside `forbid_sync()` whatever would wait for the device raises `HiddenSync`. Where
CuPy is laxer than NumPy (an index out of range wraps, a broadcast view can be written) the
stricter of the two holds; host data enters through `array` and `asarray` alone.
"""

from __future__ import annotations

import contextlib
import inspect
import operator
import weakref
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

CUPY = "CuPy 14.2"
DTYPES = "?bBhHiIlLqQefdFD"
# NumPy's names that CuPy lacks.
MISSING = {
    "numpy": """False_ ScalarType True_ asmatrix block bmat busday_count busday_offset
    busdaycalendar bytes_ char character clongdouble complex256 core ctypeslib datetime64
    datetime_as_string datetime_data dtypes einsum_path emath errstate f2py flexible float128
    frompyfunc fromregex geomspace get_include getbufsize geterr geterrcall histogram_bin_edges
    info insert is_busday isnat little_endian longdouble ma matrix matvec memmap nanpercentile
    nanquantile ndenumerate nditer nested_iters object_ polyder polydiv polyint rec recarray
    record sctypeDict setbufsize seterr seterrcall show_runtime spacing str_ strings test
    timedelta64 typecodes unstack vecdot vecmat void""".split(),
    "numpy.linalg": "diagonal matrix_norm multi_dot outer svdvals tensordot test trace vecdot "
    "vector_norm".split(),
}
# Keywords of NumPy that no function of CuPy takes (but the two in _function), or not this one.
LACKS = frozenset(
    """ar1 ar2 arrays ary check_bounds correction device initial like m max mean min ndmax object
    sorted stable start_or_stop subok where writeable""".split()
)
DENIED = {"argpartition": "kind order", "argsort": "order", "array_str": "a",
          "astype": "casting", "corrcoef": "x", "count_nonzero": "keepdims", "delete": "obj",
          "einsum": "out", "extract": "arr", "histogram": "a", "indices": "sparse",
          "isin": "kind", "lexsort": "axis", "partition": "kind order", "percentile": "weights",
          "quantile": "weights", "reshape": "shape", "sort": "order", "take": "mode",
          "take_along_axis": "arr", "trim_zeros": "axis", "unpackbits": "count",
          "unravel_index": "shape"}  # fmt: skip
METHODS = """all any argmax argmin argpartition argsort astype clip compress conj conjugate copy
cumprod cumsum diagonal dot fill flatten item max mean min nonzero partition prod put ravel repeat
reshape round searchsorted sort squeeze std sum swapaxes take tobytes tolist trace transpose var
view""".split()
# The dtypes that ufunc.at takes with index arrays.
AT = {"add": "ilqILQefd", "subtract": "iI", "maximum": "ilqILQfd", "minimum": "ilqILQfd",
      "bitwise_and": "ilqILQ", "bitwise_or": "ilqILQ", "bitwise_xor": "ilqILQ"}  # fmt: skip
SYNCS = frozenset(
    """argwhere bincount compress extract flatnonzero histogram histogram2d histogramdd intersect1d
    isin item ix_ mask_indices nonzero place real_if_close setdiff1d setxor1d tobytes tolist
    tril_indices tril_indices_from trim_zeros triu_indices triu_indices_from union1d unique
    unique_all unique_counts unique_inverse unique_values unravel_index""".split()
)
# Functions whose first argument is a sequence of arrays, or need not be an array.
SEQUENCES = frozenset("column_stack concat concatenate dstack hstack stack vstack".split())
FREE = frozenset(
    """allclose arange can_cast diag_indices einsum empty eye finfo full identity indices isclose
    isscalar issubdtype linspace logspace ones promote_types ravel_multi_index result_type select
    tri tril_indices triu_indices zeros""".split()
)
# Parameters that take integers (an array has no __index__), and those that take anything.
INTEGERS = frozenset(
    """axes axis axis1 axis2 destination dimensions k kth M N new_shape num pad_width reps shape
    source start_or_stop step window_shape""".split()
)
EITHER = frozenset("dims indices_or_sections obj q repeats shift strides condlist".split())
# Functions whose new result is C-contiguous in CuPy, whatever the order of their inputs.
FRESH = frozenset(
    """all amax amin any around clip concat concatenate cumprod cumsum max mean min prod round
    stack std sum take var where""".split()
)

_forbidden = False
_owners: weakref.WeakValueDictionary[int, StrictArray] = weakref.WeakValueDictionary()


class HiddenSync(RuntimeError):
    """Something inside `forbid_sync` would wait for the device."""


@contextlib.contextmanager
def forbid_sync() -> Iterator[None]:
    """Inside, whatever waits for the device raises `HiddenSync`."""
    global _forbidden
    before, _forbidden = _forbidden, True
    try:
        yield
    finally:
        _forbidden = before


def _sync(what: str) -> None:
    if _forbidden:
        raise HiddenSync(f"{what} waits for the device")


def _operand(value: Any, name: str) -> Any:
    """The NumPy side of an operand: an array or a scalar."""
    if type(value) is StrictArray:
        return value._host
    if isinstance(value, (int, float, complex, np.generic)):
        return value
    raise TypeError(f"{name}: {CUPY} takes no {type(value).__name__} here; use xp.asarray first")


def _array(value: Any, name: str) -> Any:
    """The NumPy side of an argument that is no sequence."""
    if type(value) is StrictArray:
        return value._host
    if isinstance(value, (np.ndarray, list, tuple)):
        return _operand(value, name)
    return value


def _first(value: Any, name: str) -> Any:
    if type(value) is not StrictArray:
        raise TypeError(f"{name}: {CUPY} takes an array here, not {type(value).__name__}")
    return value._host


def _integers(value: Any, name: str) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)([_integers(part, name) for part in value])
    if isinstance(value, (StrictArray, np.ndarray)):
        raise TypeError(f"{name}: an array has no __index__ in {CUPY}; pass a Python integer")
    return value


def _either(value: Any, name: str) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)([_either(part, name) for part in value])
    return _array(value, name)


def _arrays(value: Any, name: str) -> Any:
    return [_first(part, name) for part in value]


def _data(value: Any, name: str) -> Any:
    if isinstance(value, (tuple, list)) and any(isinstance(part, StrictArray) for part in value):
        return _arrays(value, name)
    return value._host if type(value) is StrictArray else value


def _rules(function: Any, name: str) -> tuple[list[Any], dict[str, Any], Any]:
    """How to read the arguments by place, by name, and the rest."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:
        return [], {}, _either
    named: dict[str, Any] = {}
    rest: Any = _integers if name in ("reshape", "transpose") else _either
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            rest = _array if rest is _either and name != "einsum" else rest
        elif p.kind is not p.VAR_KEYWORD:
            rule: Any = _integers if p.name in INTEGERS else _array
            if p.name in EITHER or (p.name == "indices" and name == "take"):
                rule = _either
            if not named and name in ("array", "asarray", "asanyarray"):
                rule = _data
            elif not named and rule is _array and name not in FREE:
                rule = _arrays if name in SEQUENCES else _first
            named[p.name] = rule
    return list(named.values()), named, rest


def _function(function: Any, full: str) -> Callable[..., Any]:
    """NumPy's function or method on StrictArrays, with the keywords that CuPy takes."""
    name = full.rpartition(".")[2]
    places, named, rest = _rules(function, name)
    takes = {"copyto": {"where"}, "ndarray.clip": {"min", "max"}}.get(full, set())
    lacks = (LACKS - takes) | set(DENIED.get(name, "").split())
    fresh = name in FRESH

    def call(*args: Any, **kwargs: Any) -> Any:
        if name in SYNCS or (name == "where" and len(args) == 1):
            _sync(name)
        for word in kwargs:
            if word in lacks:
                raise TypeError(f"{name}: {CUPY} has no argument {word!r}")
        hosts = [
            (places[i] if i < len(places) else rest)(value, name) for i, value in enumerate(args)
        ]
        words = {word: named.get(word, _either)(value, name) for word, value in kwargs.items()}
        if name in ("asarray", "asanyarray") and type(args[0]) is not StrictArray:
            words.setdefault("copy", True)
        result = function(*hosts, **words)
        if fresh and isinstance(result, np.ndarray) and result.base is None:
            if not result.flags.c_contiguous and "out" not in words:
                result = np.ascontiguousarray(result)
        elif name in ("moveaxis", "rollaxis", "squeeze"):
            if (result.shape, result.strides) == (hosts[0].shape, hosts[0].strides):
                return args[0]  # as CuPy, which has nothing to do here
        elif name in ("allclose", "array_equal", "array_equiv", "count_nonzero"):
            result = np.asarray(result)
        return _wrap(result, (*args, *kwargs.values()))

    call.lacks = lacks  # type: ignore[attr-defined]
    return call


def _wrap(result: Any, sources: tuple[Any, ...] = ()) -> Any:
    """A result of NumPy as CuPy gives it; `sources` are the arrays that it may be one of."""
    if isinstance(result, np.ndarray):
        for source in sources:
            if type(source) is StrictArray and source._host is result:
                return source
        root: Any = result
        while (base := getattr(root, "base", None)) is not None:
            root = base
        if result.dtype.char not in DTYPES:
            raise ValueError(f"{CUPY} has no arrays of dtype {result.dtype}")
        array = object.__new__(StrictArray)
        array._host = result
        array.base = _owners.get(id(root))
        if array.base is None:
            _owners[id(root)] = array
        return array
    if isinstance(result, np.generic):
        return _wrap(np.asarray(result))
    if isinstance(result, (tuple, list)):
        parts = [_wrap(part, sources) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return result


class Ufunc:
    """A ufunc of CuPy: `out`, `dtype` and `casting` but no `where`; its results are in C order."""

    def __init__(self, host: np.ufunc) -> None:
        self.host, self.name, self.nin, self.nout = host, host.__name__, host.nin, host.nout

    def __call__(
        self, *args: Any, out: Any = None, dtype: Any = None, casting: Any = "same_kind"
    ) -> Any:
        """The ufunc of StrictArrays and scalars, with out as an array or a tuple of them."""
        hosts = [_operand(value, self.name) for value in args]
        outs = _either(out, self.name)
        result = self.host(*hosts, out=outs, dtype=dtype, casting=casting, order="C")
        return _wrap(result, out if isinstance(out, tuple) else (*args[self.nin :], out))

    def __getattr__(self, name: str) -> Any:
        sums = ("add", "multiply") if name in ("reduce", "accumulate") else ("add",)
        if name != "outer" and (name not in ("reduce", "accumulate", "reduceat")
                                or self.name not in sums):  # fmt: skip
            raise AttributeError(f"{CUPY} has no {self.name}.{name}")
        return _function(getattr(self.host, name), f"{self.name}.{name}")

    def at(self, a: StrictArray, indices: Any, b: Any = None) -> None:
        """`a[indices] op= b` with repeated indices counted: atomic in CuPy, in no fixed order."""
        if self.name not in AT:
            raise NotImplementedError(f"{CUPY} has no {self.name}.at")
        key, advanced = _index(indices)
        if advanced and a.dtype.char not in AT[self.name]:
            raise TypeError(f"{self.name}.at: {CUPY} does not support {a.dtype}")
        self.host.at(a._host, key, _operand(b, f"{self.name}.at"))


def _index(key: Any) -> tuple[tuple[Any, ...], bool]:
    """An index that makes NumPy return arrays, and whether it contains arrays."""
    parts = list(key) if isinstance(key, tuple) else [key]
    advanced = False
    for place, part in enumerate(parts):
        if isinstance(part, (StrictArray, np.ndarray, list, tuple, bool, np.bool)):
            parts[place] = part = part._host if type(part) is StrictArray else np.asarray(part)
            advanced = True
            if part.dtype == bool:
                _sync("a boolean mask")
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    return tuple(parts), advanced


class StrictArray:
    """`cupy.ndarray` in host memory; `base` is the array that owns the memory, None for it."""

    __slots__ = ("__weakref__", "_host", "base")
    __array_ufunc__ = None
    _host: np.ndarray[Any, Any]
    base: StrictArray | None

    def __init__(self, shape: Any, dtype: Any = float, *, order: Any = "C") -> None:
        self._host = np.empty(_integers(shape, "ndarray"), dtype, order)
        self.base = None
        _owners[id(self._host)] = self

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed; use .get()")

    def __array_function__(self, function: Any, *args: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} of a device array; use xp's")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the ndarray of {CUPY} has no {name!r} (or the strict one lacks it)")

    def get(self, order: Any = "C") -> np.ndarray[Any, Any]:
        """A copy in NumPy: the explicit way out."""
        _sync(".get()")
        return self._host.copy(order)

    @property
    def T(self) -> StrictArray:
        """The array with its axes reversed: itself below two axes, as in CuPy."""
        return self if self.ndim < 2 else _wrap(self._host.T)

    @property
    def flags(self) -> SimpleNamespace:
        """c_contiguous, f_contiguous, fnc, forc and owndata; CuPy has no others."""
        f = self._host.flags
        return SimpleNamespace(c_contiguous=f.c_contiguous, f_contiguous=f.f_contiguous,
                               fnc=f.fnc, forc=f.forc, owndata=self.base is None)  # fmt: skip

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[StrictArray]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> StrictArray:
        key, advanced = _index(key)
        result = self._host[key]
        if advanced and (result.base is not None or not result.flags.c_contiguous):
            result = result.copy()
        return _wrap(result)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._host[_index(key)[0]] = _operand(value, "a[...] = value")

    def __copy__(self) -> StrictArray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> StrictArray:
        return self.copy()


def _operator(ufunc: Any, kind: str) -> Callable[[StrictArray, Any], Any]:
    def method(self: StrictArray, other: Any) -> Any:
        if kind != "i" and type(other) is not StrictArray:
            priority = getattr(other, "__array_priority__", 0)
            if getattr(other, "__array_ufunc__", 0 if priority <= 100 else None) is None:
                return NotImplemented
            if ufunc in (np.equal, np.not_equal) and type(other).__eq__ is object.__eq__:
                return _wrap(np.full(self.shape, ufunc is np.not_equal))
        a, b = self._host, _operand(other, ufunc.__name__)
        if kind == "i":
            ufunc(a, b, out=a)
            return self
        return _wrap(ufunc(b, a, order="C") if kind == "r" else ufunc(a, b, order="C"))

    return method


def _through(function: Any) -> Any:
    def method(self: StrictArray, *args: Any) -> Any:
        _sync(f"{function.__name__}()")
        return function(self._host, *args)

    return method


BINARY = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide,
          "floordiv": np.floor_divide, "mod": np.remainder, "pow": np.power,
          "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
          "lshift": np.left_shift, "rshift": np.right_shift, "matmul": np.matmul,
          "divmod": np.divmod}  # fmt: skip
for _name, _ufunc in BINARY.items():
    for _kind in "", "r", "i":
        if _kind != "i" or _name not in ("matmul", "divmod"):
            setattr(StrictArray, f"__{_kind}{_name}__", _operator(_ufunc, _kind))
for _name in "equal not_equal less less_equal greater greater_equal".split():
    _short = _name[0] + (_name[-5] if False else "")
