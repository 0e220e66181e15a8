"""Every operation gives on a device what it gives on the CPU: values and gradients.

The same inputs and cotangents on both, float32 to 1e-4 and float64 to 1e-10 of the largest
element (or of 1). On "cuda" this is the promise that a GPU calculates as the CPU does; on
"strict" it shows that the promise could be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.op_table import ROWS, Row, each_example, leaves, to_numpy
from tinygrad_lite.nn import functional as F

TOLERANCE = {"float32": 1e-4, "float64": 1e-10}
DTYPES = sorted(TOLERANCE)


# The CPU is what the others are compared with.
pytestmark = pytest.mark.parametrize(
    "device", ["strict", pytest.param("cuda", marks=pytest.mark.gpu)], indirect=True
)


def results(
    call: Callable[..., Any], arrays: tuple[Any, ...], device: str, dtype: str
) -> dict[str, Any]:
    """The outputs of a call and, for fixed cotangents, the gradients of its inputs."""
    tg.manual_seed(0)
    tensors = leaves(arrays, device, dtype)
    found = call(*tensors)
    outs = [found] if isinstance(found, tg.Tensor) else list(found)
    values = {f"output {i}": to_numpy(out) for i, out in enumerate(outs)}
    rng = np.random.default_rng(1)
    ends = [out for out in outs if out.requires_grad]
    drawn = [np.asarray(rng.standard_normal(out.shape)).astype(out.dtype) for out in ends]
    if ends:
        tg.autograd.backward(ends, [tg.tensor(g, device=device) for g in drawn])
    for i, tensor in enumerate(tensors):
        if tensor.grad is not None:
            values[f"gradient {i}"] = to_numpy(tensor.grad)
    return values


def same(call: Callable[..., Any], arrays: tuple[Any, ...], device: str, dtype: str) -> None:
    """Fail unless a device agrees with the CPU."""
    want, found = (results(call, arrays, where, dtype) for where in ("cpu", device))
    assert found.keys() == want.keys()
    for name, value in want.items():
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape), name
        finite = value[np.isfinite(value)] if value.dtype.kind == "f" else value.ravel()
        scale = max([1.0, *np.abs(finite.astype("float64"))])
        np.testing.assert_allclose(
            found[name], value, rtol=0, atol=TOLERANCE[dtype] * scale, err_msg=name
        )


@pytest.mark.parametrize("row", ROWS.values(), ids=repr)
@each_example(0.08, dtype=DTYPES)
def test_an_operation(row: Row, device: str, arrays: Any, words: Any, dtype: str) -> None:
    same(lambda *tensors: row(*tensors, **words), arrays, device, dtype)


def images(n: int = 4, c: int = 6, size: int = 9) -> Any:
    """Images whose elements differ, so that no maximum is a tie."""
    rng = np.random.default_rng(0)
    return rng.permutation(n * c * size * size).reshape(n, c, size, size) / (n * c * size)


def normal(*shape: int) -> Any:
    """Normal numbers."""
    return np.random.default_rng(sum(shape)).standard_normal(shape)


LABELS = np.array([0, 5, 2, 2])
LAYERS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "conv2d": (
        lambda x, w, b: F.conv2d(x, w, b, padding=1),
        (images(), normal(8, 6, 3, 3), normal(8)),
    ),
    "conv2d, stride and dilation": (
        lambda x, w: F.conv2d(x, w, stride=2, padding=(2, 1), dilation=(2, 1)),
        (images(3), normal(4, 6, 3, 2)),
    ),
    "conv2d, groups": (
        lambda x, w, b: F.conv2d(x, w, b, groups=3),
        (images(5), normal(6, 2, 3, 3), normal(6)),
    ),
    "conv2d, 1 by 1": (lambda x, w: F.conv2d(x, w), (images(), normal(8, 6, 1, 1))),
    "conv_transpose2d": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1),
        (images(), normal(6, 4, 3, 3), normal(4)),
    ),
    "conv1d": (lambda x, w: F.conv1d(x, w, padding=1), (normal(4, 6, 9), normal(8, 6, 3))),
    "linear": (lambda x, w, b: F.linear(x, w, b), (normal(7, 5), normal(6, 5), normal(6))),
    "unfold": (lambda x: F.unfold(x, 3, padding=1, stride=2), (images(),)),
    "fold": (lambda x: F.fold(x, (5, 5), 3, padding=1), (normal(2, 18, 25),)),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1), (images(),)),
    "max_pool2d, dilated": (lambda x: F.max_pool2d(x, 2, 1, dilation=2), (images(),)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1), (images(),)),
    "avg_pool2d, ceil": (
        lambda x: F.avg_pool2d(x, 2, 2, ceil_mode=True, count_include_pad=False),
        (images(),),
    ),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (4, 2)), (images(),)),
    "batch_norm": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        (images(), normal(6), normal(6)),
    ),
    "batch_norm and relu": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True).relu(),
        (normal(20, 6, 9, 9), normal(6), normal(6)),
    ),
    "batch_norm of a matrix": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        (normal(33, 6), normal(6), normal(6)),
    ),
    "layer_norm": (
        lambda x, w, b: F.layer_norm(x, (9,), w, b),
        (normal(7, 3, 9), normal(9), normal(9)),
    ),
    "cross_entropy": (lambda x, t: F.cross_entropy(x, t), (normal(4, 6), LABELS)),
    "cross_entropy, weights": (
        lambda x, t: F.cross_entropy(x, t, tg.arange(1.0, 7).to(x), label_smoothing=0.1),
        (normal(4, 6), LABELS),
    ),
    "cross_entropy of probabilities": (
        lambda x, q: F.cross_entropy(x, q),
        (normal(4, 6, 3), np.abs(normal(4, 6, 3))),
    ),
    "dropout": (lambda x: F.dropout(x, 0.3), (normal(50, 4),)),
    "dropout2d": (lambda x: F.dropout2d(x, 0.3), (images(),)),
    "gelu": (lambda x: F.gelu(x), (normal(50),)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer(name: str, device: str, dtype: str) -> None:
    call, arrays = LAYERS[name]
    same(call, arrays, device, dtype)


def test_a_difference_is_seen(device: str) -> None:
    def slightly_off(x: Any) -> Any:
        return x if x.device.type == "cpu" else x * (1 + 3e-4)

    with pytest.raises(AssertionError, match="output 0"):
        same(slightly_off, (normal(5),), device, "float32")

    def wrong_gradient(x: Any) -> Any:
        return x if x.device.type == "cpu" else x * 2 - x.detach()

    with pytest.raises(AssertionError, match="gradient 0"):
        same(wrong_gradient, (normal(5),), device, "float64")
