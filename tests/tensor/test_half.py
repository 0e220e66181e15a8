"""float16 and bfloat16: every operation, and every layer, against the same thing in float64.

An operation is calculated in float32 and rounded once, or by a kernel that is as exact; what
consists of several operations is rounded after each. Errors are measured against the largest
element (of the operands too, for differences of theirs): 8 units of rounding for values and 16
for gradients, which takes in such chains.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tl
from tests.op_table import ROWS, Row, casts, each_example, leaves
from tinygrad_lite import nn
from tinygrad_lite.backend import dtypes
from tinygrad_lite.nn import functional as F

UNIT = {"float16": 2.0**-11, "bfloat16": 2.0**-8}
# What a rounded operand moves by a whole step, and what is about dtypes itself.
STEPS = {"remainder", "__mod__", "__rmod__", "__floordiv__", "floor_divide"}
REFUSED = {"quantile", "nanquantile", "rule:zeta"}  # in 16 bits, as PyTorch does
KEPT = [row for row in ROWS.values() if row not in casts.ROWS and row.target not in STEPS | REFUSED]
HALVES = [np.dtype("float16")]
if importlib.util.find_spec("ml_dtypes") is not None:
    HALVES.append(dtypes.as_dtype("bfloat16"))


@pytest.fixture(params=HALVES, ids=str)
def half(request: pytest.FixtureRequest) -> Any:
    """Each 16-bit dtype."""
    return request.param


def wide(tensor: Any) -> Any:
    return np.array(tensor.detach().cpu().double().numpy())


def assert_close(found: Any, want: Any, units: float, dtype: Any, scale: float = 0.0) -> None:
    """Equal to some units of rounding of the largest element (or of `scale`, if larger)."""
    finite = np.abs(want[np.isfinite(want)])
    scale = max(scale, 1e-3, finite.max(initial=0.0))
    np.testing.assert_allclose(found, want, rtol=0, atol=units * UNIT[dtype.name] * scale)


def gradients(outs: list[tl.Tensor], inputs: list[tl.Tensor]) -> list[Any]:
    """The gradients of Σ (2 − i/n) yᵢ, whose weights 16 bits hold exactly enough."""
    outs = [y for y in outs if y.requires_grad and y.numel()]
    if not outs:
        return []
    ramps = [2 - np.arange(y.numel()).reshape(y.shape) % 8 / 8 for y in outs]
    cotangents = [
        tl.tensor(r, dtype=y.dtype, device=y.device) for r, y in zip(ramps, outs, strict=True)
    ]
    tl.autograd.backward(outs, cotangents)
    return [x.grad for x in inputs if x.is_floating_point()]


@pytest.mark.parametrize("row", KEPT, ids=repr)
@each_example(0.16, 0.08, half=HALVES)
def test_every_operation(row: Row, device: str, half: Any, arrays: Any, words: Any) -> None:
    rounded = tuple(a.astype(half).astype(np.float64) if a.dtype.kind == "f" else a for a in arrays)
    operands = [a for a in rounded if a.dtype.kind == "f"]
    largest = max((np.abs(a[np.isfinite(a)]).max(initial=0.0) for a in operands), default=0.0)
    found = {}
    for dtype in (half, np.dtype("float64")):
        tensors = leaves(rounded, device, dtype)
        outs = list(row(*tensors, **words))
        found[dtype] = outs, gradients(outs, tensors)
    (outs, grads), (exact, exact_grads) = found.values()
    assert len(outs) == len(exact)
    assert len(grads) == len(exact_grads)
    for out, want in zip(outs, exact, strict=True):
        assert out.dtype == (half if want.dtype == "float64" else want.dtype)
        assert out.shape == want.shape
        assert_close(wide(out), wide(want), 8, half, float(largest))
    for grad, want in zip(grads, exact_grads, strict=True):
        assert (grad is None) == (want is None)
        if grad is not None:
            assert grad.dtype == half
            assert_close(wide(grad), wide(want), 16, half, 1.0)


LAYERS: dict[str, tuple[tuple[tuple[int, ...], ...], Callable[..., Any]]] = {
    "linear": (((5, 7), (4, 7), (4,)), F.linear),
    "conv1d": (((2, 3, 9), (4, 3, 3), (4,)), F.conv1d),
    "conv2d": (((3, 4, 7, 6), (6, 2, 3, 3), (6,)), lambda *a: F.conv2d(*a, padding=1, groups=2)),
    "conv2d of many channels": (
        ((2, 32, 8, 8), (32, 32, 3, 3), (32,)),
        lambda x, w, b: F.conv2d(x, w * 0.0625, b, padding=1),
    ),
    "strided conv2d": (
        ((3, 2, 9, 8), (3, 2, 3, 2), (3,)),
        lambda *a: F.conv2d(*a, stride=2, dilation=(1, 2)),
    ),
    "conv_transpose2d": (
        ((2, 3, 4, 5), (3, 2, 3, 3), (2,)),
        lambda *a: F.conv_transpose2d(*a, stride=2, padding=1, output_padding=1),
    ),
    "batch_norm": (
        ((6, 3, 4, 4), (3,), (3,)),
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
    ),
    "batch_norm of rows": (
        ((16, 3), (3,), (3,)),
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
    ),
    "batch_norm in evaluation": (
        ((6, 3, 4, 4), (3,), (3,)),
        lambda x, w, b: F.batch_norm(
            x, tl.full_like(w.detach(), 0.5), tl.full_like(w.detach(), 2.0), w, b
        ),
    ),
    "layer_norm": (((6, 8), (8,), (8,)), lambda x, w, b: F.layer_norm(x, (8,), w, b)),
    "max_pool2d": (((2, 3, 7, 7),), lambda x: F.max_pool2d(x, 3, stride=2, padding=1)),
    "avg_pool2d": (((2, 3, 7, 7),), lambda x: F.avg_pool2d(x, 3, stride=2, padding=1)),
    "adaptive_avg_pool2d": (((2, 3, 7, 7),), lambda x: F.adaptive_avg_pool2d(x, (3, 2))),
    "cross_entropy": (
        ((4, 5),),
        lambda x: F.cross_entropy(x, tl.tensor([0, 4, 2, 2], device=x.device)),
    ),
    "smoothed cross_entropy": (
        ((4, 5),),
        lambda x: F.cross_entropy(
            x, tl.tensor([0, 4, 2, 2], device=x.device), label_smoothing=0.125
        ),
    ),
    "logits": (((4, 5), (4, 5)), lambda x, t: F.binary_cross_entropy_with_logits(x, t.sigmoid())),
    "unfold": (((2, 3, 5, 5),), lambda x: F.unfold(x, 3, padding=1)),
    "pad": (((2, 3),), lambda x: F.pad(x, (1, 2))),
    "index": (((5, 4),), lambda x: x[tl.tensor([4, 0, 4, 4], device=x.device)]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer(name: str, device: str, half: Any) -> None:
    shapes, call = LAYERS[name]
    rng = np.random.default_rng(len(name))
    arrays = [rng.standard_normal(shape).astype(half).astype(np.float64) for shape in shapes]
    found = {}
    for dtype in (half, np.dtype("float64")):
        tensors = leaves(tuple(arrays), device, dtype)
        y = call(*tensors)
        found[dtype] = y, gradients([y], tensors)
    (y, grads), (exact, exact_grads) = found.values()
    assert y.dtype == half
    assert_close(wide(y), wide(exact), 8, half)
    for grad, want in zip(grads, exact_grads, strict=True):
        assert grad.dtype == half
        assert_close(wide(grad), wide(want), 16, half)


def test_square_factors_of_matrices_that_are_not(device: str, half: Any) -> None:
    """No array library decomposes float16."""
    values = [[4.0, 1.0], [1.0, 3.0], [0.5, 0.25]]
    a = tl.tensor(values, device=device).to(half)
    q, r = tl.linalg.qr(a, mode="complete")
    u, s, vh = tl.linalg.svd(a)
    assert {part.dtype for part in (q, r, u, s, vh)} == {half}
    assert (q.shape, r.shape, u.shape, vh.shape) == ((3, 3), (3, 2), (3, 3), (2, 2))
    for product in (wide(q) @ wide(r), wide(u)[:, :2] * wide(s) @ wide(vh)):
        assert_close(product, np.array(values), 8, half)
    for square in (q, u):
        assert_close(wide(square) @ wide(square).T, np.eye(3), 8, half)


def test_sums_of_many_do_not_stop_growing(device: str, half: Any) -> None:
    """Adding 1 to 2048 in float16, or to 256 in bfloat16, gives the same number again."""
    x = tl.ones(6144, 3, device=device).to(half)
    b = tl.zeros(3, device=device).to(half).requires_grad_()
    assert (x * 0.0 + 1.0).sum(0).tolist() == [6144.0] * 3
    assert (x * x).mean().item() == 1.0
    (x + b).backward(tl.ones_like(x))
    assert b.grad.tolist() == [6144.0] * 3  # type: ignore[union-attr]
    w = tl.ones(1, 6144, device=device).to(half)
    assert F.linear(x.t(), w).tolist() == [[6144.0]] * 3


def test_what_orders_and_counts(device: str, half: Any) -> None:
    """Sorts need no more bits than there are, but CuPy's take no bfloat16."""
    values = [[3.0, -1.0, 2.0, -1.0], [0.5, 3.0, -2.0, 0.5]]
    x = tl.tensor(values, dtype=half, device=device)
    exact = tl.tensor(values, dtype=tl.float64)
    for descending in (False, True):
        found, want = x.sort(1, descending), exact.sort(1, descending)
        assert found.values.dtype == half
        assert found.values.tolist() == want.values.tolist()
        assert found.indices.tolist() == want.indices.tolist()
    assert x.argsort(0).tolist() == exact.argsort(0).tolist()
    best = x.topk(2, 1)
    assert (best.values.dtype, best.values.tolist()) == (half, [[3.0, 2.0], [3.0, 0.5]])
    assert x.unique().dtype == half
    parts = x.unique(return_inverse=True, return_counts=True)
    assert parts[0].dtype == half
    for part, want in zip(
        parts, exact.unique(return_inverse=True, return_counts=True), strict=True
    ):
        assert part.tolist() == want.tolist()
    assert x.nonzero().tolist() == exact.nonzero().tolist()
    assert x.argmax(1).tolist() == [0, 1]
    nan = tl.tensor([1.0, float("nan"), 0.0], dtype=half, device=device)
    assert nan.argsort().tolist() == [2, 0, 1]


