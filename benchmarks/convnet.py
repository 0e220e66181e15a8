"""The assignment's ConvNet: a whole training step, and evaluation, against PyTorch.

A step is zero_grad, forward, cross entropy, backward, Adam at 1e-4; float32, batch 32.
Evaluation is the forward pass in eval mode without gradients, batch 200. Both libraries start
from the same weights and see the same batch; the script fails unless loss and gradients agree.
Peak memory is that of a process of its own that trains a few steps, less what it held before.

    python benchmarks/convnet.py [--threads N] [--instructions avx2] [--batch 32] [--rounds N]
                                 [--json FILE]
    python benchmarks/convnet.py --device cuda [--precision tf32] [--batch 256] [--json FILE]
"""

# smoke: --batch 2 --eval_batch 2 --rounds 2 --calls 1 --json $OUT/convnet.json

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _compare
import _cuda

THREADS = _compare.prepare()

import numpy as np  # noqa: E402 - after threads and instructions are set

CHANNELS = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0)  # 0 is a max pool


def build(framework: Any) -> Any:
    """The net of `examples/cifar_cnn.py`, in either library."""
    nn, layers, channels = framework.nn, [], 3
    for width in CHANNELS:
        if width == 0:
            layers.append(nn.MaxPool2d(3, stride=2, padding=1))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers, nn.AvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def batch_of(size: int) -> tuple[Any, Any]:
    """Images as the example's preprocessing leaves them, and labels."""
    rng = np.random.default_rng(0)
    images = (rng.integers(0, 256, (size, 3, 32, 32)) - 128).astype(np.float32)
    return images, rng.integers(0, 10, size)


def trainer(framework: Any, model: Any, size: int) -> Callable[[], Any]:
    """A training step as a call without arguments; it returns the loss."""
    x, t = (framework.from_numpy(a) for a in batch_of(size))
    optimizer = framework.optim.Adam(model.parameters(), lr=1e-4)
    cross_entropy = framework.nn.functional.cross_entropy

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    return step


def evaluator(framework: Any, model: Any, size: int) -> Callable[[], Any]:
    """An evaluation of a batch as a call without arguments."""
    x = framework.from_numpy(batch_of(size)[0])

    def evaluate() -> Any:
        model.eval()
        with framework.no_grad():
            return model(x)

    return evaluate


def load(name: str) -> Any:
    """One of the two libraries."""
    if name == "torch":
        return _compare.pytorch(THREADS)
    import tinygrad_lite

    return tinygrad_lite


def same_weights(ours: Any, theirs: Any) -> None:
    """Give our net the other's parameters and buffers."""
    import tinygrad_lite

    state = {k: tinygrad_lite.tensor(v.numpy()) for k, v in theirs.state_dict().items()}
    ours.load_state_dict(state)


def check(models: dict[str, Any], size: int) -> None:
    """Fail unless logits, loss and the last layer's gradients agree to 1e-4, all others to 5e-2.

    Rounding flips a ReLU or a maximum that is within it of a tie, which changes single elements
    of the gradients below by their own size: that is what the wide bound allows for, and why
    `benchmarks/conv.py` compares each layer by itself, to 1e-4. The gradients of a convolution's
    bias are zero but for rounding, because batch normalisation follows; they are left out.
    """
    found = {}
    for name, model in models.items():
        framework = load(name)
        x, t = (framework.from_numpy(a) for a in batch_of(size))
        logits = model(x)
        loss = framework.nn.functional.cross_entropy(logits, t)
        loss.backward()
        values = {"logits": logits.detach().numpy(), "loss": loss.detach().numpy()}
        grads = {k: p.grad.numpy().copy() for k, p in model.named_parameters()}
        model.zero_grad()
        found[name] = values | grads
    ours, want = found["tinygrad_lite"], found["torch"]
    last = {"logits", "loss", *list(want)[-2:]}
    scale = max(np.abs(g).max() for g in want.values())
    for name, value in want.items():
        if np.abs(value).max() > 1e-5 * scale:
            error = np.linalg.norm(ours[name] - value) / np.linalg.norm(value)
            assert error <= (1e-4 if name in last else 5e-2), f"{name} is off by {error:.1e}"


def peak_mib(name: str, size: int) -> float:
    """Peak memory of a few steps in a process of its own, less what importing took."""
    command = [sys.executable, __file__, "--child", name, "--batch", str(size)]
    command += ["--threads", str(THREADS), "--instructions", "env"]  # which is set by now
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(out.stdout)["peak_mib"])


def child(name: str, size: int) -> None:
    """What `peak_mib` runs."""
    framework = load(name)
    framework.ones(4) + 1
    before = peak_kib()
    step = trainer(framework, build(framework), size)
    for _ in range(3):
        step()
    print(json.dumps({"peak_mib": (peak_kib() - before) / 1024}))


