"""`torch.autograd.forward_ad`: tangents that go through a computation with its values.

PyTorch carries a tangent beside each value. Here rules have vector-Jacobian products alone, so a
dual tensor is one that the graph is recorded from, and the tangent of a result is found when it
is asked for, by differentiating twice: vᵀ ↦ vᵀ J is linear, and its derivative in the direction
of the tangents is J t. So what depends on a dual tensor requires a gradient, and has no tangent if
it was made under `no_grad`. A Function's `backward` is differentiated; its `jvp` is called if it
has no other, each time that a tangent is asked for which it leads to.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Any, NamedTuple

from ..absent import explain as _explain
from ..graph import Leaf, Node
from ..tensor import Tensor, enable_grad
from ..tensor.apply import node_of
from ..tensor.create import zeros_like
from ..tensor.differentiate import run_backward
from .node import forward_mode

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]

_pairs: list[tuple[Tensor, Tensor]] | None = None  # dual tensors and tangents; None: no level


class UnpackedDualTensor(NamedTuple):
    """A value and its tangent, None for one that depends on no dual tensor."""

    primal: Tensor
    tangent: Tensor | None


class dual_level(ContextDecorator):
    """A block, or a function, in which there are dual tensors; at its end tangents are forgotten.

    Example:
        >>> forward_ad = torch.autograd.forward_ad
        >>> with forward_ad.dual_level():
        ...     x = forward_ad.make_dual(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0]))
        ...     forward_ad.unpack_dual(x * x).tangent
        tensor([ 2., 40.])
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *_: object) -> None:
        exit_dual_level()


def enter_dual_level() -> int:
    """Begin a level, without a block.

    Raises:
        RuntimeError: there is one.
    """
    global _pairs
    if _pairs is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _pairs = []
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level.

    Raises:
        RuntimeError: there is none.
    """
    global _pairs
    if _pairs is None:
        raise RuntimeError("exit_dual_level: there is no level; enter_dual_level() begins one")
    _pairs = None


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor with the memory of another, and with a tangent.

    Args:
        tensor: the value; gradients flow on to it if it requires one.
        tangent: of the same shape.
        level: without effect: there is one.

    Raises:
        RuntimeError: no level, another shape, or the tensor has a tangent already.
        ValueError: one of them is not of floating point.
    """
    if _pairs is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    for name, given in (("primal", tensor), ("tangent", tangent)):
        if not (given.is_floating_point() or given.is_complex()):
            raise ValueError(f"Expected {name} to be floating point, but got: {given.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            f"make_dual: a tangent of shape {tuple(tangent.shape)} for a tensor of shape "
            f"{tuple(tensor.shape)}"
        )
    if tensor.requires_grad and unpack_dual(tensor).tangent is not None:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the "
            "same level 0 is not supported."
        )
    with enable_grad():
        dual = tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
    dual._view = None  # else what goes by a view's base, as `as_strided`, would pass the tangent by
    _pairs.append((dual, tangent))
    return dual


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """A tensor's value and tangent, which is differentiable where the computation has other leaves.

    Args:
        tensor: any.
        level: without effect: there is one.
    """
    for dual, tangent in _pairs or ():
        if dual is tensor:
            return UnpackedDualTensor(tensor.detach() if tensor.is_leaf else tensor, tangent)
    node = node_of(tensor)
    if not _pairs or node is None:
        return UnpackedDualTensor(tensor, None)
    before, forward_mode.on = forward_mode.on, True
    try:
        found = _tangent(tensor, _pairs)
    finally:
        forward_mode.on = before
    own = {node_of(dual) for dual, _ in _pairs}
    if found is not None and _leaves(node) <= own:
        return UnpackedDualTensor(tensor.detach(), found.detach())
    return UnpackedDualTensor(tensor, found)


def _tangent(output: Tensor, pairs: list[tuple[Tensor, Tensor]]) -> Tensor | None:
    """J t, as the derivative of v ↦ vᵀ J in the direction t."""
    with enable_grad():
        v = zeros_like(output).requires_grad_()
        shares = _grad([output], [v], [dual for dual, _ in pairs])
        used = [(s, t) for s, (_, t) in zip(shares, pairs, strict=True) if s is not None]
        if not used:
            return None
        linear = [(share, tangent) for share, tangent in used if share.requires_grad]
        if not linear:
            return zeros_like(output)
        parts, directions = zip(*linear, strict=True)
        return _grad(list(parts), list(directions), [v])[0]


def _grad(
    outputs: list[Tensor], weights: list[Tensor], inputs: list[Tensor]
) -> list[Tensor | None]:
    """Gradients of a sum of outputs, recorded; None where there is none."""
    return run_backward(outputs, weights, inputs=inputs, create_graph=True, accumulate=False)


def _leaves(node: Node | Leaf) -> set[Any]:
    """The leaves that a node depends on."""
    found, seen, stack = set(), {node}, [node]
    while stack:
        here = stack.pop()
        if isinstance(here, Leaf):
            found.add(here)
            continue
        for parent in here.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return found


_explain(__name__)
