"""A NumPy that behaves as CuPy 14.2: what breaks on a GPU breaks here, without a GPU.

`StrictLibrary()` answers to the names that NumPy and CuPy share, with the keywords that both
take, on `StrictArray`, which (as `cupy.ndarray`) never becomes a NumPy array by itself. Inside
`forbid_sync()` whatever would wait for the device raises `HiddenSync`. Where CuPy is laxer than
NumPy (an index out of range wraps, a broadcast view can be written) the stricter of the two
holds, and host data enters through `array` and `asarray` alone.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import operator
import weakref
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from tests.strict_names import (
    AT,
    DENIED,
    FREE,
    FRESH,
    INTEGERS,
    LACKS,
    LISTS,
    METHODS,
    MISSING,
    NO_BFLOAT16,
    SEQUENCES,
    SYNCS,
)
from tests.strict_names import words as _words

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


class Tape:
    """Told of all that is computed while it is `tape`, to do it again later.

    `compute` gives the result anew, from host arrays; `out` is what it was wrapped in.
    """

    def before(self, hosts: Any) -> None:
        """Host arrays that are about to be read, or written."""

    def after(self, compute: Callable[[], Any], out: Any) -> None:
        """It is done."""


tape: Tape | None = None


def _do(compute: Callable[[], Any], hosts: Any, sources: tuple[Any, ...] = ()) -> Any:
    """The wrapped result of `compute`, which works on some host arrays."""
    if tape is None:
        return _wrap(compute(), sources)
    tape.before(hosts)
    out = _wrap(compute(), sources)
    tape.after(compute, out)
    return out


def _sync(what: str) -> None:
    if _forbidden:
        raise HiddenSync(f"{what} waits for the device")


def _read(value: Any, kind: str, name: str) -> Any:
    """The NumPy side of an argument.

    The kinds: an "array", an "operand" (array or scalar), a "sequence" of arrays, "integers"
    (no array), host "data", "one" (anything but host data) or "lists" of such.
    """
    if isinstance(value, StrictArray) and kind not in ("integers", "sequence"):
        return value._host
    if kind == "data" and not (isinstance(value, (list, tuple)) and value
                               and isinstance(value[0], StrictArray)):  # fmt: skip
        return value
    if isinstance(value, (list, tuple)) and kind not in ("array", "operand", "one"):
        inner = kind if kind in ("integers", "lists") else "array"
        return type(value)([_read(part, inner, name) for part in value])
    scalar = isinstance(value, (int, float, complex, np.generic))
    host = isinstance(value, (StrictArray, np.ndarray, list, tuple))
    if kind == "array" or host or (kind == "operand" and not scalar):
        what = "array as an integer" if isinstance(value, StrictArray) else type(value).__name__
        raise TypeError(f"{name}: CuPy 14.2 takes no {what} here (xp.asarray moves host data)")
    return value


def _kinds(function: Any, name: str) -> tuple[list[str], dict[str, str], str]:
    """The kinds of a function's arguments by place, by name, and for the rest."""
    first = "sequence" if name in SEQUENCES else "array"
    if name in FREE:
        first = "integers" if name in ("arange", "empty", "zeros") else "one"
    elif name in ("array", "asarray", "asanyarray"):
        first = "data"
    places = [first]
    kinds: dict[str, str] = {}
    rest = "integers" if name in ("reshape", "transpose") else "lists"
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # before NumPy 2.4
        return places, kinds, "one" if name in ("dot", "where") else rest
    for place, p in enumerate(parameters):
        if p.kind is p.VAR_POSITIONAL:
            rest = "one" if rest == "lists" and name != "einsum" else rest
            places = places[:place]
        elif p.kind is not p.VAR_KEYWORD:
            kind = "integers" if p.name in INTEGERS else "one" if place else first
            if p.name in LISTS or (p.name == "indices" and name == "take"):
                kind = "lists"
            kinds[p.name] = kind
            places[place:] = [] if p.kind is p.KEYWORD_ONLY else [kind]
    return places, kinds, rest


