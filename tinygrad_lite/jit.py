"""`torch.jit`: scripted functions run as the Python that they are; nothing can be traced or saved.

A function under `@jit.script` computes the same without the decorator, so it is kept as it is.
"""

from __future__ import annotations

from typing import Any

from . import absent

__all__ = [
    "Final",
    "ScriptFunction",
    "ScriptModule",
    "export",
    "ignore",
    "is_scripting",
    "is_tracing",
    "load",
    "save",
    "script",
    "script_method",
    "trace",
    "trace_module",
    "unused",
]

_WHY = "models are Python; save their state_dict, or write them with onnx.export"
load, save, trace, trace_module, ScriptModule, ScriptFunction = (
    absent.stand_in(f"jit.{name}", _WHY)
    for name in ("load", "save", "trace", "trace_module", "ScriptModule", "ScriptFunction")
)
Final = Any


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """The function, class or module itself."""
    return obj


script_method = export = unused = script


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function itself, with or without parentheses behind the decorator."""
    return drop if callable(drop) else script


def is_scripting() -> bool:
    """No: it runs as Python."""
    return False


is_tracing = is_scripting
