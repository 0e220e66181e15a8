"""`torch.compile` and `torch.compiler`: there is no compiler, so models run as they are.

Results and gradients are those that a compiled model would give, so a program that asks for one
goes on, and is told once. On a GPU `cuda.graph` captures a whole training step.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from .absent import explain as _explain
from .absent import stand_in
from .tensor.modes import Nothing
from .tensor.source_line import user_level

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cond",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
    "set_stance",
]

# What a compiler's sizes and numbers are, in programs that look whether they are given one: no
# value is.
SymInt, SymFloat, SymBool = (
    stand_in(name, "there is no compiler: sizes and numbers are Python's")
    for name in ("SymInt", "SymFloat", "SymBool")
)


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
    name: str | None = None,
) -> Any:
    """The model or function itself, with a warning that it is not compiled.

    Args:
        model: what to compile; without it, a decorator.
        fullgraph, dynamic, backend, mode, options, name: without effect.
        disable: do not warn.
    """
    if not disable:
        warnings.warn(
            "torch.compile: there is no compiler in tinygrad_lite, the model runs as it is; on a "
            "GPU see tinygrad_lite.cuda.graph",
            stacklevel=user_level(),
        )
    return _same if model is None else model


def _same(model: Any) -> Any:
    return model


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, **_: Any) -> Any:
    """The function itself, or a decorator: nothing is compiled."""
    return _same if fn is None else fn


def is_compiling() -> bool:
    """False: nothing is compiled."""
    return False


def reset() -> None:
    """Do nothing: nothing was compiled."""


is_dynamo_compiling = is_exporting = is_compiling


def allow_in_graph(fn: Any) -> Any:
    """The function itself."""
    return fn


assume_constant_result = allow_in_graph


def cudagraph_mark_step_begin() -> None:
    """Do nothing; `cuda.graph` is told what a step is."""


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """None."""
    return []


class set_stance(Nothing):
    """A setting, or a block, of how to compile: without effect.

    Args:
        stance, skip_guard_eval_unsafe, force_backend: accepted for PyTorch's sake.
    """

    def __init__(
        self,
        stance: str = "default",
        *,
        skip_guard_eval_unsafe: bool = False,
        force_backend: Any = None,
    ) -> None:
        self.stance = stance


def cond(
    pred: Any,
    true_fn: Callable[..., Any],
    false_fn: Callable[..., Any],
    operands: Sequence[Any] = (),
) -> Any:
    """What one of two functions returns for the operands, as `torch.cond`.

    Args:
        pred: which: a bool, or a tensor of one element.
        true_fn, false_fn: the functions.
        operands: their arguments.
    """
    return (true_fn if pred else false_fn)(*operands)


_explain(__name__)