def test_both_16_bit_dtypes_meet_in_float32(device: str) -> None:
    pytest.importorskip("ml_dtypes")
    a, b = tl.ones(2, device=device).half(), tl.ones(2, device=device).bfloat16()
    assert (a + b).dtype == "float32"
    assert (b + a.sum()).dtype == "bfloat16"  # a 0-d tensor does not widen
    assert (b + 1.5).dtype == (b * 2).dtype == "bfloat16"
    assert (b + tl.ones(2, device=device).double()).dtype == "float64"
    assert (b + tl.ones(2, device=device).long()).dtype == "bfloat16"
    assert a.bfloat16().half().dtype == "float16"


def test_bfloat16_is_a_dtype_like_others(device: str, tmp_path: Any) -> None:
    pytest.importorskip("ml_dtypes")
    x = tl.tensor([1.0, 2.5, -3.0], device=device).bfloat16()
    assert x.dtype == tl.bfloat16
    assert x.is_floating_point()
    assert x.tolist() == [1.0, 2.5, -3.0]
    assert (x.sum().item(), float(x[1])) == (0.5, 2.5)
    assert "dtype=torch.bfloat16" in repr(x)
    assert repr(x).startswith("tensor([ 1.0000,  2.5000, -3.0000]")
    assert x.type().endswith("BFloat16Tensor")
    assert x.to("bfloat16") is x
    for made in (tl.zeros(2, dtype=tl.bfloat16), tl.randn(2, dtype=tl.bfloat16), tl.empty_like(x)):
        assert made.dtype == tl.bfloat16
    model = nn.Linear(3, 2).to(device).bfloat16()
    optimizer = tl.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        model(x).sum().backward()
        before = model.weight.tolist()
        optimizer.step()
    assert model.weight.dtype == model.weight.grad.dtype == tl.bfloat16  # type: ignore[union-attr]
    assert model.weight.tolist() != before
    tl.save({"model": model.state_dict(), "x": x}, tmp_path / "checkpoint.npz")
    loaded = tl.load(tmp_path / "checkpoint.npz", map_location=device)
    assert loaded["x"].dtype == tl.bfloat16
    assert loaded["x"].device.type == device
    assert loaded["x"].tolist() == x.tolist()
    again = nn.Linear(3, 2).to(device).bfloat16()
    again.load_state_dict(loaded["model"])
    assert again.weight.tolist() == model.weight.tolist()


