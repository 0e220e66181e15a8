"""Kinds of faults that users of such libraries reported, and that were found here too.

Of each kind an example; the values are PyTorch's.
"""

from __future__ import annotations

import copy
from collections import deque
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F
from tinygrad_lite.utils import data

INF, NAN = float("inf"), float("nan")


def same(found: Any, wanted: Any, rtol: float = 1e-6) -> None:
    """Values agree, NaN with NaN."""
    np.testing.assert_allclose(found.detach().cpu().numpy(), wanted, rtol=rtol, atol=1e-6)


def test_an_ellipsis_after_another_stands_for_nothing() -> None:
    x = tg.arange(6).reshape(2, 3)
    assert x[..., ...].tolist() == x.tolist()
    assert x[..., 0, ...].tolist() == [0, 3]
    x[..., ...] = 1
    assert x.sum().item() == 6
    with pytest.raises(IndexError, match="ellipsis"):
        x[..., ..., 0]


def test_a_volatile_variable() -> None:
    x = tg.ones(2)
    assert not tg.autograd.Variable(x, volatile=False).requires_grad
    with pytest.warns(UserWarning, match="volatile was removed"):
        assert not tg.autograd.Variable(x, volatile=True).requires_grad
    with pytest.raises(ValueError, match="volatile and require_grad"):
        tg.autograd.Variable(x, requires_grad=True, volatile=True)


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
def test_only_the_batch_to_pad_may_be_empty(mode: str) -> None:
    for shape, pad in [((2, 0, 3), (1, 1)), ((1, 0, 3, 3), (1,) * 4), ((2, 3, 0), (0, 0))]:
        with pytest.raises(RuntimeError, match="no other empty dimension"):
            F.pad(tg.ones(shape), pad, mode=mode)
    assert F.pad(tg.ones(0, 2, 3), (1, 1), mode=mode).shape == (0, 2, 5)
    assert F.pad(tg.ones(2, 0, 3), (1, 1), mode="circular").shape == (2, 0, 5)


def test_nothing_to_put_together() -> None:
    with pytest.raises(IndexError, match="at least one sample"):
        data.default_collate([])
    assert tg.block_diag().shape == (1, 0)
    assert tg.block_diag().dtype == tg.float32
    with pytest.raises(RuntimeError, match="at least one tensor"):
        tg.meshgrid()


def test_ctc_of_nothing_and_in_no_time(device: str) -> None:
    x = tg.full((3, 2, 4), -1.4, device=device, requires_grad=True)
    no_time = F.ctc_loss(x, tg.tensor([1]), (3, 0), (1, 0), reduction="none")
    same(no_time, [2.4082403, 0.0])
    no_time.sum().backward()
    assert x.grad is not None
    assert not x.grad[:, 1].any()
    same(F.ctc_loss(x, tg.tensor([1, 1]), (3, 0), (1, 1), reduction="none"), [2.4082403, INF])
    for shape in ((3, 0, 4), (0, 1, 4)):
        lengths = tg.zeros(shape[1]).long()
        with pytest.raises(RuntimeError, match="must not be empty"):
            F.ctc_loss(tg.zeros(shape), tg.zeros(shape[1], 2).long(), lengths, lengths)


def test_nan_is_not_above_a_bound() -> None:
    x = tg.tensor([[NAN, 1.0, 2.0], [0.0, 3.0, 4.0]])
    same(x.renorm(2, 0, 1.0), [[NAN, 1.0, 2.0], [0.0, 0.6, 0.8]])


def test_weights_that_are_counted_keep_their_dtype(device: str) -> None:
    places = tg.tensor([0, 1, 1], device=device)
    for given, wanted in (("float32", "float32"), ("float64", "float64"), ("float16", "float64")):
        counted = places.bincount(tg.tensor([0.5, 1, 2], device=device).to(getattr(tg, given)))
        assert counted.dtype == getattr(tg, wanted)
        assert counted.tolist() == [0.5, 3.0]


