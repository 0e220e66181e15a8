"""Weight and spectral normalisation under their older names, with the older state-dict keys.

The weight is computed by a hook before each call; `parametrizations` has the newer form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...tensor import Tensor, no_grad
from ..module import Module
from ..parameter import Parameter
from .parametrizations import _SpectralNorm, norm_but

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


class _Hook:
    """The hook that computes a weight before each call of its module.

    Args:
        name: the weight's.
        parts: the names of the parameters and buffers that it is computed from.
        compute: gives the weight of a module.
    """

    def __init__(self, name: str, parts: list[str], compute: Callable[[Any], Tensor]) -> None:
        self.name, self.parts, self.compute = name, parts, compute
        self.handle: Any = None

    def __call__(self, module: Any, args: Any) -> None:
        """Set the module's weight; what the module calls before `forward`."""
        object.__setattr__(module, self.name, self.compute(module))


class WeightNorm(_Hook):
    """That of `weight_norm`, for programs that look for it."""


class SpectralNorm(_Hook):
    """That of `spectral_norm`, for programs that look for it."""


def _once(module: Any, name: str) -> None:
    """Refuse a weight that a hook computes already, before anything is changed.

    Raises:
        RuntimeError: one does.
    """
    for other in module._forward_pre_hooks.values():
        if isinstance(other, _Hook) and other.name == name:
            raise RuntimeError(f"Cannot register two norm hooks on the same parameter {name}")


def _install(module: Any, hook: _Hook) -> Any:
    """Compute a weight now and before each call; returns the module."""
    hook(module, ())
    hook.handle = module.register_forward_pre_hook(hook)
    return module


def _remove(module: Any, name: str, what: str, kind: type[_Hook]) -> Any:
    """Make a computed weight a parameter again, with the value it has; returns the module.

    Args:
        module: has the weight.
        name: its name.
        what: what it is called in a message.
        kind: that of the hook.

    Raises:
        ValueError: no hook of this kind computes it.
    """
    for hook in list(module._forward_pre_hooks.values()):
        if isinstance(hook, kind) and hook.name == name:
            training, module.training = module.training, False  # where nothing iterates
            with no_grad():
                value = hook.compute(module).clone()
            module.training = training
            hook.handle.remove()
            for part in (name, *hook.parts):
                delattr(module, part)
            module.register_parameter(name, Parameter(value.detach()))
            return module
    raise ValueError(f"{what} of '{name}' not found in {module}")


class _OfLength:
    """Computes a module's w = g v / ‖v‖; no closure, so that it is copied with the module."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def __call__(self, module: Any) -> Tensor:
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        weight: Tensor = v * (g / norm_but(v, self.dim))
        return weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """`parametrizations.weight_norm` with parameters weight_g and weight_v; arguments as there.

    Raises:
        RuntimeError: the weight is computed by such a function already.
    """
    _once(module, name)
    weight: Any = getattr(module, name)
    delattr(module, name)
    module.register_parameter(name + "_g", Parameter(norm_but(weight.detach(), dim)))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    hook = WeightNorm(name, [name + "_g", name + "_v"], _OfLength(name, dim))
    return _install(module, hook)  # type: ignore[no-any-return]


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a parameter again.

    Raises:
        ValueError: it has no `weight_norm`.
    """
    return _remove(module, name, "weight_norm", WeightNorm)  # type: ignore[no-any-return]


class _OldSpectralNorm(_SpectralNorm):
    """The iteration of PyTorch's older function, which moves v before u."""

    _order = ("_v", "_u")
    _least = 1
    _no_such_dim = RuntimeError


class _OfNorm1:
    """Computes a module's W / σ; u and v of the iteration are the module's buffers."""

    def __init__(self, name: str, norm: _SpectralNorm) -> None:
        self.name, self.norm = name, norm

    def __call__(self, module: Any) -> Tensor:
        self.norm.training = module.training
        self.norm._u = getattr(module, self.name + "_u")
        self.norm._v = getattr(module, self.name + "_v")
        weight: Tensor = self.norm(getattr(module, self.name + "_orig"))
        return weight


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """`parametrizations.spectral_norm` with the parameter weight_orig; arguments as there.

    The vectors u and v of the iteration are the buffers weight_u and weight_v.

    Raises:
        ValueError: n_power_iterations is not positive.
        KeyError: no parameter of that name.
        RuntimeError: a dim that the weight does not have, or a weight that is computed already.
    """
    _once(module, name)
    if n_power_iterations <= 0:
        raise ValueError(
            "Expected n_power_iterations to be positive, but got "
            f"n_power_iterations={n_power_iterations}"
        )
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    weight: Any = module._parameters[name]
    norm = _OldSpectralNorm(weight, n_power_iterations, dim, eps)
    delattr(module, name)
    module.register_parameter(name + "_orig", weight)
    module.register_buffer(name + "_u", norm._u)
    module.register_buffer(name + "_v", norm._v)
    parts = [name + "_orig", name + "_u", name + "_v"]
    return _install(module, SpectralNorm(name, parts, _OfNorm1(name, norm)))  # type: ignore[no-any-return]


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a parameter again.

    Raises:
        ValueError: it has no `spectral_norm`.
    """
    return _remove(module, name, "spectral_norm", SpectralNorm)  # type: ignore[no-any-return]
