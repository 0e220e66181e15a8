"""Where Python meets data: small tensors joined, indexed and looked up, against PyTorch.

What a training loop does before and between the arithmetic: the samples of a batch are stacked,
windows of a text are cut out, embeddings gathered, the largest of many found. "forward" is the
operation alone, under `no_grad`; "both" records it and sends a gradient back. The script fails
unless results and gradients agree to 1e-4 before it times anything.

Then how many images a second come from memory and from files (`ShardDataset`, shuffled in blocks;
"cold" without the system's copy of the files, which it is asked to drop), alone and into the
training of an MLP.

    python benchmarks/data.py [--only WORD] [--rounds N] [--threads N] [--json FILE] [--images N]
"""

# smoke: --rounds 1 --calls 1 --repeat 1 --images 2000 --json $OUT/data.json

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import _compare

THREADS = _compare.prepare(2)


import _small  # noqa: E402
import numpy as np  # noqa: E402 - after threads and instructions are set
from _small import Rows  # noqa: E402

import tinygrad_lite  # noqa: E402
from tinygrad_lite.data import BlockSampler, ShardDataset, ShardWriter  # noqa: E402
from tinygrad_lite.utils.data import DataLoader, TensorDataset  # noqa: E402

BATCH = 200


class NotAhead(ShardDataset):
    """Files whose blocks nobody asks for ahead of time."""

    def will_need(self, block: int) -> None:
        """Nothing."""


def operations(framework: Any) -> Rows:
    """Name, leaves and the call of each operation; the same code for both libraries."""
    rng = np.random.default_rng(0)
    F = framework.nn.functional

    def array(*shape: int) -> Any:
        return framework.from_numpy(rng.standard_normal(shape).astype(np.float32))

    vectors = [array(8) for _ in range(256)]
    yield "stack of 256 vectors of 8", [], lambda: framework.stack(vectors)
    yield "cat of 256 vectors of 8", [], lambda: framework.cat(vectors)
    leaves = [v.clone().requires_grad_() for v in vectors[:64]]
    yield "stack of 64 vectors", leaves, lambda: framework.stack(leaves)
    text = framework.from_numpy(rng.integers(0, 64, 10_000))
    starts = rng.integers(0, 9_000, 64).tolist()
    yield (
        "stack of 64 slices of a text",
        [],
        lambda: framework.stack([text[i : i + 128] for i in starts]),
    )
    many = array(100, 10_000)
    yield "topk: 5 of 10,000", [], lambda: many.topk(5).values
    yield "topk: 5 of 50", [], lambda: many[:, :50].topk(5).values
    yield "x[3]", [], lambda: many[3]
    yield "x[3, 5]", [], lambda: many[3, 5]
    yield "x[2:5]", [], lambda: many[2:5]
    table = array(5_000, 128).requires_grad_()
    words = framework.from_numpy(rng.integers(0, 5_000, (32, 128)))
    yield "embedding 32×128 of 5,000×128", [table], lambda: F.embedding(words, table)
    images, kernels = array(32, 64, 28, 28).requires_grad_(), array(64, 1, 3, 3).requires_grad_()
    yield (
        "depthwise conv 64 @28²",
        [images, kernels],
        lambda: F.conv2d(images, kernels, padding=1, groups=64),
    )
    behind = F.conv2d(images, kernels, padding=1, groups=64).detach().requires_grad_()
    yield (
        "depthwise conv behind a conv",
        [behind, kernels],
        lambda: F.conv2d(behind, kernels, padding=1, groups=64),
    )
    data = framework.utils.data
    pictures = [(array(3, 32, 32), i % 10) for i in range(64)]
    yield "collating 64 images and labels", [], lambda: data.default_collate(pictures)[0]
    loader = data.DataLoader(samples(framework, pictures), batch_size=32)
    yield "DataLoader of a custom Dataset", [], lambda: [x for x, _ in loader][-1]
    points = [(array(8), i % 2) for i in range(256)]
    small = data.DataLoader(samples(framework, points), batch_size=32, shuffle=True)
    # Each library shuffles in its own order, which the sum over all samples does not depend on.
    yield "DataLoader of small samples", [], lambda: sum(x for x, _ in small).sum(0)


def samples(framework: Any, pairs: list[Any]) -> Any:
    """A data set as users write theirs."""

    class Samples(framework.utils.data.Dataset):
        def __len__(self) -> int:
            return len(pairs)

        def __getitem__(self, index: int) -> Any:
            x, label = pairs[index]
            return x, label

    return Samples()


def drop(folder: Path) -> None:
    """Have the system forget what it holds of the files."""
    for path in folder.iterdir():
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def training() -> Callable[[Any, Any], float]:
    """A step of the report's MLP on a batch of pixels, 0 … 255."""
    torch = tinygrad_lite
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(3072, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

    def step(x: Any, t: Any) -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x.flatten(1).float() / 255), t)
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


def files(args: Any) -> list[dict[str, Any]]:
    """Images a second from memory and from files; each way in turn, the median of the rounds."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (args.images, 3, 32, 32), np.uint8)
    t = rng.integers(0, 10, args.images)
    memory = TensorDataset(tinygrad_lite.from_numpy(x), tinygrad_lite.from_numpy(t))
    results = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "set"
        with ShardWriter(folder) as writer:
            writer.write(x, t)

        def shards(kind: type[ShardDataset], cold: bool) -> Iterator[Any]:
            data = kind(folder)
            if cold:
                drop(folder)
            return iter(DataLoader(data, BATCH, sampler=BlockSampler(data)))

        checked = ShardDataset(folder)
        checked.verify()
        ways: dict[str, Callable[[], Iterator[Any]]] = {
            "memory, shuffle=True": lambda: iter(DataLoader(memory, BATCH, shuffle=True)),
            "files": lambda: iter(DataLoader(checked, BATCH, sampler=BlockSampler(checked))),
            "files, first pass": lambda: shards(ShardDataset, False),
        }
        if hasattr(os, "posix_fadvise"):
            ways["files, first pass, cold"] = lambda: shards(ShardDataset, True)
            ways["files, first pass, cold, not ahead"] = lambda: shards(NotAhead, True)
        for what, step in (("batches", lambda x, t: 0.0), ("training", training())):
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(min(args.rounds, 5)):
                for name, begin in ways.items():
                    batches, start = begin(), time.perf_counter()
                    for images, labels in batches:
                        step(images, labels)
                    seconds[name].append(time.perf_counter() - start)
            for name, found in seconds.items():
                rate = args.images / median(found)
                slowest, fastest = (args.images / f(found) for f in (max, min))
                print(
                    f"{what + ', ' + name:<46}{rate:>12,.0f} images/s "
                    f"({slowest:,.0f} to {fastest:,.0f})"
                )
                results.append({"name": f"{what}, {name}", "images_per_second": rate})
    return results


def main() -> int:
    """Time what the command line asks for."""
    parser = _compare.parser(__doc__)
    _compare.add_arguments(parser, THREADS)
    _small.add_arguments(parser, rounds=11, calls=3, repeat=10)
    parser.add_argument("--images", type=int, default=50_000, help="of the set in files")
    args = parser.parse_args()
    torch, about = _compare.against_pytorch(THREADS)
    results = _small.compare_operations(_small.frameworks(torch), operations, args)
    if args.only in "files":
        results += files(args)
    _compare.write_json(args.json, about, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