def test_integers_are_not_dropped_out() -> None:
    for drop in (F.dropout, F.dropout2d):
        with pytest.raises(RuntimeError, match="floating point"):
            drop(tg.ones(2, 3, 1, 1).long(), 0.5)


def test_gradients_of_a_batch_of_weights() -> None:
    x = tg.ones(2, requires_grad=True)
    y = x * tg.tensor([2.0, 3.0])
    (found,) = tg.autograd.grad(y, x, tg.eye(2), retain_graph=True, is_grads_batched=True)
    assert found is not None
    same(found, [[2.0, 0.0], [0.0, 3.0]])
    unused = tg.ones(1, requires_grad=True)
    with pytest.raises(RuntimeError, match="was not used"):
        tg.autograd.grad(y, unused, tg.eye(2), retain_graph=True, is_grads_batched=True)
    for weights in (None, tg.tensor(1.0), tg.ones(0, 2)):
        with pytest.raises(RuntimeError, match="first dimension"):
            tg.autograd.grad(y, x, weights, retain_graph=True, is_grads_batched=True)
    tg.autograd.grad(y, x, tg.eye(2), is_grads_batched=True)  # the last pass frees the graph
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()


def test_a_tensor_is_not_its_own_gradient() -> None:
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="own gradient"):
        x.grad = x


def test_how_often_each_place_comes() -> None:
    assert tg.repeat_interleave(tg.tensor([1, 0, 2])).tolist() == [0, 2, 2]
    with pytest.raises(RuntimeError, match="1-D"):
        tg.repeat_interleave(tg.ones(2, 2).long())


def test_memory_read_as_a_dtype_of_another_width() -> None:
    narrow = tg.tensor([1, 2, 3, 4], dtype=tg.int16)
    wide = narrow.view(tg.int32)
    assert wide.tolist() == [131073, 262147]
    wide.zero_()
    assert not narrow.any()  # the same memory
    assert tg.ones(2, 3).view(tg.uint8).shape == (2, 12)
    for x in (tg.ones(3, dtype=tg.int16), tg.tensor(1, dtype=tg.int16)):
        with pytest.raises(RuntimeError, match="multiple"):
            x.view(tg.int32)
    with pytest.raises(RuntimeError, match="one piece"):
        tg.ones(2, 4, dtype=tg.int16).t().view(tg.int32)


def test_a_shape_that_shapes_broadcast_to_is_a_size() -> None:
    assert isinstance(tg.broadcast_shapes((2, 1), (3,)), tg.Size)


@pytest.mark.parametrize("function", ["tensor", "as_tensor", "from_numpy"])
def test_the_byte_order_of_another_machine(function: str) -> None:
    foreign = np.array([1.0, 2.0], np.dtype("float32").newbyteorder())
    with pytest.raises(ValueError, match="byte order"):
        getattr(tg, function)(foreign)


def test_batch_norm_divides_by_more_than_0() -> None:
    x = tg.arange(4.0).reshape(2, 2)
    for eps in (0.0, -1e-5):
        with pytest.raises(ValueError, match="must be positive"):
            F.batch_norm(x, None, None, training=True, eps=eps)
    with pytest.raises(ValueError, match="non-negative"):
        F.batch_norm(x, tg.zeros(2), tg.ones(2), eps=-1e-5)
    same(F.batch_norm(x, tg.zeros(2), tg.ones(2), eps=0.0), x.numpy())


def test_a_number_saved_before_there_were_tensors_of_no_dimensions() -> None:
    model = nn.Module()
    model.w = nn.Parameter(tg.tensor(1.0))
    model.load_state_dict({"w": tg.tensor([3.0])})
    assert model.w.item() == 3
    assert model.w.ndim == 0
    for wrong in (tg.ones(2), tg.ones(1, 1), tg.ones(0)):
        with pytest.raises(RuntimeError, match="size mismatch"):
            model.load_state_dict({"w": wrong})


