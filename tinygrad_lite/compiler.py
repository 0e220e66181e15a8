"""`torch.compile` and `torch.compiler`: there is no compiler, so models run as they are.

Results and gradients are those that a compiled model would give, so a program that asks for one
goes on, and is told once. On a GPU `cuda.graph` captures a whole training step.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from .tensor.source_line import user_level

__all__ = ["compile", "disable", "is_compiling", "reset"]


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
