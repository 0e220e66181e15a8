"""A layer's bias before batch normalisation, which `Sequential` leaves out in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests import cuda_host
from tests.cuda_host.device import emulated
from tinygrad_lite import autograd, nn
from tinygrad_lite.graph import Node
from tinygrad_lite.nn import functional as F

Make = Callable[[], nn.Sequential]


def to_numpy(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy()


CHAINS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "2d, ReLU": (
        lambda: nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU()),
        (6, 3, 5, 4),
    ),
    "2d": (lambda: nn.Sequential(nn.Conv2d(3, 5, 3, 2), nn.BatchNorm2d(5)), (6, 3, 5, 4)),
    "2d, tanh": (
        lambda: nn.Sequential(nn.Conv2d(2, 5, 1), nn.BatchNorm2d(5, affine=False), nn.Tanh()),
        (6, 2, 5, 4),
    ),
    "1d, ReLU": (
        lambda: nn.Sequential(nn.Conv1d(3, 5, 3), nn.BatchNorm1d(5), nn.ReLU()),
        (6, 3, 7),
    ),
    "transposed, ReLU": (
        lambda: nn.Sequential(nn.ConvTranspose2d(3, 5, 3, 2), nn.BatchNorm2d(5), nn.ReLU()),
        (6, 3, 3, 2),
    ),
    "average over batches": (
        lambda: nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, momentum=None), nn.ReLU()),
        (6, 3, 5, 4),
    ),
    "no running statistics": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, track_running_stats=False), nn.ReLU()
        ),
        (6, 3, 5, 4),
    ),
}


def listen(net: nn.Sequential) -> None:
    """Make the modules run one after another."""
    for module in net:
        module.register_forward_hook(lambda *_: None)


def names(tensor: Any) -> list[str]:
    """The operations that made a tensor, by the first inputs, with how many inputs they record."""
    found, node = [], tensor.grad_fn
    while isinstance(node, Node):
        found.append(f"{node.operation} {sum(p is not None for p in node.parents)}")
        node = node.parents[0]
    return found


def trained(make: Make, shape: tuple[int, ...], device: str, apart: bool) -> dict[str, Any]:
    """What two steps leave behind."""
    tg.manual_seed(1)
    net = make().double().to(device)
    with tg.no_grad():
        net[0].bias.add_(3)  # far from what would be missed
    if apart:
        listen(net)
    found: dict[str, Any] = {}
    for step in range(2):
        net.zero_grad()
        x = tg.randn(*shape, dtype=tg.float64).to(device).requires_grad_()
        y = net(x)
        (y * tg.randn(*y.shape, dtype=tg.float64).to(device)).sum().backward()
        found[f"y{step}"], found[f"x{step}"] = y, x.grad
        found.update({f"{k}{step}": p.grad for k, p in net.named_parameters()})
    return {k: to_numpy(v) for k, v in {**found, **dict(net.named_buffers())}.items()}


@pytest.mark.parametrize("chain", CHAINS)
def test_results_are_those_of_the_modules_one_by_one(chain: str, device: str) -> None:
    one = trained(*CHAINS[chain], device, apart=False)
    other = trained(*CHAINS[chain], device, apart=True)
    assert one.keys() == other.keys()
    for name, value in other.items():
        np.testing.assert_allclose(one[name], value, rtol=1e-8, atol=1e-10, err_msg=name)
        assert one[name].dtype == value.dtype
    for step in range(2):
        assert not one[f"0.bias{step}"].any()
    if "1.num_batches_tracked" in one:
        assert one["1.num_batches_tracked"] == 2
        assert np.abs(one["1.running_mean"]).min() > 0.3  # of which 3 (1 − 0.9²) is the bias's


def test_the_bias_takes_no_part(device: str) -> None:
    make, shape = CHAINS["2d, ReLU"]
    net, x = make().to(device), tg.randn(*shape).to(device)
    assert names(net(x)) == ["batch_norm 4", "conv2d 1"]
    net[0].bias.requires_grad_(False)
    assert names(net(x)) == ["batch_norm 3", "conv2d 1"]
    net.eval()
    net[0].bias.requires_grad_()
    assert names(net(x)) == ["batch_norm_eval 3", "conv2d 2"]


class Subclass(nn.Conv2d):
    def forward(self, input: Any) -> Any:
        return super().forward(input)


class Called(nn.BatchNorm2d):
    def __call__(self, input: Any) -> Any:
        return super().__call__(input)


def own_forward(net: nn.Sequential) -> None:
    net[0].forward = net[0].forward


LISTENERS: dict[str, Callable[[nn.Sequential], Any]] = {
    "a hook behind the convolution": lambda net: net[0].register_forward_hook(lambda *_: None),
    "one before it": lambda net: net[0].register_forward_pre_hook(lambda *_: None),
    "one before the normalisation": lambda net: net[1].register_forward_pre_hook(lambda *_: None),
    "one behind it": lambda net: net[1].register_forward_hook(lambda *_: None),
    "a forward of the instance's own": own_forward,
    "a subclass": lambda net: net.__setitem__(0, Subclass(3, 5, 3)),
    "a subclass that is called otherwise": lambda net: net.__setitem__(1, Called(5)),
    "something between": lambda net: net.insert(1, nn.Identity()),
    "evaluation of the normalisation alone": lambda net: net[1].eval(),
}


@pytest.mark.parametrize("listener", LISTENERS)
def test_whoever_listens_hears_the_bias(listener: str) -> None:
    net = CHAINS["2d"][0]()
    net[0] = nn.Conv2d(3, 5, 3)
    LISTENERS[listener](net)
    y = net(tg.randn(6, 3, 5, 4))
    assert names(y)[-1] == "conv2d 2"
    assert "4" not in names(y)[0]


def test_a_hook_behind_the_convolution_sees_its_whole_output() -> None:
    net = CHAINS["2d"][0]()
    seen: list[Any] = []
    net[0].register_forward_hook(lambda module, args, output: seen.append(output))
    x = tg.randn(6, 3, 5, 4)
    net(x)
    expected = nn.functional.conv2d(x, net[0].weight, net[0].bias, 2)
    np.testing.assert_array_equal(to_numpy(seen[0]), to_numpy(expected))


def test_what_an_optimizer_makes_of_the_bias() -> None:
    """Adam takes a step of the size of its rate for rounding errors, and none for zeros."""
    net = CHAINS["2d, ReLU"][0]()
    before = to_numpy(net[0].bias).copy()
    optimizer = tg.optim.Adam(net.parameters(), lr=0.1)
    net(tg.randn(6, 3, 5, 4)).sum().backward()
    optimizer.step()
    np.testing.assert_array_equal(to_numpy(net[0].bias), before)
    optimizer = tg.optim.SGD(net.parameters(), lr=0.1, weight_decay=0.5)
    optimizer.step()
    np.testing.assert_allclose(to_numpy(net[0].bias), before * (1 - 0.05), rtol=1e-6)


def test_second_derivatives() -> None:
    found = []
    for apart in (False, True):
        tg.manual_seed(2)
        net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Tanh()).double()
        if apart:
            listen(net)
        x = tg.randn(4, 2, 4, 4, dtype=tg.float64, requires_grad=True)
        leaves = [x, *net.parameters()]
        first = tg.autograd.grad(net(x).sum(), leaves, create_graph=True)
        total = sum((g * g).sum() for g in first)
        found.append([*first, *tg.autograd.grad(total, leaves)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(to_numpy(one), to_numpy(other), rtol=1e-8, atol=1e-10)


def test_running_statistics_move_once_for_second_derivatives(device: str) -> None:
    """Which may run the rule again, where the output is gone."""
    net = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3), nn.ReLU()).to(device)
    x = tg.randn(4, 2, 3, 3).to(device).requires_grad_()
    y = (net(x) * 2).sin().sum()
    moved = {name: to_numpy(b).copy() for name, b in net.named_buffers()}
    (g,) = tg.autograd.grad(y, x, create_graph=True)
    (g * g).sum().backward()
    for name, buffer in net.named_buffers():
        np.testing.assert_array_equal(to_numpy(buffer), moved[name])
    assert net[1].num_batches_tracked.item() == 1


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_cuda_no_pass_is_made_for_the_bias(dtype: str) -> None:
    with emulated():
        net = CHAINS["2d, ReLU"][0]().to("strict")
        x = tg.randn(8, 3, 5, 4).to("strict")
        cuda_host.launched()
        with tg.autocast("strict", dtype=tg.bfloat16, enabled=dtype == "bfloat16"):
            y = net(x)
        y.float().sum().backward()
        ran = cuda_host.launched()
        assert ran.count("normalise") == 1  # which moves the running statistics too
        assert not [name for name in ran if "bias" in name or name.startswith("row_")]
        listen(net)
        net(x).sum().backward()
        ran = cuda_host.launched()
        assert "row_parts" in ran
        assert any("add_bias" in name for name in ran)


def test_shared_sums_are_not_those_of_an_earlier_pass() -> None:
    x, w, b = tg.randn(5, 3), tg.ones(3), tg.zeros(3)
    w.requires_grad_()
    b.requires_grad_()
    y = F.batch_norm(x, None, None, w, b, training=True)
    g = tg.ones(5, 3)
    autograd.grad([y], [w], [g], retain_graph=True)
    g.mul_(0.0)
    (found,) = autograd.grad([y], [b], [g])
    assert found is not None
    assert found.tolist() == [0, 0, 0]
