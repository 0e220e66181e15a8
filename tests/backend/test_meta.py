"""The device "meta": shapes and dtypes of what would be computed, without memory."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.backend import namespace
from tinygrad_lite.backend.meta import MetaArray
from tinygrad_lite.nn import functional as F

# Of x (30, 40), b (2, 30, 40) of float32, i (3,) of int64, h (30, 40) of float16: shape and dtype.
ROWS = """
x + 1 | x.exp() | x + h | x > 0 | x @ x.T | b @ x.T | x @ x[0] | x.sum() | x.mean(0) | x.half()
x.argmax(-1) | x.softmax(1) | x.reshape(-1, 10) | x.t() | x[0] | x[:, None, 1:3] | x[i]
torch.cat([x, x]) | torch.stack([x, h]) | torch.where(x > 0, x, 0) | x.var(1) | x.expand(3, 30, 40)
x.topk(3).values | x.max(1).indices | torch.einsum("ij,kj->ik", x, x) | x.long() | x.cumsum(0)
F.layer_norm(x, (40,)) | x.flatten() | x.unsqueeze(1) | x.clamp(0, 1) | x ** 2
torch.arange(5, device="meta") | torch.full((2,), 3, device="meta") | torch.zeros_like(x)
F.conv2d(b[None], torch.empty(8, 2, 3, 3, device="meta"), padding=1)
F.max_pool2d(b, 2) | x.norm() | x.clone()
F.scaled_dot_product_attention(b, b, b) | F.embedding(i, x)
F.interpolate(b[None], scale_factor=2) | x.unfold(1, 8, 4) | x.as_strided((3, 2), (1, 9))
torch.linalg.svd(x, False)[1] | torch.linalg.svd(x)[2] | torch.linalg.det(x @ x.T)
torch.linalg.eigh(x @ x.T)[0] | F.one_hot(i, 5) | x.repeat_interleave(2, 0)
F.binary_cross_entropy(x, x) | F.gaussian_nll_loss(x, x, x)
torch.linalg.solve(x @ x.T, x) | torch.where(x[0] > 0, x, 0)
torch.full_like(x, 1, dtype=torch.int8) | x @ b.transpose(1, 2)
torch.zeros_like(h, dtype=torch.int64) | torch.tril(x.long())
"""

# The same of arrays a (3, 4), b (2, 4, 3), c (4,) of float32 and i (3, 1) of int8, by `np`.
ARRAY_ROWS = """
a @ b | c @ b | a @ c | c @ c | np.where(a > 0, i, 1.5) | np.where(c > 0, a, a) | i / i | i & i
a.sum(-1) | a.mean(axis=(-1, 0)) | np.std(a, 0, keepdims=True) | a.max() | np.argmax(b, axis=-2)
np.sum(i, axis=1) | np.cumsum(i, axis=0) | a.astype("float64", copy=False) | np.full((2,), 1.5)
np.full((2,), i[0, 0]) | np.concatenate([a, a[:0], i + b[0].T], axis=-2) | np.stack([a, a], axis=-1)
np.divmod(a, c) | np.add.reduce(a, axis=-1) | np.any(i, axis=0) | a[:0].sum(0)
"""


def shapes() -> list[Any]:
    """What each expression has on "meta". (PyTorch's there are the same; asking takes it 20 s.)"""
    empty = lambda *size, **words: tg.empty(*size, device="meta", **words)  # noqa: E731
    scope = {"torch": tg, "F": F, "x": empty(30, 40), "b": empty(2, 30, 40)}
    scope |= {"i": empty(3, dtype=tg.int64), "h": empty(30, 40, dtype=tg.float16)}
    found = [eval(row, scope) for row in ROWS.replace("\n", "|").strip("| ").split("|")]
    assert all(y.device.type == "meta" and y.is_meta for y in found)
    return [(tuple(y.shape), str(y.dtype)) for y in found]


def test_shapes_are_those_of_numbers() -> None:
    scope: dict[str, Any] = {"torch": tg, "F": F, "x": tg.rand(30, 40), "b": tg.rand(2, 30, 40)}
    scope |= {"i": tg.tensor([0, 1, 2]), "h": tg.rand(30, 40).half()}
    rows = ROWS.replace("\n", "|").replace('device="meta"', 'device="cpu"').strip("| ").split("|")
    numbers = [eval(row, scope) for row in rows]
    assert shapes() == [(tuple(y.shape), str(y.dtype)) for y in numbers]


def test_arrays_are_as_numpys() -> None:
    space = tg.empty(1, device="meta").array
    meta: Any = namespace(space).library
    a, i = np.ones((3, 4), "float32"), np.ones((3, 1), "int8")
    plain: dict[str, Any] = {
        "np": np,
        "a": a,
        "b": np.ones((2, 4, 3), "float32"),
        "c": a[0],
        "i": i,
    }
    ours = {
        name: MetaArray(x.shape, x.dtype) if isinstance(x, np.ndarray) else meta
        for name, x in plain.items()
    }
    for row in ARRAY_ROWS.replace("\n", "|").strip("| ").split("|"):
        found, wanted = eval(row, ours), eval(row, plain)
        pairs = zip(found, wanted, strict=True) if isinstance(wanted, tuple) else [(found, wanted)]
        for one, other in pairs:
            assert (one.shape, one.dtype) == (other.shape, other.dtype), row
    with pytest.raises(ValueError, match="4 is different from 3"):
        _ = ours["a"] @ ours["a"]
    assert meta.asarray(ours["a"]) is ours["a"]
    assert ours["a"].astype("float32", copy=False) is ours["a"]


def test_views_are_views() -> None:
    x = tg.empty(4, 6, device="meta")
    for view in (x[0], x.t(), x.as_strided((2, 2), (1, 3)), x.unfold(1, 3, 1), x.reshape(-1)):
        assert view._view is not None
    assert (x + 1)._view is None
    x.t().add_(1)
    assert x._version == 1


def test_nothing_is_as_large_as_it_says() -> None:
    x = tg.empty(10**6, 10**7, device="meta")  # 40 terabytes
    parts = (
        x + x, x.exp(), x.sum(0), x.argmax(1), x.sort(0)[0], x.cumsum(1), x.flip(0), x.tril(),
        tg.cat([x, x]), tg.stack([x, x]), x.where(x > 0, 0), x @ x.T, x.clone(), x.contiguous(),
        tg.zeros_like(x), tg.full((10**6, 10**7), 2, device="meta"), x.double(), x.clamp(0, 1),
    )  # fmt: skip
    assert {part.device.type for part in parts} == {"meta"}


def test_models_larger_than_memory() -> None:
    tg.manual_seed(3)
    first = tg.rand(1)
    tg.manual_seed(3)
    with tg.device("meta"):
        model = nn.Sequential(nn.Linear(10**5, 10**5), nn.ReLU(), nn.LayerNorm(10**5))
    assert sum(p.numel() for p in model.parameters()) == 10**10 + 3 * 10**5
    assert model[0].weight.nbytes == 4 * 10**10
    y = model(tg.empty(8, 10**5, device="meta"))
    assert y.shape == (8, 10**5)
    y.sum().backward()
    grad = model[0].weight.grad
    assert grad is not None
    assert (grad.shape, grad.device.type) == ((10**5, 10**5), "meta")
    assert repr(y.detach()) == "tensor(..., device='meta', size=(8, 100000))"
    assert tg.rand(1).equal(first)
    assert copy.deepcopy(model)[0].weight.is_meta


def test_what_trains_trains() -> None:
    with tg.device("meta"):
        model = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(8 * 8 * 8, 10),
        )  # fmt: skip
        optimizer = tg.optim.AdamW(model.parameters())
        x, y = tg.empty(4, 3, 16, 16), tg.empty(4, dtype=tg.int64)
        loss = F.cross_entropy(model(x), y)
        layer = nn.TransformerEncoderLayer(64, 4, batch_first=True)
        assert nn.TransformerEncoder(layer, 2)(tg.empty(2, 5, 64)).shape == (2, 5, 64)
        assert nn.LSTM(3, 4)(tg.empty(5, 2, 3))[0].shape == (5, 2, 4)
    loss.backward()
    optimizer.step()
    assert (loss.shape, loss.device) == ((), tg.device("meta"))