def test_bounds_the_wrong_way_round() -> None:
    with pytest.raises(AssertionError, match="must be greater"):
        nn.Hardtanh(1.0, -1.0)
    with pytest.raises(RuntimeError, match="less than or equal"):
        F.rrelu(tg.tensor([-1.0]), 0.5, 0.4)


def test_no_bins() -> None:
    x = tg.ones(2, 3, 4, 5, requires_grad=True)
    for size in (0, (0, 2), (2, 0)):
        y = F.adaptive_avg_pool2d(x, size)
        high, wide = size if isinstance(size, tuple) else (size, size)
        assert y.shape == (2, 3, high, wide)
        y.sum().backward()
    assert x.grad is not None
    assert not x.grad.any()


def test_a_scale_that_was_rounded_to_a_whole_one_moves_nothing(device: str) -> None:
    line = tg.tensor([[[1.0, 2.0, 3.0]]], device=device)
    for mode in ("linear", "nearest"):
        assert F.interpolate(line, scale_factor=1.3, mode=mode).tolist() == [[[1, 2, 3]]]
    assert F.interpolate(line, scale_factor=2.05).tolist() == [[[1, 1, 2, 2, 3, 3]]]
    image = tg.arange(6.0, device=device).reshape(1, 1, 2, 3)
    wider = F.interpolate(image, scale_factor=(1.2, 2), mode="bilinear")
    assert wider[0, 0, :, 0].tolist() == [0, 3]


def test_images_of_bytes(device: str) -> None:
    x = (tg.arange(9, dtype=tg.uint8) * 20).reshape(1, 1, 3, 3).to(device)
    tall = F.interpolate(x, size=(5, 2), mode="bilinear")
    assert tall.dtype == tg.uint8
    assert tall[0, 0].tolist() == [[5, 35], [29, 59], [65, 95], [101, 131], [125, 155]]
    steep = tg.tensor([[[[0, 255, 255, 0]]]], dtype=tg.uint8, device=device)
    cubic = F.interpolate(steep, size=(1, 8), mode="bicubic")  # beyond 255 on the way
    assert cubic[0, 0, 0].tolist() == [0, 58, 197, 255, 255, 197, 58, 0]
    with pytest.raises(NotImplementedError, match=r"not implemented for torch\.int64"):
        F.interpolate(tg.ones(1, 1, 3, 3).long(), size=(5, 2), mode="bilinear")


def test_the_place_of_a_nearest_pixel_has_a_gradient_of_zeros(device: str) -> None:
    x = tg.ones(1, 2, 3, 3, device=device)
    grid = tg.tensor([[[[0.3, NAN], [-0.5, 2.0]]]], device=device, requires_grad=True)
    y = F.grid_sample(x, grid, mode="nearest", padding_mode="border", align_corners=True)
    y.sum().backward()
    assert y.tolist() == [[[[1, 1]], [[1, 1]]]]
    assert grid.grad is not None
    assert grid.grad.tolist() == [[[[0, 0], [0, 0]]]]


@pytest.mark.parametrize(
    ("padding", "wanted"),
    [("zeros", [NAN] * 4), ("border", [4.0, 5.0, 3.0, 1.0]), ("reflection", [3.0, 3.0, 3.0, 1.0])],
)
def test_a_place_that_is_none(padding: str, wanted: list[float], device: str) -> None:
    x = tg.arange(9.0, device=device).reshape(1, 1, 3, 3)
    grid = tg.tensor([[[[0.0, 0.0], [INF, 0.0], [-INF, 0.0], [0.0, NAN]]]], device=device)
    grid[0, 0, 0, 0] = NAN if padding != "border" else 0.0
    found = F.grid_sample(x, grid, padding_mode=padding, align_corners=True)
    np.testing.assert_array_equal(found[0, 0, 0].cpu().numpy(), wanted)