def _is_bfloat16(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.char == "E"


def _function(function: Any, full: str) -> Callable[..., Any]:
    """NumPy's function or method on StrictArrays, with the keywords that CuPy takes."""
    name = full.rpartition(".")[2]
    places, kinds, rest = _kinds(function, name)
    takes = {"copyto": ["where"], "ndarray.clip": ["min", "max"]}.get(full, [])
    lacks = {*LACKS, *DENIED.get(name, "").split()}.difference(takes)
    syncs, fresh = name in SYNCS, name in FRESH

    def call(*args: Any, **words: Any) -> Any:
        if syncs or (name == "where" and len(args) == 1):
            _sync(name)
        if name == "where" and not isinstance(args[0], StrictArray):
            raise TypeError("where: CuPy chooses by an array")
        if not lacks.isdisjoint(words):
            raise TypeError(f"{name}: CuPy 14.2 has no {', '.join(lacks.intersection(words))}=")
        if name in ("asarray", "asanyarray") and not isinstance(args[0], StrictArray):
            words.setdefault("copy", True)
        hosts = [
            _read(value, places[i] if i < len(places) else rest, name)
            for i, value in enumerate(args)
        ]
        named = {word: _read(v, kinds.get(word, "lists"), name) for word, v in words.items()}
        if name in NO_BFLOAT16 and any(map(_is_bfloat16, hosts)):
            raise NotImplementedError(f"{name}: CuPy 14.2 takes no bfloat16")

        def compute() -> Any:
            result = function(*hosts, **named)
            if name in ("allclose", "array_equal", "array_equiv", "count_nonzero"):
                result = np.asarray(result)
            elif fresh and isinstance(result, np.ndarray) and not result.flags.c_contiguous:
                given = any(result is host for host in (*hosts, *named.values()))
                result = result if given else result.copy()
            return result

        if name in ("empty", "empty_like"):
            return _wrap(compute())  # nothing is computed
        if name in ("moveaxis", "rollaxis", "squeeze"):
            result = compute()
            own = hosts[0]
            same = (result.shape, result.strides) == (own.shape, own.strides)
            return args[0] if same else _wrap(result)  # as CuPy, which has nothing to do here
        return _do(compute, (hosts, named), (*args, *words.values()))

    call.lacks = lacks  # type: ignore[attr-defined]
    return call


def _wrap(result: Any, sources: tuple[Any, ...] = ()) -> Any:
    """A result of NumPy as CuPy gives it; `sources` are the arrays that it may be one of."""
    if isinstance(result, np.ndarray):
        for source in sources:
            if isinstance(source, StrictArray) and source._host is result:
                return source
        if result.dtype.char not in "?bBhHiIlLqQefdFDE":  # E is bfloat16
            raise ValueError(f"CuPy 14.2 has no arrays of dtype {result.dtype}")
        root: Any = result
        while (base := getattr(root, "base", None)) is not None:
            root = base
        array = object.__new__(StrictArray)
        array._host, array.base = result, _owners.get(id(root))
        if array.base is None:
            _owners[id(root)] = array
        return array
    if isinstance(result, np.generic):
        return _wrap(np.asarray(result))
    if isinstance(result, (tuple, list)):
        parts = [_wrap(part, sources) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return result


def _index(key: Any) -> tuple[tuple[Any, ...], bool]:
    """An index that makes NumPy return arrays, and whether there are arrays in it."""
    parts, advanced = list(key) if isinstance(key, tuple) else [key], False
    for place, part in enumerate(parts):
        if isinstance(part, (StrictArray, np.ndarray, list, tuple, bool, np.bool)):
            parts[place] = host = np.asarray(_read(part, "data", "index"))
            advanced = True
            if host.dtype == bool:
                _sync("a boolean mask")
    return tuple(parts if any(p is ... for p in parts) else [*parts, ...]), advanced


class Ufunc:
    """A ufunc of CuPy: `out`, `dtype`, `casting`, but no `where`; its results are in C order."""

    def __init__(self, host: np.ufunc) -> None:
        self.host, self.name, self.nin, self.nout = host, host.__name__, host.nin, host.nout

    def __call__(self, *args: Any, out: Any = None, **words: Any) -> Any:
        """The ufunc of StrictArrays and scalars; out is an array or a tuple of arrays."""
        if not words.keys() <= {"dtype", "casting"}:
            raise TypeError(f"{self.name}: CuPy 14.2 takes out, dtype, casting, not {[*words]}")
        hosts = [_read(value, "operand", self.name) for value in args]
        outs = _read(out, "lists", self.name)
        if outs is None and self.nout > 1:
            outs = (None,) * self.nout  # which NumPy wants to be said
        return _do(
            lambda: self.host(*hosts, out=outs, order="C", **words),
            (hosts, outs),
            (*args[self.nin :], *(out if type(out) is tuple else [out])),
        )

    def __getattr__(self, name: str) -> Any:
        only = {"reduce": "add multiply", "accumulate": "add multiply", "reduceat": "add"}
        if self.name == "matmul" or (name != "outer" and self.name not in only.get(name, "")):
            raise AttributeError(f"CuPy 14.2 has no {self.name}.{name}")
        return _function(getattr(self.host, name), f"{self.name}.{name}")

    def at(self, a: StrictArray, indices: Any, b: Any = None) -> None:
        """Repeated indices count each time; CuPy does it with atomics, in no fixed order."""
        key, advanced = _index(indices)
        if self.name not in AT or (advanced and a.dtype.char not in AT[self.name]):
            raise NotImplementedError(f"{self.name}.at: not in CuPy 14.2 for {a.dtype}")
        value = _read(b, "operand", f"{self.name}.at")
        _do(lambda: self.host.at(a._host, key, value), (a._host, key, value))


def _writable(view: Callable[..., Any]) -> Callable[..., Any]:
    """`broadcast_to` or `diagonal`, whose result CuPy can write to."""

    @functools.wraps(view)
    def call(a: Any, *how: Any, **words: Any) -> Any:
        out = view(a, *how, **words)
        out.flags.writeable = np.asarray(a).flags.writeable
        return out

    return call


class StrictArray:
    """`cupy.ndarray` in host memory; `base` is the array that owns the memory, or None."""

    __slots__ = ("__weakref__", "_host", "base")
    __array_ufunc__ = None
    _host: np.ndarray[Any, Any]
    base: StrictArray | None

    def __init__(self, shape: Any, dtype: Any = float, *, order: Any = "C") -> None:
        self._host, self.base = np.empty(_read(shape, "integers", "ndarray"), dtype, order), None
        _owners[id(self._host)] = self

    def __array__(self, *args: Any, **words: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed; use .get()")

    def __array_function__(self, function: Any, *args: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} on a device array; call it on xp")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no ndarray.{name} in CuPy 14.2 (or in the strict one)")

    def get(self, order: Any = "C") -> np.ndarray[Any, Any]:
        """A NumPy copy: the explicit way out."""
        _sync(".get()")
        return self._host.copy(order)

    @property
    def T(self) -> StrictArray:
        """The axes reversed; the array itself below two axes, as in CuPy."""
        return self if self.ndim < 2 else _wrap(self._host.T)

    @property
    def flags(self) -> SimpleNamespace:
        """The memory order and who owns it; CuPy has no `writeable`."""
        f = self._host.flags
        return SimpleNamespace(c_contiguous=f.c_contiguous, f_contiguous=f.f_contiguous,
                               fnc=f.fnc, forc=f.forc, owndata=self.base is None)  # fmt: skip

    @property
    def data(self) -> SimpleNamespace:
        """Where the array begins: `data.ptr`."""
        return SimpleNamespace(ptr=self._host.ctypes.data)

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[StrictArray]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> StrictArray:
        key, advanced = _index(key)
        if not advanced:
            view: StrictArray = _wrap(self._host[key])
            return view
        array: StrictArray = _do(lambda: self._host[key].copy(), (self._host, key))
        return array

    def __setitem__(self, key: Any, value: Any) -> None:
        key, value = _index(key)[0], _read(value, "operand", "a[index] = value")
        _do(lambda: self._host.__setitem__(key, value), (self._host, key, value))

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()


def _operator(ufunc: np.ufunc, kind: str) -> Callable[[StrictArray, Any], Any]:
    def method(self: StrictArray, other: Any) -> Any:
        if not isinstance(other, StrictArray) and kind != "i":
            weaker = getattr(other, "__array_priority__", 0) <= 100  # than CuPy's
            if getattr(other, "__array_ufunc__", 0 if weaker else None) is None:
                return NotImplemented
            if ufunc in (np.equal, np.not_equal) and type(other).__eq__ in (
                object.__eq__,
                type(None).__eq__,
            ):
                return _wrap(np.full(self.shape, ufunc is np.not_equal))
        a, b = self._host, _read(other, "operand", ufunc.__name__)
        if kind == "i":
            _do(lambda: ufunc(a, b, out=a), (a, b), (self,))
            return self
        left, right = (b, a) if kind == "r" else (a, b)
        return _do(lambda: ufunc(left, right, order="C"), (a, b))

    return method


def _unary(function: Any) -> Callable[[StrictArray], Any]:
    return lambda self: _do(lambda: function(self._host), self._host, (self,))


def _through(function: Any) -> Callable[..., Any]:
    def method(self: StrictArray, *args: Any) -> Any:
        _sync(f"{function.__name__}()")
        return function(self._host, *args)

    return method


_OPERATORS = """add:add sub:subtract mul:multiply truediv:true_divide floordiv:floor_divide
mod:remainder pow:power and:bitwise_and or:bitwise_or xor:bitwise_xor lshift:left_shift
rshift:right_shift matmul:matmul divmod:divmod eq:equal ne:not_equal lt:less le:less_equal
gt:greater ge:greater_equal"""
for _short, _, _name in (pair.partition(":") for pair in _words(_OPERATORS)):
    _in_place = "" if _name in ("matmul", "divmod") else "i"
    for _kind in [""] if len(_short) == 2 and _short != "or" else ["", "r", *_in_place]:
        setattr(StrictArray, f"__{_kind}{_short}__", _operator(getattr(np, _name), _kind))
for _name in _words("neg pos abs invert"):
    setattr(StrictArray, f"__{_name}__", _unary(getattr(operator, _name)))
for _out in (bool, int, float, complex, repr, str, format):
    setattr(StrictArray, f"__{_out.__name__}__", _through(_out))
for _name in _words("shape dtype ndim size strides itemsize nbytes"):
    setattr(StrictArray, _name, property(operator.attrgetter(f"_host.{_name}")))
for _name in _words("real imag mT"):
    setattr(StrictArray, _name, property(_unary(operator.attrgetter(_name))))
for _name in METHODS:
    setattr(StrictArray, _name, _function(getattr(np.ndarray, _name), f"ndarray.{_name}"))
StrictArray.__hash__ = None  # type: ignore[assignment]


class StrictLibrary:
    """The names that NumPy and CuPy share, as a module would offer them."""

    def __init__(self, module: ModuleType = np) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        module = self._module
        host = getattr(module, name, None)
        if name == "newaxis":
            return None
        lacks = [*MISSING.get(module.__name__, []), "broadcast", "c_", "mgrid", "ogrid", "r_"]
        modules = ("linalg", "fft", "lib", "stride_tricks")
        if (host is None or name.startswith("_") or name in lacks
                or (isinstance(host, ModuleType) and name not in modules)):  # fmt: skip
            raise AttributeError(f"CuPy 14.2 has no {name!r} (or the strict library lacks it)")
        if isinstance(host, ModuleType):
            host = StrictLibrary(host)
        elif isinstance(host, np.ufunc):
            host = Ufunc(host)
        elif callable(host) and not isinstance(host, type):
            read_only = host in (np.broadcast_to, np.diagonal)
            host = _function(_writable(host) if read_only else host, name)
        self.__dict__[name] = host
        return host

    ndarray = StrictArray

    @staticmethod
    def asnumpy(a: Any, order: Any = "C") -> np.ndarray[Any, Any]:
        """A NumPy copy of a StrictArray, or `np.asarray` of anything else."""
        return a.get(order) if isinstance(a, StrictArray) else np.asarray(a, order=order)


_installed = False


def install() -> None:
    """Make "strict" a device of tinygrad_lite."""
    global _installed
    from tinygrad_lite import backend

    if not _installed:
        backend.register(backend.Namespace("strict", StrictLibrary(), StrictArray))
        _installed = True
