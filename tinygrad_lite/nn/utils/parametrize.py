"""Parametrisations: a parameter that is computed from others each time it is read.

`register_parametrization(module, "weight", p)` moves the parameter to
`module.parametrizations.weight.original` and makes `module.weight` a property whose value is
`p(original)`. If p takes several tensors, its `right_inverse` says which ones give a value: they
are kept as original0, original1 and so on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ...absent import explain as _explain
from ...tensor import Tensor, no_grad
from ..container import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache: dict[tuple[int, str], Tensor] | None = None  # by module and name, inside of `cached`


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """A `with` block in which a parametrised tensor is computed only when it is first read."""
    global _cache
    before, _cache = _cache, {} if _cache is None else _cache
    try:
        yield
    finally:
        _cache = before


def _checked(found: Any, like: Tensor, who: str) -> None:
    """Refuse what is no tensor of the shape and dtype of another.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(found, Tensor):
        raise ValueError(f"{who} must return a tensor. Got {type(found).__name__}.")
    if found.shape != like.shape or found.dtype != like.dtype:
        raise ValueError(
            f"{who} may not change the shape or dtype of the tensor, unless the `unsafe` flag is "
            f"enabled, but they are {like.shape} and {like.dtype}, then {found.shape} and "
            f"{found.dtype}"
        )


def _put(original: Tensor, value: Any) -> None:
    """Give an original another tensor's memory, whose shape may be another, as PyTorch does.

    Raises:
        ValueError: no tensor, or one of another dtype.
    """
    if not isinstance(value, Tensor):
        raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
    if value.dtype != original.dtype:
        raise ValueError(
            f"The tensor returned by `right_inverse` has dtype {value.dtype} while `original` has "
            f"dtype {original.dtype}"
        )
    original.data = value.detach()


class ParametrizationList(ModuleList):
    """The parametrisations of one tensor, applied one after another.

    Args:
        modules: the parametrisations, the first one first.
        original: the tensor as it was.
        unsafe: don't check that they keep the tensor's shape and dtype.

    Attributes:
        original: what the first is applied to; or original0, original1, … if it takes several.

    Raises:
        ValueError: no parametrisations, originals that are no tensors, or the shape or dtype
            would change.
    """

    def __init__(self, modules: list[Any], original: Tensor, unsafe: bool = False) -> None:
        if not len(modules):
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        before = original.detach()
        new: Any = original
        with no_grad():
            for module in reversed(self._of_kind("module")):
                # One that is not implemented is as if there were none: the value stays.
                with contextlib.suppress(NotImplementedError):
                    new = module.right_inverse(new) if hasattr(module, "right_inverse") else new
        self.is_tensor = isinstance(new, Tensor)
        if not self.is_tensor and not (
            isinstance(new, Sequence) and all(isinstance(part, Tensor) for part in new)
        ):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {new!r:.80}"
            )
        trained = isinstance(original, Parameter)
        if self.is_tensor:  # stays the object that an optimizer may have been given already
            if new.dtype != original.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            if new is not original:
                original.data = new.detach()
            parts = {"original": original}
        else:
            parts = dict(_numbered(new))
        self.ntensors = len(parts)
        for name, tensor in parts.items():
            held: Any = tensor
            if not self.is_tensor:
                held = tensor.detach()
                held = Parameter(held, original.requires_grad) if trained else held
            if trained:
                self.register_parameter(name, held)
            else:
                self.register_buffer(name, held)
        if unsafe:
            return
        try:
            with no_grad():
                _checked(self(), before, "A parametrization")
        except ValueError:
            original.data = before
            raise

    def __len__(self) -> int:
        return len(self._of_kind("module"))

    def _originals(self) -> list[Tensor]:
        """What the first parametrisation is applied to."""
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrised tensor has a value.

        Raises:
            RuntimeError: a parametrisation has no right_inverse.
            ValueError: it gives something else than tensors of the originals' dtype.
        """
        new: Any = value
        with no_grad():
            for module in reversed(self._of_kind("module")):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                new = module.right_inverse(new)
            parts = [new] if self.is_tensor else list(new)
            for original, part in zip(self._originals(), parts, strict=True):
                _put(original, part)

    def forward(self) -> Tensor:
        """The parametrised tensor."""
        first, *others = self._of_kind("module")
        x: Tensor = first(*self._originals())
        for module in others:
            x = module(x)
        return x


def _numbered(tensors: Any) -> Iterator[tuple[str, Tensor]]:
    """Tensors with the names original0, original1, …."""
    return ((f"original{i}", tensor) for i, tensor in enumerate(tensors))


def _property(name: str) -> property:
    """The attribute that a parametrised tensor becomes: read, it is computed; set, inverted."""

    def read(self: Any) -> Tensor:
        if _cache is None:
            return self.parametrizations[name]()  # type: ignore[no-any-return]
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    def write(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Compute a parameter or buffer from another one from now on.

    The module's class becomes one of its own, `ParametrizedLinear` for a Linear. A second
    parametrisation of the same tensor is applied to what the first gives.

    Args:
        module: has the tensor.
        tensor_name: its name.
        parametrization: a module that computes the tensor from the original; or from several
            tensors, those that its `right_inverse` returns for a value.
        unsafe: don't check that it keeps the tensor's shape and dtype.

    Returns:
        The module.

    Raises:
        ValueError: no such parameter or buffer, or the shape or dtype would change.
    """
    if isinstance(parametrization, Module):
        parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        found: Any = module.parametrizations[tensor_name]
        if not unsafe:
            _check_another(getattr(module, tensor_name), parametrization)
        found.append(parametrization)
        found.unsafe |= unsafe
        return module
    kind = module._kinds.get(tensor_name)
    if kind not in ("parameter", "buffer") or getattr(module, tensor_name) is None:
        raise ValueError(
            f"Module '{type(module).__name__}' does not have a parameter, a buffer, or a "
            f"parametrized element with name '{tensor_name}'"
        )
    made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        own = type(module)
        module.__class__ = type(f"Parametrized{own.__name__}", (own,), {"_unparametrized": own})
        module.parametrizations = ModuleDict()
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations[tensor_name] = made
    return module