def test_what_is_not_rounded_on_the_way() -> None:
    """The largest bfloat16 is below float32's; distances of near points don't cancel in 16 bits."""
    pytest.importorskip("ml_dtypes")
    largest = tl.tensor([math.inf, -math.inf, math.nan], dtype=tl.bfloat16).nan_to_num()
    assert largest.tolist() == [3.3895313892515355e38, -3.3895313892515355e38, 0.0]
    points = tl.tensor([[2.484375, 2.953125]] * 30, dtype=tl.bfloat16)
    found = tl.cdist(points, tl.tensor([[2.5625, 2.96875]], dtype=tl.bfloat16))
    assert found.dtype == tl.bfloat16
    assert found.unique().tolist() == [0.07958984375]  # √(0.078125² + 0.015625²), rounded


ROUNDED_ONCE: dict[str, Callable[..., Any]] = {
    "mish": lambda x, y, z: F.mish(x),
    "selu": lambda x, y, z: F.selu(x),
    "glu": lambda x, y, z: F.glu(tl.cat([x, y])),
    "addcmul": lambda x, y, z: tl.addcmul(x, y, z, value=0.3),
    "addcdiv": lambda x, y, z: tl.addcdiv(x, y, z, value=0.3),
}


@pytest.mark.parametrize("name", ROUNDED_ONCE)
def test_what_is_rounded_once(name: str, half: Any) -> None:
    """Values and gradients are the nearest numbers there are, though it takes several steps."""
    rng = np.random.default_rng(0)
    arrays = [3 * rng.standard_normal(500) for _ in range(3)]
    made = [tl.tensor(a).to(half).requires_grad_() for a in arrays]
    exact = [t.detach().double().requires_grad_() for t in made]
    for t in (ys := [ROUNDED_ONCE[name](*ts) for ts in (made, exact)]):
        t.backward(tl.ones_like(t))
    gradients = [(a.grad, b.grad) for a, b in zip(made, exact, strict=True)]
    for found, wanted in [(ys[0], ys[1]), *gradients]:
        if wanted is not None:
            size = wanted.abs() * 1.05 * UNIT[str(half)] + 2.0**-24
            assert ((found.double() - wanted).abs() <= size).all()


