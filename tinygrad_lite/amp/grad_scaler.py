"""Loss scaling, so that gradients too small for float16 do not become 0.

P. Micikevicius et al., "Mixed Precision Training", ICLR 2018.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from ..absent import explain as _explain
from ..backend import is_available, namespace
from ..backend.capture import capturing, forbid
from ..backend.states import entries, integer, number
from ..tensor import Tensor, no_grad, twins
from ..tensor.create import full
from ..tensor.source_line import user_level

__all__ = ["GradScaler"]

_LARGEST = 3.4028235e38  # of scales, which are float32
_READY, _UNSCALED, _STEPPED = "ready", "unscaled", "stepped"


class GradScaler:
    """Multiplies the loss, and divides the gradients again before the step.

    A step whose gradients are not all finite is skipped, and the scale is lowered; after
    `growth_interval` good steps in a row it is raised:

        with autocast("cuda"):
            loss = loss_function(model(x), target)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)  # only to look at the gradients, or to clip them
        clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()

    `step` waits for the device to know whether it must skip. In a captured step it can't: there
    the optimizer runs always, and what it changed is put back on the device if it should not
    have (which costs a copy of parameters and state; step counts go on).

    Args:
        device: "cuda" or "cpu".
        init_scale: the first scale.
        growth_factor: > 1, what the scale is raised by.
        backoff_factor: < 1, what it is lowered by.
        growth_interval: good steps before the scale is raised.
        enabled: False makes every method pass on what it is given.

    Raises:
        AssertionError: factors on the wrong side of 1, as in PyTorch.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and device == "cuda" and not is_available("cuda"):
            warnings.warn(
                "GradScaler: enabled for CUDA, but CUDA is not available; disabling it",
                stacklevel=user_level(),
            )
            enabled = False
        if enabled and growth_factor <= 1.0:
            raise AssertionError(
                f"GradScaler: growth_factor must be above 1, but is {growth_factor}"
            )
        if enabled and backoff_factor >= 1.0:
            raise AssertionError(
                f"GradScaler: backoff_factor must be below 1, but is {backoff_factor}"
            )
        self._enabled = enabled
        self._init = float(init_scale), 0.0
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._scale: Tensor | None = None
        self._tracker: Tensor | None = None
        # For each optimizer since the last update: where it stands, and the flag on its device.
        self._stages: dict[int, str] = {}
        self._found: dict[int, Tensor] = {}

    def is_enabled(self) -> bool:
        """Whether losses are scaled."""
        return self._enabled

    def scale(self, outputs: Any) -> Any:
        """A loss (or a list or tuple of them) times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._on(outputs).reshape(())
        if isinstance(outputs, Iterable):
            parts = [self.scale(output) for output in outputs]
            return parts if isinstance(outputs, list) else tuple(parts)
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def _on(self, like: Tensor) -> Tensor:
        """The scale, made on a tensor's device if it isn't anywhere yet."""
        if self._scale is None:
            forbid("GradScaler makes its scale here, and each replay would make it again")
            self._scale, self._tracker = (
                full((1,), value, dtype="float32", device=like.device) for value in self._init
            )
        return self._scale

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, in place.

        Raises:
            RuntimeError: called twice between updates, or after `step`.
            AssertionError: called before `scale`.
            ValueError: a float16 gradient: the parameters are to be float32.
        """
        if not self._enabled:
            return
        if self._scale is None:
            raise AssertionError(
                "unscale_: no loss was scaled yet; call scale(loss).backward() first"
            )
        key = id(optimizer)
        stage = self._stages.get(key, _READY)
        if stage is _UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if stage is _STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        self._found[key] = self._unscaled(optimizer, self._scale)
        self._stages[key] = _UNSCALED

    @no_grad()
    def _unscaled(self, optimizer: Any, scale: Tensor) -> Tensor:
        found = full((1,), 0.0, dtype="float32", device=scale.device)
        inverse = 1 / scale.double()  # as PyTorch: the inverse of a large scale, rounded once
        inverse = inverse.float()
        for parameter in _parameters(optimizer):
            grad = parameter.grad
            if grad is None:
                continue
            if grad.array.dtype == "float16":
                raise ValueError("Attempting to unscale FP16 gradients.")
            namespace(grad.array).amp_unscale(grad.array, inverse.array, found.array)
            grad._storage.version += 1
            twins.changed(grad.array)
        return found

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step(*args)` unless a gradient is not finite; unscales first if need be.

        Returns:
            What the optimizer's step returned; None if it was skipped.

        Raises:
            RuntimeError: called twice since the last update, or with a closure.
            AssertionError: for an optimizer without gradients.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs or args:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        key = id(optimizer)
        stage = self._stages.get(key, _READY)
        if stage is _STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if stage is _READY:
            self.unscale_(optimizer)
        if all(parameter.grad is None for parameter in _parameters(optimizer)):
            raise AssertionError("step: the optimizer's parameters have no gradients")
        self._stages[key] = _STEPPED
        found = self._found[key]
        if capturing():
            return _step_or_restore(optimizer, found)
        return None if found.item() else optimizer.step()

    @no_grad()
    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Raise or lower the scale, after all optimizers of an iteration took their step.

        Args:
            new_scale: the scale to go on with instead.

        Raises:
            AssertionError: no step was taken since the last update.
        """
        if not self._enabled:
            return
        if self._scale is None or self._tracker is None:
            raise AssertionError("update: no loss was scaled yet")
        if new_scale is not None:
            self._scale.fill_(float(new_scale))
        elif not self._found:
            raise AssertionError("No inf checks were recorded prior to update.")
        else:
            flags = list(self._found.values())
            found = flags[0]
            for flag in flags[1:]:
                found = found.maximum(flag)
            namespace(found.array).amp_update(
                self._scale.array,
                self._tracker.array,
                found.array,
                self._growth_factor,
                self._backoff_factor,
                self._growth_interval,
            )
        self._stages.clear()
        self._found.clear()

    def get_scale(self) -> float:
        """The scale; reading it waits for the device."""
        if not self._enabled:
            return 1.0
        return self._init[0] if self._scale is None else float(self._scale.item())

    def get_growth_factor(self) -> float:
        """What the scale is raised by."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the scale is raised by."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is lowered by."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the scale is lowered by."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """How many good steps raise the scale."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set how many good steps raise the scale."""
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """The scale, its factors and the count of good steps, as numbers; {} if disabled."""
        if not self._enabled:
            return {}
        tracker = self._init[1] if self._tracker is None else self._tracker.item()
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": int(tracker),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Raises:
            RuntimeError: an empty dict, which a disabled scaler saves.
            TypeError, KeyError, ValueError: another kind of state, or numbers that a scaler
                cannot have. Nothing has changed.
        """
        if not self._enabled:
            return
        own = "GradScaler"
        if state_dict == {}:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved "
                "from a disabled instance of GradScaler."
            )
        state = entries(own, state_dict, self.state_dict().keys())
        scale = number(own, "scale", state["scale"], 0, _LARGEST)
        growth = number(own, "growth_factor", state["growth_factor"], 1, _LARGEST)
        backoff = number(own, "backoff_factor", state["backoff_factor"], 0, 1)
        interval = integer(own, "growth_interval", state["growth_interval"], 1)
        tracker = integer(own, "_growth_tracker", state["_growth_tracker"], 0)
        if scale == 0 or growth == 1 or backoff in (0, 1):
            raise ValueError(
                f"{own}: the state has the scale {scale}, growth_factor {growth} and "
                f"backoff_factor {backoff}, of which one is at its bound"
            )
        self._init = float(scale), float(tracker)
        self._growth_factor, self._backoff_factor = growth, backoff
        self._growth_interval = interval
        if self._scale is not None and self._tracker is not None:
            self._scale.fill_(self._init[0])
            self._tracker.fill_(self._init[1])

    def __getstate__(self) -> dict[str, Any]:
        """For copies; between an optimizer's `unscale_` or `step` and `update` there are none.

        Raises:
            RuntimeError: in between: what was noted of the optimizers would be lost.
        """
        if self._stages:
            raise RuntimeError(
                "A GradScaler can only be copied or pickled at the beginning of an iteration, or "
                "after update()."
            )
        return dict(vars(self))


def _parameters(optimizer: Any) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


@no_grad()
def _step_or_restore(optimizer: Any, found: Tensor) -> Any:
    """A step whose effect is undone on the device where `found` is not 0."""
    changed: list[Any] = []
    for parameter in _parameters(optimizer):
        if parameter.grad is not None:
            state = optimizer.state.get(parameter, {}).values()
            own = (t for t in state if isinstance(t, Tensor) and t.device == parameter.device)
            changed += [parameter.array, *(t.array for t in own)]
    xp = namespace(found.array)
    before = [xp.array(array) for array in changed]
    result = optimizer.step()
    for array, old in zip(changed, before, strict=True):
        array[...] = xp.where(xp.reshape(found.array, (1,) * array.ndim) != 0, old, array)
    return result


_explain(__name__)