def test_optimizers_keep_the_names_of_parameters() -> None:
    model = nn.Linear(1, 1)
    optimizer = tg.optim.SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"] == [model.weight, model.bias]
    other = tg.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["param_names"] == ["weight", "bias"]
    unnamed = tg.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    optimizer.load_state_dict(unnamed.state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    pairs = list(nn.Linear(1, 1).named_parameters())
    with pytest.raises(ValueError, match="with/without names"):
        tg.optim.SGD([pairs[0], pairs[1][1]], lr=0.1)
    with pytest.raises(ValueError, match="with/without names"):
        optimizer.add_param_group({"params": [tg.ones(1, requires_grad=True)]})


def test_a_loader_is_not_changed_once_it_is_made() -> None:
    loader = data.DataLoader([1, 2, 3])
    with pytest.raises(ValueError, match="batch_size attribute should not be set"):
        loader.batch_size = 3
    loader.num_workers = 0  # others may

    class Endless(data.Dataset[int]):
        def __getitem__(self, index: int) -> int:
            return index

    with pytest.raises(TypeError, match=r"has no len\(\)"):
        len(Endless())


def test_seeds_of_64_bits() -> None:
    generator = tg.Generator().manual_seed(-1)
    assert generator.initial_seed() == 2**64 - 1
    drawn = tg.rand(3, generator=generator).tolist()
    assert drawn == tg.rand(3, generator=tg.Generator().manual_seed(2**64 - 1)).tolist()
    for beyond in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="64 bits"):
            generator.manual_seed(beyond)


def test_shares_of_a_large_sum_keep_their_digits(device: str) -> None:
    a = tg.tensor([1e3, 1e6, INF, -INF, 0.0], device=device, requires_grad=True)
    b = tg.tensor([1e3, 1e6 - 1, INF, -INF, -INF], device=device, requires_grad=True)
    tg.logaddexp(a, b).backward(tg.ones(5, device=device))
    assert a.grad is not None
    assert b.grad is not None
    same(a.grad, [0.5, 0.73105858, 0.5, 0.5, 1.0])
    same(b.grad, [0.5, 0.26894142, 0.5, 0.5, 0.0])
    x = tg.tensor([0.0, 0.0], device=device, requires_grad=True)
    y = tg.tensor([800.0, 1.0], device=device)  # too far apart for an exponential
    (first,) = tg.autograd.grad(tg.logaddexp(x, y).sum(), x, create_graph=True)
    assert first is not None
    (second,) = tg.autograd.grad(first.sum(), x)
    assert second is not None
    same(second, [0.0, 0.19661193])


def test_a_matrix_left_out_has_its_shape_all_the_same() -> None:
    vector = tg.ones(3)
    for beta in (0, 1):
        with pytest.raises(RuntimeError, match="does not broadcast"):
            tg.addr(tg.ones(4, 4), vector, vector, beta=beta)
        with pytest.raises(RuntimeError, match="does not broadcast"):
            tg.addr(tg.ones(2, 3, 3), vector, vector, beta=beta)
    assert tg.addr(tg.tensor(NAN), vector, vector, beta=0).sum().item() == 9


def test_the_slope_of_logit_at_0_of_either_sign() -> None:
    x = tg.tensor([0.0, -0.0, 1.0], requires_grad=True)
    tg.logit(x).backward(tg.ones(3))
    assert x.grad is not None
    assert x.grad.tolist() == [INF, INF, INF]


