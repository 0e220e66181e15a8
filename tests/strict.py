"""A NumPy that behaves as CuPy 14.2: what breaks on a GPU breaks here, without a GPU.

`StrictLibrary()` answers to the names that NumPy and CuPy share, with the keywords that both
take, and works on `StrictArray`, which (as `cupy.ndarray`) never becomes a NumPy array by
itself. Inside `forbid_sync()` everything that would wait for the device raises `HiddenSync`.
Where CuPy is laxer than NumPy (an index out of range wraps, a broadcast view can be written)
the stricter of the two holds. Host data enters through `array` and `asarray` alone.
"""

from __future__ import annotations

import contextlib
import inspect
import weakref
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

Host = np.ndarray[Any, Any]
CUPY = "CuPy 14.2"
DTYPES = "?bBhHiIlLqQefdFD"

MISSING = {
    "numpy": """False_ ScalarType True_ asmatrix block bmat busday_count busday_offset
    busdaycalendar bytes_ char character clongdouble complex256 core ctypeslib datetime64
    datetime_as_string datetime_data dtypes einsum_path emath errstate f2py flexible float128
    frompyfunc fromregex geomspace get_include getbufsize geterr geterrcall histogram_bin_edges
    info insert is_busday isnat little_endian longdouble ma matrix matvec memmap nanpercentile
    nanquantile ndenumerate nditer nested_iters object_ polyder polydiv polyint rec recarray
    record sctypeDict setbufsize seterr seterrcall show_runtime spacing str_ strings test
    timedelta64 typecodes unstack vecdot vecmat void""".split(),
    "numpy.linalg": """diagonal matrix_norm multi_dot outer svdvals tensordot test trace vecdot
    vector_norm""".split(),
}
"""NumPy's names that CuPy lacks."""

LACKS = {
    "where": """all any amax amin max mean min nanmax nanmean nanmin nanprod nanstd nansum nanvar
    prod std sum var""",
    "initial": "amax amin max min nanmax nanmin nanprod nansum prod sum",
    "mean correction": "nanstd nanvar std var",
    "like": """arange array asanyarray asarray ascontiguousarray asfortranarray empty eye full
    identity ones require tri zeros""",
    "device": """arange asanyarray asarray astype empty empty_like eye full full_like linspace
    ones ones_like zeros zeros_like""",
    "subok": "as_strided broadcast_arrays broadcast_to copy",
    "min max": "clip",
    "m": "cov flip fliplr flipud rot90",
    "arrays": "concat concatenate stack",
    "arr": "extract take_along_axis",
    "order": "argpartition argsort partition sort",
    "stable": "argsort sort",
    "shape": "reshape unravel_index",
    "ar1 ar2": "intersect1d union1d",
    "kind": "argpartition isin partition",
    "weights": "percentile quantile",
    "axis": "lexsort trim_zeros",
    "keepdims": "count_nonzero",
    "mode": "take",
    "out": "einsum",
    "sparse": "indices",
    "sorted": "unique",
    "obj": "delete",
    "count": "unpackbits",
    "x": "corrcoef",
    "ary": "ediff1d",
    "a": "array_str histogram",
    "object ndmax": "array",
    "start_or_stop": "arange",
    "writeable check_bounds": "as_strided",
}
"""Keywords of NumPy's functions that CuPy's functions lack."""

METHODS = {
    "axis out keepdims": "all any argmax argmin max min",
    "axis dtype out keepdims": "mean prod sum",
    "axis dtype out ddof keepdims": "std var",
    "axis dtype out": "cumprod cumsum",
    "min max out": "clip",
    "decimals out": "round",
    "indices axis out": "take",
    "b out": "dot",
    "order": "copy flatten ravel tobytes",
    "dtype order copy": "astype",
    "dtype": "view",
    "order copy": "reshape",
    "axis": "squeeze argpartition partition",
    "axis kind": "argsort sort",
    "axis1 axis2 offset dtype out": "diagonal trace",
    "repeats axis": "repeat",
    "v side sorter": "searchsorted",
    "": "conj conjugate item nonzero swapaxes tolist transpose",
}
"""Methods of `cupy.ndarray` by the keywords that they take."""

AT = dict.fromkeys(("maximum", "minimum"), "ilqILQfd") | {"add": "ilqILQefd", "subtract": "iI"}
AT |= dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), "ilqILQ")
"""The dtypes of `ufunc.at` with index arrays."""

SYNCS = frozenset(
    """argwhere asarray_chkfinite bincount compress extract flatnonzero histogram histogram2d
    histogramdd in1d intersect1d isin item ix_ nonzero place real_if_close setdiff1d setxor1d
    tobytes tolist tril_indices tril_indices_from trim_zeros triu_indices triu_indices_from
    union1d unique unique_all unique_counts unique_inverse unique_values unravel_index""".split()
)
SEQUENCES = frozenset("column_stack concat concatenate dstack hstack select stack vstack".split())
FREE = frozenset(
    """allclose arange array_equiv can_cast diag_indices empty eye full fromfunction full_like
    identity indices isclose isscalar iterable linspace logspace mask_indices ndim ones
    promote_types ravel_multi_index shape size tri tril_indices triu_indices zeros finfo iinfo
    issubdtype min_scalar_type broadcast_shapes bartlett blackman hamming hanning kaiser select
    array_repr array_str format_float_positional einsum""".split()
)
"""Functions whose first argument need not be an array."""
INDICES = frozenset(
    """axes axis axis1 axis2 destination dimensions k kth M N new_shape num pad_width reps shape
    source start_or_stop step window_shape""".split()
)
"""Parameters that take integers or tuples of them, where an array has no `__index__`."""
EITHER = frozenset("indices_or_sections q repeats shift dims obj strides".split())
FRESH = frozenset(
    """all amax amin any argmax argmin around clip concat concatenate cumprod cumsum max mean min
    prod round stack std sum take var where""".split()
)
"""Functions whose new result is C-contiguous in CuPy, whatever the order of their inputs."""
SAME = frozenset(("moveaxis", "rollaxis", "squeeze"))
"""Functions that return the array itself where they have nothing to do."""


