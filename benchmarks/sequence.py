"""Recurrent layers and a transformer block, forward and backward, against PyTorch.

The same code builds each model in both libraries; ours is given the other's weights. The script
fails unless outputs and gradients agree to 1e-3 before it times anything.

    python benchmarks/sequence.py [--only WORD] [--rounds N] [--calls N] [--scale N] [--threads N]
                                  [--json FILE]
"""

# smoke: --rounds 1 --calls 1 --scale 16 --json $OUT/sequence.json

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import _compare

THREADS = _compare.prepare(2)


import numpy as np  # noqa: E402 - after threads and instructions are set

import tinygrad_lite  # noqa: E402

Model = Callable[[Any], Any]


def block(framework: Any, causal: bool, tokens: int, **settings: Any) -> Any:
    """A transformer block as PyTorch has it: 8 heads, 256 wide, 1024 between its linear layers."""
    layer = framework.nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True, **settings)
    mask = framework.nn.Transformer.generate_square_subsequent_mask(tokens) if causal else None
    return layer, lambda x: layer(x, src_mask=mask, is_causal=causal)


def layer(framework: Any, kind: str, **settings: Any) -> Any:
    """A recurrent layer of 128 features."""
    made = getattr(framework.nn, kind)(128, 128, batch_first=True, **settings)
    return made, lambda x: made(x)[0]


def written_out(framework: Any, tokens: int) -> Any:
    """A GPT's block as its programs write it: attention from products, mask and softmax."""
    nn, F = framework.nn, framework.nn.functional
    names = {"norm1": nn.LayerNorm(256), "qkv": nn.Linear(256, 768), "out": nn.Linear(256, 256)}
    names |= {"norm2": nn.LayerNorm(256), "up": nn.Linear(256, 1024), "down": nn.Linear(1024, 256)}
    m = nn.ModuleDict(names)
    seen = framework.tril(framework.ones(tokens, tokens)).view(1, 1, tokens, tokens)

    def forward(x: Any) -> Any:
        n, t, width = x.shape
        parts = m["qkv"](m["norm1"](x)).split(width, dim=2)
        q, k, v = (p.view(n, t, 8, width // 8).transpose(1, 2) for p in parts)
        scores = (q @ k.transpose(-2, -1)) * (1.0 / 32**0.5)
        weights = F.softmax(scores.masked_fill(seen == 0, float("-inf")), dim=-1)
        y = (weights @ v).transpose(1, 2).contiguous().view(n, t, width)
        x = x + m["out"](y)
        return x + m["down"](F.gelu(m["up"](m["norm2"](x))))

    return m, forward


def cases(scale: int) -> dict[str, tuple[tuple[int, ...], Callable[[Any], Any]]]:
    """By name, the input's shape and what makes the module and its forward pass."""
    n, steps = max(32 // scale, 1), max(64 // scale, 2)
    tokens, quiet = 2 * steps, {"dropout": 0.0}
    pre = {"norm_first": True, "activation": "gelu"}
    recurrent: dict[str, Any] = {
        f"{kind}(128), {steps} steps, batch {n}": (
            (n, steps, 128),
            lambda f, kind=kind: layer(f, kind),
        )
        for kind in ("LSTM", "GRU", "RNN")
    }
    both = "LSTM(128), 2 layers, both directions"
    recurrent[both] = (
        (n, steps, 128),
        lambda f: layer(f, "LSTM", num_layers=2, bidirectional=True),
    )
    where, shape = f"{tokens} tokens, batch {n}", (n, tokens, 256)
    return recurrent | {
        f"transformer block, {where}": (shape, lambda f: block(f, False, tokens, **quiet)),
        f"transformer block, gelu, causal, {where}": (
            shape,
            lambda f: block(f, True, tokens, **quiet, **pre),
        ),
        f"transformer block, dropout 0.1, {where}": (shape, lambda f: block(f, False, tokens)),
        f"GPT block written out, {where}": (shape, lambda f: written_out(f, tokens)),
    }


def step(framework: Any, values: Any, module: Any, forward: Model) -> Callable[[], Any]:
    """Forward and backward once, from a gradient that is not the same everywhere."""
    x = framework.from_numpy(values).requires_grad_()
    g = framework.from_numpy(np.cos(np.arange(forward(x).numel(), dtype=np.float32)))

    def call() -> Any:
        x.grad = None
        module.zero_grad()
        y = forward(x)
        y.backward(g.view(y.shape))
        return {"y": y, "x": x.grad} | {name: p.grad for name, p in module.named_parameters()}

    return call


def check(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Fail unless outputs and gradients agree to 1e-3, as norms.

    Of millions of numbers before a ReLU one may be within rounding of 0. Then single elements of
    the gradient go another way.
    """
    for key, want in theirs.items():
        a, b = ours[key].detach().numpy(), want.detach().numpy()
        error = np.linalg.norm(a - b) / max(1, np.linalg.norm(b))
        assert error <= 1e-3, f"{name}: {key} differs by {error:.1e}"


def main() -> int:
    """Time what the command line asks for."""
    parser = _compare.parser(__doc__)
    _compare.add_arguments(parser, THREADS)
    _compare.add_turns(parser, rounds=15, calls=5)
    _compare.add_only(parser)
    parser.add_argument("--scale", type=int, default=1, help="divide batch and steps by this")
    args = parser.parse_args()
    torch, about = _compare.against_pytorch(THREADS)
    results = []
    for name, (shape, make) in cases(args.scale).items():
        if args.only not in name:
            continue
        values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        module, forward = make(tinygrad_lite)
        ways = {"tinygrad_lite": step(tinygrad_lite, values, module, forward)}
        if torch is not None:
            other, theirs = make(torch)
            state = {k: v.numpy() for k, v in other.state_dict().items()}
            module.load_state_dict({k: tinygrad_lite.from_numpy(v) for k, v in state.items()})
            ways["torch"] = step(torch, values, other, theirs)
            if "dropout" not in name:
                check(name, *(call() for call in ways.values()))
        timings, ratios = _compare.alternate(ways, rounds=args.rounds, calls=args.calls)
        _compare.report(name, timings, ratios)
        results.append(_compare.record(name, timings, ratios))
    _compare.write_json(args.json, about, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
