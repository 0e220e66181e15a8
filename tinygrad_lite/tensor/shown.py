"""What compositions are called in the graph.

PyTorch has one operation where some functions here take several, and a `grad_fn` prints that
operation's name. So the last node of such a function's result is given the name; it costs the other
functions nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..graph import Node
from .base import TensorBase

__all__ = ["NAMES", "called", "shown"]

T = TypeVar("T")
Named = str | Callable[[Any, tuple[Any, ...], dict[str, Any]], str]


def _pair(name: str) -> Named:
    """Of values beside their places; the largest of everything is a rule with its own name."""
    return lambda made, args, words: name if isinstance(made, tuple) else ""


def _squeeze(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    """Of all dimensions; of one it is the last step of much else, see `grad_names`."""
    return "" if len(args) > 1 or words else "Squeeze"


def _split(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    size = args[1] if len(args) > 1 else next(iter(words.values()))
    return "Split" if isinstance(size, int) else "SplitWithSizes"


def _prod(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    return f"ProdBackward{int(len(args) > 1 or 'dim' in words)}"


def _lerp(made: Any, args: tuple[Any, ...], words: dict[str, Any]) -> str:
    weight = words.get("weight", args[-1])
    return f"LerpBackward{int(isinstance(weight, TensorBase))}"


_UNLIKE: dict[str, Named] = {
    "chunk": "Split",
    "copy_": "CopyBackwards",
    "cross": "LinalgCross",
    "lerp": _lerp,
    "max": _pair("Max"),
    "min": _pair("Min"),
    "moveaxis": "Permute",
    "movedim": "Permute",
    "norm": "LinalgVectorNorm",
    "prod": _prod,
    "split": _split,
    "squeeze": _squeeze,
    "tile": "Repeat",
    "zero_": "Zero",
}
"""The operations of PyTorch's that functions of other names are, or what says which."""

NAMES = (
    frozenset(
        """addcdiv addcmul addmm aminmax baddbmm bmm cdist cummax cummin dist index_add
    index_put index_select kthvalue logcumsumexp masked_scatter masked_select median mode
    nanmedian nansum permute put reciprocal renorm repeat roll rsqrt scatter_add sort t take
    topk trace tril triu unbind""".split()
    )
    | _UNLIKE.keys()
)
"""The functions and methods whose results are given a name."""


def called(made: T, name: str) -> T:
    """Give the node of a tensor, if it has one, the name of an operation of PyTorch's."""
    node = made._node  # type: ignore[attr-defined]
    if node is not None and isinstance(node, Node):
        node.called = name
    return made


def shown(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `NAMES` whose results have nodes of that name."""
    kind = _UNLIKE.get(name)

    def call(*args: Any, **kwargs: Any) -> Any:
        first = args[0] if args else None
        before = first._node if isinstance(first, TensorBase) else None
        made = function(*args, **kwargs)
        parts = made if isinstance(made, tuple) else (made,)
        if parts and parts[0]._node is not None and parts[0]._node is not before:
            label = kind(made, args, kwargs) if callable(kind) else kind
            label = name.title().replace("_", "") if label is None else label
            for part in parts if label else ():
                called(part, label)
        return made

    call.__module__, call.__name__ = function.__module__, function.__name__
    call.__qualname__, call.__doc__ = function.__qualname__, function.__doc__
    call.__annotations__, call.__wrapped__ = function.__annotations__, function  # type: ignore[attr-defined]
    return call
