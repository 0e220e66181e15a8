"""More kinds of faults that users of such libraries reported: what was mixed, or held by others.

Of each kind an example; the values are PyTorch's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F
from tinygrad_lite.optim import lr_scheduler


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: F.grid_sample(a.reshape(1, 1, 2, 2), b.reshape(1, 1, 2, 2)),
        lambda a, b: tg.cdist(a, b),
        lambda a, b: F.group_norm(a, 1, b[0]),
        lambda a, b: F.group_norm(a, 1, None, b[0]),
        lambda a, b: F.linear(a, a, b[0]),
        lambda a, b: F.embedding_bag(tg.tensor([[0, 1]]), a, per_sample_weights=b[:1], mode="sum"),
        lambda a, b: nn.LSTM(2, 2)(a[None], (b[None], b[None])),
        lambda a, b: nn.GRU(2, 2)(a[None], b[None]),
        lambda a, b: nn.RNN(2, 2)(a[None], b[None]),
        lambda a, b: nn.LSTMCell(2, 2)(b),
        lambda a, b: nn.GRUCell(2, 2)(a, b),
        lambda a, b: F.scaled_dot_product_attention(a, a, a, attn_mask=b),
    ],
)
@pytest.mark.filterwarnings("ignore:Default grid_sample")
def test_two_dtypes_do_not_meet_unseen(call: Any, device: str) -> None:
    one = tg.ones(2, 2, device=device)
    nn_device = tg.get_default_device()
    tg.set_default_device(device)
    try:
        call(one, one)
        with pytest.raises(RuntimeError, match="dtype"):
            call(one, one.double())
    finally:
        tg.set_default_device(nn_device)


def test_arrays_of_numpy_go_to_the_default_device(device: str) -> None:
    """As PyTorch's; but `from_numpy` shares their memory."""
    before, there = tg.get_default_device(), tg.ones(1, device=device)
    tg.set_default_device(device)
    try:
        for array in (np.zeros(2), np.float32(1)):
            assert tg.tensor(array).device == there.device
            assert tg.as_tensor(array).device == there.device
        assert tg.from_numpy(np.zeros(2)).device.type == "cpu"
    finally:
        tg.set_default_device(before)


def test_beside_16_bits_a_norms_parameters_and_a_mask_may_have_32() -> None:
    x = tg.tensor([[1.0, 3.0]]).half()
    assert F.group_norm(x, 1, tg.ones(2)).tolist() == [[-1.0, 1.0]]
    assert F.scaled_dot_product_attention(x, x, x, attn_mask=tg.ones(1, 1)).dtype == tg.float16


def test_a_mask_fits_the_scores(device: str) -> None:
    q, k = tg.ones(1, 2, 2, 3, device=device), tg.ones(1, 2, 3, 3, device=device)
    for shape in ((3, 3), (2, 2), (2, 4), (3, 2, 3), (2, 2, 2, 3), (1, 1, 2, 2, 3)):
        for mask in (tg.ones(shape, device=device), tg.ones(shape, device=device).bool()):
            with pytest.raises(RuntimeError, match="attn_mask"):
                F.scaled_dot_product_attention(q, k, k, attn_mask=mask)
    for shape in ((2, 3), (1, 3), (2, 1), (1, 1), (2, 2, 3), (1, 1, 2, 3), (1, 2, 1, 3)):
        y = F.scaled_dot_product_attention(q, k, k, attn_mask=tg.ones(shape, device=device).bool())
        np.testing.assert_allclose(y.cpu().numpy(), np.ones((1, 2, 2, 3)))


def test_a_factor_of_whole_numbers_is_one() -> None:
    ones, places = tg.ones(3).int(), tg.tensor([0, 0, 1])
    added = ones.index_add(0, places, tg.tensor([1, 2, 3]).int(), alpha=2.5)
    assert (added.dtype, added.tolist()) == (tg.int32, [7, 7, 1])
    added = ones.byte().index_add(0, places, tg.tensor([1, 2, 3]).byte(), alpha=-1)
    assert (added.dtype, added.tolist()) == (tg.uint8, [254, 254, 1])


