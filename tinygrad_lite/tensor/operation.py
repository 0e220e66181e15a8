"""Rows: one line that makes a rule of `ops` a function of tensors.

    exp = unary(ops.exp)
    maximum = binary(ops.maximum)
    isnan = plain_unary("isnan", "True where NaN.")

The function has the rule's name, and the rule's docstring with its equation. Four others use it:
`Tensor` as a method and the package as a function (each lists it by name, for readers and for
mypy); `both` (`inplace.py`), which makes the method `exp_` of it too; and the namespace that rules
see in second derivatives (`space.py`), which finds it in `BY_LIBRARY_NAME`. How it behaves in
16 bits and under `autocast` is said by its rule (`ops/rule.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, Protocol

from ..backend.dtypes import FLOATING
from ..graph import Rule
from ..ops.rule import plain
from .apply import KEEP_ORDER, apply
from .base import TensorBase
from .check import tensor_of
from .dims import Dim, axes, axis
from .promote import as_float, pair, real_pair, tensors_of

if TYPE_CHECKING:
    from .tensor import Tensor

P = ParamSpec("P")
Operand = Any  # a Tensor or a Python number

PACKAGE = __name__.partition(".")[0]

BY_LIBRARY_NAME: dict[str, Callable[..., Any]] = {}
"""The functions that rows made, by NumPy's names for them, which rules call them by."""


class Kind(Protocol[P]):
    """Makes functions of one signature P from rules."""

    def __call__(self, rule: Rule, *, library: str = "", **facts: Any) -> Callable[P, Tensor]:
        """The function of a rule.

        Args:
            rule: the rule, whose name and docstring the function takes.
            library: NumPy's name for the function, if it differs.
            facts: the arguments of the kind (`unary`, `binary`, `reduction`) besides the rule.
        """


def _of_signature(signature: Callable[P, Tensor]) -> Callable[[Callable[..., Any]], Kind[P]]:
    """Declare a kind: the decorated function makes functions of rules, each with this signature.

    The signature is for mypy, which could not see it in what the decorated function returns.
    """

    def declare(make: Callable[..., Any]) -> Kind[P]:
        def row(rule: Rule, *, library: str = "", **facts: Any) -> Any:
            return named(rule.__name__, rule.__doc__, make(rule, **facts), library)

        row.__doc__ = make.__doc__
        return row

    return declare


def named(name: str, doc: str | None, function: Any, library: str = "") -> Any:
    """The function itself, named and documented as if it had been written out in the package.

    Its code object is renamed too, so that tracebacks and profiles show the name, and it is
    entered in `BY_LIBRARY_NAME`.
    """
    function.__name__ = function.__qualname__ = name
    function.__code__ = function.__code__.replace(co_name=name, co_qualname=name)
    function.__module__, function.__doc__ = PACKAGE, doc
    BY_LIBRARY_NAME[library or name] = getattr(function, "as_library", function)
    return function


def _one(input: Tensor) -> Tensor:
    raise NotImplementedError


@_of_signature(_one)
def unary(rule: Rule, floats: bool = True, takes: str = "") -> Any:
    """A function of each element.

    Args:
        rule: the rule of one input.
        floats: integers and booleans become the default dtype first; else they stay.
        takes: the kinds of dtypes it is for (NumPy's letters), all if "".
    """
    name = rule.__name__
    KEEP_ORDER.add(rule)

    def of_floats(input: Tensor) -> Tensor:
        return apply(rule, as_float(input, name))

    def of_any(input: Tensor) -> Tensor:
        return apply(rule, input)

    def of_some(input: Tensor) -> Tensor:
        if tensor_of(name, input).array.dtype.kind not in takes:
            refuse(name, input)
        return apply(rule, input)

    return of_floats if floats else of_some if takes else of_any


NUMBERS = FLOATING + "iu"
"""Kinds of dtypes: all but booleans."""


def refuse(name: str, input: TensorBase) -> NoReturn:
    """Say that an operation is not for a dtype."""
    raise NotImplementedError(f"{name}: not implemented for {input.dtype}")


def ordered(name: str, input: TensorBase) -> None:
    """Refuse complex numbers, which have no order, or of which a composition would be wrong.

    Array libraries would compare them by their parts.

    Raises:
        NotImplementedError: the tensor is complex.
    """
    if input.array.dtype.kind == "c":
        raise NotImplementedError(f"{name}: does not support complex input, but got {input.dtype}")


