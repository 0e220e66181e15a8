"""Activations: PyTorch's values, tails without overflow, both derivatives at 0, and layers.

The rows of `tests/op_table/activation.py` put them through the property tests.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests import strict
from tests.op_table import leaves, to_numpy
from tinygrad_lite import nn
from tinygrad_lite.autograd import gradcheck, gradgradcheck
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.nn import functional as F

X = [-3.0, -1, -0.5, 0, 0.5, 1, 3]
CALLS: dict[str, Callable[[tg.Tensor], tg.Tensor]] = {
    "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "elu": lambda x: F.elu(x, 1.5),
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "softplus": lambda x: F.softplus(x, 2.0, 5.0),
    "logsigmoid": F.logsigmoid,
    "hardtanh": lambda x: F.hardtanh(x, -0.5, 1.0),
    "relu6": lambda x: F.relu6(x * 4),
    "erf": tg.erf,
}
# Computed with PyTorch 2.13: values and derivatives at X.
PYTORCH = {
    "leaky_relu": (
        [-0.3, -0.1, -0.05, 0.0, 0.5, 1.0, 3.0],
        [0.1, 0.1, 0.1, 0.1, 1.0, 1.0, 1.0],
    ),
    "elu": (
        [-1.425319397448, -0.948180838243, -0.590204010431, 0.0, 0.5, 1.0, 3.0],
        [0.074680602552, 0.551819161757, 0.909795989569, 1.5, 1.0, 1.0, 1.0],
    ),
    "gelu": (
        [
            -0.004049694095,
            -0.158655253931,
            -0.154268769363,
            0.0,
            0.345731230637,
            0.841344746069,
            2.995950305905,
        ],
        [
            -0.011945647204,
            -0.083315470588,
            0.132504875344,
            0.5,
            0.867495124656,
            1.083315470588,
            1.011945647204,
        ],
    ),
    "gelu_tanh": (
        [
            -0.003637392082,
            -0.158808009392,
            -0.154285990175,
            0.0,
            0.345714009825,
            0.841191990608,
            2.996362607918,
        ],
        [
            -0.011584166631,
            -0.082964083846,
            0.132630096465,
            0.5,
            0.867369903535,
            1.082964083846,
            1.011584166631,
        ],
    ),
    "silu": (
        [
            -0.142277619533,
            -0.26894142137,
            -0.188770334399,
            0.0,
            0.311229665601,
            0.73105857863,
            2.857722380467,
        ],
        [
            -0.088104106015,
            0.072329488129,
            0.260038812697,
            0.5,
            0.739961187303,
            0.927670511871,
            1.088104106015,
        ],
    ),
    "softplus": (
        [
            0.001237842569,
            0.063464005521,
            0.156630843759,
            0.34657359028,
            0.656630843759,
            1.063464005521,
            3.0,
        ],
        [0.002472623157, 0.119202922022, 0.26894142137, 0.5, 0.73105857863, 0.880797077978, 1.0],
    ),
    "logsigmoid": (
        [
            -3.048587351574,
            -1.313261687518,
            -0.97407698418,
            -0.69314718056,
            -0.47407698418,
            -0.313261687518,
            -0.048587351574,
        ],
        [
            0.952574126822,
            0.73105857863,
            0.622459331202,
            0.5,
            0.377540668798,
            0.26894142137,
            0.047425873178,
        ],
    ),
    "hardtanh": (
        [-0.5, -0.5, -0.5, 0.0, 0.5, 1.0, 1.0],
        [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0],
    ),
    "relu6": (
        [0.0, 0.0, 0.0, 0.0, 2.0, 4.0, 6.0],
        [0.0, 0.0, 0.0, 0.0, 4.0, 4.0, 0.0],
    ),
    "erf": (
        [
            -0.999977909503,
            -0.84270079295,
            -0.520499877813,
            0.0,
            0.520499877813,
            0.84270079295,
            0.999977909503,
        ],
        [
            0.000139253052,
            0.415107497421,
            0.878782578935,
            1.128379167096,
            0.878782578935,
            0.415107497421,
            0.000139253052,
        ],
    ),
}
SMOOTH = ["gelu", "gelu_tanh", "silu", "softplus", "logsigmoid", "erf"]


@pytest.mark.parametrize("name", CALLS)
def test_values_and_derivatives_of_pytorch(name: str, device: str) -> None:
    (x,) = leaves((np.array(X),), device)
    y = CALLS[name](x)
    y.backward(tg.ones_like(y))
    np.testing.assert_allclose(to_numpy(y), PYTORCH[name][0], rtol=0, atol=2e-12)
    np.testing.assert_allclose(to_numpy(x.grad), PYTORCH[name][1], rtol=0, atol=2e-12)


@pytest.mark.parametrize("name", CALLS)
def test_derivatives_away_from_bends(name: str, device: str) -> None:
    (x,) = leaves((np.array([-7.3, -2.1, -0.7, -0.2, 0.1, 0.8, 1.3, 2.2, 7.7]),), device)
    assert gradcheck(CALLS[name], x)
    assert gradgradcheck(CALLS[name], x)


@pytest.mark.parametrize("name", SMOOTH)
def test_second_derivative_at_zero(name: str, device: str) -> None:
    """|x| and max(x, 0) inside a stable formula must not show: zeros are common inputs."""
    (x,) = leaves((np.zeros(3),), device)
    assert gradcheck(CALLS[name], x)
    assert gradgradcheck(CALLS[name], x)


LIMITS = {  # for x = -1e4 and 1e4: values and derivatives
    "leaky_relu": ([-1e3, 1e4], [0.1, 1]),
    "elu": ([-1.5, 1e4], [0, 1]),
    "gelu": ([0, 1e4], [0, 1]),
    "gelu_tanh": ([0, 1e4], [0, 1]),
    "silu": ([0, 1e4], [0, 1]),
    "softplus": ([0, 1e4], [0, 1]),
    "logsigmoid": ([-1e4, 0], [1, 0]),
    "hardtanh": ([-0.5, 1], [0, 0]),
    "relu6": ([0, 6], [0, 0]),
    "erf": ([-1, 1], [0, 0]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CALLS)
def test_extreme_inputs(name: str, dtype: str, device: str) -> None:
    x = tg.tensor([-1e4, 1e4], dtype=dtype, device=device, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = CALLS[name](x)
        (slope,) = tg.autograd.grad(y, x, tg.ones_like(y), create_graph=True)
        if slope.requires_grad:
            (slope * slope).sum().backward()
    assert y.dtype == slope.dtype == dtype
    np.testing.assert_allclose(to_numpy(y), LIMITS[name][0], rtol=1e-6, atol=1e-20)
    np.testing.assert_allclose(to_numpy(slope), LIMITS[name][1], rtol=1e-6, atol=1e-20)
    if x.grad is not None:
        assert np.isfinite(to_numpy(x.grad)).all()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore:overflow")
def test_no_nan_even_where_squares_overflow(name: str, device: str) -> None:
    x = tg.tensor([-1e25, 1e25], device=device, requires_grad=True)
    y = CALLS[name](x)
    y.backward(tg.ones_like(y))
    assert np.isfinite(to_numpy(y)).all()
    np.testing.assert_allclose(to_numpy(x.grad), LIMITS[name][1], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", CALLS)
def test_nan_stays_nan(name: str, device: str) -> None:
    y = CALLS[name](tg.tensor([math.nan, 1.0], device=device))
    assert np.isnan(to_numpy(y)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("silu", lambda x: x / (1 + math.exp(-x))),
        ("softplus", lambda x: math.log1p(math.exp(2 * x)) / 2),
        ("logsigmoid", lambda x: -math.log1p(math.exp(-x))),
    ],
)
def test_small_values_keep_their_digits(name: str, exact: Any, device: str) -> None:
    x = [-30.0, -12.0, -5.0, 5.0, 12.0]
    found = to_numpy(CALLS[name](tg.tensor(x, device=device)))
    np.testing.assert_allclose(
        found, [exact(v) if v < 2.5 or name != "softplus" else v for v in x], rtol=1e-6
    )


ACCURACY = {np.float16: 3e-4, np.float32: 2e-7, np.float64: 4e-16}


@pytest.mark.parametrize("dtype", ACCURACY)
def test_erf_is_accurate(dtype: Any, device: str) -> None:
    ends = [0.0, 0.46875, 4.0, 6.0, 1e4, math.inf]
    x = np.array([*np.linspace(-7, 7, 4001), *np.linspace(-0.5, 0.5, 501), *ends], dtype)
    xp = namespace_for(device)
    found = xp.erf(xp.asarray(x))
    assert found.dtype == dtype
    exact = np.array([math.erf(v) for v in x])
    host = xp.library.asnumpy(found) if device != "cpu" else found
    assert np.abs(host - exact).max() <= ACCURACY[dtype]
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(exact == 0, 0, np.abs(host / exact - 1))
    assert relative.max() <= 4 * ACCURACY[dtype]
    # Odd, to the bit; never beyond 1.
    mirrored = xp.erf(xp.asarray(-x))
    mirrored = xp.library.asnumpy(mirrored) if device != "cpu" else mirrored
    np.testing.assert_array_equal(mirrored, -host)
    assert np.abs(host).max() == 1


@given(x=st.floats(-6, 6))
def test_erf_of_any_number(x: float) -> None:
    assert abs(float(namespace_for("cpu").erf(np.array(x))) - math.erf(x)) <= 4e-16


def test_erf_takes_integers_as_numbers(device: str) -> None:
    y = tg.tensor([0, 1], device=device).erf()
    assert y.dtype == "float32"
    assert y.tolist() == pytest.approx([0, math.erf(1)], abs=2e-7)


def test_bends(device: str) -> None:
    """The derivative where two branches meet is PyTorch's."""
    for call, at, slope in [
        (lambda x: F.leaky_relu(x, 0.25), 0.0, 0.25),
        (lambda x: F.elu(x, 2.0), 0.0, 2.0),
        (lambda x: F.hardtanh(x), -1.0, 0.0),
        (lambda x: F.hardtanh(x), 1.0, 0.0),
        (F.relu6, 0.0, 0.0),
        (F.relu6, 6.0, 0.0),
        (lambda x: F.softplus(x, 1.0, 2.0), 2.0, 1 / (1 + math.exp(-2))),
    ]:
        x = tg.tensor([at], device=device, requires_grad=True)
        call(x).sum().backward()
        assert x.grad is not None
        assert x.grad.item() == pytest.approx(slope, abs=1e-7)


