"""NCCL's calls, checked against a stand-in: two ranks, of which the other one is made up."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests import strict, strict_graph
from tinygrad_lite import nn, optim
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cuda.nccl import Nccl
from tinygrad_lite.distributed import group as groups
from tinygrad_lite.distributed.work import ReduceOp
from tinygrad_lite.nn import functional as F

KINDS = [np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64,
         np.float16, np.float32, np.float64]  # fmt: skip
SUM, PROD, MAX, MIN = range(4)


class Communicator:
    """CuPy's `NcclCommunicator` of rank 0 of 2; the other's numbers are ours plus `more`."""

    def __init__(self, stream: int, more: int) -> None:
        self.stream, self.more = stream, more
        self.calls: list[str] = []

    def _row(self, place: int, count: int, kind: int) -> Any:
        dtype = np.dtype(KINDS[kind])
        memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(place)
        return np.frombuffer(memory, dtype)

    def _note(self, name: str, *numbers: int) -> None:
        assert all(type(n) is int for n in numbers)
        assert numbers[-1] == self.stream
        self.calls.append(name)

    def allReduce(
        self, source: int, target: int, count: int, kind: int, op: int, stream: int
    ) -> None:
        self._note("allReduce", source, target, count, kind, op, stream)
        ours, out = self._row(source, count, kind), self._row(target, count, kind)
        ufunc = (np.add, np.multiply, np.maximum, np.minimum)[op]

        def work() -> None:
            out[:] = ufunc(ours, ours + ours.dtype.type(self.more))

        if strict.tape is not None:  # captured: what a replay does again
            strict.tape.before([ours, out])
            work()
            strict.tape.after(work, None)
        else:
            work()

    def reduce(
        self, source: int, target: int, count: int, kind: int, op: int, root: int, stream: int
    ) -> None:
        self._note("reduce", root, stream)
        self.allReduce(source, target, count, kind, op, stream)

    def broadcast(
        self, source: int, target: int, count: int, kind: int, root: int, stream: int
    ) -> None:
        self._note("broadcast", source, target, count, kind, root, stream)
        out = self._row(target, count, kind)
        out[:] = self._row(source, count, kind) + (self.more if root == 1 else 0)

    def send(self, source: int, count: int, kind: int, peer: int, stream: int) -> None:
        self._note("send", source, count, kind, peer, stream)
        self.sent = self._row(source, count, kind).copy()

    def recv(self, target: int, count: int, kind: int, peer: int, stream: int) -> None:
        self._note("recv", target, count, kind, peer, stream)
        self._row(target, count, kind)[:] = 7

    def allGather(self, source: int, target: int, count: int, kind: int, stream: int) -> None:
        self._note("allGather", source, target, count, kind, stream)
        ours, out = self._row(source, count, kind), self._row(target, 2 * count, kind)
        out[:count], out[count:] = ours, ours + ours.dtype.type(self.more)


@pytest.fixture
def nccl() -> Iterator[Nccl]:
    """On the device that stands for a GPU, as a group of two."""
    with strict_graph.capturable():
        xp = namespace_for("strict")
        transport = Nccl(xp, None)
        transport._communicator = Communicator(transport._stream.ptr, 3)
        host = SimpleNamespace(rank=0, size=2, close=lambda: None)
        groups._current = groups.ProcessGroup(host, {"strict": transport})  # type: ignore[arg-type, dict-item]
        try:
            yield transport
        finally:
            groups._current = None


def test_the_calls(nccl: Nccl) -> None:
    from tinygrad_lite import distributed as dist

    def tensor() -> torch.Tensor:
        return torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], device="strict").t()

    x = tensor()
    dist.all_reduce(x)
    assert x.tolist() == [[5, 11], [7, 13], [9, 15]]
    for op, want in (
        (ReduceOp.AVG, 2.5),
        (ReduceOp.MAX, 4),
        (ReduceOp.MIN, 1),
        (ReduceOp.PRODUCT, 4),
    ):
        x = tensor()
        dist.all_reduce(x, op)
        assert x[0, 0].item() == want, op
    x = tensor()
    dist.reduce(x, 0)
    assert x[0, 0].item() == 5
    found = [tensor(), tensor()]
    dist.all_gather(found, torch.full((3, 2), 2, device="strict", dtype="float32"))
    assert found[0].tolist() == [[2, 2]] * 3
    small = torch.tensor([5, 7], dtype="uint8", device="strict")
    dist.broadcast(small, 1)
    assert small.tolist() == [8, 10]
    assert nccl._communicator.calls[-2:] == ["allGather", "broadcast"]
    dist.send(small, 1)
    assert nccl._communicator.sent.tolist() == [8, 10]
    assert dist.recv(small, 1) == 1
    assert small.tolist() == [7, 7]
    whole = torch.arange(4.0, device="strict")
    dist.reduce_scatter_tensor(part := torch.zeros(2, device="strict"), whole)
    assert part.tolist() == [3, 5]  # the other rank's are ours and 3
    whole = torch.zeros(4, dtype="uint8", device="strict")
    dist.all_gather_into_tensor(whole, small)
    assert whole.tolist() == [7, 7, 10, 10]
    with pytest.raises(RuntimeError, match=r"all_reduce: .* carries tensors of strict, not of cpu"):
        dist.all_reduce(torch.ones(1))


@pytest.mark.parametrize("capture", [False, True])
def test_a_captured_step_brings_gradients_together(nccl: Nccl, capture: bool) -> None:
    """The other rank's gradients are ours, so that the mean is what one process has."""
    nccl._communicator.more = 0
    data = torch.randn(6, 5, device="strict"), torch.tensor([0, 1, 2, 0, 1, 2], device="strict")
    found = []
    for distributed in (False, True):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)).to("strict")
        called: Any = model
        if distributed:
            called = nn.parallel.DistributedDataParallel(model, bucket_cap_mb=1e-4)
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def step(x: Any, t: Any, called: Any = called, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = F.cross_entropy(called(x), t)
            loss.backward()
            optimizer.step()
            return loss

        run = torch.cuda.graph(step) if capture else step
        losses = [run(*data).item() for _ in range(7)]
        assert not capture or run.captured
        found.append((losses, [p.tolist() for p in model.parameters()]))
    assert found[0] == found[1]
    assert nccl._communicator.calls.count("allReduce") >= 2
