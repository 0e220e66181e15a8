"""What the ranks of `test_ranks.py` do.

`mpiexec -n 2 python -m tests.distributed.ranks NAME OUT`
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import distributed as dist
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F

STEPS, BATCH = 50, 16


def net(norm: bool) -> nn.Module:
    """A small ConvNet, the same on each call."""
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=not norm),
        *([nn.BatchNorm2d(8)] if norm else []),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 36, 16),
        *([nn.BatchNorm1d(16)] if norm else []),
        nn.ReLU(),
        nn.Linear(16, 4),
    )


def batches() -> list[tuple[Any, Any]]:
    """The same on each rank."""
    rng = np.random.default_rng(2)
    return [
        (rng.standard_normal((BATCH, 3, 6, 6), np.float32) + i % 3, rng.integers(0, 4, BATCH))
        for i in range(STEPS)
    ]


def train(model: nn.Module, first: int, step: int, **words: Any) -> list[float]:
    """Train on the rows first, first + step, … of each batch; the losses."""
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    losses = []
    for x, t in batches():
        optimizer.zero_grad()
        rows = slice(first, None, step)
        loss = F.cross_entropy(model(torch.from_numpy(x[rows])), torch.from_numpy(t[rows]))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def trained(out: Path, norm: bool) -> None:
    """Half batches on each rank; rank 0 leaves the weights."""
    model = net(norm)
    if dist.get_rank() == 1:  # what is there before is not to matter
        with torch.no_grad():
            for p in model.parameters():
                p.add_(1.0)
    model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    ddp = nn.parallel.DistributedDataParallel(model, bucket_cap_mb=0.004)
    assert len(ddp._buckets) > 1
    train(ddp, dist.get_rank(), 2)
    states: list[Any] = [None, None]
    mine = {name: t.numpy() for name, t in model.state_dict().items()}
    dist.all_gather_object(states, mine)
    assert all(np.array_equal(states[0][name], states[1][name]) for name in mine)
    if dist.get_rank() == 0:
        np.savez(out, **mine)


def plain(out: Path) -> None:
    """Without batch norm."""
    trained(out, norm=False)


def normed(out: Path) -> None:
    """With synchronised batch norm."""
    trained(out, norm=True)


def collectives(out: Path) -> None:
    """Each operation, on each kind of numbers."""
    rank, size = dist.get_rank(), dist.get_world_size()
    assert size == 2
    for dtype in ("float32", "float64", "float16", "bfloat16", "int64", "uint8"):
        x = torch.arange(6).reshape(2, 3).to(dtype=dtype).t()  # not dense
        y = x + rank
        dist.all_reduce(y)
        assert (y == 2 * x + 1).all(), (dtype, y)
        for op, want in (("MAX", x + 1), ("MIN", x), ("PRODUCT", x * (x + 1))):
            y = x + rank
            dist.all_reduce(y, dist.ReduceOp[op])
            assert (y == want).all(), (dtype, op, y)
        if "float" not in dtype:
            for op, want in (("BAND", x & (x + 1)), ("BOR", x | (x + 1)), ("BXOR", x ^ (x + 1))):
                y = x + rank
                dist.all_reduce(y, dist.ReduceOp[op])
                assert (y == want).all(), (dtype, op, y)
        else:
            with pytest.raises(RuntimeError, match="all_reduce: BOR takes integers"):
                dist.all_reduce(x + rank, dist.ReduceOp.BOR)
        y = x + rank
        dist.broadcast(y, 1)
        assert (y == x + 1).all()
        y = x + rank
        dist.reduce(y, 1)
        assert rank == 0 or (y == 2 * x + 1).all()
        found = [torch.zeros_like(x) for _ in range(2)]
        dist.all_gather(found, x + rank)
        assert (found[0] == x).all()
        assert (found[1] == x + 1).all()
    flag = torch.tensor(rank == 1)
    dist.all_reduce(flag, dist.ReduceOp.MAX)
    assert flag.item()
    mean = torch.full((2,), float(rank))
    work = dist.all_reduce(mean, dist.ReduceOp.AVG, async_op=True)
    assert work is not None
    assert work.wait()
    assert mean.tolist() == [0.5, 0.5]
    objects: list[Any] = [None, None]
    dist.all_gather_object(objects, {"rank": rank, "more": "x" * (1 + 1000 * rank)})
    assert [o["rank"] for o in objects] == [0, 1]
    assert len(objects[1]["more"]) == 1001
    dist.barrier()
    sampler = torch.utils.data.DistributedSampler(range(5), shuffle=False)
    assert list(sampler) == [[0, 2, 4], [1, 3, 0]][rank]
    shares: list[Any] = [None, None]
    dist.all_gather_object(shares, list(torch.data.BlockSampler(range(10), block_size=2)))
    assert sorted(shares[0] + shares[1]) == [*range(10)]


def exchanges(out: Path) -> None:
    """From rank to rank, parts of tensors, and objects."""
    rank = dist.get_rank()
    x = (torch.arange(6.0).reshape(2, 3) + 10 * rank).t()  # not dense
    other = x + 10 - 20 * rank
    for dtype in ("float32", "bfloat16", "bool"):
        mine, theirs = (t.to(dtype=dtype) for t in (x, other))
        y = torch.zeros_like(mine)
        if rank:
            dist.send(mine, 0, tag=3)
            assert dist.recv(y, 0) == 0
        else:
            work = dist.irecv(y, 1, tag=3)
            dist.isend(mine, 1).wait()
            work.wait()
        assert (y == theirs).all()
    found = [torch.zeros(3, 2) for _ in range(2)]
    for dst in range(2):
        dist.gather(x, found if rank == dst else None, dst)
    assert (torch.stack(found) == torch.stack([x, other][:: 1 - 2 * rank])).all()
    y = torch.zeros(3, 2)
    dist.scatter(y, [x, x + 1] if rank else None, src=1)
    assert (y == (x + 1 if rank else other)).all()
    both = torch.stack([x, other][:: 1 - 2 * rank])
    for shape in ((2, 3, 2), (6, 2)):
        y = torch.zeros(*shape)
        dist.all_gather_into_tensor(y, x)
        assert (y.view(2, 3, 2) == both).all()
        dist.reduce_scatter_tensor(z := torch.zeros(3, 2), y + rank, dist.ReduceOp.AVG)
        assert (z == x + 0.5).all()
    dist.reduce_scatter(z, [x, x])
    assert (z == x + other).all()
    work = dist.reduce_scatter_tensor(z, both, async_op=True)
    assert work is not None
    assert work.wait()
    assert (z == 2 * x).all()
    for dtype in ("float32", "bfloat16", "int64"):
        rows = (torch.arange(6).reshape(3, 2) + 10 * rank).to(dtype=dtype)[: 3 - rank]
        y = torch.zeros(2 + rank, 2).to(dtype=dtype)
        dist.all_to_all_single(y, rows, [[1, 1], [2, 1]][rank], [1, 2 - rank])
        assert y.tolist() == [[[0, 1], [10, 11]], [[2, 3], [4, 5], [12, 13]]][rank]
    y = torch.zeros(4)
    work = dist.all_to_all_single(y, torch.arange(4.0) + 10 * rank, async_op=True)
    assert work is not None
    assert work.wait()
    assert y.tolist() == [[0, 1, 10, 11], [2, 3, 12, 13]][rank]
    parts = [torch.zeros(1 + rank), torch.zeros(1 + rank, 2)]  # of different shapes
    dist.all_to_all(parts, [torch.ones(n, *[2] * rank) + 10 * rank for n in (1, 2)])
    assert [p.tolist() for p in parts] == [[[1], [[11, 11]]], [[1, 1], [[11, 11]] * 2]][rank]
    z = torch.zeros(3, 2)
    ops = [dist.P2POp(dist.isend, x, 1 - rank), dist.P2POp(dist.irecv, z, 1 - rank)]
    for order in (ops[:: 1 - 2 * rank], ops):
        for work in dist.batch_isend_irecv(order):
            work.wait()
        assert (z == other).all()
        z.zero_()
    assert (ops[0].peer, repr(ops[1])) == (1 - rank, f"P2POp(irecv peer={1 - rank}, (3, 2))")
    with pytest.raises(ValueError, match="expected to be of type P2POp"):
        dist.batch_isend_irecv([])
    with pytest.raises(ValueError, match="Invalid ``op``"):
        dist.P2POp(dist.all_reduce, x, 1)
    told = [{"rank": 1}, "b"] if rank else [None, None]
    if rank:
        dist.send_object_list(told, 0)
    else:
        assert dist.recv_object_list(told, 1) == 1
    assert told == [{"rank": 1}, "b"]
    dist.monitored_barrier(timeout=timedelta(seconds=60))
    assert (dist.get_global_rank(None, 1), dist.get_group_rank(None, 0)) == (1, 0)
    assert dist.is_backend_available("gloo")
    assert not any([dist.is_backend_available("ucc"), dist.is_ucc_available()])
    with pytest.raises(ValueError, match="Global rank 2 is not part of group"):
        dist.get_group_rank(None, 2)
    for sizes, message in (
        (([2], None), "Number of tensor splits not equal to group size"),
        ((None, [1, 2]), "Split sizes doesn't match total dim 0 size"),
    ):
        with pytest.raises(RuntimeError, match=message):
            dist.all_to_all_single(y, y, *sizes)
    with pytest.raises(RuntimeError, match="does not divide equally across group size"):
        dist.all_to_all_single(y, torch.ones(3))
    with pytest.raises(RuntimeError, match="not equal in data type"):
        dist.all_to_all_single(y, y.long())
    with pytest.raises(ValueError, match="all_to_all: 1 tensors in a list of 2 ranks"):
        dist.all_to_all([y], [y, y])
    for async_op in (False, True):
        y, parts = torch.zeros(()), [torch.zeros(()), torch.zeros(())]
        mine = torch.tensor(float(rank))
        for work in (
            dist.gather(mine, parts if rank else None, 1, async_op=async_op),
            dist.scatter(y, [mine, mine + 5] if rank else None, 1, async_op=async_op),
        ):
            assert (work is not None) == async_op
            if work is not None:
                work.wait()
        assert [p.item() for p in parts] == ([0, 1] if rank else [0, 0])
        assert y.item() == [1, 6][rank]
    objects: list[Any] = [{"rank": rank}, "x" * (1 + 9 * rank)]
    dist.broadcast_object_list(objects, src=1)
    assert objects == [{"rank": 1}, "x" * 10]
    gathered: list[Any] = [None, None]
    dist.gather_object(rank, gathered if rank else None, dst=1)
    assert gathered == ([0, 1] if rank else [None, None])
    dist.scatter_object_list(gathered, None if rank else ["a", "b"])
    assert gathered[0] == "ab"[rank]
    dist.barrier(timeout=timedelta(seconds=60))
    for call, message in (
        (lambda: dist.send(x, rank), "send: dst is this rank itself"),
        (lambda: dist.recv(x), "recv: src must be a rank from 0 to 1, but is None"),
        (
            lambda: dist.scatter_object_list([None], ["a", "b"], src=2),
            "scatter_object_list: src must be a rank from 0 to 1, but is 2",
        ),
        (lambda: dist.gather(x, [x] if rank else None, 1), "gather_list must have 2 tensors"),
        (lambda: dist.scatter(x, [x, x.t()], rank), "scatter_list must be of tensors"),
        (lambda: dist.scatter(x, [x, x], 1 - rank), "scatter_list is the one rank's alone"),
        (lambda: dist.all_gather_into_tensor(x, x), r"all_gather_into_tensor: .* is not 2 times"),
    ):
        if "gather_list" not in message or rank:
            with pytest.raises(ValueError, match=message):
                call()


def groups(out: Path) -> None:
    """Some of the processes; members have numbers of their own."""
    rank = dist.get_rank()
    own = [dist.new_group([0]), dist.new_group([1])]
    turned = dist.new_group([1, 0], sort_ranks=False)
    assert [dist.get_rank(g) for g in own] == [0 if r == rank else -1 for r in range(2)]
    assert [dist.get_world_size(g) for g in own] == [1 if r == rank else -1 for r in range(2)]
    assert dist.get_rank(turned) == 1 - rank
    assert dist.get_process_group_ranks(turned) == [1, 0]
    x = torch.tensor(float(rank))
    dist.all_reduce(x, group=own[rank])
    assert x.item() == rank
    with pytest.raises(ValueError, match=f"rank {rank} is not a member"):
        dist.all_reduce(x, group=own[1 - rank])
    with pytest.raises(ValueError, match=r"src must be a rank among \[1\]|from 0 to 0"):
        dist.broadcast(x, 1 - rank, group=own[rank])
    dist.broadcast(x, src=1, group=turned)
    assert x.item() == 1
    found = [torch.zeros(()), torch.zeros(())]
    dist.all_gather(found, torch.tensor(float(rank)), group=turned)
    assert [t.item() for t in found] == [1, 0]
    dist.gather(torch.tensor(rank), [x.long(), y := torch.tensor(9)] if rank else None, 1, turned)
    assert not rank or y.item() == 0
    for first in range(2):  # in the group of ranks 1, 0
        source = dist.get_process_group_ranks(turned)[first]
        x = torch.tensor(float(rank))
        dist.broadcast(x, group=turned, group_src=first)
        assert x.item() == source
        dist.reduce(x := torch.tensor(float(rank)), group=turned, group_dst=first)
        assert rank != source or x.item() == 1
        mine, parts = torch.tensor(rank), [torch.tensor(9), torch.tensor(9)]
        dist.gather(mine, parts if rank == source else None, group=turned, group_dst=first)
        assert [p.item() for p in parts] == ([1, 0] if rank == source else [9, 9])
        y = torch.tensor(9)
        dist.scatter(y, parts if rank == source else None, group=turned, group_src=first)
        assert y.item() == rank
        if rank == source:
            dist.send(mine, group=turned, group_dst=1 - first)
        else:
            assert dist.recv(y, group=turned, group_src=first) == y.item() == source
        objects: list[Any] = [rank]
        dist.broadcast_object_list(objects, group=turned, group_src=first)
        assert objects == [source]
        dist.gather_object(rank, objects if rank == source else None, None, turned, first)
        assert objects == ([1, 0] if rank == source else [source])
        dist.scatter_object_list(objects, ["a", "b"], group=turned, group_src=first)
        assert objects[0] == "ba"[rank]
    with pytest.raises(ValueError, match="broadcast: give src or group_src, not both"):
        dist.broadcast(mine, 0, turned, group_src=0)
    with pytest.raises(ValueError, match="recv: group_src must be from 0 to 1, but is 2"):
        dist.recv(mine, group=turned, group_src=2)
    with pytest.raises(ValueError, match=f"send: dst is this rank itself, {rank}"):
        dist.send(mine, group=turned, group_dst=1 - rank)
    ddp = nn.parallel.DistributedDataParallel(nn.Linear(1, 1), process_group=own[rank])
    ddp(torch.full((1, 1), rank + 1.0)).sum().backward()
    assert ddp.module.weight.grad.item() == rank + 1, "nobody else's"
    norm = nn.SyncBatchNorm(1, process_group=own[rank])
    norm(torch.tensor([[1.0], [3.0]]) + 10 * rank)
    assert norm.running_mean.item() == pytest.approx(0.1 * (2 + 10 * rank))
    for ranks in ([], [0, 0], [2]):
        with pytest.raises(ValueError, match="new_group: ranks must be different ones from 0 to 1"):
            dist.new_group(ranks)
    with pytest.raises(ValueError, match="backend must be mpi, not 'nccl'"):
        dist.new_group(backend="nccl")
    dist.destroy_process_group(own[rank])
    with pytest.raises(ValueError, match="expected a group of new_group"):
        dist.barrier(own[rank])
    assert dist.get_node_local_rank() == rank


def unused(out: Path) -> None:
    """A parameter that gets no gradient is named; `no_sync` leaves gradients alone."""
    model = nn.ModuleDict({"used": nn.Linear(2, 2), "other": nn.Linear(2, 2)})
    model.forward = lambda x: model["used"](x)  # type: ignore[method-assign, assignment]
    ddp = nn.parallel.DistributedDataParallel(model)
    ddp(torch.ones(1, 2)).sum().backward()
    with pytest.raises(RuntimeError, match=r"other\.bias, other\.weight.*find_unused"):
        ddp(torch.ones(1, 2))
    layers = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    ddp = nn.parallel.DistributedDataParallel(layers, bucket_cap_mb=1e-5)
    sent: list[int] = []
    layers[0].register_forward_hook(
        lambda _, inputs, y: y.register_hook(lambda g: sent.append(ddp._sent)) and None
    )
    ddp(torch.ones(1, 2)).sum().backward()
    assert len(ddp._buckets) == 6
    assert sent == [4], "the last layers' are on their way when the first one begins"
    layer = nn.Linear(1, 1, bias=False)
    ddp = nn.parallel.DistributedDataParallel(layer)
    with ddp.no_sync():
        ddp(torch.full((1, 1), float(dist.get_rank()))).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.item() == dist.get_rank()
    ddp(torch.full((1, 1), 10.0)).sum().backward()
    assert layer.weight.grad.item() == 10.5


class Branches(nn.Module):
    """Each rank its own layer, one for both, and one for nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.both, self.none = nn.Linear(1, 1), nn.Linear(1, 1)
        self.own = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])

    def forward(self, x: Any, chosen: int | None) -> Any:
        if chosen is None:
            return {"x": x}
        return {"y": [self.both(x) + self.own[chosen](x)], "x": x}


