"""Decorators that say what autocast does inside of an `autograd.Function`, as `torch.amp`'s."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..tensor import Tensor, autocast
from ..tensor.autocast import is_autocast_enabled
from ..trees import mapped

__all__ = ["custom_bwd", "custom_fwd"]


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None
) -> Any:
    """Decorates `forward`: it notes whether autocast is on, for `custom_bwd`.

    Args:
        fwd: forward(ctx, *args); without it, a decorator.
        device_type: "cpu" or "cuda".
        cast_inputs: a dtype: inside autocast, floating-point tensors are made of it, and forward
            runs without autocast.
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        inside = is_autocast_enabled(device_type)
        ctx._fwd_used_autocast = inside and cast_inputs is None
        if not inside or cast_inputs is None:
            return fwd(ctx, *args, **kwargs)

        def cast(x: Any) -> Any:
            is_real = isinstance(x, Tensor) and x.is_floating_point()
            return x.to(cast_inputs) if is_real else x

        with autocast(device_type, enabled=False):
            return fwd(ctx, *mapped(cast, args), **mapped(cast, kwargs))

    return forward


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorates `backward`: it runs with autocast on or off, as forward did."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, enabled=ctx._fwd_used_autocast):
            return bwd(ctx, *args, **kwargs)

    return backward