@no_grad()
def _check_another(value: Tensor, parametrization: Any) -> None:
    """That a parametrisation behind others, and its inverse, keep shape and dtype.

    Raises:
        ValueError: they do not.
    """
    made = parametrization(value)
    _checked(made, value, "A parametrization")
    if hasattr(parametrization, "right_inverse"):
        with contextlib.suppress(NotImplementedError):
            _checked(parametrization.right_inverse(made), value, "parametrization.right_inverse")


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has a parametrised tensor, or one of this name."""
    found = module.__dict__.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def type_before_parametrizations(module: Module) -> type:
    """The class that a module was of before its tensors were parametrised."""
    kind = type(module)
    return vars(kind)["_unparametrized"] if is_parametrized(module) else kind


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give a module the parametrisations of another, and the tensors that those are applied to.

    Args:
        from_module: has them, and keeps them.
        to_module: gets them, behind its own.
        tensor_name: of which tensor; default: of all.

    Returns:
        to_module.
    """
    if not is_parametrized(from_module):
        return to_module
    for name in [*from_module.parametrizations] if tensor_name is None else [tensor_name]:
        found = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        for parametrization in found:
            register_parametrization(to_module, name, parametrization)
        made = to_module.parametrizations[name]
        for key in [key for key in dir(found) if key.startswith("original")]:
            setattr(made, key, getattr(found, key))
    return to_module


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make a parametrised tensor an ordinary one again.

    Args:
        module: has the tensor.
        tensor_name: its name.
        leave_parametrized: keep the value that it has now; otherwise the original is back.

    Returns:
        The module.

    Raises:
        ValueError: it is not parametrised, or there are several originals to go back to.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(
            f"Module {type(module).__name__} does not have a parametrization on {tensor_name}"
        )
    found = module.parametrizations[tensor_name]
    if not leave_parametrized and not found.is_tensor:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    value = first = found._originals()[0]
    trained = isinstance(first, Parameter)
    if leave_parametrized:
        with no_grad():
            now = found().clone()
        if found.is_tensor:  # an optimizer may have the original
            first.data = now
        else:
            value = Parameter(now, first.requires_grad) if trained else now
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if trained:
        module.register_parameter(tensor_name, value)
    else:
        module.register_buffer(tensor_name, value)
    if not len(module.parametrizations):
        delattr(module, "parametrizations")
        module.__class__ = vars(type(module))["_unparametrized"]
    return module


_explain(__name__)
