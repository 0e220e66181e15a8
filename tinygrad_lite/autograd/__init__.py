"""Gradients as functions, and checks of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ..absent import lookup as _lookup
from ..backend.listing import listing as _listing
from ..graph import GradientEdge
from ..tensor import Tensor, enable_grad, inference_mode, no_grad, set_grad_enabled
from ..tensor.anomaly import AnomalyError, detect_anomaly, set_detect_anomaly
from ..tensor.concatenate import stack
from ..tensor.create import zeros, zeros_like
from ..tensor.differentiate import run_backward
from ..tensor.modes import Nothing as _Nothing
from ..tensor.source_line import user_level
from . import function as function
from . import functional as functional
from . import memory as memory
from .function import Function
from .gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = [
    "AnomalyError",
    "Function",
    "GradcheckError",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]


class set_multithreading_enabled(_Nothing):
    """Without effect: a backward pass runs in the thread that asks for it.

    Args:
        mode: accepted, at once or for a `with` block.
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Tensor | Sequence[Tensor | None] | None = None,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of Σ grad_tensors · tensors to `.grad` of the leaves (or of `inputs`).

    See `Tensor.backward`. `grad_variables` is the old name of `grad_tensors`.

    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> torch.autograd.backward([(w * 2).sum(), (w * 3).sum()])
        >>> w.grad
        tensor([5., 5.])
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError("backward: give grad_tensors or grad_variables, not both")
        grad_tensors = grad_variables
    if inputs is not None and not _many(inputs):
        raise RuntimeError("backward: inputs= can't be empty; leave it out to reach all leaves")
    outputs = _many(tensors)
    run_backward(
        outputs,
        _weights(outputs, grad_tensors),
        inputs=None if inputs is None else _many(inputs),
        retain_graph=retain_graph,
        create_graph=create_graph,
    )


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of Σ grad_outputs · outputs with respect to inputs; `.grad` is not touched.

    Args:
        outputs: one tensor or several.
        inputs: one tensor or several, leaves or not.
        grad_outputs: for each output a tensor of its shape; may be left out for one element.
        retain_graph: keep the graph for another pass; default: `create_graph`.
        create_graph: record this pass, so that the gradients can be differentiated again.
        only_inputs: without effect, as in PyTorch.
        allow_unused: give None for an input that the outputs do not depend on.
        is_grads_batched: `grad_outputs` have one more dimension, the first: several weights,
            each of which has its own pass; so have the gradients.
        materialize_grads: give zeros for it instead.

    Raises:
        RuntimeError: no inputs, one that the outputs do not depend on, unless allowed; and what
            `Tensor.backward` raises.
        ValueError: `materialize_grads` where `allow_unused` is False.

    Example:
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> (first,) = torch.autograd.grad(x**3, x, create_graph=True)
        >>> (second,) = torch.autograd.grad(first, x)
        >>> first.item(), second.item()
        (27.0, 18.0)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True needs allow_unused=True (or None)")
    wanted, outs = _many(inputs), _many(outputs)
    if not wanted:
        raise RuntimeError("grad: inputs can't be empty")
    if is_grads_batched:
        return _batched(
            outs, wanted, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads
        )
    found = run_backward(
        outs,
        _weights(outs, grad_outputs),
        inputs=wanted,
        retain_graph=retain_graph,
        create_graph=create_graph,
        accumulate=False,
    )
    if materialize_grads:
        pairs = zip(wanted, found, strict=True)
        return tuple(_zeros(t, create_graph) if g is None else g for t, g in pairs)
    if not allow_unused and any(g is None for g in found):
        missing = [i for i, g in enumerate(found) if g is None]
        raise RuntimeError(
            f"grad: input {', '.join(map(str, missing))} was not used in the graph of the outputs; "
            "set allow_unused=True if this is the desired behavior"
        )
    return tuple(found)


def _batched(
    outputs: list[Tensor],
    inputs: list[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None,
    retain_graph: bool | None,
    create_graph: bool,
    *missing: bool | None,
) -> tuple[Tensor | None, ...]:
    """`grad` for each of several weights; the gradients, one below the other."""
    weights = _weights(outputs, grad_outputs)
    sizes = {None if w is None or not w.ndim else w.shape[0] for w in weights}
    if len(sizes) != 1 or None in sizes or 0 in sizes:
        raise RuntimeError(
            "grad: is_grads_batched=True needs grad_outputs with a first dimension of one size, "
            f"at least 1, but got {[None if w is None else tuple(w.shape) for w in weights]}"
        )
    (count,) = sizes
    keep = create_graph if retain_graph is None else retain_graph
    found = []
    for i in range(int(count or 0)):
        each = [None if w is None else w[i] for w in weights]
        retain = keep or i + 1 < int(count or 0)
        allow, materialize = missing
        found.append(
            grad(
                outputs,
                inputs,
                each,
                retain,
                create_graph,
                allow_unused=allow,
                materialize_grads=bool(materialize),
            )
        )
    return tuple(
        None if any(g is None for g in of) else stack([g for g in of if g is not None])
        for of in zip(*found, strict=True)
    )


class _OfTensors(type):
    """Whose instances are all tensors."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_OfTensors):
    """A new leaf of the same elements: `torch.autograd.Variable`, for code from before PyTorch 0.4.

    Every tensor is one.

    Args:
        data: the elements.
        requires_grad: whether it gathers a gradient.
        volatile: has no effect but a warning: `no_grad` came in its place.

    Raises:
        TypeError: not a tensor.
        ValueError: both are asked for.
    """

    def __new__(  # type: ignore[misc]
        cls, data: Tensor, requires_grad: bool | None = None, volatile: bool | None = None
    ) -> Tensor:
        """The leaf."""
        return _variable(data, requires_grad, volatile)


def _variable(data: Tensor, requires_grad: bool | None, volatile: bool | None) -> Tensor:
    if volatile and requires_grad:
        raise ValueError("Variable can't be volatile and require_grad at the same time!")
    if volatile:
        text = "volatile was removed and now has no effect. Use `with torch.no_grad():` instead."
        warnings.warn(text, stacklevel=user_level())
    if not isinstance(data, Tensor):
        raise TypeError(f"Variable: data has to be a tensor, but got {type(data).__name__}")
    return data.detach().requires_grad_(bool(requires_grad))


def _zeros(wanted: Tensor | GradientEdge, requires_grad: bool) -> Tensor:
    """The gradient of what nothing depends on."""
    if isinstance(wanted, Tensor):
        return zeros_like(wanted, requires_grad=requires_grad)
    node = wanted.node
    return zeros(node.shape, dtype=node.dtype, requires_grad=requires_grad)


def _many(tensors: Any) -> list[Any]:
    return [tensors] if isinstance(tensors, Tensor | GradientEdge) else list(tensors)


def _weights(
    outputs: Sequence[Tensor], weights: Tensor | Sequence[Tensor | None] | None
) -> list[Tensor | None]:
    if weights is None:
        return [None] * len(outputs)
    found: list[Tensor | None] = [weights] if isinstance(weights, Tensor) else list(weights)
    if len(found) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(found)} gradients")
    return found


def __getattr__(name: str) -> Any:
    return _lookup(__name__, name, __dir__)


def __dir__() -> list[str]:
    return _listing(globals(), "functional", "graph", "profiler")