LAYERS: dict[str, tuple[nn.Module, Callable[[tg.Tensor], tg.Tensor]]] = {
    "LeakyReLU(negative_slope=0.2)": (nn.LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2)),
    "LeakyReLU(negative_slope=0.01, inplace=True)": (nn.LeakyReLU(inplace=True), F.leaky_relu),
    "ELU(alpha=0.5)": (nn.ELU(0.5), lambda x: F.elu(x, 0.5)),
    "ELU(alpha=1.0, inplace=True)": (nn.ELU(inplace=True), F.elu),
    "GELU(approximate='none')": (nn.GELU(), F.gelu),
    "GELU(approximate='tanh')": (nn.GELU("tanh"), lambda x: F.gelu(x, approximate="tanh")),
    "SiLU()": (nn.SiLU(), F.silu),
    "SiLU(inplace=True)": (nn.SiLU(True), F.silu),
    "Softplus(beta=2.0, threshold=3.0)": (nn.Softplus(2.0, 3.0), lambda x: F.softplus(x, 2, 3)),
    "LogSigmoid()": (nn.LogSigmoid(), F.logsigmoid),
    "Hardtanh(min_val=-2, max_val=0.5)": (nn.Hardtanh(-2, 0.5), lambda x: F.hardtanh(x, -2, 0.5)),
    "Hardtanh(min_val=-1.0, max_val=1.0, inplace=True)": (nn.Hardtanh(inplace=True), F.hardtanh),
    "ReLU6()": (nn.ReLU6(), F.relu6),
    "ReLU6(inplace=True)": (nn.ReLU6(True), F.relu6),
}


