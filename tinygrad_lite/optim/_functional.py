"""PyTorch's steps as functions, for optimizers that programs derive.

The `step` of such a one is often a copy of PyTorch's own: `_init_group` fills lists of parameters,
gradients and state (`_lists.py`), and one of these functions updates them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..backend import capture, namespace
from ..tensor import Tensor, twins
from ..tensor.modes import no_grad

__all__ = ["adam", "adamw", "sgd"]


@contextlib.contextmanager
def _updates() -> Iterator[Callable[..., None]]:
    """Updates by kernels, of parameters and their state in place: all are done at the block's end.

    The block's function takes a kernel's name, its operands (some may be None) and its options.
    Complex operands are updated as their parts.

    Raises:
        CaptureError: a step is being recorded, whose replays would not count.
    """
    capture.forbid(
        "the step functions of optimizers that programs derive count on the host; call them "
        "between calls of the captured step"
    )
    changed: list[Tensor] = []
    with contextlib.ExitStack() as stack:
        kernels: dict[Any, Any] = {}

        def update(kernel: str, param: Tensor, *others: Tensor | None, **options: Any) -> None:
            xp = namespace(param.array)
            if xp not in kernels:
                kernels[xp] = stack.enter_context(xp.updates())
            arrays = [None if t is None else t.array for t in (param, *others)]
            if param.array.dtype.kind == "c":
                arrays = [None if a is None else xp.view_as_real(a) for a in arrays]
            getattr(kernels[xp], kernel)(*arrays, **options)
            param._storage.version += 1
            changed.extend(t for t in (param, *others) if t is not None)

        yield update
    if twins.known:
        for tensor in changed:
            twins.changed(tensor.array)


@no_grad()
def sgd(
    params: Sequence[Tensor],
    d_p_list: Sequence[Tensor],
    momentum_buffer_list: list[Tensor | None],
    has_sparse_grad: bool = False,
    foreach: bool | None = None,
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    *,
    weight_decay: float,
    momentum: float,
    lr: float,
    dampening: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    """A step of `SGD`, which has the equations, of each parameter.

    Args:
        params, d_p_list: the parameters, and their gradients.
        momentum_buffer_list: their velocities; one that is None is made, and put there.
        has_sparse_grad, foreach, fused, grad_scale, found_inf: without effect.
        weight_decay, momentum, lr, dampening, nesterov, maximize: as of `SGD`.
    """
    with _updates() as update:
        for i, (param, grad) in enumerate(zip(params, d_p_list, strict=True)):
            buffer, first = None, False
            if momentum:
                buffer = momentum_buffer_list[i]
                first = buffer is None
                if buffer is None:
                    buffer = momentum_buffer_list[i] = param.new_empty(param.shape)
            update(
                "sgd_step",
                param,
                grad,
                buffer,
                first=first,
                lr=float(lr),
                momentum=momentum,
                dampening=dampening,
                weight_decay=weight_decay,
                nesterov=nesterov,
                maximize=maximize,
            )


@no_grad()
def adam(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    exp_avgs: Sequence[Tensor],
    exp_avg_sqs: Sequence[Tensor],
    max_exp_avg_sqs: Sequence[Tensor],
    state_steps: Sequence[Tensor],
    foreach: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_complex: bool = False,
    decoupled_weight_decay: bool = False,
    *,
    amsgrad: bool,
    beta1: float,
    beta2: float,
    lr: float,
    weight_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    """A step of `Adam`, which has the equations, of each parameter.

    Args:
        params, grads: the parameters, and their gradients.
        exp_avgs, exp_avg_sqs, max_exp_avg_sqs: m, v, and with `amsgrad` the largest v.
        state_steps: how many steps each has made, 0-d; one is added.
        foreach, capturable, differentiable, fused, grad_scale, found_inf, has_complex: without
            effect.
        decoupled_weight_decay, amsgrad, lr, weight_decay, eps, maximize: as of `Adam`.
        beta1, beta2: its `betas`.
    """
    with _updates() as update:
        for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
            state_steps[i].add_(1)
            update(
                "adam_step",
                param,
                grad,
                exp_avgs[i],
                exp_avg_sqs[i],
                max_exp_avg_sqs[i] if amsgrad else None,
                step=state_steps[i].item(),
                lr=float(lr),
                beta1=beta1,
                beta2=beta2,
                eps=eps,
                weight_decay=weight_decay,
                decoupled=decoupled_weight_decay,
                maximize=maximize,
            )


def adamw(*args: Any, **kwargs: Any) -> None:
    """`adam` with decoupled weight decay: a step of `AdamW`."""
    adam(*args, **{**kwargs, "decoupled_weight_decay": True})
