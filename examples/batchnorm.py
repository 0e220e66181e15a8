"""Batch normalisation in three forms, compared: `python examples/batchnorm.py`.

    y = γ x̂ + β,  x̂ = (x − μ) / √(σ² + ε),  μ and σ² (biased) of the batch's columns

The first form is composed from elementary operations, and the engine differentiates it. The
second is an `autograd.Function` whose gradient was derived by hand, the third a Module around
it. The library's own layer stands beside them. The exit status is 1 if they disagree.
"""

# smoke: --batch 16 --features 5

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from _flags import Parser, add_capture, count
from _stop import any_terminal
from _training import choose_device

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.autograd import GradcheckError, gradcheck
from tinygrad_lite.autograd.function import once_differentiable
from tinygrad_lite.autograd.memory import saved_bytes

EPS = 1e-5


def check_shape(x: torch.Tensor, features: int) -> None:
    """Raise ValueError unless x is (batch, features)."""
    if x.ndim != 2 or x.shape[1] != features:
        raise ValueError(f"expected an input of shape (batch, {features}), but got {x.shape}")


class BatchNormAutograd(nn.Module):
    """3.1: composed from elementary operations; the engine finds the gradient.

    Args:
        features: the number of columns of the input.
        eps: added to the variance.
    """

    def __init__(self, features: int, eps: float = EPS) -> None:
        super().__init__()
        self.features, self.eps = features, eps
        self.gamma = nn.Parameter(torch.ones(features))
        self.beta = nn.Parameter(torch.zeros(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_shape(x, self.features)
        centred = x - x.mean(dim=0)
        variance = (centred * centred).mean(dim=0)
        return self.gamma * (centred / (variance + self.eps).sqrt()) + self.beta


class BatchNormFunction(torch.autograd.Function):
    """3.2: the gradient by hand (the report's equations 53 to 82), with g = ∂L/∂y.

    ∂L/∂γ = Σ g x̂                                          (56)
    ∂L/∂β = Σ g                                            (59)
    ∂L/∂x = γ/B (σ² + ε)^(−½) (B g − Σ g − x̂ Σ g x̂)         (81, with x̂ for (x − μ)/√(σ² + ε))

    It keeps x̂, which is neither an input nor an output: a second derivative would take it for
    a constant. `once_differentiable` turns that into an error.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, eps: float):
        centred = x - x.mean(dim=0)
        inverse = ((centred * centred).mean(dim=0) + eps) ** -0.5
        normal = centred.mul_(inverse)
        ctx.save_for_backward(normal, inverse, gamma)
        ctx.batch = x.shape[0]
        return gamma * normal + beta

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: torch.Tensor):
        normal, inverse, gamma = ctx.saved_tensors
        needs_x, needs_gamma, needs_beta, _ = ctx.needs_input_grad
        grad_x = grad_gamma = grad_beta = None
        if needs_x or needs_gamma:
            grad_gamma = (g * normal).sum(dim=0)
        if needs_x or needs_beta:
            grad_beta = g.sum(dim=0)
        if needs_x:
            scale = gamma * inverse / ctx.batch
            grad_x = scale * (ctx.batch * g - grad_beta - normal * grad_gamma)
        return grad_x, grad_gamma if needs_gamma else None, grad_beta if needs_beta else None, None


class BatchNormManual(BatchNormAutograd):
    """3.2 c: a Module around the Function."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_shape(x, self.features)
        return BatchNormFunction.apply(x, self.gamma, self.beta, self.eps)


def functional(layer: nn.Module) -> Callable[..., torch.Tensor]:
    """A module as a function of x, γ and β."""

    def call(x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
        names = ("weight", "bias") if hasattr(layer, "weight") else ("gamma", "beta")
        for name, value in zip(names, (gamma, beta), strict=True):
            delattr(layer, name)
            setattr(layer, name, value)
        return layer(x)

    return call


def forms(features: int) -> dict[str, Callable[..., torch.Tensor]]:
    """Every form, as a function of x, γ and β."""
    layer = nn.BatchNorm1d(features, eps=EPS, track_running_stats=False)
    return {
        "3.1  composed": functional(BatchNormAutograd(features)),
        "3.2  Function": lambda x, gamma, beta: BatchNormFunction.apply(x, gamma, beta, EPS),
        "3.2c Module": functional(BatchNormManual(features)),
        "nn.BatchNorm1d": functional(layer),
    }


@dataclass
class Result:
    """What is measured of a form: y and the gradients of x, γ, β, and what they cost."""

    tensors: list[torch.Tensor]
    gradcheck: str
    milliseconds: float
    kept: int


def draw(batch: int, features: int, dtype: str, device: str) -> list[torch.Tensor]:
    """x, γ, β and ∂L/∂y."""
    drawn = [
        torch.randn(batch, features) * 3 + 1,
        torch.rand(features) + 0.5,
        torch.randn(features),
        torch.randn(batch, features),
    ]
    return [t.to(dtype=dtype, device=device) for t in drawn]


def measure(
    form: Callable[..., torch.Tensor], inputs: list[torch.Tensor], rounds: int, capture: bool
) -> Result:
    """Run a form forward and backward, check its gradient, time it and weigh its graph.

    With `capture` what is run, from the fourth time on, is the replay of a CUDA graph.
    """
    *args, weights = (t.detach() for t in inputs)
    args = [a.requires_grad_() for a in args]

    def step() -> torch.Tensor:
        for a in args:
            a.grad = None
        y = form(*args)
        y.backward(weights)
        return y

    run = torch.cuda.graph(step) if capture else step
    for _ in range(4):
        y = run()
    on_gpu = y.device.type == "cuda"
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        if on_gpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    doubles = [a.detach().double().requires_grad_() for a in args]
    try:
        gradcheck(form, doubles)
        verdict = "passed"
    except GradcheckError as error:
        print(error, file=sys.stderr)
        verdict = "FAILED"
    return Result(
        [y.detach(), *(a.grad for a in args)],
        verdict,
        1e3 * statistics.median(times),
        saved_bytes(form(args[0] * 1, *args[1:])),  # x · 1: an x that only the graph may keep
    )


def difference(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """The largest difference of two tensors, relative to the largest element if above 1."""
    return float((found - wanted).abs().max()) / max(1.0, float(wanted.abs().max()))


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--batch", type=count, default=200, help="rows of the input, default %(default)s")
    add("--features", type=count, default=100, help="columns, default %(default)s")
    add("--seed", type=int, default=42, help="default %(default)s")
    add("--rounds", type=count, default=100, help="timed repetitions, default %(default)s")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"), help="default %(default)s")
    add_capture(parser)
    args = parser.parse_args(argv)
    if args.batch < 2:
        parser.error("--batch: a variance needs at least 2 rows")
    return args


def main(argv: list[str] | None = None) -> int:
    """Compare the forms; the exit status."""
    any_terminal()
    args = parse(argv)
    device = choose_device(args.device, args.capture)
    torch.manual_seed(args.seed)
    inputs = draw(args.batch, args.features, "float32", device)
    capture = device == "cuda" and args.capture is not False
    results = {
        name: measure(form, inputs, args.rounds, capture)
        for name, form in forms(args.features).items()
    }
    reference = next(iter(results.values()))
    print(f"Batch normalisation of {args.batch} × {args.features} float32 on {device}.")
    print("Differences are to the composed form, relative to the largest element if above 1;")
    print("gradcheck runs in float64; ms is forward + backward, the median; KiB is what the")
    print("graph keeps for backward apart from γ, β and y.\n")
    print(
        f"{'form':15} {'y':>8} {'dL/dx':>8} {'dL/dγ':>8} {'dL/dβ':>8}  gradcheck "
        f"{'ms':>7} {'KiB':>7}"
    )
    agree = True
    for name, result in results.items():
        pairs = zip(result.tensors, reference.tensors, strict=True)
        apart = [difference(found, wanted) for found, wanted in pairs]
        agree &= max(apart) < 1e-4 and result.gradcheck == "passed"
        columns = " ".join(f"{'–' if result is reference else f'{d:.1e}':>8}" for d in apart)
        print(
            f"{name:15} {columns}  {result.gradcheck:9} {result.milliseconds:7.3f} "
            f"{result.kept / 1024:7.1f}"
        )
    print("\nThe forms agree." if agree else "\nThe forms do NOT agree.")
    return 0 if agree else 1


if __name__ == "__main__":
    raise SystemExit(main())