def _two(input: Tensor, other: Operand) -> Tensor:
    raise NotImplementedError


@_of_signature(_two)
def binary(
    rule: Rule,
    floats: bool = False,
    numbers: str = "either",
    takes: str = FLOATING + "iub",
    wrapped: bool = False,
) -> Any:
    """A function of two operands, which broadcast and are promoted to one dtype.

    Args:
        rule: the rule of two inputs.
        floats: two integers or booleans become the default dtype.
        numbers: which operand may be a Python number: "either", only the "other", or "none".
        takes: the kinds of dtypes it is for (NumPy's letters), after promotion.
        wrapped: numbers become 0-d tensors, for a rule that needs an array in each place.
    """
    name = rule.__name__
    KEEP_ORDER.add(rule)

    def of_any(input: Tensor, other: Operand) -> Tensor:
        return apply(rule, *pair(name, input, other))

    def of_floats(input: Tensor, other: Operand) -> Tensor:
        a, b = real_pair(name, input, other)
        return apply(rule, *(tensors_of(a, b) if wrapped else (a, b)))

    whole = of_floats if floats else of_any
    if numbers == "either":
        return whole

    def of_tensors(input: Any, other: Operand) -> Tensor:
        if not isinstance(input, TensorBase) or not isinstance(other, second):
            refuse_numbers(name, input, other)
        a, b = make(name, input, other)
        if a.array.dtype.kind not in takes:
            refuse(name, a)
        return apply(rule, a, b)

    make = real_pair if floats else pair
    second = TensorBase if numbers == "none" else object
    of_tensors.as_library = whole  # type: ignore[attr-defined]  # rules may pass numbers
    return of_tensors


def refuse_numbers(name: str, input: Any, other: Any) -> NoReturn:
    """Say which operand must be a tensor."""
    word, found = ("other", other) if isinstance(input, TensorBase) else ("input", input)
    raise TypeError(f"{name}: {word} must be a Tensor, but got {type(found).__name__}")


def reflected(function: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Operand], Tensor]:
    """The operator that `other % x` calls, from the function of `%`."""

    def call(input: Tensor, other: Operand) -> Tensor:
        return function(other, input)

    call.__name__ = f"__r{function.__name__}__"
    return call


def operators(rule: Rule) -> tuple[Callable[[Tensor, Operand], Tensor], ...]:
    """The operator of a rule of two inputs, as `a + b` calls it, and reflected."""
    KEEP_ORDER.add(rule)
    name = rule.__name__

    repeats = (list, tuple, str, bytes) if name == "mul" else ()  # which `[0] * x` repeats

    back = f"__r{name}__"

    def call(input: Tensor, other: Operand) -> Any:
        try:
            if isinstance(other, repeats):
                return NotImplemented
            return apply(rule, *pair(name, input, other))
        except TypeError:
            if knows(other, back):
                return NotImplemented
            raise

    def reflected(input: Tensor, other: Operand) -> Tensor:
        return (
            NotImplemented if isinstance(other, repeats) else apply(rule, *pair(name, other, input))
        )

    call.__name__, reflected.__name__ = f"__{name}__", back
    return call, reflected


def knows(other: Any, back: str) -> bool:
    """Whether an operand of another class has the reflected operator, as units of numbers do."""
    if isinstance(other, TensorBase) or type(other).__module__ in ("builtins", "numpy"):
        return False
    own = getattr(type(other), back, None)
    return own is not None and own is not getattr(object, back, None)


_BACK = {name: f"__r{name}__" for name in "and floordiv matmul mod or pow truediv xor".split()}
_BACK |= {"lt": "__gt__", "le": "__ge__", "gt": "__lt__", "ge": "__le__"}
_BACK |= {"lshift": "__rlshift__", "rshift": "__rrshift__"}
_CHANGES = "add and floordiv lshift mod mul or pow rshift sub truediv xor".split()
"""Of `x += y` and the like, for which Python calls `x + y` if they are not implemented."""