def test_the_next_number_of_16_bits(half: Any) -> None:
    """As PyTorch 2.13 has it."""
    least, most = (
        (2.0**-24, 65504.0) if half.name == "float16" else (2.0**-133, 3.3895313892515355e38)
    )
    unit = UNIT[half.name]
    x = tl.tensor([0.0, -0.0, 1.0, 1.0, -1.0, math.inf, least, -least, 2.0, 0.0, math.nan]).to(half)
    to = tl.tensor([1.0, -1.0, 2.0, 0.0, -2.0, 0.0, 0.0, 1.0, 2.0, -0.0, 1.0]).to(half)
    wanted = [least, -least, 1 + 2 * unit, 1 - unit, -1 - 2 * unit, most, 0.0, -0.0, 2.0, -0.0]
    found = tl.nextafter(x, to).tolist()
    assert found[:-1] == wanted
    assert math.isnan(found[-1])
    assert tl.nextafter(x[2], to[:1].expand(3)).tolist() == [1.0] * 3
    assert [math.copysign(1, v) for v in found[6:10]] == [1.0, -1.0, 1.0, -1.0]


def test_a_product_is_not_rounded_before_it_is_added(half: Any) -> None:
    """(1 + u)² − 1 − 2u = u², which the product's own rounding would take away."""
    unit = 2 * UNIT[half.name]
    for shape, add in (
        ((1, 1), tl.addmm),
        ((1, 1, 1), tl.baddbmm),
        ((1, 1), lambda x, a, b: tl.addbmm(x, a[None], b[None])),
        ((1,), lambda x, a, b: tl.addmv(x, a[None], b)),
    ):
        a = tl.full(shape, 1 + unit).to(half)
        found = add(tl.full(shape, -1 - 2 * unit).to(half), a, a)
        assert found.dtype == a.dtype
        assert found.item() == unit * unit