@pytest.mark.parametrize("text", LAYERS)
def test_layers(text: str, device: str) -> None:
    layer, function = LAYERS[text]
    assert repr(layer) == text
    assert list(layer.state_dict()) == []
    one, two = (tg.tensor(X, device=device, requires_grad=True) for _ in range(2))
    before = one * 1.5
    y, wanted = layer(before), function(two * 1.5)
    assert (y is before) == ("inplace=True" in text)
    assert tg.equal(y, wanted)
    for out in (y, wanted):
        out.sum().backward()
    np.testing.assert_array_equal(to_numpy(one.grad), to_numpy(two.grad))


@pytest.mark.parametrize("name", [n for n in CALLS if n not in ("erf", "hardtanh", "relu6")])
def test_what_is_no_floating_point_tensor(name: str, device: str) -> None:
    call: Any = CALLS[name]
    whole = tg.tensor([1, 2], device=device)
    if name in ("hardtanh", "relu6"):  # they only compare
        assert call(whole).dtype == "int64"
    else:
        with pytest.raises(RuntimeError, match=r"not implemented for torch.int64"):
            call(whole)
    if name != "relu6":
        with pytest.raises(TypeError, match=r"input must be a Tensor, (not|but got) list"):
            call([1.0])


def test_other_errors() -> None:
    x = tg.zeros(2)
    with pytest.raises(
        RuntimeError, match=r"gelu: approximate argument must be either none or tanh.*'erf'"
    ):
        F.gelu(x, approximate="erf")
    with pytest.raises(ValueError, match=r"hardtanh: min_val must not exceed max_val.*2 and 1"):
        F.hardtanh(x, 2, 1)
    for bounds in ((2, 1), (1, 1)):
        with pytest.raises(AssertionError, match=r"max_val .* must be greater than min_val"):
            nn.Hardtanh(*bounds)
    leaf = tg.zeros(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="silu_: a leaf Variable"):
        F.silu(leaf, inplace=True)


def test_nothing_waits_for_the_device() -> None:
    strict.install()
    x = tg.tensor(X, device="strict", requires_grad=True)
    ones = tg.ones_like(x)
    with strict.forbid_sync():
        for call in CALLS.values():
            call(x).backward(ones)
