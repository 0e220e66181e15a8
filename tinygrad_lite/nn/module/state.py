"""State dicts: a model's parameters and buffers by name, out and back in."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from ...backend.dtypes import FLOATING
from ...tensor import Tensor, no_grad
from ..parameter import Parameter, Uninitialized
from .hooks import Hook, Hooks, RemovableHandle, add
from .tree import Tree

EXTRA = "_extra_state"  # the key of what `get_extra_state` returns

Take = Callable[[], Any]  # copies one entry of a state into a module, once all are checked


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` returns: keys that it missed, and keys that it has no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"_IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


class Loading(OrderedDict[str, Any]):
    """The part of a state dict that one module loads.

    Args:
        items: its keys and values.
        takes: what will copy them; the modules of a model share one list.
    """

    def __init__(self, items: Any, takes: list[Take]) -> None:
        super().__init__(items)
        self.takes = takes


class State(Tree):
    """Saving and loading of what a model has learnt."""

    _version: int | None = 1
    _save_hooks: Mapping[str, Hooks] = MappingProxyType({})  # by when they run: "before saving", …

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Parameters and persistent buffers by dotted name, as an OrderedDict.

        The tensors share the model's memory: copy them to keep them while training goes on.

        Args:
            args: the following arguments in their order, as PyTorch took them once.
            destination: a dict to add to; default: a new OrderedDict.
            prefix: put before each key.
            keep_vars: give the parameters themselves instead of detached tensors.

        Example:
            >>> list(nn.BatchNorm1d(4).state_dict())
            ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
        """
        given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
        destination = given.get("destination") if destination is None else destination
        prefix, keep_vars = given.get("prefix", prefix), given.get("keep_vars", keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook, _ in self._hooks_of("before saving"):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:  # one that is used twice is saved under both names
                inner = f"{prefix}{name}."
                module.state_dict(destination=destination, prefix=inner, keep_vars=keep_vars)
        for hook, returns in self._hooks_of("after saving"):
            changed = hook(self, destination, prefix, metadata)
            if changed is not None and not returns:
                raise RuntimeError("state_dict post-hook must return None")
            destination = destination if changed is None else changed
        found: dict[str, Tensor] = destination
        return found

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put this module's own tensors, and its extra state, into a dict.

        Subclasses may override it, as in PyTorch.
        """
        for name, tensor in self._own_entries():
            as_it_is = keep_vars or isinstance(tensor, Uninitialized)
            destination[prefix + name] = tensor if as_it_is else tensor.detach()
        if type(self).get_extra_state is not State.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def _own_entries(self) -> Iterator[tuple[str, Tensor]]:
        """This module's own parameters and persistent buffers, by name; None is left out."""
        for members, unsaved in ((self._parameters, ()), (self._buffers, self._unsaved)):
            for name, tensor in members.items():
                if tensor is not None and name not in unsaved:
                    yield name, tensor

    def get_extra_state(self) -> Any:
        """What else belongs to a module's state, such as a counter; it goes into the state dict.

        A subclass that has such a state defines this and `set_extra_state`.

        Raises:
            RuntimeError: it did not.
        """
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called."
        )

    def set_extra_state(self, state: Any) -> None:
        """Take what `get_extra_state` returned when the state was saved.

        Raises:
            RuntimeError: the subclass did not define it.
        """
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called."
        )

    def _hooks_of(self, when: str) -> list[tuple[Hook, bool]]:
        """The hooks of state dicts that run at some time, and the flag that each came with."""
        hooks = self._save_hooks.get(when, Hooks())
        return [(hook, number in hooks.with_kwargs) for number, hook in hooks.items()]

    def _hook(self, when: str, hook: Hook, flag: bool = False) -> RemovableHandle:
        """Add a hook of state dicts."""
        return add(self._listed(when), hook, False, flag)

    def _listed(self, when: str) -> Hooks:
        """The hooks of state dicts that run at some time, to be changed."""
        if "_save_hooks" not in self.__dict__:
            object.__setattr__(self, "_save_hooks", {})
        known: Any = self._save_hooks
        found: Hooks = known.setdefault(when, Hooks())
        return found

    # PyTorch's names, which programs read.
    _state_dict_pre_hooks = property(lambda self: self._listed("before saving"))
    _state_dict_hooks = property(lambda self: self._listed("after saving"))
    _load_state_dict_pre_hooks = property(lambda self: self._listed("before loading"))
    _load_state_dict_post_hooks = property(lambda self: self._listed("after loading"))

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before this module's state is taken."""
        return self._hook("before saving", hook)

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call a hook after this module's state is taken.

        It is called with (module, state_dict, prefix, local_metadata); it may change the dict, and
        must return None.
        """
        return self._hook("after saving", hook)

    def _register_state_dict_hook(self, hook: Hook) -> RemovableHandle:
        """The same, for a hook that may return another dict, which takes the place of the one."""
        return self._hook("after saving", hook, True)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call a hook before this module's part of a state dict is looked at.

        Args:
            hook: called with (module, state_dict, prefix, local_metadata, strict, missing_keys,
                unexpected_keys, error_msgs); it may change the dict, a copy, and the lists.
        """
        return self._hook("before loading", hook, True)

    def _register_load_state_dict_pre_hook(
        self, hook: Hook, with_module: bool = False
    ) -> RemovableHandle:
        """The same, for a hook that is not given the module unless `with_module`."""
        return self._hook("before loading", hook, with_module)

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` when this module's part of a state is checked.

        The hook may change both lists, which decide whether there is an error. Unlike in PyTorch
        tensors are copied after it, and only if there is no error.
        """
        return self._hook("after loading", hook)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the tensors of a state dict into the parameters and buffers of these names.

        The copy is in place: parameters stay the same objects, on their device, in their dtype
        and memory order. All is checked before anything is copied: after an error nothing has
        changed.

        Args:
            state_dict: tensors by dotted name.
            strict: missing and unexpected keys are errors.
            assign: put the tensors themselves in the place of parameters and buffers, of which
                only whether they require a gradient is kept. Make optimizers after that.

        Returns:
            The missing and the unexpected keys. A batch norm's `num_batches_tracked` counts as
            missing only in a state that tells its version: PyTorch did not save it once.

        Raises:
            RuntimeError: keys that differ (if strict); shapes that differ, values that are not
                tensors, or NaN or infinity for integers (always); one message lists them all.
            TypeError: state_dict is not a dict.

        Example:
            >>> model, twin = nn.Linear(3, 2), nn.Linear(3, 2)
            >>> twin.load_state_dict(model.state_dict())
            <All keys matched successfully>
            >>> torch.equal(twin.weight, model.weight)
            True
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        keys = IncompatibleKeys([], [])
        errors: list[str] = []
        takes: list[Take] = []
        metadata = getattr(state_dict, "_metadata", None) or {}
        given: Mapping[Any, Any] = state_dict
        keys.unexpected_keys.extend(key for key in given if not isinstance(key, str))
        named = {key: value for key, value in given.items() if isinstance(key, str)}
        self._load(Loading(named, takes), "", metadata, assign, keys, errors)
        if strict and keys.unexpected_keys:
            quoted = _quoted(keys.unexpected_keys)
            errors.insert(0, f"Unexpected key(s) in state_dict: {quoted}. ")
        if strict and keys.missing_keys:
            errors.insert(0, f"Missing key(s) in state_dict: {_quoted(keys.missing_keys)}. ")
        if errors:
            raise RuntimeError(
                "\n\t".join([f"Error(s) in loading state_dict for {type(self).__name__}:", *errors])
            )
        for take in takes:
            take()
        return keys

    def _load(
        self,
        state: Loading,
        prefix: str,
        metadata: Mapping[str, Any],
        assign: bool,
        keys: IncompatibleKeys,
        errors: list[str],
    ) -> None:
        """Check this module's part of a state, and then its children's.

        Args:
            state: the part, whose keys still begin with `prefix`.
            prefix: of this module's keys, with a dot at the end.
            metadata: what the state says of each module, by its path.
            assign: see `load_state_dict`.
            keys: where missing and unexpected keys are noted.
            errors: where other complaints are noted.
        """
        local = dict(metadata.get(prefix[:-1], {}))
        if assign:
            local["assign_to_params_buffers"] = True
        self._load_from_state_dict(state, prefix, local, True, *keys, errors)
        for name, module in self._modules.items():
            if module is not None:
                inner = f"{prefix}{name}."
                part = ((k, v) for k, v in state.items() if k.startswith(inner))
                module._load(Loading(part, state.takes), inner, metadata, assign, keys, errors)
        for hook, _ in self._hooks_of("after loading"):
            if hook(self, keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected "
                    "to return new values, if incompatible_keys need to be modified, it should be "
                    "done inplace."
                )

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Check this module's own entries of a state, and note what will copy them.

        Subclasses may override it, as in PyTorch; they may call it with a dict of their own, which
        is then copied at once.

        Args:
            state_dict: the entries, whose keys begin with `prefix`; those of children too.
            prefix: of this module's keys.
            local_metadata: what the state says of this module; the key "assign_to_params_buffers"
                says that tensors take the place of the module's.
            strict: note missing and unexpected keys.
            missing_keys, unexpected_keys, error_msgs: where complaints are noted.
        """
        lists = missing_keys, unexpected_keys, error_msgs
        for hook, with_module in self._hooks_of("before loading"):
            first = (self,) if with_module else ()
            hook(*first, state_dict, prefix, local_metadata, strict, *lists)
        takes: list[Take] = getattr(state_dict, "takes", [])
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = dict(self._own_entries())
        old = (local_metadata.get("version") or 0) < (self._version or 0)
        for name, tensor in own.items():
            key = prefix + name
            if key not in state_dict:
                if strict and not (old and name in self._late):
                    missing_keys.append(key)
            elif text := _mismatch(key, tensor, value := _as_number(tensor, state_dict[key])):
                error_msgs.append(text)
            elif not assign and _on_meta(value) and not _on_meta(tensor):
                error_msgs.append(f"{key} can't be copied out of a meta tensor, which has no data.")
            else:
                if not assign and _on_meta(tensor) and not _on_meta(value):
                    warnings.warn(
                        f"for {key}: copying from a non-meta parameter in the checkpoint to a meta "
                        "parameter in the current model, which is a no-op. (Did you mean to pass "
                        "`assign=True`?)",
                        stacklevel=4,
                    )
                takes.append(partial(self._take, name, tensor, value, assign))
        extra = prefix + EXTRA
        if type(self).set_extra_state is not State.set_extra_state:
            if extra in state_dict:
                takes.append(partial(self.set_extra_state, state_dict[extra]))
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        for key in state_dict if strict else ():
            if key.startswith(prefix) and key != extra:
                name, *inner = key[len(prefix) :].split(".", 1)
                if name not in (self._modules if inner else own):
                    unexpected_keys.append(key)
        if not hasattr(state_dict, "takes"):  # a subclass handed on a dict of its own
            for take in takes:
                take()

    def _take(self, name: str, tensor: Tensor, value: Tensor, assign: bool) -> None:
        """Copy a checked value into a parameter or buffer, or put it in its place (`assign`)."""
        if assign:
            if isinstance(value, Parameter):
                value.requires_grad_(tensor.requires_grad)
            elif isinstance(tensor, Parameter):
                value = Parameter(value.detach(), tensor.requires_grad)
            setattr(self, name, value)
            return
        with no_grad():
            if isinstance(tensor, Uninitialized):
                if isinstance(value, Uninitialized):
                    return
                tensor.materialize(value.shape)
            tensor.copy_(value)


def _quoted(keys: list[str]) -> str:
    """Keys as PyTorch lists them in its message."""
    return ", ".join(f'"{key}"' for key in keys)


def _as_number(tensor: Tensor, value: Any) -> Any:
    """A value of one element for a tensor of no dimensions, from when there were none such."""
    old = isinstance(value, Tensor) and not isinstance(tensor, Uninitialized)
    return value[0] if old and tensor.ndim == 0 and value.shape == (1,) else value


def _mismatch(key: str, tensor: Tensor, value: Any) -> str | None:
    """Why a value can't be copied into a tensor, in a sentence; None if it can."""
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected a Tensor from checkpoint but '
            f"received {type(value)}"
        )
    if isinstance(tensor, Uninitialized):
        return None
    if isinstance(value, Uninitialized) or value.shape != tensor.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from "
            "checkpoint, "
            f"the shape in current model is {tensor.shape}."
        )
    if tensor.dtype.kind in "iu" and value.dtype.kind in FLOATING and not _finite(value):
        return f"{key} is {tensor.dtype}, but the value from checkpoint is not finite."
    return None


def _on_meta(tensor: Tensor) -> bool:
    """Whether a parameter or buffer is known to have no memory, and no lazy layer's."""
    return not isinstance(tensor, Uninitialized) and tensor.device.type == "meta"


def _finite(value: Tensor) -> bool:
    """Whether a tensor has neither NaN nor infinity."""
    return bool(value.isfinite().all())
