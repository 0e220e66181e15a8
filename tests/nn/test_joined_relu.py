"""What `Sequential` does with a ReLU: one with the linear layer before it where launches count,
and behind the maximum pool that follows it, where there are fewer numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests import cuda_host
from tests.cuda_host.device import emulated
from tests.nn.test_joined import listen, names, to_numpy
from tinygrad_lite import nn

SHAPES = [(7, 6), (2, 3, 6), (6,), (0, 6)]


def net(bias: bool = True, out: int = 5) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, out, bias=bias), nn.ReLU(), nn.Linear(out, 3))


def gradients(shape: tuple[int, ...], bias: bool, device: str, dtype: Any, apart: bool) -> Any:
    tg.manual_seed(3)
    made = net(bias).to(device, dtype)
    if apart:
        listen(made)
    x = tg.randn(*shape, dtype=dtype).to(device).requires_grad_()
    y = made(x)
    (y * tg.randn(*y.shape, dtype=dtype).to(device)).sum().backward()
    return [to_numpy(t) for t in (y, x.grad, *(p.grad for p in made.parameters()))]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bias", [True, False])
def test_results_are_those_of_both_one_by_one(
    shape: tuple[int, ...], bias: bool, device: str
) -> None:
    """To the bit: they are the same sums in the same order."""
    for dtype in (tg.float32, tg.float64):
        one, other = (gradients(shape, bias, device, dtype, apart) for apart in (False, True))
        for found, expected in zip(one, other, strict=True):
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype


@pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")
@pytest.mark.parametrize("dtype", [tg.float32, tg.float64, tg.float16])
@pytest.mark.parametrize("rows", [1, 40, 1025])
def test_on_cuda_the_bias_takes_no_launch_of_its_own(rows: int, dtype: Any) -> None:
    with emulated():
        cuda_host.launched()
        one, other = (gradients((rows, 6), True, "strict", dtype, apart) for apart in (False, True))
        ran = cuda_host.launched()
    few = rows <= 1024
    assert ("relu_sum_rows" in ran, ran.count("relu")) == (few, 1)
    assert ran.count("relu_gradient") == (1 if few else 2)
    for found, expected in zip(one, other, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_nan_passes_and_zero_does_not(device: str) -> None:
    made = net(out=2).to(device)
    with tg.no_grad():
        made[0].weight.zero_()
        made[0].bias.copy_(tg.tensor([float("nan"), 0.0]))
    hidden = made[:2](tg.ones(4, 6).to(device))
    assert names(hidden)[0] == ("relu 1" if device == "cpu" else "linear 2")
    hidden.backward(tg.ones(4, 2).to(device))
    assert np.isnan(to_numpy(hidden)[:, 0]).all()
    assert made[0].bias.grad.tolist() == [4.0, 0.0]


def inplace(made: nn.Sequential) -> None:
    made[1].inplace = True


class Own(nn.Linear):
    def forward(self, input: Any) -> Any:
        return super().forward(input) * 1


LISTENERS: dict[str, Callable[[nn.Sequential], Any]] = {
    "a hook behind the layer": lambda made: made[0].register_forward_hook(lambda *_: None),
    "a hook before the ReLU": lambda made: made[1].register_forward_pre_hook(lambda *_: None),
    "a subclass": lambda made: made.__setitem__(0, Own(6, 5)),
    "another activation": lambda made: made.__setitem__(1, nn.ReLU6()),
}


@pytest.mark.parametrize("listener", LISTENERS)
def test_whoever_listens_gets_both(listener: str) -> None:
    made, x = net().to("strict"), tg.randn(2, 6).to("strict")
    assert names(made[:2](x))[0] == "linear 2"
    LISTENERS[listener](made)
    made.to("strict")
    assert not names(made[:2](x))[0].startswith("linear")


def test_errors_are_the_layers() -> None:
    with pytest.raises(RuntimeError, match=r"linear: input has 4 features but weight expects 6"):
        net()(tg.randn(2, 4))
    with pytest.raises(RuntimeError, match="linear: input and weight must have the same dtype"):
        net()(tg.randn(2, 6, dtype=tg.float64))
    with pytest.raises(TypeError, match="linear: input must be a Tensor, not list"):
        net()([1.0])


def test_second_derivatives() -> None:
    found = []
    for apart in (False, True):
        tg.manual_seed(2)
        made = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 1), nn.Tanh()).double()
        made.to("strict")
        if apart:
            listen(made)
        x = tg.randn(3, 4, dtype=tg.float64).to("strict").requires_grad_()
        leaves = [x, *made.parameters()]
        first = tg.autograd.grad(made(x).sum(), leaves, create_graph=True)
        found.append([*first, *tg.autograd.grad(sum((g * g).sum() for g in first), leaves)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(to_numpy(one), to_numpy(other), rtol=1e-10, atol=1e-12)


def test_autocast() -> None:
    made, x = net(), tg.randn(4, 6)
    with tg.autocast("cpu", dtype=tg.bfloat16):
        one = made[:2](x)
        listen(made)
        other = made[:2](x)
    assert one.dtype == other.dtype == tg.bfloat16
    assert one.tolist() == other.tolist()


POOLS: dict[str, Callable[[], nn.Module]] = {
    "tiles": lambda: nn.MaxPool2d(2),
    "windows that overlap": lambda: nn.MaxPool2d(3, stride=2, padding=1),
    "windows that overhang": lambda: nn.MaxPool2d(2, ceil_mode=True),
}


@pytest.mark.parametrize("make", POOLS.values(), ids=POOLS)
@pytest.mark.parametrize("values", ["real", "ties and zeros", "nan"])
def test_a_pool_comes_first(make: Callable[[], nn.Module], values: str, device: str) -> None:
    rng, found = np.random.default_rng(0), []
    pixels = rng.standard_normal((3, 2, 7, 6)).astype("float32")
    pixels = np.round(pixels) if values == "ties and zeros" else pixels
    pixels[rng.random(pixels.shape) < (0.1 if values == "nan" else 0)] = np.nan
    for apart in (False, True):
        made = nn.Sequential(nn.ReLU(), make())
        if apart:
            listen(made)
        x = tg.from_numpy(pixels).to(device).requires_grad_()
        y = made(x)
        assert names(y)[0].startswith("max_pool2d" if apart else "relu")
        g = np.random.default_rng(1).standard_normal(y.shape).astype("float32")
        (dx,) = tg.autograd.grad(y, x, tg.from_numpy(g).to(device))
        found.append((to_numpy(y), to_numpy(dx)))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_comes_out_may_change_in_place(device: str) -> None:
    """As where positions are added to what a convolution, a ReLU and a pool made of patches."""
    gradients = []
    for apart in (False, True):
        made, x = (
            nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)),
            tg.arange(-8.0, 8.0).reshape(1, 1, 4, 4),
        )
        if apart:
            listen(made)
        x = x.to(device).requires_grad_()
        tokens = made(x).flatten(2)
        tokens += 1
        (tokens**2).sum().backward()
        gradients.append(to_numpy(x.grad))
    np.testing.assert_array_equal(*gradients)
    assert gradients[0].any()


APART: dict[str, Callable[[nn.Sequential], Any]] = {
    "a hook behind the ReLU": lambda made: made[0].register_forward_hook(lambda *_: None),
    "a hook before the pool": lambda made: made[1].register_forward_pre_hook(lambda *_: None),
    "in place": lambda made: setattr(made[0], "inplace", True),
    "indices": lambda made: setattr(made[1], "return_indices", True),
    "an average": lambda made: made.__setitem__(1, nn.AvgPool2d(2)),
}


@pytest.mark.parametrize("listener", APART)
def test_or_the_relu_where_somebody_could_tell(listener: str) -> None:
    made, x = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), tg.randn(2, 3, 4, 4, requires_grad=True)
    APART[listener](made)
    y = made(x * 1)
    y = y[0] if isinstance(y, tuple) else y
    assert not names(y)[0].startswith("relu")
