"""Rows: one line that makes a rule of `ops` a function of tensors.

    exp = unary(ops.exp)
    maximum = binary(ops.maximum)
    isnan = plain_unary("isnan", "True where NaN.")

The function has the rule's name and equation. `Tensor` takes it as a method, the package as a
function (each lists it by name, for readers and for mypy), `in_place` makes `exp_` of it, and the
namespace that rules see in second derivatives (`space`) finds it here, under the name that the
array libraries have for it. How it behaves in 16 bits and under `autocast` the rule has said.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol

from ..graph import Rule
from ..ops.rule import plain
from .apply import apply
from .base import TensorBase
from .dims import Dim, axes
from .modes import no_grad
from .promote import as_float, pair

if TYPE_CHECKING:
    from .tensor import Tensor

P = ParamSpec("P")
Operand = Any  # a Tensor or a Python number

PACKAGE = __name__.partition(".")[0]

BY_LIBRARY_NAME: dict[str, Callable[..., Any]] = {}
"""The functions that rows made, by NumPy's names for them."""


class Kind(Protocol[P]):
    """Makes functions of one signature P from rules."""

    def __call__(
        self, rule: Rule, *, library: str = "", floats: bool = True, empty: bool = True
    ) -> Callable[P, Tensor]:
        """The function of a rule.

        Args:
            rule: the rule, whose name it takes.
            library: NumPy's name for it, if that is another.
            floats: integers and booleans become the default dtype.
            empty: for a reduction: it has a value for no elements.
        """


def _of_signature(signature: Callable[P, Tensor]) -> Callable[[Callable[..., Any]], Kind[P]]:
    """Declare how the functions of a kind are made from rules: with the signature of another."""

    def declare(make: Callable[..., Any]) -> Kind[P]:
        def row(rule: Rule, *, library: str = "", **facts: bool) -> Any:
            return named(rule.__name__, rule.__doc__, make(rule, **facts), library)

        row.__doc__ = make.__doc__
        return row

    return declare


def named(name: str, doc: str | None, function: Any, library: str = "") -> Any:
    """A function with a name, also in tracebacks, as one of the package's own."""
    function.__name__ = function.__qualname__ = name
    function.__code__ = function.__code__.replace(co_name=name, co_qualname=name)
    function.__module__, function.__doc__ = PACKAGE, doc
    BY_LIBRARY_NAME[library or name] = getattr(function, "as_library", function)
    return function


def _one(input: Tensor) -> Tensor:
    raise NotImplementedError


@_of_signature(_one)
def unary(rule: Rule, floats: bool = True) -> Any:
    """A function of each element."""

    def of_floats(input: Tensor) -> Tensor:
        return apply(rule, as_float(input))

    def of_any(input: Tensor) -> Tensor:
        return apply(rule, input)

    return of_floats if floats else of_any


def _two(input: Tensor, other: Operand) -> Tensor:
    raise NotImplementedError


@_of_signature(_two)
def binary(rule: Rule, floats: bool = False) -> Any:
    """A function of two tensors, or a tensor and a number, that broadcast and take one dtype."""
    name = rule.__name__

    def of_any(input: Tensor, other: Operand) -> Tensor:
        return apply(rule, *pair(name, input, other))

    def of_floats(input: Tensor, other: Operand) -> Tensor:
        return apply(rule, *pair(name, as_float(input), other))

    return of_floats if floats else of_any


def operators(rule: Rule) -> tuple[Callable[[Tensor, Operand], Tensor], ...]:
    """The operator of a rule of two inputs, as `a + b` calls it, and reflected."""
    name = rule.__name__

    def call(input: Tensor, other: Operand) -> Tensor:
        return apply(rule, *pair(name, input, other))

    def reflected(input: Tensor, other: Operand) -> Tensor:
        return apply(rule, *pair(name, other, input))

    call.__name__, reflected.__name__ = f"__{name}__", f"__r{name}__"
    return call, reflected


def _reduced(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    raise NotImplementedError


@_of_signature(_reduced)
def reduction(rule: Rule, floats: bool = False, empty: bool = True) -> Any:
    """A function over a dimension, several, or all."""
    name = rule.__name__

    def reduced(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
        where = axes(name, input, dim) if empty else filled(name, input, dim)
        return apply(rule, as_float(input) if floats else input, axis=where, keepdims=keepdim)

    def as_library(x: Tensor, axis: Dim = None, keepdims: bool = False) -> Tensor:
        return reduced(x, axis, keepdims)

    reduced.as_library = as_library  # type: ignore[attr-defined]
    return reduced


def filled(name: str, x: TensorBase, dim: Dim) -> tuple[int, ...]:
    """The axes of a reduction that has no value for no elements.

    Raises:
        IndexError: a dimension has no elements.
        RuntimeError: there are no elements at all, and no dim is given.
    """
    where = axes(name, x, dim)
    if 0 in [x.shape[a] for a in where]:
        if dim is None and not name.startswith("arg"):
            raise RuntimeError(
                f"{name}: the reduction of no elements needs a dim (shape {x.shape})"
            )
        raise IndexError(f"{name}: expected reduction dim to have non-zero size (shape {x.shape})")
    return where


def _typed_as(
    signature: Callable[P, Tensor],
) -> Callable[[Callable[..., Any]], Callable[..., Callable[P, Tensor]]]:
    """Tell mypy that what a function makes has the signature of another."""
    return lambda make: make


@_typed_as(_one)
def plain_unary(library: str, doc: str, name: str = "") -> Any:
    """A function of each element that has no gradient, straight from the array library."""
    rule = plain(library, name)

    def call(input: Tensor) -> Tensor:
        with no_grad():
            return apply(rule, input)

    return named(rule.__name__, doc, call, library)


@_typed_as(_two)
def plain_binary(library: str, doc: str, name: str = "") -> Any:
    """A function of two operands that has no gradient, straight from the array library."""
    rule = plain(library, name)
    own = rule.__name__

    def call(input: Tensor, other: Operand) -> Tensor:
        with no_grad():
            return apply(rule, *pair(own, input, other))

    return named(own, doc, call, library)


def public(scope: dict[str, Any]) -> list[str]:
    """The functions of tensors that a file makes, for the package to take."""
    return [
        name
        for name, value in scope.items()
        if not name.startswith("_")
        and isinstance(value, FunctionType)
        and value.__module__ in (scope["__name__"], PACKAGE)
    ]
