"""Calling a module with other parameters than its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...absent import explain as _explain
from ...tensor import Tensor
from ..module import Module

__all__ = ["functional_call"]

Tensors = Mapping[str, Tensor]


_NEW = object()  # what was there before a name that the module does not have


def functional_call(
    module: Module,
    parameters_and_buffers: Tensors | Sequence[Tensors],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """A module's output with some of its parameters and buffers replaced for this call.

    Args:
        module: what is called; afterwards it is as it was.
        parameters_and_buffers: tensors by dotted name, or several dicts of such.
        args: a tuple of arguments, or the only one.
        kwargs: arguments by name.
        tie_weights: a tensor that the module has under several names is replaced under all.
        strict: all parameters and buffers must be given, and no other names.

    Raises:
        ValueError: a name in two dicts, or different values for one tied tensor.
        RuntimeError: with strict, names that are missing or unknown.
        AttributeError: a name within a module that there is not.
    """
    several = parameters_and_buffers
    dicts = [several] if isinstance(several, Mapping) else list(several)
    given: dict[str, Tensor] = {}
    for one in dicts:
        if twice := [name for name in one if name in given]:
            raise ValueError(f"{twice[0]} appears in multiple dictionaries; behavior is ambiguous")
        given.update(one)
    own: dict[str, Tensor] = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    if strict:
        _check_complete(given, own)
    if tie_weights:
        given = _tied(given, own)
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for name, value in given.items():
            path, _, last = name.rpartition(".")
            owner = module.get_submodule(path)
            attributes = owner.__dict__  # a name that is new to it is an attribute for this call
            replaced.append((attributes, last, attributes.get(last, _NEW)))
            attributes[last] = value
        arguments = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*arguments, **(kwargs or {}))
    finally:
        for attributes, last, value in reversed(replaced):
            if value is _NEW:
                del attributes[last]
            else:
                attributes[last] = value


def _check_complete(given: Tensors, own: Tensors) -> None:
    """Refuse names that a module does not have, and that others of its names are not given."""
    unexpected, missing = [n for n in given if n not in own], [n for n in own if n not in given]
    if unexpected or missing:
        parts = [
            f"{what} key(s): {', '.join(map(repr, names))}."
            for what, names in (("Unexpected", unexpected), ("Missing", missing))
            if names
        ]
        raise RuntimeError(f"Error(s) in functional_call: {' '.join(parts)}")


def _tied(given: dict[str, Tensor], own: Tensors) -> dict[str, Tensor]:
    """The given values, also under the other names of tensors that a module has under several.

    Raises:
        ValueError: different values for one of them.
    """
    names: dict[int, list[str]] = {}
    for name, tensor in own.items():
        names.setdefault(id(tensor), []).append(name)
    found = dict(given)
    for same in names.values():
        values = {id(given[name]): given[name] for name in same if name in given}
        if len(values) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {same}, which are tied. Consider "
                "using tie_weights=False"
            )
        for value in values.values():
            found.update(dict.fromkeys(same, value))
    return found


_explain(__name__)