@pytest.mark.parametrize("draw", ["uniform_", "normal_", "exponential_", "cauchy_", "log_normal_"])
def test_integers_hold_no_fractions_that_are_drawn(draw: str) -> None:
    for dtype in (tg.int64, tg.uint8, tg.bool):
        with pytest.raises(NotImplementedError, match=f"{draw}: not implemented for"):
            getattr(tg.ones(2, dtype=dtype), draw)()
    for name in ("kaiming_normal_", "trunc_normal_", "orthogonal_"):
        with pytest.raises(NotImplementedError, match="not implemented for"):
            getattr(nn.init, name)(tg.ones(2, 2, dtype=tg.int64))
    with pytest.raises(NotImplementedError, match="geometric_"):
        tg.ones(2, dtype=tg.bool).geometric_(0.5)
    with pytest.raises(NotImplementedError, match="randperm"):
        tg.randperm(2, dtype=tg.bool)
    with pytest.raises(RuntimeError, match="alpha_dropout: the input must be floating point"):
        F.alpha_dropout(tg.ones(2, dtype=tg.int64), 0.5, True)


def test_sequences_of_integers_make_integers() -> None:
    for given in (range(3), deque([0, 1, 2])):
        found = tg.tensor(given)
        assert found.dtype == tg.int64
        assert found.tolist() == [0, 1, 2]
    assert tg.tensor([range(2), [True, False]]).tolist() == [[0, 1], [1, 0]]
    assert tg.tensor([deque([1.5])]).dtype == tg.float32
    for given in ({1: 2}, "12", b"12"):
        with pytest.raises((RuntimeError, TypeError)):
            tg.tensor(given)


def test_what_has_no_shape_has_no_elements_to_count() -> None:
    layer = nn.LazyLinear(3)
    for ask in ("numel", "nelement", "sum"):
        with pytest.raises(ValueError, match="uninitialized parameter"):
            getattr(layer.weight, ask)()
    layer(tg.ones(1, 2))
    assert layer.weight.numel() == 6


def test_a_threshold_of_integers() -> None:
    x = tg.tensor([-3, 0, 1, 5])
    assert F.threshold(x, 2, 0).tolist() == [0, 0, 0, 5]
    assert F.threshold(x, 0, 7, inplace=True) is x
    assert x.tolist() == [7, 7, 1, 5]
    assert x.dtype == tg.int64
    with pytest.raises(NotImplementedError, match="bool"):
        F.threshold(x > 1, 0, 1)


def test_states_of_models_that_were_wrapped() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2))
    state = nn.DataParallel(model).state_dict()
    assert all(key.startswith("module.") for key in state)
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == list(model.state_dict())
    assert state._metadata == model.state_dict()._metadata
    model.load_state_dict(state)
    plain = {"a.w": 1, "b": 2}
    nn.modules.utils.consume_prefix_in_state_dict_if_present(plain, "a.")
    assert plain == {"w": 1, "b": 2}


@pytest.mark.parametrize("name", ["SGD", "LBFGS"])  # of the base class, and of its own
def test_hooks_of_steps(name: str) -> None:
    p = tg.ones(1, requires_grad=True)
    optimizer = getattr(tg.optim, name)([p], lr=0.1)
    calls: list[Any] = []

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * 2).sum()
        loss.backward()
        calls.append("closure")
        return loss

    def before(o: Any, args: Any, kwargs: Any) -> Any:
        calls.append(("before", o is optimizer, args[0] is optimizer, len(args), kwargs))
        return (o, closure), {}

    first = optimizer.register_step_pre_hook(before)
    last = optimizer.register_step_post_hook(lambda o, args, _: calls.append(("after", len(args))))
    assert optimizer.step().item() == 2
    assert calls[0] == ("before", True, True, 1, {})
    assert set(calls[1:-1]) == {"closure"}
    assert calls[-1] == ("after", 2)
    first.remove()
    calls.clear()
    copied = copy.deepcopy(optimizer)
    optimizer.step(closure)
    assert calls[-1] == ("after", 2)
    last.remove()
    calls.clear()
    optimizer.step(closure)
    assert set(calls) == {"closure"}
    assert copied._hooks is None
    optimizer.register_step_pre_hook(lambda *_: 3)
    with pytest.raises(RuntimeError, match="None or a tuple"):
        optimizer.step(closure)
