"""`DistributedDataParallel`: one model in several processes, each with its share of a batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

from ..backend import namespace
from ..distributed.collectives import all_reduce, broadcast
from ..distributed.group import ProcessGroup, current
from ..distributed.work import Pending, ReduceOp
from ..engine import ancestors
from ..tensor import Tensor, is_grad_enabled, twins
from ..tensor.apply import node_of
from ..tensor.base import new
from ..tensor.create import tensor
from .module import Module

__all__ = ["DistributedDataParallel"]

MEGABYTE = 1 << 20


class _Bucket:
    """Gradients that are sent as one array.

    Args:
        params: the parameters, of one dtype on one device.

    Attributes:
        flat: all gradients one behind another.
        parts: each parameter's part of it, a view, by the parameter's `id`.
        missing: the `id`s of those whose gradients are not yet in.
        pending: the all-reduce that is on its way, if it is.
    """

    def __init__(self, params: Sequence[Tensor]) -> None:
        self.params = params
        first = params[0].array
        total = sum(p.numel() for p in params)
        self.flat = namespace(first).empty((total,), dtype=first.dtype)
        self.parts: dict[int, Any] = {}
        start = 0
        for param in params:
            shape, stop = param.array.shape, start + param.numel()
            self.parts[id(param)] = self.flat[start:stop].reshape(shape)
            start = stop
        self.missing = {id(p) for p in params}
        self.pending: Pending | None = None

    def take(self, param: Tensor) -> None:
        """Put a parameter's gradient in its part; one without a gradient counts as 0."""
        self.parts[id(param)][...] = 0 if param.grad is None else param.grad.array
        self.missing.discard(id(param))

    def give(self, size: int, without: set[int]) -> None:
        """Wait for the sum over the ranks, and put the mean in each parameter's `.grad`.

        Args:
            size: how many ranks there are.
            without: the parameters that no rank has used; they are left as they are.
        """
        assert self.pending is not None
        self.pending.wait(None)
        self.flat *= 1 / size
        for param in self.params:
            part, grad = self.parts[id(param)], param.grad
            if id(param) in without:
                continue
            if grad is None:
                param.grad = new(part.copy())
                continue
            grad.array[...] = part
            grad._storage.version += 1
            twins.changed(grad.array)
        self.missing = {id(p) for p in self.params}
        self.pending = None


