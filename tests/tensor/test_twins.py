"""What is written through views of memory that the library lays out in its own order.

NumPy's arrays that lie row by row are the judge: they share memory where PyTorch's do.
"""

from __future__ import annotations

import copy
import gc
import io
import math
import pickle
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import Tensor, nn
from tinygrad_lite.nn import functional as F
from tinygrad_lite.tensor import twins
from tinygrad_lite.tensor.layout import by_rows, restrided, theirs


def _numbered(tensor: Tensor) -> Tensor:
    with torch.no_grad():
        tensor.copy_(torch.arange(float(tensor.numel())).reshape(tensor.shape))
    return tensor


def _image(*shape: int) -> Tensor:
    """A convolution's output, of 0, 1, …"""
    x = torch.arange(float(math.prod(shape))).reshape(shape)
    return F.conv2d(x, torch.eye(shape[1]).reshape(shape[1], shape[1], 1, 1))


SOURCES: dict[str, Callable[[], Tensor]] = {
    "an image": lambda: _image(2, 3, 2, 2),
    "a row": lambda: F.conv1d(torch.ones(3, 2, 5), torch.ones(4, 2, 2)),
    "a volume": lambda: F.conv3d(torch.ones(2, 1, 3, 3, 3), torch.ones(2, 1, 2, 2, 2)),
    "a rectified image": lambda: _image(2, 3, 2, 2).relu(),
    "a normalised image": lambda: nn.BatchNorm2d(3)(_image(2, 3, 2, 2)).detach(),
    "a pooled image": lambda: F.max_pool2d(_image(2, 3, 4, 4), 2),
    "a linear weight": lambda: nn.Linear(4, 6).weight.detach(),
    "a kernel": lambda: nn.Conv2d(2, 4, 3).weight.data,
    "a copied image": lambda: copy.deepcopy(_image(3, 3, 2, 2).relu()[1:]),
    "a stored image": lambda: pickle.loads(pickle.dumps(_image(3, 3, 2, 2)[1:])),
}