@pytest.mark.parametrize("own", ["float32", "float64", None])
def test_normalised_16_bits_stay_16_bits(own: str | None, half: Any) -> None:
    """Beside float32 parameters, and RMS beside any; scaled before they are rounded."""
    rng = np.random.default_rng(0)
    x = tl.tensor(rng.standard_normal((6, 8, 5))).to(half)
    made = [tl.tensor(rng.standard_normal(8)).to(half) for _ in range(2)]
    w, b = (t.to(getattr(tl, own)) if own else t for t in made)
    exact = [t.double() for t in (x, w, b)]

    def check(found: Any, want: Any) -> None:
        assert found.dtype == x.dtype
        size = want.abs() * 1.05 * UNIT[half.name] + 2.0**-20
        assert ((found.double() - want).abs() <= size).all()

    rows, exact_rows = x.transpose(1, 2), exact[0].transpose(1, 2)
    check(F.rms_norm(rows, (8,), w, 1e-6), F.rms_norm(exact_rows, (8,), exact[1], 1e-6))
    if own == "float64":
        with pytest.raises(RuntimeError, match="must have the same dtype"):
            F.group_norm(x, 2, w, b)
        return
    check(F.group_norm(x, 2, w), F.group_norm(exact[0], 2, exact[1]))
    check(F.instance_norm(x, weight=w), F.instance_norm(exact[0], weight=exact[1]))
    assert F.group_norm(x, 2, w, b).dtype == F.instance_norm(x, weight=w, bias=b).dtype == x.dtype


@pytest.mark.parametrize(
    ("call", "float16", "bfloat16"),
    [
        (lambda h: h * 70000, [21008, math.inf, -math.inf], [20992, 119296, -140288]),
        (lambda h: 70000.0 * h, [21008, math.inf, -math.inf], [20992, 119296, -140288]),
        (lambda h: h.clone().mul_(70000), [21008, math.inf, -math.inf], [20992, 119296, -140288]),
        (lambda h: h * 257, [77.125, 437, -514], [77.5, 438, -512]),
        (
            lambda h: h * 1e-4 * 1e4,
            [0.2998046875, 1.7001953125, -2],
            [0.30078125, 1.7109375, -2],
        ),
        (lambda h: h + 1.7, [2, 3.400390625, -0.2998046875], [2, 3.40625, -0.296875]),
        (lambda h: 1.7 - h, [1.400390625, 0, 3.69921875], [1.40625, 0, 3.703125]),
        (lambda h: (h > 2**70).float(), [0, 0, 0], [0, 0, 0]),
    ],
)
def test_numbers_beside_16_bits(call: Any, float16: Any, bfloat16: Any, half: Any) -> None:
    """Of a product the number is not rounded, so that it may be larger than float16; of a sum it
    is: PyTorch's values.
    """
    found = call(tl.tensor([0.3, 1.7, -2.0]).to(half))
    assert found.tolist() == (bfloat16 if half == tl.bfloat16 else float16)