class HiddenSync(RuntimeError):
    """Something inside `forbid_sync` would wait for the device."""


_forbidden = False


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


def _refuse(value: object, name: str) -> TypeError:
    kind = "a NumPy array" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
    return TypeError(f"{name}: {CUPY} takes no {kind[2:]} here; move it with xp.asarray first")


def _array(value: Any, name: str) -> Any:
    """The NumPy side of an operand: an array or a scalar."""
    if type(value) is StrictArray:
        return value._host
    if isinstance(value, (np.ndarray, list, tuple)):
        raise _refuse(value, name)
    return value


def _first(value: Any, name: str) -> Any:
    if type(value) is not StrictArray:
        raise _refuse(value, name)
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
    """What `array` takes: a StrictArray, host data, or a sequence of one kind of them."""
    if isinstance(value, (tuple, list)) and any(isinstance(v, StrictArray) for v in value):
        return _arrays(value, name)
    return value._host if type(value) is StrictArray else value


Rule = Callable[[Any, str], Any]


def _rules(function: Any, name: str) -> tuple[list[Rule], dict[str, Rule], Rule]:
    """How to read each argument: by position, by name, and any other."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:
        return [], {}, _either
    named: dict[str, Rule] = {}
    rest: Rule = _either
    for place, p in enumerate(parameters):
        if p.kind is p.VAR_POSITIONAL:
            rest = _array if name != "einsum" else _either
        elif p.kind is not p.VAR_KEYWORD:
            rule: Rule = _integers if p.name in INDICES else _array
            if p.name in EITHER or (p.name == "indices" and name == "take"):
                rule = _either
            if place == 0 and rule is _array and name not in FREE:
                rule = _arrays if name in SEQUENCES else _first
            named[p.name] = rule
    if name in ("array", "asarray", "asanyarray"):
        named[parameters[0].name] = _data
    if name == "reshape" or name == "transpose":
        rest = _integers
    return list(named.values()), named, rest


def _function(function: Any, name: str, keywords: str | None = None) -> Callable[..., Any]:
    """NumPy's function on StrictArrays, with the keywords that CuPy takes."""
    places, named, rest = _rules(function, name)
    lacks = {word for words, names in LACKS.items() for word in words.split()
             if keywords is None and name in names.split()}  # fmt: skip
    takes = keywords.split() if keywords is not None else None
    syncs, fresh = name in SYNCS, name in FRESH
    zero_d = name in ("allclose", "array_equal", "array_equiv", "count_nonzero")

    def call(*args: Any, **kwargs: Any) -> Any:
        if syncs or (name == "where" and len(args) == 1):
            _sync(name)
        for word in kwargs:
            if word in lacks or (takes is not None and word not in takes):
                raise TypeError(f"{name}: {CUPY} has no argument {word!r}")
        hosts = [
            (places[i] if i < len(places) else rest)(value, name) for i, value in enumerate(args)
        ]
        words = {word: named.get(word, _either)(value, name) for word, value in kwargs.items()}
        if name in ("asarray", "asanyarray") and type(args[0]) is not StrictArray:
            words.setdefault("copy", True)
        result = function(*hosts, **words)
        if isinstance(result, np.ndarray):
            if fresh and result.base is None and not result.flags.c_contiguous:
                result = np.ascontiguousarray(result) if "out" not in words else result
            elif name in SAME and (result.shape, result.strides) == (
                hosts[0].shape, hosts[0].strides
            ):  # fmt: skip
                return args[0]
        elif zero_d:
            result = np.asarray(result)
        return _wrap(result, (*args, *kwargs.values()))

    call.__name__ = name
    return call


_owners: weakref.WeakValueDictionary[int, StrictArray] = weakref.WeakValueDictionary()


def _wrap(result: Any, sources: tuple[Any, ...] = ()) -> Any:
    """A result of NumPy as CuPy gives it; `sources` are the arrays it may be one of."""
    if isinstance(result, np.ndarray):
        for source in sources:
            if type(source) is StrictArray and source._host is result:
                return source
        root: Any = result
        while (base := getattr(root, "base", None)) is not None:
            root = base
        array = object.__new__(StrictArray)
        array._host = result
        array.base = _owners.get(id(root))
        if array.base is None:
            if result.dtype.char not in DTYPES:
                raise ValueError(f"{CUPY} has no arrays of dtype {result.dtype}")
            _owners[id(root)] = array
        return array
    if isinstance(result, np.generic):
        return _wrap(np.asarray(result))
    if isinstance(result, (tuple, list)):
        parts = [_wrap(part, sources) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return result
