"""What is written through a flat view of memory that the library lays out in its own order.

Each value is what PyTorch 2.13 gives.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import Tensor, nn
from tinygrad_lite.nn import functional as F
from tinygrad_lite.tensor import twins
from tinygrad_lite.tensor.base import in_our_order

LAYERS: list[Callable[[], nn.Module]] = [
    lambda: nn.Linear(3, 2),
    lambda: nn.Conv1d(2, 3, 2),
    lambda: nn.Conv2d(2, 3, 2),
    lambda: nn.ConvTranspose2d(2, 3, 2),
]


def _image() -> Tensor:
    """A convolution's output (2, 2, 2, 2): 1, 2, … in each sample, the second's negative."""
    x = torch.arange(1.0, 9).reshape(1, 2, 2, 2)
    return F.conv2d(torch.cat([x, -x]), torch.eye(2).reshape(2, 2, 1, 1))


def _weight(make: Callable[[], nn.Module]) -> nn.Parameter:
    weight: nn.Parameter = make().weight
    with torch.no_grad():
        weight.copy_(torch.arange(float(weight.numel())).reshape(weight.shape))
    return weight


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize(
    "write",
    [
        lambda w: w.data.view(-1).__setitem__(1, 50.0),
        lambda w: w.data.flatten()[1:2].fill_(50.0),
        lambda w: w.detach().reshape(-1)[1].copy_(torch.tensor(50.0)),
        lambda w: w.data.contiguous().view(-1)[1].fill_(50.0),
        lambda w: torch.add(w.data.view(-1)[1], 49.0, out=w.data.view(-1)[1]),
    ],
)
def test_weights_are_written_through_flat_views(
    make: Callable[[], nn.Module], write: Callable[[Tensor], object]
) -> None:
    weight = _weight(make)
    write(weight)
    expected = [0.0, 50.0, *range(2, weight.numel())]
    assert weight.detach().reshape(-1).tolist() == expected
    assert weight.detach().clone().numpy().ravel().tolist() == expected


@pytest.mark.parametrize("make", LAYERS)
def test_a_flat_view_sees_what_an_optimizer_does(make: Callable[[], nn.Module]) -> None:
    weight = _weight(make)
    flat, again = weight.data.view(-1), weight.data.view(-1)
    weight.grad = torch.ones_like(weight)
    torch.optim.SGD([weight], lr=1.0).step()
    assert flat[:3].tolist() == [-1.0, 0.0, 1.0]
    flat[0] = 9.0
    assert again[0] == weight.detach().flatten()[0] == 9.0
    with torch.no_grad():
        weight.mul_(2)
    assert flat[0] == again[0] == 18.0


def test_gradients_by_differences() -> None:
    layer = nn.Linear(2, 2)
    x = torch.tensor([[1.0, 3.0]])
    slopes = []
    flat = layer.weight.data.view(-1)
    for i in range(4):
        for step in (0.5, -1.0, 0.5):
            flat[i] += step
            slopes.append(round(layer(x).sum().item(), 3))
    assert [round(slopes[i] - slopes[i + 1], 2) for i in (0, 3, 6, 9)] == [1.0, 3.0, 1.0, 3.0]


def test_a_gradient_is_written_through_a_flat_view() -> None:
    layer = nn.Linear(3, 2)
    layer(torch.ones(1, 3)).sum().backward()
    flat = layer.weight.grad.view(-1)
    flat[4] = 7.0
    assert layer.weight.grad[1, 1] == 7.0
    layer(torch.ones(1, 3)).sum().backward()
    assert flat.tolist() == [2.0, 2.0, 2.0, 2.0, 8.0, 2.0]


@pytest.mark.parametrize(
    "write",
    [
        lambda y: y.view(-1).__setitem__(1, 50.0),
        lambda y: y.reshape(-1)[1].fill_(50.0),
        lambda y: y.view(4, 2, 2)[0, 0, 1].fill_(50.0),
        lambda y: y.view(2, -1).flatten()[1].fill_(50.0),
        lambda y: y.detach().view(-1)[1].fill_(50.0),
        lambda y: y[0].view(-1)[1].fill_(50.0),
    ],
)
def test_images_are_written_through_flat_views(write: Callable[[Tensor], object]) -> None:
    image = _image()
    beside = image.detach()
    write(image)
    for each in (image, beside):
        assert each[0].flatten().tolist() == [1.0, 50.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]


def test_what_pytorch_copies_stays_a_copy() -> None:
    image = _image()
    image[:, :1].reshape(-1).zero_()
    image.permute(0, 2, 3, 1).reshape(-1).zero_()
    image.permute(0, 2, 3, 1).reshape(-1, 2).zero_()
    image.permute(1, 0, 2, 3).reshape(-1).zero_()
    with torch.no_grad():
        image.permute(1, 0, 2, 3).reshape(-1).zero_()
    assert image[0].flatten().tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]


@pytest.mark.parametrize("flatten", [lambda y: y.view(-1), lambda y: y.flatten()])
def test_recorded_changes_of_flat_views(flatten: Callable[[Tensor], Tensor]) -> None:
    x = torch.arange(1.0, 17).reshape(2, 2, 2, 2).requires_grad_()
    y = F.conv2d(x, torch.eye(2).reshape(2, 2, 1, 1))
    flat = flatten(y)
    flat[:2] *= 3
    (y * y).sum().backward()
    assert y.detach().flatten().tolist() == [3.0, 6.0, *range(3, 17)]
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [18.0, 36.0, *range(6, 34, 2)]

    x.grad = None
    y = F.conv2d(x, torch.eye(2).reshape(2, 2, 1, 1))
    flat = flatten(y)
    y[0, 0, 0, 0] *= 5
    (flat * flat).sum().backward()
    assert flat[0] == 5.0
    assert x.grad.flatten().tolist() == [50.0, *range(4, 34, 2)]


def test_a_flat_view_of_a_leaf_is_not_changed_by_recorded_operations() -> None:
    weight = _weight(LAYERS[0])
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        weight.view(-1).mul_(2)
    with torch.no_grad():
        weight.view(-1).mul_(2)
    assert weight.detach()[1].tolist() == [6.0, 8.0, 10.0]


def test_the_memory_of_a_bare_capsule_is_written() -> None:
    x = torch.arange(6.0).reshape(2, 3)
    for source in (x, x.t(), x[:, 1:], x[0, 0]):
        shared = torch.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(source))
        assert shared.equal(source)
        shared += 1
        assert shared.equal(source)
    assert x.tolist() == [[3.0, 4.0, 5.0], [5.0, 7.0, 8.0]]
    del x, source
    gc.collect()
    assert shared == 3.0


def test_no_twin_outlives_its_copy() -> None:
    gc.collect()
    before = len(twins.known)
    weight, image = _weight(LAYERS[2]), _image()
    gc.disable()
    try:
        copies = [weight.data.view(-1)[1:], image.view(-1), image[0].flatten()]
        assert len(twins.known) > before
        del copies
        assert len(twins.known) == before
    finally:
        gc.enable()


def _changes(copy: Tensor, source: Tensor) -> bool:
    """Whether what is written into a copy shows in what it was made of."""
    before = source.detach().clone()
    with torch.no_grad():
        copy += 1
    return not torch.equal(before, source)


def _in_columns() -> np.ndarray:
    return np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4))


TURNED: list[Callable[[], Tensor]] = [
    lambda: torch.from_numpy(_in_columns()),
    lambda: torch.as_tensor(_in_columns()),
    lambda: torch.tensor(_in_columns()),
    lambda: torch.FloatTensor(_in_columns()),
    lambda: torch.from_dlpack(_in_columns()),
    lambda: nn.Conv2d(2, 3, 3).weight.data.transpose(0, 1).detach(),
    lambda: nn.Conv2d(2, 3, 3).weight.data.transpose(0, 1) * 2,
    lambda: nn.Conv2d(2, 3, 3).weight.detach().transpose(0, 1).data,
    lambda: nn.Conv2d(2, 3, 3).weight.detach().set_(torch.ones(4, 3).t()),
    lambda: nn.Conv2d(3, 16, 3)(torch.ones(4, 3, 8, 8)).detach().transpose(0, 1).relu(),
    lambda: nn.Conv2d(3, 16, 3)(torch.ones(4, 3, 8, 8)).transpose(0, 1).detach(),
    # These lie row by row here, where the library turned them the other way.
    lambda: nn.Linear(3, 4).weight.detach().T,
    lambda: nn.Conv2d(3, 4, 3).weight.detach().permute(0, 2, 3, 1),
    lambda: nn.Conv2d(3, 4, 3)(torch.ones(2, 3, 8, 8)).detach().permute(1, 2, 3, 0),
]


@pytest.mark.parametrize("make", TURNED)
@pytest.mark.parametrize("copied", [Tensor.contiguous, lambda x: x.reshape(-1), Tensor.flatten])
def test_copies_of_what_the_program_turned_are_copies(
    make: Callable[[], Tensor], copied: Callable[[Tensor], Tensor]
) -> None:
    turned = make()
    assert not _changes(copied(turned), turned)
    assert not _changes(turned, copied(turned))


def test_parts_and_axes_of_one_are_not_turned() -> None:
    row = in_our_order(torch.ones(1, 3))
    assert _changes(row.T.reshape(-1), row)
    assert _changes(row.T.contiguous(), row)
    weight = nn.Linear(3, 4).weight.detach()
    assert _changes(weight[:, 0].reshape(-1), weight)


def test_a_turned_leaf_is_not_followed_by_its_copies() -> None:
    weight = nn.Conv2d(2, 3, 3).weight
    with torch.no_grad():
        weight.transpose_(0, 1)
    assert not _changes(weight.detach().reshape(-1), weight)


def test_flat_views_of_what_an_optimizer_keeps_follow_its_steps() -> None:
    weight = _weight(lambda: nn.Linear(3, 2))
    optimizer = torch.optim.SGD([weight], lr=1.0, momentum=0.5)
    weight.grad = torch.ones(2, 3)
    optimizer.step()
    buffer = optimizer.state[weight]["momentum_buffer"]
    flat = buffer.view(-1)
    optimizer.step()
    assert flat.tolist() == [1.5] * 6
    flat.mul_(2)
    optimizer.step()
    assert buffer.tolist() == [[2.5] * 3] * 2
    assert flat.tolist() == [2.5] * 6
