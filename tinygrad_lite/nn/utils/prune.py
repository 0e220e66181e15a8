"""Pruning: parameters times masks of 0 and 1, as `torch.nn.utils.prune`.

A pruned parameter `weight` becomes the parameter `weight_orig` and the buffer `weight_mask`, and
`weight` is their product, which a hook makes anew before each call of the module. Pruning it again
takes away some of what is left. An amount is a number of elements (or channels) if it is an int,
and their share if it is a float.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...absent import explain as _explain
from ...tensor import Tensor
from ...tensor.create import ones_like
from ..module import Module
from .convert_parameters import parameters_to_vector
from .pruning_methods import (
    Amount,
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
    hooks_of,
)

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured",
    "PruningContainer", "RandomStructured", "RandomUnstructured", "custom_from_mask",
    "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
    "random_structured", "random_unstructured", "remove",
]  # fmt: skip


def identity(module: Module, name: str) -> Module:
    """Prune nothing, but give a parameter a mask of ones, like pruned ones; returns the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: Amount) -> Module:
    """Prune elements at random.

    Args:
        module: has the parameter; it is returned.
        name: the parameter's.
        amount: how many, an int, or which share of those that are left, a float.

    Raises:
        TypeError, ValueError: the amount is neither, or out of range.
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: Amount, importance_scores: Tensor | None = None
) -> Module:
    """Prune the elements of the smallest magnitude.

    Args:
        module, name, amount: as `random_unstructured`; errors too.
        importance_scores: what is compared in place of the elements, of the parameter's shape.
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: Amount, dim: int) -> Module:
    """Prune channels at random.

    Args:
        module, name, amount: as `random_unstructured`, with channels for elements; errors too.
        dim: the dimension along which channels are counted.
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: Amount,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prune the channels of the smallest n-norm.

    Args:
        module, name, amount, dim: as `random_structured`; errors too.
        n: the order of the norm.
        importance_scores: what norms are taken of in place of the elements.
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune where a mask, of the parameter's shape, is 0. Returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one: the lowest scores of all of them go.

    Args:
        parameters: pairs of a module and a parameter's name.
        pruning_method: the class of an unstructured method.
        importance_scores: what the choice is made by in place of the elements, for some pairs.
        kwargs: those of the method, such as `amount`.

    Raises:
        TypeError: a method that is not unstructured.
    """
    several, scores = list(parameters), importance_scores or {}
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    tensors = [getattr(module, name).detach() for module, name in several]
    judged = [scores.get(key, t).detach() for key, t in zip(several, tensors, strict=True)]
    kept = [
        getattr(module, f"{name}_mask", ones_like(t))
        for (module, name), t in zip(several, tensors, strict=True)
    ]
    method._tensor_name = "temp"
    whole = PruningContainer(method).compute_mask(
        parameters_to_vector(judged), parameters_to_vector(kept)
    )
    start = 0
    for (module, name), t in zip(several, tensors, strict=True):
        custom_from_mask(module, name, whole[start : start + t.numel()].reshape(t.shape))
        start += t.numel()


def remove(module: Module, name: str) -> Module:
    """Make a parameter's pruning lasting: the product is the parameter, mask and hook are gone.

    Returns:
        The module.

    Raises:
        ValueError: the parameter is not pruned.
    """
    for number, hook in hooks_of(module, name).items():
        hook.remove(module)
        del module._forward_pre_hooks[number]
        return module
    raise ValueError(
        f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
    )


def is_pruned(module: Module) -> bool:
    """Whether a module, or one in it, is pruned."""
    return any(hooks_of(inner) for inner in module.modules())


_explain(__name__)
