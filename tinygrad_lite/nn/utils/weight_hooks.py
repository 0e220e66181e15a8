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
    """Computes `module.name` before each call.

    Args:
        name: the weight's.
        compute: the weight of a module.
        parts: the parameters and buffers of the module that take its place.
    """

    def __init__(self, name: str, parts: list[str], compute: Callable[[Any], Tensor]) -> None:
        self.name, self.parts, self.compute = name, parts, compute
        self.handle: Any = None

    def __call__(self, module: Any, args: Any) -> None:
        """Called by the module."""
        object.__setattr__(module, self.name, self.compute(module))


def _install(module: Any, hook: _Hook) -> Any:
    for other, *_ in module._forward_pre_hooks.values():
        if isinstance(other, _Hook) and other.name == hook.name:
            raise RuntimeError(f"Cannot register two norm hooks on the same parameter {hook.name}")
    hook(module, ())
    hook.handle = module.register_forward_pre_hook(hook)
    return module


def _remove(module: Any, name: str, kind: str, first: str) -> Any:
    for hook, *_ in list(module._forward_pre_hooks.values()):
        if isinstance(hook, _Hook) and hook.name == name and hook.parts[0] == name + first:
            with no_grad():
                value = hook.compute(module).clone()
            hook.handle.remove()
            for part in (name, *hook.parts):
                delattr(module, part)
            module.register_parameter(name, Parameter(value.detach()))
            return module
    raise ValueError(f"{kind} of '{name}' not found in {module}")


class _Length:
    """w = g v / ‖v‖ of a module; a class, so that copies of the module are whole."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def __call__(self, module: Any) -> Tensor:
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        weight: Tensor = v * (g / norm_but(v, self.dim))
        return weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """As `parametrizations.weight_norm`; the parameters are weight_g and weight_v."""
    weight: Any = getattr(module, name)
    delattr(module, name)
    module.register_parameter(name + "_g", Parameter(norm_but(weight.detach(), dim)))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    hook = _Hook(name, [name + "_g", name + "_v"], _Length(name, dim))
    return _install(module, hook)  # type: ignore[no-any-return]


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a parameter again.

    Raises:
        ValueError: it has no `weight_norm`.
    """
    return _remove(module, name, "weight_norm", "_g")  # type: ignore[no-any-return]


class _OldSpectralNorm(_SpectralNorm):
    """v is updated before u, as PyTorch's older function does."""

    _order = ("_v", "_u")


class _Spectral:
    """W / σ of a module, whose buffers are the iteration's vectors."""

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
    """As `parametrizations.spectral_norm`; weight_orig is the parameter, weight_u and _v buffers.

    Raises:
        ValueError: n_power_iterations is not positive.
    """
    if n_power_iterations <= 0:
        raise ValueError(
            f"Expected n_power_iterations to be positive, but got {n_power_iterations}"
        )
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    weight: Any = getattr(module, name)
    norm = _OldSpectralNorm(weight, n_power_iterations, dim, eps)
    delattr(module, name)
    module.register_parameter(name + "_orig", weight)
    module.register_buffer(name + "_u", norm._u)
    module.register_buffer(name + "_v", norm._v)
    parts = [name + "_orig", name + "_u", name + "_v"]
    return _install(module, _Hook(name, parts, _Spectral(name, norm)))  # type: ignore[no-any-return]


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a parameter again.

    Raises:
        ValueError: it has no `spectral_norm`.
    """
    return _remove(module, name, "spectral_norm", "_orig")  # type: ignore[no-any-return]