def test_an_output_size_that_is_not_what_comes_of_it() -> None:
    x = tg.tensor([1, 2, 3])
    assert x.repeat_interleave(tg.tensor([1, 2, 1]), output_size=4).tolist() == [1, 2, 2, 3]
    assert x.repeat_interleave(2, output_size=6).tolist() == [1, 1, 2, 2, 3, 3]
    for repeats, size in ((tg.tensor([1, 2, 1]), 5), (2, 7), (tg.tensor([2]), 5)):
        with pytest.raises(RuntimeError, match="output_size"):
            x.repeat_interleave(repeats, output_size=size)


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda o: lr_scheduler.ExponentialLR(o, 0.5), [0.5, 0.25, 0.125]),
        (lambda o: lr_scheduler.LambdaLR(o, lambda e: 1 / (e + 1)), [0.5, 1 / 3, 0.25]),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2), [0.5, 1.0, 0.5]),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, 2), [0.55, 1.0, 0.55]),
        (
            lambda o: lr_scheduler.SequentialLR(
                o, [lr_scheduler.ConstantLR(o, 0.1, 2), lr_scheduler.ExponentialLR(o, 0.9)], [2]
            ),
            [0.1, 1.0, 0.9],
        ),
        (lambda o: optim.swa_utils.SWALR(o, 0.1, 2), [0.55, 0.1, 0.1]),
    ],
)
def test_who_holds_a_rate_sees_it_change(make: Any, wanted: list[float]) -> None:
    rate = tg.tensor(1.0)
    optimizer = optim.SGD([nn.Parameter(tg.ones(1))], lr=rate, momentum=0.9)
    scheduler, found = make(optimizer), []
    for _ in wanted:
        optimizer.step()
        scheduler.step()
        found.append(rate.item())
    assert optimizer.param_groups[0]["lr"] is rate
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    again = optim.SGD([nn.Parameter(tg.ones(1))], lr=tg.tensor(1.0), momentum=0.9)
    again.load_state_dict(optimizer.state_dict())
    assert again.param_groups[0]["lr"].item() == rate.item()


def test_a_plateau_lowers_the_rate_that_is_held() -> None:
    rate = tg.tensor(1.0)
    optimizer = optim.SGD([nn.Parameter(tg.ones(1))], lr=rate)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    for metric in (1.0, 1.0, 1.0):
        scheduler.step(metric)
    assert rate.item() == 0.25


def test_vmap_changes_nothing_that_every_call_gets_whole() -> None:
    whole, apart = tg.zeros(3), tg.ones(2, 3)
    with pytest.raises(RuntimeError, match="vmap: inplace"):
        tg.vmap(lambda x, y: x.add_(y), in_dims=(None, 0))(whole, apart)
    tg.vmap(lambda x, y: y.add_(x), in_dims=(None, 0))(tg.ones(3), apart)
    assert apart.tolist() == [[2.0] * 3] * 2


def test_whole_numbers_lie_in_bins_of_their_own(device: str) -> None:
    x = tg.arange(116.0, 129, device=device)
    counted = x.histc(bins=151, min=0, max=151)
    assert counted.nonzero().reshape(-1).tolist() == list(range(116, 129))
    assert tg.arange(0.0, 50, device=device).histc(50, 0, 50).tolist() == [1.0] * 50


def test_a_number_below_zero_pads_no_unsigned_integers() -> None:
    bytes_ = tg.ones(2, dtype=tg.uint8)
    packed = nn.utils.rnn.pack_sequence([bytes_, bytes_[:1]])
    for padded in (
        lambda: F.pad(bytes_, (0, 1), value=-1),
        lambda: nn.ConstantPad1d(1, -1)(bytes_[None]),
        lambda: nn.utils.rnn.pad_sequence([bytes_, bytes_[:1]], padding_value=-1),
        lambda: nn.utils.rnn.pad_packed_sequence(packed, padding_value=-1),
    ):
        with pytest.raises(RuntimeError, match="without overflow"):
            padded()
    assert F.pad(bytes_.int(), (0, 1), value=-1).tolist() == [1, 1, -1]
