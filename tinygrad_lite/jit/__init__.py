"""`torch.jit`: scripted functions run as the Python that they are; nothing can be traced or saved.

A function under `@jit.script` computes the same without the decorator, so it is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .. import absent
from ..nn import Module

__all__ = [
    "Final",
    "ScriptFunction",
    "ScriptModule",
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "is_scripting",
    "is_tracing",
    "load",
    "save",
    "optimize_for_inference",
    "script",
    "script_if_tracing",
    "script_method",
    "trace",
    "trace_module",
    "unused",
    "wait",
]

_WHY = "models are Python; save their state_dict, or write them with onnx.export"
load, save, trace, trace_module, ScriptFunction = (
    absent.stand_in(f"jit.{name}", _WHY)
    for name in ("load", "save", "trace", "trace_module", "ScriptFunction")
)


class ScriptModule(Module):
    """A module whose methods PyTorch compiles: here they run as the Python that they are."""


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """The function, class or module itself."""
    return obj


script_method = export = unused = script_if_tracing = freeze = optimize_for_inference = script
_script_if_tracing = _overload = _overload_method = script


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value itself."""
    return the_value


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What the function returns, at once."""
    return func(*args, **kwargs)


def wait(future: Any) -> Any:
    """What `fork` returned."""
    return future


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function itself, with or without parentheses behind the decorator."""
    return drop if callable(drop) else script


def is_scripting() -> bool:
    """No: it runs as Python."""
    return False


is_tracing = is_scripting
