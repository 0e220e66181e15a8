"""`cuda.graph`: a training step captured once and replayed as one CUDA graph."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..backend import Namespace, capture, is_array, namespace, namespace_for, numpy
from ..backend.capture import Capture, CaptureError
from ..graph import Leaf
from ..tensor import Tensor, twins
from ..tensor.base import new
from . import explain
from .arguments import Argument, argument

__all__ = ["CaptureError", "CapturedStep", "graph"]


def graph(step: Callable[..., Any] | None = None, *, warmup: int = 2, device: str = "cuda") -> Any:
    """Make a training step one CUDA graph: `step = cuda.graph(step)`, or `@cuda.graph`.

    The first `warmup` calls run the step as it is; the next one captures it, and from then on a
    call is a replay: the same work on the GPU without the Python that asked for it. Every call
    is one real step with the same numbers as without capture. What a replay takes anew:

    - the arguments: tensors are copied to fixed places. Tensors and arrays in host memory are
      moved to the device. Shapes, dtypes and other arguments must stay as they were captured;
    - the optimizers' learning rates and step counts, so schedulers step between calls;
    - draws (dropout, `randn`, …), from the host's generators as always;
    - parameters, buffers and optimizer state, as they are then.

    Everything else is as it was at the capture: Python numbers, branches, `train()` or `eval()`.
    The tensors returned, and the parameters' `.grad`, are at fixed places as well: the next call
    overwrites them.

    Args:
        step: any function of tensors, with what it updates around it; it may return tensors,
            also in tuples, lists and dicts, which come detached. Python in it runs no more.
        warmup: calls before the capture, at least 1: what is made at first use must be there.
        device: where to run, if no argument is a tensor of a device that can capture.

    Raises:
        CaptureError: (by calls) the step does what can't be captured: it waits for the device
            (`item()`, `float()`, printing, an `if` of a tensor), has shapes that depend on values
            (boolean masks, `nonzero`), or copies host data. The message names the operation and
            the line; nothing has happened then, and the plain step can be used on. Also: a call
            does not fit the capture any more, see `CapturedStep.reset`.
        ValueError: warmup is below 1.
        RuntimeError: (by calls) the device is not there or can't capture.
    """
    if step is None:
        return functools.partial(graph, warmup=warmup, device=device)
    return CapturedStep(step, warmup, device)


class CapturedStep:
    """What `graph` returns: a function with the step's arguments that runs, captures or replays it.

    Args:
        step, warmup, device: as of `graph`.
    """

    def __init__(self, step: Callable[..., Any], warmup: int, device: str) -> None:
        if warmup < 1:
            raise ValueError(f"graph: warmup must be at least 1, but is {warmup}")
        functools.update_wrapper(self, step)
        self._step, self._warmup, self._device = step, warmup, device
        self.reset()

    @property
    def captured(self) -> bool:
        """Whether calls are replays by now."""
        return self._capture is not None

    def reset(self) -> None:
        """Forget the capture: the next calls warm up and capture again.

        For other shapes, another mode of the model, or after `load_state_dict` of an optimizer.
        """
        self._calls = 0
        self._capture: Capture | None = None
        self._arguments: dict[str | int, Argument] = {}
        self._leaves: dict[Tensor, _Gradient] = {}
        self._outputs: Any = None

    def __call__(self, *args: Any, **words: Any) -> Any:
        """One step: as it is, captured, or replayed."""
        given: dict[str | int, Any] = dict(enumerate(args))
        given.update(words)
        if self._capture is not None:
            return self._replay(self._capture, given)
        xp = self._namespace(given)
        if self._calls >= self._warmup:
            return self._record(xp, given)
        self._calls += 1
        moved = {name: _moved(xp, value) for name, value in given.items()}
        with capture.rehearsal():
            return self._watched(None, moved, self._leaves)

    def _namespace(self, given: dict[str | int, Any]) -> Namespace:
        """The namespace to capture on: of the first tensor on a device, else of `device`.

        Raises:
            RuntimeError: it can't capture.
        """
        for value in given.values():
            if isinstance(value, Tensor) and not isinstance(value.array, numpy.ndarray):
                xp = namespace(value.array)
                break
        else:
            xp = namespace_for(self._device)
        if getattr(xp, "recorder", None) is None:
            raise RuntimeError(f"graph: a step can be captured on cuda, not on {xp.name}")
        return xp

    def _watched(
        self, recording: Capture | None, given: dict[str | int, Any], leaves: dict[Tensor, Any]
    ) -> Any:
        """Run the step and see which tensors it uses.

        Args:
            recording: the capture in progress, which is to hold the arrays that lie outside of
                its own memory; None in a warm-up.
            given: the arguments, by name or number.
            leaves: filled with the leaves that the step uses, each with its `_Gradient`.

        Returns:
            What the step returns, detached.
        """
        kind = None if recording is None else type(next(iter(recording.held)))

        def note(tensors: list[Any]) -> None:
            for tensor in tensors:
                if recording is not None:
                    if type(tensor.array) is not kind:
                        raise CaptureError(
                            "it works on a tensor in host memory, which replays would not do; "
                            "pass it as an argument, or move it to the device before the step"
                        )
                    # What the step makes is freed when Python lets go of it, and its memory used
                    # again in the same order by every replay.
                    recording.hold(tensor.array)
                if isinstance(tensor._node, Leaf) and tensor not in leaves:
                    leaves[tensor] = _Gradient(tensor)

        capture.note = note
        try:
            args = [value for name, value in given.items() if isinstance(name, int)]
            words = {name: value for name, value in given.items() if isinstance(name, str)}
            return _detached(self._step(*args, **words))
        finally:
            capture.note = None

    def _record(self, xp: Namespace, given: dict[str | int, Any]) -> Any:
        """Capture the step, and replay it once: in a capture itself nothing runs.

        If that fails, all `.grad` are as before.
        """
        recorder = xp.recorder()
        recording = Capture(recorder)
        recording.held.append(xp.empty(1, dtype="float32"))
        arguments = {name: argument(xp, recorder, name, v) for name, v in given.items()}
        fixed = {name: port.value for name, port in arguments.items()}
        leaves = {leaf: _Gradient(leaf) for leaf in self._leaves}
        try:
            with recording.recording():
                outputs = self._watched(recording, fixed, leaves)
                for gradient in leaves.values():
                    gradient.captured()
        except BaseException as error:
            for gradient in leaves.values():
                gradient.put_back()
            if isinstance(error, CaptureError) or recorder.refuses(error):
                raise CaptureError(explain.explain(self._step, error)) from error
            raise
        self._capture, self._arguments, self._leaves = recording, arguments, leaves
        self._outputs = outputs
        recording.replay()
        return outputs

    def _replay(self, recording: Capture, given: dict[str | int, Any]) -> Any:
        """Check that a replay would do what the step would, then copy the arguments and launch."""
        arguments = self._arguments
        if given.keys() != arguments.keys():
            raise CaptureError(
                f"graph: captured with arguments {[*arguments]}, but called with {[*given]}"
            )
        for gradient in self._leaves.values():
            gradient.check()
        for name, value in given.items():
            arguments[name].take(value)
        recording.replay()
        if twins.known:
            twins.replayed()
        for gradient in self._leaves.values():
            gradient.leave()
        return self._outputs


class _Gradient:
    """A leaf's memory and `.grad`, before and after the step that was captured.

    Replays write to those addresses, so that both must still be there.
    """

    __slots__ = ("added", "after", "array", "before", "leaf", "version")

    def __init__(self, leaf: Tensor) -> None:
        self.leaf, self.array, self.before = leaf, leaf.array, leaf._grad
        self.version = 0 if self.before is None else self.before._storage.version
        self.after: Tensor | None = None
        self.added = False

    def captured(self) -> None:
        """Note the `.grad` that the recorded step has left, and whether the step added to it."""
        self.after = self.leaf._grad
        self.added = (
            self.after is not None
            and self.after is self.before
            and self.after._storage.version != self.version
        )

    def put_back(self) -> None:
        """Put the `.grad` back that was there before, because the recording has failed."""
        self.leaf._grad = self.before

    def check(self) -> None:
        """Raise `CaptureError` if a replay would not do what the step would."""
        leaf = self.leaf
        if leaf.array is not self.array:
            raise CaptureError(
                f"graph: a tensor of shape {tuple(leaf.shape)} that the step uses was given "
                "other memory since the capture; reset() the captured step"
            )
        if self.added and leaf._grad is not self.before:
            raise CaptureError(
                f"graph: the step adds to a .grad (shape {tuple(leaf.shape)}) that was "
                "replaced since the capture; call zero_grad() in the step, or "
                "zero_grad(set_to_none=False)"
            )
        if self.before is None and self.after is not None and leaf._grad is not None:
            raise CaptureError(
                "graph: at the capture the step began with no .grad (shape "
                f"{tuple(leaf.shape)}), and now there is one to add to; call zero_grad() in the "
                "step"
            )

    def leave(self) -> None:
        """Set `.grad` to the tensor in which each replay leaves the gradient."""
        self.leaf._grad = self.after


def _moved(xp: Namespace, value: Any) -> Any:
    """Tensors and arrays on the device; anything else as it is."""
    if isinstance(value, Tensor):
        return value.to(device=xp.name)
    return new(xp.array(value)) if is_array(value) else value


def _detached(value: Any) -> Any:
    """What the step returns, with its tensors out of the graph."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, dict):
        return {key: _detached(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        parts = [_detached(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value
