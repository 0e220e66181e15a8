"""Initial values: their distribution, their gains, and what they do not depend on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.backend import namespace_for, to_host
from tinygrad_lite.nn import init

FILLS: dict[str, Callable[..., tg.Tensor]] = {
    "uniform": lambda t, g=None: init.uniform_(t, -2, 3, generator=g),
    "normal": lambda t, g=None: init.normal_(t, 1, 2, generator=g),
    "trunc_normal": lambda t, g=None: init.trunc_normal_(t, generator=g),
    "xavier_uniform": lambda t, g=None: init.xavier_uniform_(t, generator=g),
    "xavier_normal": lambda t, g=None: init.xavier_normal_(t, generator=g),
    "kaiming_uniform": lambda t, g=None: init.kaiming_uniform_(t, generator=g),
    "kaiming_normal": lambda t, g=None: init.kaiming_normal_(t, generator=g),
    "orthogonal": lambda t, g=None: init.orthogonal_(t, generator=g),
}
# For each fill of shape (300, 200): the mean, the standard deviation, and the bounds.
FAN_IN, FAN_OUT = 200, 300
XAVIER, KAIMING = math.sqrt(2 / (FAN_IN + FAN_OUT)), math.sqrt(2 / FAN_IN)
TRUNCATED = 0.8796256610342398  # √(1 − 4 φ(2) / (2 Φ(2) − 1)), the standard normal within ±2
EXPECTED = {
    "uniform": (0.5, 5 / math.sqrt(12), -2, 3),
    "normal": (1, 2, -math.inf, math.inf),
    "trunc_normal": (0, TRUNCATED, -2, 2),
    "xavier_uniform": (0, XAVIER, -XAVIER * math.sqrt(3), XAVIER * math.sqrt(3)),
    "xavier_normal": (0, XAVIER, -math.inf, math.inf),
    "kaiming_uniform": (0, KAIMING, -KAIMING * math.sqrt(3), KAIMING * math.sqrt(3)),
    "kaiming_normal": (0, KAIMING, -math.inf, math.inf),
    "orthogonal": (0, 1 / math.sqrt(FAN_OUT), -1, 1),
}


def host(tensor: tg.Tensor) -> np.ndarray[Any, Any]:
    return to_host(tensor.detach().array)


@pytest.mark.parametrize("name", FILLS)
def test_distribution(name: str) -> None:
    t = tg.empty(300, 200, requires_grad=True)
    assert FILLS[name](t) is t
    assert t.is_leaf
    mean, std, low, high = EXPECTED[name]
    values = host(t)
    assert abs(values.mean() - mean) < 5 * std / math.sqrt(values.size)
    assert abs(values.std() / std - 1) < 0.02
    assert low * 1.000001 <= values.min()
    assert values.max() <= high * 1.000001
    if math.isfinite(high) and name != "orthogonal":  # they come close to their bounds
        assert values.min() < low + 0.01 * (high - low)
        assert values.max() > high - 0.01 * (high - low)


@pytest.mark.parametrize("name", FILLS)
def test_values_depend_on_the_generator_alone(name: str, device: str) -> None:
    def fill(t: tg.Tensor) -> np.ndarray[Any, Any]:
        return host(FILLS[name](t, tg.Generator(7)))

    expected = fill(tg.empty(5, 4))
    xp = namespace_for(device)
    weight = tg.as_tensor(xp.empty((5, 4), dtype="float32", order="F"))
    np.testing.assert_array_equal(fill(weight), expected)
    assert weight.array.flags.f_contiguous
    tg.manual_seed(7)
    np.testing.assert_array_equal(host(FILLS[name](tg.empty(5, 4))), expected)
    assert not np.array_equal(host(FILLS[name](tg.empty(5, 4))), expected)


def test_constants(device: str) -> None:
    t = tg.empty(2, 3, device=device, requires_grad=True)
    np.testing.assert_array_equal(host(init.constant_(t, 2.5)), np.full((2, 3), 2.5))
    np.testing.assert_array_equal(host(init.zeros_(t)), np.zeros((2, 3)))
    np.testing.assert_array_equal(host(init.ones_(t)), np.ones((2, 3)))
    np.testing.assert_array_equal(host(init.eye_(t)), np.eye(2, 3))
    with pytest.raises(ValueError, match=r"2 dimensions are supported, not \(3,\)"):
        init.eye_(tg.empty(3))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (3, 2, 2)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    m = host(init.orthogonal_(tg.empty(shape, dtype=tg.float64), gain=2)).reshape(shape[0], -1)
    product = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)
    with pytest.raises(ValueError, match="2 or more dimensions"):
        init.orthogonal_(tg.empty(3))


def test_orthogonal_has_no_preferred_sign() -> None:
    # Without the sign of R's diagonal, LAPACK's Q has a first element of one sign only.
    firsts = [host(init.orthogonal_(tg.empty(3, 3)))[0, 0] for _ in range(40)]
    assert min(firsts) < 0 < max(firsts)


def test_truncated_normal_far_from_its_mean() -> None:
    t = init.trunc_normal_(tg.empty(20000, dtype=tg.float64), mean=0, std=1, a=4, b=9)
    # E[x | x > 4] = φ(4) / (1 − Φ(4)) = 4.225607
    assert abs(host(t).mean() - 4.225607) < 5 * 0.22 / math.sqrt(20000)
    assert host(t).min() >= 4
    with pytest.raises(ValueError, match="a < b"):
        init.trunc_normal_(t, a=1, b=1)


def test_gains() -> None:
    # values from PyTorch 2.13
    gains = {
        "linear": 1, "conv2d": 1, "conv_transpose3d": 1, "sigmoid": 1, "tanh": 1.6666666666666667,
        "relu": 1.4142135623730951, "leaky_relu": 1.4141428569978354, "selu": 0.75,
    }  # fmt: skip
    assert {name: init.calculate_gain(name) for name in gains} == pytest.approx(gains)
    assert init.calculate_gain("leaky_relu", 0.2) == pytest.approx(1.3867504905630728)
    with pytest.raises(ValueError, match="Unsupported nonlinearity foo"):
        init.calculate_gain("foo")
    with pytest.raises(ValueError, match="negative_slope x not a valid number"):
        init.calculate_gain("leaky_relu", "x")  # type: ignore[arg-type]


def test_fans() -> None:
    assert init._calculate_fan_in_and_fan_out(tg.empty(7, 5)) == (5, 7)
    assert init._calculate_fan_in_and_fan_out(tg.empty(7, 5, 3, 2)) == (30, 42)
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init.xavier_uniform_(tg.empty(3))
    with pytest.raises(ValueError, match="Mode x not supported"):
        init.kaiming_uniform_(tg.empty(3, 3), mode="x")


def test_kaiming_modes_and_nonlinearities() -> None:
    t = tg.empty(100, 400)
    std = host(init.kaiming_normal_(t, mode="fan_out", nonlinearity="tanh")).std()
    assert std == pytest.approx(5 / 3 / 10, rel=0.03)
    bound = abs(host(init.kaiming_uniform_(t, a=2.0))).max()
    assert bound == pytest.approx(math.sqrt(2 / 5) * math.sqrt(3 / 400), rel=0.01)


def test_linear_starts_uniform_on_one_over_root_fan_in(device: str) -> None:
    tg.manual_seed(3)
    layer = nn.Linear(100, 50, device=device)
    for p in layer.parameters():
        assert abs(host(p)).max() <= 0.1
        assert abs(host(p)).max() > 0.09
    tg.manual_seed(3)
    again = nn.Linear(100, 50)
    np.testing.assert_array_equal(host(layer.weight), host(again.weight))
    np.testing.assert_array_equal(host(layer.bias), host(again.bias))
    # The weight is drawn first, in row-major order.
    drawn = tg.rand(50, 100, generator=tg.Generator(3)) * 0.2 - 0.1
    np.testing.assert_allclose(host(layer.weight), host(drawn), atol=1e-7)


def test_empty_tensors_are_fine() -> None:
    for fill in FILLS.values():
        assert fill(tg.empty(0, 3)).shape == (0, 3)
    assert nn.Linear(0, 3)(tg.empty(2, 0)).shape == (2, 3)


@pytest.mark.parametrize("name", ["uniform", "xavier_normal", "kaiming_uniform", "orthogonal"])
def test_old_names_warn_and_do_the_same(name: str) -> None:
    old, new = tg.empty(3, 4), tg.empty(3, 4)
    tg.manual_seed(5)
    with pytest.warns(FutureWarning, match=f"nn.init.{name}` is now deprecated in favor of"):
        assert getattr(nn.init, name)(old) is old
    tg.manual_seed(5)
    getattr(nn.init, f"{name}_")(new)
    assert (old == new).all()


def test_dirac_passes_each_channel_on_in_every_group() -> None:
    weight = host(init.dirac_(tg.empty(4, 2, 3), groups=2))
    assert np.argwhere(weight).tolist() == [[0, 0, 1], [1, 1, 1], [2, 0, 1], [3, 1, 1]]
    x = tg.randn(1, 4, 5)
    y = nn.functional.conv1d(x, tg.from_numpy(weight), padding=1, groups=2)
    assert tg.equal(y, x)
    with pytest.raises(ValueError, match="must be divisible by groups 3"):
        init.dirac_(tg.empty(4, 2, 3), groups=3)


def test_sparse_leaves_zeros_in_every_column() -> None:
    """As many as the share of the rows comes to, rounded up."""
    weight = host(init.sparse_(tg.empty(10, 50), 0.25, std=2.0))
    assert ((weight == 0).sum(axis=0) == 3).all()
    assert abs(weight[weight != 0].std() - 2) < 0.3
    assert len({tuple(column) for column in (weight == 0).T}) > 1, "not the same rows everywhere"
