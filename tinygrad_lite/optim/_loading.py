"""What an optimizer's state dict must be before any of it is taken."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..backend.dtypes import DIFFERENTIABLE
from ..backend.states import LARGEST, entries, flag, integer, kind, number
from ..tensor import Tensor
from ..tensor.create import empty_like, tensor
from ..tensor.modes import default_dtype

__all__ = ["Form", "Names", "checked_groups", "checked_state", "new_step"]

Numbers = dict[int, Tensor]
Names = tuple[str, ...]  # of pieces of a parameter's state


def checked_groups(
    owner: str, saved: Any, groups: list[dict[str, Any]], defaults: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], Numbers]:
    """The loaded options of each group, checked and copied; the parameters by their numbers.

    A state names parameters by numbers, in the order of the groups.

    Args:
        owner: the optimizer's name.
        saved: the state's "param_groups".
        groups: the optimizer's, with its parameters.
        defaults: the options that it knows, and the kinds of their values.

    Raises:
        TypeError, KeyError, ValueError: another number of groups or of parameters, or an option
            of another kind or not finite.
    """
    if not isinstance(saved, list | tuple):
        raise TypeError(f"{owner}: param_groups must be a list, but is {kind(saved)}")
    if len(saved) != len(groups):
        raise ValueError(
            "loaded state dict has a different number of parameter groups: "
            f"{len(saved)}, but the optimizer has {len(groups)}"
        )
    found: list[dict[str, Any]] = []
    numbers: Numbers = {}
    for i, (old, group) in enumerate(zip(saved, groups, strict=True)):
        entries(f"{owner}: param_groups[{i}]", old, ["params"], optional=None)
        given, params = old["params"], group["params"]
        if not isinstance(given, list | tuple):
            raise TypeError(f"{owner}: param_groups[{i}]: params must be a list of numbers")
        if len(given) != len(params):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                f"optimizer's group {i}: {len(given)} parameters, but the optimizer has "
                f"{len(params)}"
            )
        for at, param in zip(given, params, strict=True):
            at = integer(owner, f"param_groups[{i}]['params']", at)
            if numbers.setdefault(at, param) is not param:
                raise ValueError(f"{owner}: the state has the number {at} for two parameters")
        options = {key: copy.deepcopy(value) for key, value in old.items() if key != "params"}
        for key in options.keys() & defaults.keys():
            _check_option(f"{owner}: param_groups[{i}]", key, options[key], defaults[key])
        if "initial_lr" in options:
            _check_option(f"{owner}: param_groups[{i}]", "initial_lr", options["initial_lr"], 0.0)
        own = {"param_names": group["param_names"]} if "param_names" in group else {}
        rest = {k: v for k, v in (dict(defaults) | own).items() if k not in options}
        found.append({**options, **rest, "params": params})  # in the state's order
    if len(numbers) != len({param for group in groups for param in group["params"]}):
        raise ValueError(f"{owner}: the state has two numbers for one parameter")
    return found, numbers


_CHOICES = frozenset({"foreach", "fused"})  # flags, or None for PyTorch to choose


def _check_option(owner: str, key: str, value: Any, default: Any) -> None:
    """Check that an option is what its default is: a flag, a number, or as many numbers.

    Raises:
        TypeError, ValueError: it is not.
    """
    if isinstance(value, Tensor) and value.numel() == 1:  # a rate may be one
        value = value.item()
    if key in _CHOICES:
        if value is not None:
            flag(owner, key, value)
        return
    if isinstance(default, bool):
        flag(owner, key, value)
    elif isinstance(default, int | float | Tensor):
        number(owner, key, value)
    elif isinstance(default, list | tuple):
        if not isinstance(value, list | tuple) or len(value) != len(default):
            raise TypeError(f"{owner}: {key} must be {len(default)} values, but is {kind(value)}")
        for part, own in zip(value, default, strict=True):
            _check_option(owner, key, part, own)


class Form(NamedTuple):
    """What an optimizer's state looks like.

    Attributes:
        names: for each parameter what there must be and what there may be; None for an optimizer
            that does not say.
        host: the names of numbers, which are kept on the host.
        shape: the shape of a piece of state of this name for this parameter.
    """

    names: Mapping[Tensor, tuple[Names, Names] | None]
    host: frozenset[str]
    shape: Callable[[str, Tensor], tuple[int, ...]]


def checked_state(owner: str, saved: Any, numbers: Numbers, form: Form) -> dict[Any, Any]:
    """Each parameter's loaded state, checked, and copied to its dtype, device and memory order.

    Args:
        owner: the optimizer's name.
        saved: the state's "state".
        numbers: the parameters by their numbers in it.
        form: what it must look like.

    Raises:
        TypeError, KeyError, ValueError: a parameter that is unknown, a name that is missing or
            unknown, a step count that is none, or a tensor of another shape than it should have.
    """
    if not isinstance(saved, Mapping):
        raise TypeError(f"{owner}: state must be a dict, but is {kind(saved)}")
    checked: dict[Any, tuple[Tensor, Mapping[str, Any]]] = {}
    for at, value in saved.items():
        if isinstance(at, int) and at not in numbers:
            raise ValueError(f"{owner}: the state has parameter {at}, which is in no group")
        if at in numbers:
            param = numbers[at]
            checked[at] = param, _checked(f"{owner}: state[{at}]", value, param, form)
    state: dict[Any, Any] = {}
    for at, value in saved.items():
        if at in checked:
            param, value = checked[at]
            state[param] = {key: _cast(param, key, item, form) for key, item in value.items()}
        else:  # a note of the user's, or the state of a tensor that is in no group
            state[at] = copy.deepcopy(value)
    return state


def _checked(owner: str, value: Any, param: Tensor, form: Form) -> Mapping[str, Any]:
    """One parameter's loaded state, not copied yet; {} if it has none and starts anew."""
    if isinstance(value, Mapping):  # PyTorch writes None for what is not there yet
        value = {key: item for key, item in value.items() if item is not None}
    if value == {}:
        return {}  # it starts anew
    names = form.names[param]
    required, optional = ((), None) if names is None else names
    entries(owner, value, required, optional)
    for key, item in value.items():
        if key in form.host:
            one = item.item() if isinstance(item, Tensor) and item.numel() == 1 else item
            if key != "step":
                number(owner, key, one)
            elif number(owner, key, one, 0, LARGEST) % 1:
                raise ValueError(f"{owner}: step must be a whole number, but is {one}")
        elif names is None and not isinstance(item, Tensor):
            continue
        elif not isinstance(item, Tensor) or item.dtype.kind not in DIFFERENTIABLE:
            what = item.dtype if isinstance(item, Tensor) else kind(item)
            raise TypeError(f"{owner}: {key} must be a floating-point tensor, but is {what}")
        elif names is not None and tuple(item.shape) != (shape := form.shape(key, param)):
            raise ValueError(
                f"{owner}: {key} has shape {tuple(item.shape)}, but must have {shape} for a "
                f"parameter of shape {tuple(param.shape)}"
            )
    return dict(value)


def _cast(param: Tensor, key: str, value: Any, form: Form) -> Any:
    """A copy of a piece of state, as it fits the parameter."""
    if key in form.host:
        return new_step(float(value))
    if not isinstance(value, Tensor):
        return copy.deepcopy(value)
    if value.shape != param.shape:
        return tensor(value, dtype=param.dtype, device=param.device)
    out = empty_like(param)
    out.array[...] = value.detach().to(param.dtype, device=param.device).array
    return out


def new_step(value: float = 0.0) -> Tensor:
    """A step count or another number, kept as PyTorch does: in host memory, a float64 where that is
    the default dtype, else a float32.
    """
    return tensor(value, dtype="float64" if default_dtype() == "float64" else "float32")
