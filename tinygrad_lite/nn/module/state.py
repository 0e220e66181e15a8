"""State dicts: a model's parameters and buffers by name, out and back in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...backend.dtypes import FLOATING
from ...tensor import Tensor, no_grad
from ..parameter import Parameter, Uninitialized
from .tree import Tree


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it found no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"_IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


class State(Tree):
    """Saving and loading of what a model has learnt."""

    def state_dict(
        self,
        *,
        destination: dict[str, Tensor] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Tensor]:
        """Parameters and persistent buffers by dotted name, as an OrderedDict.

        The tensors share the model's memory: copy them to keep them while training goes on.

        Args:
            destination: a dict to add to; default: a new OrderedDict.
            prefix: put before each key.
            keep_vars: give the parameters themselves instead of detached tensors.
        """
        found = OrderedDict() if destination is None else destination
        for key, tensor in self._entries():
            as_it_is = keep_vars or isinstance(tensor, Uninitialized)
            found[prefix + key] = tensor if as_it_is else tensor.detach()
        return found

    def _entries(self) -> Iterator[tuple[str, Tensor]]:
        # A module that is used twice is saved under both names, so that either can be loaded.
        for path, module in self.named_modules(remove_duplicate=False):
            start = f"{path}." if path else ""
            for members, unsaved in ((module._parameters, ()), (module._buffers, module._unsaved)):
                for name, tensor in members.items():
                    if tensor is not None and name not in unsaved:
                        yield start + name, tensor

    def _late_keys(self) -> set[str]:
        """Keys that state dicts written by older versions of PyTorch do not have."""
        modules = self.named_modules(remove_duplicate=False)
        return {f"{p}.{name}" if p else name for p, module in modules for name in module._late}

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the tensors of a state dict into the parameters and buffers of these names.

        The copy is in place: parameters stay the same objects, on their device, in their
        dtype and memory order. All is checked first; after an error nothing has changed.

        Args:
            state_dict: tensors by dotted name.
            strict: missing and unexpected keys are errors.
            assign: put the tensors themselves in place of the parameters and buffers, which keep
                only whether they require a gradient. Make optimizers after that.

        Returns:
            The missing and the unexpected keys. A batch norm's `num_batches_tracked` is not
            missed, as in PyTorch, whose older versions did not have it.

        Raises:
            RuntimeError: keys that differ (if strict); shapes that differ, values that are not
                tensors, or NaN or infinity for integers (always); one message lists them all.
            TypeError: state_dict is not a dict.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        own = dict(self._entries())
        missing = [key for key in own if key not in state_dict]
        if missing:
            late = self._late_keys()
            missing = [key for key in missing if key not in late]
        unexpected = [key for key in state_dict if key not in own]
        errors = []
        if strict and missing:
            errors.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
        if strict and unexpected:
            errors.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
        pairs = [(key, own[key], state_dict[key]) for key in own if key in state_dict]
        errors += [text for pair in pairs if (text := _mismatch(*pair))]
        if errors:
            raise RuntimeError(
                "\n\t".join([f"Error(s) in loading state_dict for {type(self).__name__}:", *errors])
            )
        if assign:
            for key, tensor, value in pairs:
                self._assign(key, tensor, value)
            return IncompatibleKeys(missing, unexpected)
        with no_grad():
            for _, tensor, value in pairs:
                if isinstance(tensor, Uninitialized):
                    if isinstance(value, Uninitialized):
                        continue
                    tensor.materialize(value.shape)
                tensor.copy_(value)
        return IncompatibleKeys(missing, unexpected)

    def _assign(self, key: str, old: Tensor, value: Tensor) -> None:
        """Put a tensor of a state dict in the place of an old one, as a parameter if it was."""
        if isinstance(old, Parameter):
            if not isinstance(value, Parameter):
                value = Parameter(value, old.requires_grad)
            else:
                value.requires_grad_(old.requires_grad)
        path, _, name = key.rpartition(".")
        setattr(self.get_submodule(path), name, value)


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)


def _mismatch(key: str, tensor: Tensor, value: Any) -> str | None:
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected a Tensor from checkpoint but '
            f"received {type(value)}"
        )
    if isinstance(tensor, Uninitialized):
        return None
    if isinstance(value, Uninitialized) or value.shape != tensor.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {tuple(value.shape)} from "
            "checkpoint, "
            f"the shape in current model is {tuple(tensor.shape)}."
        )
    if tensor.dtype.kind in "iu" and value.dtype.kind in FLOATING and not _finite(value):
        return f"{key} is {tensor.dtype}, but the value from checkpoint is not finite."
    return None


def _finite(value: Tensor) -> bool:
    return bool(value.isfinite().all())