def leave_to_others(owner: type) -> None:
    """Make the operators of tensors `NotImplemented` for what another class's operator knows.

    Python calls that one then: `tensor / length` gives a length divided. Of what has none, the
    error says more than Python's would.
    """
    names = {f"__{name}__": back for name, back in _BACK.items()}
    for name, back in [*names.items(), *[(f"__i{name}__", f"__r{name}__") for name in _CHANGES]]:
        function = getattr(owner, name)

        def call(input: Tensor, other: Operand, *, _own: Any = function, _back: str = back) -> Any:
            try:
                return _own(input, other)
            except TypeError:
                if knows(other, _back):
                    return NotImplemented
                raise

        call.__name__, call.__doc__ = function.__name__, function.__doc__  # as classes are told
        setattr(owner, name, call)


def _reduced(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    raise NotImplementedError


@_of_signature(_reduced)
def reduction(rule: Rule, floats: bool = False, empty: bool = True) -> Any:
    """A function over a dimension, several, or all.

    Args:
        rule: the rule, which takes `axis` (a tuple) and `keepdims`.
        floats: integers and booleans become the default dtype first.
        empty: it has a value for no elements, as a sum has and a maximum has not.
    """
    name = rule.__name__

    def reduced(input: Tensor, dim: Dim = (), keepdim: bool = False) -> Tensor:
        where = axes(name, input, dim) if empty else filled(name, input, dim)
        return apply(rule, as_float(input) if floats else input, axis=where, keepdims=keepdim)

    def as_library(x: Tensor, axis: Dim = None, keepdims: bool = False) -> Tensor:
        return reduced(x, axis, keepdims)

    reduced.as_library = as_library  # type: ignore[attr-defined]
    return reduced


def filled(name: str, x: TensorBase, dim: Dim) -> tuple[int, ...]:
    """The axes of a reduction that needs at least one element, such as a maximum.

    Raises:
        IndexError: a dimension has no elements.
        RuntimeError: there are no elements at all, and no dim is given.
    """
    shape = tensor_of(name, x).array.shape
    if 0 in shape and isinstance(dim, Sequence) and 0 in [shape[axis(name, x, d)] for d in dim]:
        where: tuple[int, ...] = tuple(range(len(shape)))
    else:
        where = axes(name, x, dim)
    if 0 in [shape[a] for a in where]:
        if dim in (None, (), []) and not name.startswith("arg"):
            raise RuntimeError(
                f"{name}: the reduction of no elements needs a dim (shape {tuple(x.shape)})"
            )
        raise IndexError(
            f"{name}: expected reduction dim to have non-zero size (shape {tuple(x.shape)})"
        )
    return where


def _typed_as(
    signature: Callable[P, Tensor],
) -> Callable[[Callable[..., Any]], Callable[..., Callable[P, Tensor]]]:
    """Tell mypy that what a function makes has the signature of another."""
    return lambda make: make


@_typed_as(_one)
def plain_unary(library: str, doc: str, name: str = "", complex: bool = False) -> Any:
    """A function of each element that gives booleans or integers, from the array library.

    `complex` says that it takes complex numbers.
    """
    rule = plain(library, name, complex)
    KEEP_ORDER.add(rule)

    def call(input: Tensor) -> Tensor:
        return apply(rule, input)

    return named(rule.__name__, doc, call, library)


@_typed_as(_two)
def plain_binary(
    library: str,
    doc: str,
    name: str = "",
    numbers: str = "other",
    takes: str = FLOATING + "iub",
) -> Any:
    """A function of two operands that gives booleans or integers, from the array library.

    `numbers` says which of them may be a number: "either", the "other", or "none"; `takes` are
    the kinds of dtypes it is for, if not all.
    """
    rule = plain(library, name, "c" in takes)
    KEEP_ORDER.add(rule)
    own = rule.__name__
    first = object if numbers == "either" else TensorBase
    second = TensorBase if numbers == "none" else object

    def call(input: Tensor, other: Operand) -> Tensor:
        if not isinstance(input, first) or not isinstance(other, second):
            refuse_numbers(own, input, other)
        a, b = pair(own, input, other)
        kind = a if isinstance(a, TensorBase) else b
        if kind.array.dtype.kind not in takes:
            refuse(own, kind)
        return apply(rule, a, b)

    return named(own, doc, call, library)


def public(scope: dict[str, Any]) -> list[str]:
    """The functions of tensors that a file makes, for the package to take."""
    names, homes = [], (scope["__name__"], PACKAGE)
    for name, value in scope.items():  # a loop: in Python 3.11 a comprehension is a call
        if name[0] != "_" and isinstance(value, FunctionType) and value.__module__ in homes:
            names.append(name)
    return names
