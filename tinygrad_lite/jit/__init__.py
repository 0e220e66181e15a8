"""`torch.jit`: scripted functions run as the Python that they are; nothing can be traced or saved.

A function under `@jit.script` computes the same without the decorator, so it is kept as it is.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Final

from .. import absent
from ..absent import explain as _explain
from ..nn import Module

__all__ = [
    "Final",
    "ScriptFunction",
    "ScriptModule",
    "TracerWarning",
    "annotate",
    "enable_onednn_fusion",
    "export",
    "fork",
    "freeze",
    "ignore",
    "interface",
    "isinstance",
    "is_scripting",
    "is_tracing",
    "load",
    "save",
    "set_fusion_strategy",
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


RecursiveScriptModule = TopLevelTracedModule = ScriptModule
"""PyTorch's classes of what it compiled, which programs ask `isinstance` of."""


class Error(RuntimeError):
    """What PyTorch raises in compiled code; programs name it to catch it."""


class TracerWarning(Warning):
    """What PyTorch warns of where it traces; programs name it to silence it."""


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
interface = script


def enable_onednn_fusion(enabled: bool) -> None:
    """Do nothing: nothing is compiled."""


def set_fusion_strategy(strategy: Any) -> None:
    """Do nothing: nothing is compiled."""


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether an object is of a type; of a container of types (`List[int]`), all in it as well."""
    import builtins
    import typing

    if builtins.isinstance(target_type, tuple):
        return any(isinstance(obj, each) for each in target_type)
    kind, of = typing.get_origin(target_type), typing.get_args(target_type)
    if kind in (typing.Union, types.UnionType):
        return any(isinstance(obj, each) for each in of)
    if kind is None:
        return builtins.isinstance(obj, target_type)
    if not builtins.isinstance(obj, kind):
        return False
    if kind is dict:
        return all(isinstance(k, of[0]) and isinstance(v, of[1]) for k, v in obj.items())
    if kind is tuple:
        return len(obj) == len(of) and all(map(isinstance, obj, of))
    return all(isinstance(each, of[0]) for each in obj)


_explain(__name__)