def peak_kib() -> int:
    """The most memory that this process has held; 0 where the system does not say."""
    status = Path("/proc/self/status")  # getrusage's figure starts at the parent's
    if not status.exists():
        return 0
    lines = status.read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def build_on_cuda(name: str, args: argparse.Namespace, state: Any = None) -> Callable[[], Any]:
    """A training step of a fresh net on the GPU; `name` is one of `_cuda.names_of_ways`."""
    framework = load(name.split()[0])
    _cuda.set_precision(framework, args.precision)
    model = build(framework)
    if state is not None:
        model.load_state_dict({k: framework.from_numpy(v.copy()) for k, v in state.items()})
    model.to("cuda")
    x, t = (framework.from_numpy(a).to("cuda") for a in batch_of(args.batch))
    if "channels_last" in name:
        x = x.to(memory_format=framework.channels_last)
        model.to(memory_format=framework.channels_last)
    words = {"capturable": True} if "graph" in name else {}
    optimizer = framework.optim.Adam(model.parameters(), lr=1e-4, **words)
    step = _cuda.trainer(framework, model, optimizer, (x, t), args.precision)
    return _cuda.as_named(name, framework, step)


def cost(batch: int, itemsize: int) -> tuple[float, float]:
    """Floating-point operations of a training step, and the fewest bytes that it moves.

    Of every image: forward, a convolution reads x and writes y, batch norm with ReLU reads y
    twice and writes once; backward, they read 5 and write 2 more of y's size, 2 and 1 of x's.
    Adam reads and writes weights and two moments and reads the gradients, all float32.
    """
    flops, moved, weights, channels, size = 0, 0, 0, 3, 32
    for width in CHANNELS:
        x = channels * size * size
        if width == 0:
            size //= 2
            moved += 2 * (x + channels * size * size)
            continue
        y, first = width * size * size, channels == 3
        flops += (2 if first else 3) * 2 * 9 * channels * y
        moved += (2 if first else 3) * (x + y) + 3 * y + 5 * y
        weights += 9 * channels * width
        channels = width
    return float(batch * flops), float(batch * moved * itemsize + 4 * 7 * weights)


def run_on_cuda(
    batch: int, torch: Any, args: argparse.Namespace, peak: float, gigabytes: float
) -> dict[str, Any]:
    """The training step of a batch size on a GPU, and its memory."""
    args.batch = batch
    names = _cuda.names_of_ways(torch, args.precision, True)
    source = build(load("torch" if torch is not None else "tinygrad_lite"))
    state = {k: np.asarray(v) for k, v in source.state_dict().items()}
    ways = {name: build_on_cuda(name, args, state) for name in names}
    _cuda.check_losses(ways, args.precision)
    timings, ratios = _cuda.alternate(ways, rounds=args.rounds, calls=args.calls)
    flops, moved = cost(batch, 2 if args.precision in ("float16", "bfloat16") else 4)
    result = _cuda.report(
        f"ConvNet, training step, batch {batch}, {args.precision}",
        timings,
        ratios,
        flops=flops,
        bytes_moved=moved,
        peak=peak,
        gigabytes=gigabytes,
    )
    words = ["--batch", str(batch), "--precision", args.precision]
    memory = {name: _cuda.peak_memory(__file__, name, words) for name in names}
    for name, mib in memory.items():
        print(f"  {name:<32}" + ", ".join(f"{k} {v:.0f} MiB" for k, v in mib.items()))
    return result | {"peak_mib": memory}


def main() -> int:
    """Compare the step, the evaluation and the peak memory."""
    parser = _compare.parser(__doc__)
    _compare.add_arguments(parser, THREADS)
    parser.add_argument("--batch", type=int, default=None, help="images a training step (32)")
    parser.add_argument("--eval_batch", type=int, default=200, help="images an evaluation")
    _compare.add_turns(parser, rounds=8, calls=4)
    parser.add_argument("--child", default=None, help=argparse.SUPPRESS)
    _cuda.add_arguments(parser)
    args = parser.parse_args()
    if args.device == "cuda":
        if args.child:
            _cuda.child(load(args.child.split()[0]), build_on_cuda(args.child, args))
            return 0
        return _cuda.compare(parser, args, run_on_cuda, [args.batch] if args.batch else [32, 256])
    args.batch = args.batch or 32
    if args.child:
        child(args.child, args.batch)
        return 0
    torch, about = _compare.against_pytorch(THREADS)
    names = ["tinygrad_lite"] + ([] if torch is None else ["torch"])
    if torch is not None:
        torch.manual_seed(0)
    models = {name: build(load(name)) for name in names}
    if torch is not None:
        same_weights(models["tinygrad_lite"], models["torch"])
        check(models, args.batch)
    results = []
    for case, make, size in (
        ("training step", trainer, args.batch),
        ("evaluation", evaluator, args.eval_batch),
    ):
        calls = {name: make(load(name), models[name], size) for name in names}
        timings, ratios = _compare.alternate(calls, rounds=args.rounds, calls=args.calls)
        _compare.report(f"ConvNet, {case}, batch {size}", timings, ratios)
        results.append(_compare.record(f"ConvNet, {case}, batch {size}", timings, ratios))
    memory = {name: peak_mib(name, args.batch) for name in names}
    print("peak memory of a step: " + ", ".join(f"{k} {v:.0f} MiB" for k, v in memory.items()))
    results.append({"case": "peak memory of a step", "mib": memory})
    _compare.write_json(args.json, about, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