def _other_shape(draw: random.Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    """As many elements in dimensions that are merged, cut, or all in one."""
    shape = (*shape, 1) if len(shape) < 2 else shape
    i = draw.randrange(len(shape) - 1)
    merged = (*shape[:i], shape[i] * shape[i + 1], *shape[i + 2 :])
    n = shape[i]
    part = draw.choice([k for k in range(1, n + 1) if n % k == 0])
    cut = (*shape[:i], part, n // part, *shape[i + 1 :])
    return draw.choice([(math.prod(shape),), (shape[0], math.prod(shape[1:])), merged, cut])


def _step(draw: random.Random, x: Any, a: Any) -> tuple[Any, Any]:
    """Something made of a tensor, and of NumPy's array."""
    kind = draw.randrange(9)
    if kind < 3:
        shape = _other_shape(draw, tuple(x.shape))
        return x.reshape(shape), a.reshape(shape)
    if kind == 3:
        return x.contiguous(), np.ascontiguousarray(a)
    if kind == 4:
        return x.detach(), a
    if kind == 5 and x.ndim > 1:
        order = draw.sample(range(x.ndim), x.ndim)
        return x.permute(order), a.transpose(order)
    if kind == 6 and x.ndim > 1:
        return x.diagonal(), a.diagonal(0, 0, 1)
    axis = draw.randrange(x.ndim)
    n = x.shape[axis]
    if kind == 7 and x.ndim > 1:
        i = draw.randrange(n)
        return x.select(axis, i), a[(slice(None),) * axis + (i,)]
    start = draw.randrange(n)
    stop = draw.randrange(start, n) + 1
    return x.narrow(axis, start, stop - start), a[(slice(None),) * axis + (slice(start, stop),)]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("recording", [True, False])
def test_views_share_what_numpys_share(source: str, recording: bool) -> None:
    for seed in range(60):
        draw = random.Random(f"{source} {seed}")
        with torch.set_grad_enabled(recording):
            first = _numbered(SOURCES[source]())
            found: list[tuple[Any, Any]] = [(first, np.array(first.tolist(), "float32"))]
            for step in range(8):
                found.append(_step(draw, *draw.choice(found)))
                tensor, array = draw.choice(found)
                array = array.view()
                array.flags.writeable = True  # a diagonal's is not
                place = draw.randrange(len(array)) if draw.random() < 0.5 else ...
                tensor[place] = array[place] = -step - 1.0
                for tensor, array in found:
                    assert tensor.tolist() == array.tolist()


PARTS: list[Callable[[Tensor], Tensor]] = [
    lambda y: y[1:].view(-1),
    lambda y: y[1].reshape(-1),
    lambda y: y[:, 1:].view(2, -1),
    lambda y: y[:, :, 1:].flatten(2),
    lambda y: y.permute(0, 2, 3, 1).view(2, 4, -1),
    lambda y: y.transpose(0, 1)[2].reshape(2, -1),
    lambda y: y.chunk(2)[1].view(-1),
    lambda y: y.narrow(0, 1, 1).contiguous(),
    lambda y: y.detach()[1:].view(-1),
    lambda y: y.data[1:].view(-1),
    lambda y: y.view(-1)[12:],
    lambda y: y.unfold(3, 2, 2)[1].flatten(1),
]


@pytest.mark.parametrize("part", PARTS)
def test_flat_views_of_parts_are_followed(part: Callable[[Tensor], Tensor]) -> None:
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            y = _image(2, 3, 2, 2)
            beside, flat = y.view(-1), part(y)
        flat.fill_(-1)
        assert (y == -1).sum() == (beside == -1).sum() == flat.numel()
        y[1] = 5.0
        assert bool((flat == 5).any())
        beside.zero_()
        assert not flat.any()


def test_recorded_changes_of_flat_views_of_parts() -> None:
    x = torch.arange(1.0, 17).reshape(2, 2, 2, 2).requires_grad_()
    y = F.conv2d(x, torch.eye(2).reshape(2, 2, 1, 1))
    before, flat = y[0], y[1:].view(-1)
    flat[:2] *= 3
    before.mul_(2)
    (y * y).sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [8.0 * n for n in range(1, 9)] + [
        162.0,
        180.0,
        *(2.0 * n for n in range(11, 17)),
    ]
    assert flat[:3].tolist() == [27.0, 30.0, 11.0]
    assert before.flatten().tolist() == [2.0 * n for n in range(1, 9)]


def test_recorded_changes_of_a_flat_view_and_its_base_by_turns() -> None:
    weight = torch.arange(1.0, 5).reshape(2, 2, 1, 1).requires_grad_()
    y = F.conv2d(torch.arange(1.0, 17).reshape(2, 2, 2, 2), weight)
    flat, whole = y.flatten(), y.contiguous()
    y[-1].mul_(4.0)
    flat[13] = 8.0
    for each in (y, flat, whole):
        (slopes,) = torch.autograd.grad((each * each).sum(), [weight], retain_graph=True)
        assert slopes.flatten().tolist() == [53908.0, 74628.0, 94628.0, 130516.0]


def test_changes_of_a_flat_view_count_as_changes_of_its_base() -> None:
    y = _image(2, 3, 2, 2)
    flat = y[1:].view(-1)
    assert flat._base is y
    version = y._version
    flat.zero_()
    assert y._version == flat._version == version + 1
    x = torch.ones(1, 2, 2, 2, requires_grad=True)
    y = F.conv2d(x, torch.ones(2, 2, 1, 1))
    product = y * y
    with torch.no_grad():
        y[0, 1:].view(-1).zero_()
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        product.sum().backward()


def test_a_contiguous_tensor_requires_its_gradient_under_no_grad() -> None:
    y = F.conv2d(torch.ones(2, 2, 2, 2), torch.ones(2, 2, 1, 1, requires_grad=True))
    with torch.no_grad():
        assert y.contiguous().requires_grad


def test_what_is_viewed_may_be_gone_but_for_another_that_shares_its_memory() -> None:
    y = _image(2, 3, 2, 2)
    beside, flat = y.detach(), y.view(-1)
    del y
    gc.collect()
    flat[0] = 9.0
    assert beside[0, 0, 0, 0] == 9.0


def test_copies_of_parts_have_their_order() -> None:
    y = _image(2, 3, 2, 2)
    both = y.relu(), y.relu()[:, 1:]
    for again in (copy.deepcopy(both), pickle.loads(pickle.dumps(both))):
        for tensor, copied in zip(both, again, strict=True):
            assert torch.equal(tensor, copied)
            assert theirs(tensor) == theirs(copied)
    whole = y.relu()
    again = copy.deepcopy((whole, whole[1:]))
    again[1].view(-1).zero_()
    assert not again[0][1].any()


def test_memory_at_the_place_of_another_that_is_gone_is_not_followed() -> None:
    """Thousands of arrays come and go, so that each `id` is used many times."""
    gc.collect()
    before = dict(twins.known)
    draw, kept = random.Random(0), []
    for _ in range(2000):
        y = _image(2, 3, 2, 2)
        pair = [y, y[1:].view(-1) if draw.random() < 0.5 else y.view(-1)]
        kept.append(pair)
        if draw.random() < 0.5:
            pair.pop(draw.randrange(2))
        if len(kept) > 20:
            kept.pop(draw.randrange(20))
        value = -draw.random()
        chosen = draw.choice(kept)
        others = [[t.tolist() for t in one] for one in kept if one is not chosen]
        chosen[0].fill_(value)
        assert others == [[t.tolist() for t in one] for one in kept if one is not chosen]
        assert all((t[-1:] == torch.tensor(value)).all() for t in chosen)
    del pair, kept, y, chosen
    gc.collect()
    assert twins.known == before


def test_twins_are_made_written_and_dropped_by_many_threads() -> None:
    """Each thread counts up in places of its own of one memory, through views that it drops."""
    gc.collect()
    before = dict(twins.known)
    y = torch.zeros_like(_image(8, 3, 4, 4))
    assert not y.array.flags.c_contiguous
    errors: list[BaseException] = []
    flat = y.view(-1)

    def count(n: int, flat: Tensor) -> None:
        draw = random.Random(n)
        try:
            for _ in range(150):
                kind = draw.randrange(4)
                if kind == 0:
                    y[n].view(-1).add_(1)
                elif kind == 1:
                    flat[48 * n : 48 * (n + 1)].add_(1)
                elif kind == 2:
                    y[n].add_(1)
                else:
                    y[n:].detach().view(-1)[:48].add_(1)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=count, args=(n, flat)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert (y == 150).all()
    assert (flat == 150).all()
    del flat
    gc.collect()
    assert twins.known == before


def test_strides_of_views() -> None:
    """Beside NumPy's: the strides of a view, or that there is none."""
    draw = random.Random(1)
    for _ in range(300):
        array = np.zeros([draw.randrange(1, 4) for _ in range(4)], "float32")
        array = array.transpose(draw.sample(range(4), 4))
        array = array[:, : max(1, array.shape[1] - draw.randrange(2))]
        wanted = _other_shape(draw, array.shape)
        view = array.reshape(wanted)
        found = restrided(array.shape, array.strides, wanted)
        assert (found is not None) == np.shares_memory(view, array)
        if found is not None:
            there = zip(found, view.strides, wanted, strict=True)
            assert all(a == b for a, b, n in there if n > 1)
    assert by_rows((2, 0, 3), 4) == (12, 12, 4)


def _holder() -> tuple[Any, Any, Any]:
    y = _image(2, 3, 2, 2)
    return y, y[1], y.detach()


def test_what_numpy_writes_into_flat_views_is_written_everywhere() -> None:
    """The tensor, a part of it and one beside it are found; nothing else moves."""
    y, part, beside = _holder()
    other = _image(2, 3, 2, 2)
    flat, cut = y.view(-1), y[:, 1:].flatten(1)
    before = y.tolist()
    flat.numpy()[12] = -1.0
    assert y[1, 0, 0, 0] == part[0, 0, 0] == beside[1, 0, 0, 0] == flat[12] == -1.0
    cut.numpy()[0, 0] = -2.0
    assert y[0, 1, 0, 0] == beside[0, 1, 0, 0] == flat[4] == -2.0
    y.numpy()[...] = np.array(before) + 1
    for each in (beside, flat.reshape(2, 3, 2, 2), y.data):
        assert each.tolist() == (np.array(before) + 1).tolist()
    assert cut[1].tolist() == [n + 1.0 for n in range(16, 24)]
    assert part.flatten().tolist() == [n + 1.0 for n in range(12, 24)]
    assert other.tolist() == before
    assert not any(t._storage.key in twins.known for t in (y, part, beside, flat, cut))


def test_what_numpy_writes_into_a_flat_view_alone() -> None:
    for make in (lambda: nn.Linear(4, 6).weight.detach(), lambda: _image(2, 3, 2, 2)):
        y = _numbered(make())
        flat = y.view(-1)
        flat.numpy()[1] = -1.0
        assert y.flatten()[1] == -1.0
        y.add_(1)
        assert flat[:3].tolist() == [1.0, 0.0, 3.0]


def test_a_parameter_that_numpy_wrote_into_learns_on() -> None:
    layer = nn.Linear(2, 3)
    _numbered(layer.weight)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    flat = layer.weight.data.view(-1)
    for step in range(3):
        optimizer.zero_grad()
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        flat.numpy()[0] = 10.0 * step
    assert layer.weight.flatten().tolist() == [20.0, -2.0, -1.0, 0.0, 1.0, 2.0]
    layer(torch.ones(1, 2)).sum().backward()


def test_a_backward_pass_after_numpy_looked_at_a_flat_view() -> None:
    x = torch.arange(1.0, 9).reshape(2, 1, 2, 2).requires_grad_()
    y = F.conv2d(x, torch.full((2, 1, 1, 1), 2.0))
    flat = y.flatten()
    loss = (y * y).sum() + flat.sum()
    assert flat.detach().numpy()[0] == 2.0
    flat[0] *= 3
    loss.backward(retain_graph=True)  # reads what was there before, which is still there
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [16.0 * n + 4 for n in range(1, 9)]
    x.grad = None
    (flat[:2] * y.view(-1)[:2]).sum().backward()
    assert x.grad is not None
    assert x.grad.flatten()[:2].tolist() == [72.0, 16.0]


def test_an_array_that_nothing_could_follow_is_read_only() -> None:
    y = F.conv3d(torch.ones(2, 1, 3, 3, 3), torch.ones(2, 1, 2, 2, 2))
    flat = y.view(-1)
    for each in (flat, y):
        with pytest.raises(ValueError, match="read-only"):
            each.numpy()[0] = 1
    del flat
    y.numpy()[0] = 1
    assert (y[0] == 1).all()


def test_what_was_changed_before_a_flat_view_is_no_change_since() -> None:
    w = nn.Conv2d(2, 3, 3).weight
    with torch.no_grad():
        w.fill_(0.5)
    flat = w.view(-1)
    assert flat._node is not None
    assert flat._node.version == flat._storage.version > 0  # else a recorded pass would refuse


def _turned() -> Tensor:
    """Row by row here, with its last dimension outermost in PyTorch."""
    return _image(2, 3, 2, 2).permute(1, 2, 3, 0)


@pytest.mark.parametrize(
    "made",
    [
        lambda: _turned() + 1,
        lambda: torch.ones(1) + _turned(),
        lambda: torch.where(_turned() >= 0, _turned(), 1.0) + 1,
        lambda: torch.lerp(_turned(), _turned() + 1, 0.5) + 1,
        lambda: torch.ones_like(_turned()),
        lambda: torch.linalg.cholesky(torch.eye(2) + 1) + 1,
        lambda: torch.linalg.inv(torch.eye(2)).clone() + 1,
        lambda: torch.linalg.eigh(torch.eye(3) + 1)[1].double() + 9,
        lambda: torch.inverse(torch.eye(2) + 1),
        lambda: torch.linalg.solve_triangular(torch.eye(2), torch.ones(2, 2), upper=True),
    ],
)
def test_results_lie_as_what_lies_row_by_row_here_alone(made: Callable[[], Tensor]) -> None:
    """PyTorch's, with equal arguments, are not contiguous, so that `flatten` copies them."""
    result = made()
    assert torch.all(result != 0)
    result.flatten().fill_(0)
    assert torch.all(result != 0)


def _saved(value: Any) -> Any:
    stream = io.BytesIO()
    torch.save(value, stream)
    stream.seek(0)
    return torch.load(stream)


@pytest.mark.parametrize("copied", [_saved, copy.deepcopy])
@pytest.mark.parametrize("source", ["an image", "a linear weight", "a kernel"])
def test_a_tensor_and_its_flat_view_share_memory_once_stored(
    source: str, copied: Callable[[Any], Any]
) -> None:
    w = SOURCES[source]()
    flat = w.view(-1)
    w, flat, part = copied([w, flat, w.transpose(0, 1)])
    assert w.flatten().tolist() == flat.tolist()
    flat.fill_(3.0)
    assert torch.all(w == 3)
    assert torch.all(part == 3)
    w[0] = 5.0
    assert flat[0] == 5
    assert torch.all(part[:, 0] == 5)


def test_a_flat_view_whose_weight_is_gone_is_no_twin_any_more() -> None:
    gc.collect()
    before = len(twins.known)
    w = nn.Conv2d(2, 3, 3).weight
    flat = w.data.view(-1).detach()  # whose base nobody holds
    assert len(twins.known) == before + 2
    del w
    gc.collect()
    assert len(twins.known) == before
    assert flat.numel() == 54