class DistributedDataParallel(Module):
    """A module whose gradients are the means over all ranks, as PyTorch's.

    When it is made, every rank's parameters and buffers become those of the first rank. In a
    backward pass gradients are gathered in buckets, and each is sent when it is full, while the
    pass goes on; at the pass's end every `.grad` holds the mean of the ranks'. With losses that
    are means, and equal shares of a batch, this is the gradient of the whole batch.

    Args:
        module: what is trained; `.module` gives it back, for its `state_dict`.
        device_ids, output_device, dim: without effect: a rank has the one device.
        broadcast_buffers: before each pass in training every rank's buffers become the first one's.
        init_sync: take over parameters and buffers from the first rank now.
        process_group: of `new_group`; None for all ranks.
        bucket_cap_mb: megabytes of a bucket, default 25; the first is 1.
        find_unused_parameters: look through the output's graph in each pass, and count the
            gradients of parameters that are not in it as 0; a parameter that no rank used
            keeps its `.grad`. This costs one all-reduce more, and can't be captured.
        check_reduction, gradient_as_bucket_view: without effect.
        static_graph: as find_unused_parameters.

    Raises:
        RuntimeError: no parameter requires a gradient; or, when called, the last backward pass
            did not reach all of them (with find_unused_parameters, all in the output's graph).
        ValueError: there is no process group.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ) -> None:
        super().__init__()
        group: ProcessGroup = current(process_group)
        params = [p for p in module.parameters() if p.requires_grad]
        if not params:
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameters "
                "that require a gradient."
            )
        self.module = module
        self.broadcast_buffers = broadcast_buffers
        self._group = group
        self._synchronizes = True
        if init_sync:
            for tensor in (*module.parameters(), *module.buffers()):
                broadcast(tensor.detach(), group.ranks[0], group)
        cap = 25.0 if bucket_cap_mb is None else bucket_cap_mb
        self._buckets = [_Bucket(part) for part in _shared_out(params, cap * MEGABYTE)]
        self._places = {id(p): bucket for bucket in self._buckets for p in bucket.params}
        self._sent = 0  # buckets that are on their way
        self._params = params
        self._finds_unused = find_unused_parameters or static_graph
        self._unused: list[Tensor] = []  # the coming backward pass will not reach these
        self._used: set[int] = set()  # reached since gradients were last exchanged
        for param in params:
            param.register_post_accumulate_grad_hook(self._ready)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The module's output."""
        learns = is_grad_enabled() and self.training
        if learns:
            self._check_finished()
            if self.broadcast_buffers and self._synchronizes:
                for buffer in self.module.buffers():
                    broadcast(buffer, self._group.ranks[0], self._group)
        output = self.module(*inputs, **kwargs)
        if learns and self._finds_unused and self._synchronizes:
            self._unused = _unreached(self._params, output)
            if len(self._unused) == len(self._params):  # no gradient will come
                self._pass_over_unused()
                self._advance()
        return output

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """A `with` block whose backward passes add to `.grad` and send nothing.

        The first pass after it exchanges what has gathered, and leaves the mean in `.grad`.
        """
        before, self._synchronizes = self._synchronizes, False
        try:
            yield
        finally:
            self._synchronizes = before

    def _ready(self, param: Tensor) -> None:
        """Called in a backward pass when a parameter's gradient is whole."""
        self._used.add(id(param))
        if not self._synchronizes:
            return
        self._pass_over_unused()
        self._places[id(param)].take(param)
        self._advance()

    def _pass_over_unused(self) -> None:
        """Count the gradients of parameters that the pass does not reach as there."""
        for param in self._unused:
            self._places[id(param)].take(param)
        self._unused = []

    def _advance(self) -> None:
        """Send what is full; after the last bucket, wait for the means and put them in `.grad`."""
        # In one order on all ranks, whichever is full first.
        while self._sent < len(self._buckets) and not self._buckets[self._sent].missing:
            bucket = self._buckets[self._sent]
            transport = self._group.transports[bucket.params[0].device.type]
            bucket.pending = transport.all_reduce(bucket.flat, ReduceOp.SUM)
            self._sent += 1
        if self._sent < len(self._buckets):
            for bucket in self._buckets[: self._sent]:
                assert bucket.pending is not None
                bucket.pending.done()  # MPI moves on only while it is asked
            return
        without = self._used_nowhere() if self._finds_unused else set()
        for bucket in self._buckets:
            bucket.give(self._group.size, without)
        self._sent = 0
        self._used = set()

    def _used_nowhere(self) -> set[int]:
        """The parameters that took part on no rank."""
        used = tensor([id(param) in self._used for param in self._params])
        all_reduce(used, ReduceOp.MAX, self._group)
        return {id(p) for p, there in zip(self._params, used.tolist(), strict=True) if not there}

    def _check_finished(self) -> None:
        """Raise if the last backward pass reached some of the parameters, but not all."""
        names = {id(p): name for name, p in self.module.named_parameters()}
        missing = [names[i] for bucket in self._buckets for i in bucket.missing]
        if len(missing) < len(self._places):
            shown = ", ".join(sorted(missing)[:5])
            advice = (
                "All of the output must take part in the loss"
                if self._finds_unused
                else "Each must take part in the loss, or not require a gradient, or be looked "
                "for: find_unused_parameters=True"
            )
            raise RuntimeError(
                "Expected to have finished reduction in the prior iteration before starting a new "
                f"one: the last backward pass gave no gradient to {len(missing)} parameters, among "
                f"them {shown}. {advice}."
            )


def _unreached(params: Sequence[Tensor], output: Any) -> list[Tensor]:
    """The parameters that took no part in an output: tensors in lists, dicts, data classes."""
    roots, stack = [], [output]
    while stack:
        value = stack.pop()
        if isinstance(value, Tensor):
            roots.append(node_of(value))
        elif isinstance(value, Mapping):
            stack += value.values()
        elif isinstance(value, list | tuple | set):
            stack += value
        elif is_dataclass(value):
            stack += vars(value).values()
    leaves = {node: p for p in params if (node := node_of(p)) is not None}
    reached = ancestors([*leaves], [node for node in roots if node is not None])
    return [p for node, p in leaves.items() if node not in reached]


def _shared_out(params: Sequence[Tensor], most: float) -> list[list[Tensor]]:
    """Parameters shared out among buckets of at most `most` bytes (one larger one is alone).

    The last parameters come first, as their gradients do. The first bucket is small, so that
    sending begins early.
    """
    found: list[list[Tensor]] = []
    room = 0.0
    for param in reversed(params):
        size = param.numel() * param.array.dtype.itemsize
        alike = found and found[-1][0].dtype == param.dtype and found[-1][0].device == param.device
        if not alike or size > room:
            room = min(most, MEGABYTE) if not found else most
            found.append([])
        found[-1].append(param)
        room -= size
    return found