def branches(out: Path) -> None:
    """Parameters that took no part are looked for, and count as 0."""
    rank = dist.get_rank()
    x = torch.ones(1, 1)
    for words in ({"find_unused_parameters": True}, {"static_graph": True}):
        model = Branches()
        ddp = nn.parallel.DistributedDataParallel(model, bucket_cap_mb=1e-5, **words)
        for step in range(3):
            model.zero_grad()
            (ddp(x, rank)["y"][0] * (2.0 + 2 * rank + step)).sum().backward()
            grads = [p.grad for p in (model.both.bias, model.own[0].bias, model.own[1].bias)]
            assert [g.item() for g in grads] == [3 + step, (2 + step) / 2, (4 + step) / 2]
            assert model.none.weight.grad is None, "nobody used it"
        model.zero_grad()
        output = ddp(x, rank if rank else None)  # rank 0 uses no parameter, and rank 1 waits for it
        if rank:
            output["y"][0].sum().backward()
        assert model.own[1].bias.grad.item() == 0.5
        assert model.own[0].bias.grad is None
        model.zero_grad()
        with ddp.no_sync():
            ddp(x, 0)["y"][0].sum().backward()  # both ranks
        ddp(x, 1)["y"][0].sum().backward()
        assert [layer.bias.grad.item() for layer in (*model.own, model.both)] == [1, 1, 2]
        ddp(x, rank)
        ddp(x, rank)["y"][0].sum().backward()  # a pass without a backward before it


def killed(out: Path) -> None:
    """Rank 1 is killed in the middle of things."""
    value = torch.ones(1)
    for step in range(1000):
        if step == 3 and dist.get_rank() == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        dist.all_reduce(value)
        time.sleep(0.01)


def raising(out: Path) -> None:
    """Rank 1 raises what nobody catches."""
    dist.barrier()
    if dist.get_rank() == 1:
        raise ValueError("of rank 1")
    dist.barrier()


def missing(out: Path) -> None:
    """Rank 1 goes away without a word, and rank 0 gives up."""
    if dist.get_rank() == 1:
        time.sleep(20)
        return
    try:
        dist.barrier()
    except dist.DistBackendError as error:
        out.write_text(str(error))
        raise


DOES: dict[str, Callable[[Path], None]] = {
    f.__name__: f
    for f in (plain, normed, collectives, exchanges, groups, unused, branches, killed, raising)
} | {"missing": missing}

if __name__ == "__main__":
    limit = timedelta(seconds=3) if sys.argv[1] == "missing" else timedelta(seconds=120)
    dist.init_process_group("mpi", timeout=limit)
    DOES[sys.argv[1]](Path(sys.argv[2]))
    dist.destroy_process_group()