def test_memory_is_given_later() -> None:
    with tg.device("meta"):
        model = nn.Linear(3, 4)
    state = nn.Linear(3, 4).state_dict()
    with pytest.warns(UserWarning, match="which is a no-op"):
        model.load_state_dict(state)
    assert model.weight.is_meta
    empty = copy.deepcopy(model).to_empty(device="cpu")
    assert empty.weight.device.type == "cpu"
    empty.load_state_dict(state)
    assert empty.weight.equal(state["weight"])
    model.load_state_dict(state, assign=True)
    assert model(tg.ones(1, 3)).equal(empty(tg.ones(1, 3)))
    assert tg.ones_like(tg.empty(2, device="meta"), device="cpu").tolist() == [1, 1]
    assert tg.ones(3).to("meta").shape == (3,)


def test_there_are_no_values() -> None:
    x = tg.empty(2, 3, device="meta")
    assert x.stride() == (3, 1)
    assert x.is_contiguous()
    assert (x.data_ptr(), x.storage_offset()) == (0, 0)
    layer = nn.Linear(2, 2, device="meta")
    reads = x.cpu, x.tolist, x.nonzero, x.unique, x[0].long().bincount, lambda: x[x > 0], layer.cpu
    for read in reads:
        with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
            read()
    for number in (x[0, 0].item, lambda: bool(x[0, 0] > 0), lambda: float(x.sum())):
        with pytest.raises(RuntimeError, match="cannot be called on meta tensors"):
            number()
    with pytest.raises(TypeError, match="can't convert a meta tensor"):
        x.numpy()
    with pytest.raises(RuntimeError, match="one device, but found cpu and meta"):
        x + tg.ones(3)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        x @ x
    with pytest.raises(RuntimeError, match="cannot be broadcast"):
        x + x[:, :2]
    with pytest.raises(IndexError):
        x[2]
    x.add_(1).relu_()
    x[0, 1:] = 5
    nothing = x[:0]
    nothing[:] = 5
    nothing.copy_(x[:0])
    assert (nothing + 1).shape == (0, 3)
    with pytest.raises(RuntimeError, match="does not broadcast to the elements"):
        nothing[:] = x[0, :2]
    assert (x + tg.tensor(1.0)).is_meta
    square = x @ x.T
    for matrix in (square.inverse(), tg.linalg.cholesky(square), tg.linalg.solve(square, square)):
        assert (matrix.shape, matrix.is_meta) == ((2, 2), True)
    with pytest.raises(AttributeError, match="a meta array has no __array_interface__"):
        _ = x.array.__array_interface__  # or NumPy's functions would take the one element for all
