"""`view` of tensors whose axes a program turned raises, as in PyTorch; of the library's it copies.

A program turns axes with `permute` and the like; the result lies so after `detach`, `clone` and
elementwise functions too. Convolutions and others choose an order here where PyTorch's results are
row-major: those can be viewed. The expected values were printed by PyTorch 2.13.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.several import several
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F

Tensor = torch.Tensor


def turned(requires_grad: bool = False) -> Tensor:
    """A matrix whose columns lie in one piece."""
    return torch.arange(12.0, requires_grad=requires_grad).reshape(3, 4).t()


def turned_without_grad() -> Tensor:
    with torch.no_grad():
        return torch.ones(3, 4, requires_grad=True).permute(1, 0)


REFUSED: dict[str, Callable[[], Any]] = {
    "a view": turned,
    "detach": lambda: turned(requires_grad=True).detach(),
    "data": lambda: turned(requires_grad=True).data,
    "data of data": lambda: turned().data.data.detach(),
    "no_grad": turned_without_grad,
    "Variable": lambda: torch.autograd.Variable(turned()),
    "Parameter": lambda: nn.Parameter(turned()),
    "clone": lambda: turned().clone(),
    "clone of a slice": lambda: torch.ones(3, 4)[:, ::2].t().clone(),
    "clone of a detached one": lambda: turned(requires_grad=True).detach().clone(),
    "deepcopy": lambda: copy.deepcopy(turned()),
    "pickle": lambda: pickle.loads(pickle.dumps(turned())),
    "empty_like": lambda: torch.empty_like(turned()),
    "zeros_like": lambda: torch.zeros_like(turned()),
    "full_like": lambda: torch.full_like(turned(), 2.0),
    "plus a number": lambda: turned() + 1,
    "a number minus": lambda: 1 - turned(),
    "relu": lambda: turned().relu(),
    "twice": lambda: turned().exp().sin() * 2,
    "comparison": lambda: turned() > 2,
    "isnan": lambda: turned().isnan(),
    "power": lambda: turned() ** 2,
    "cast": lambda: turned().double(),
    "clamp": lambda: turned().clamp(0, 1),
    "gelu": lambda: F.gelu(turned()),
    "silu": lambda: F.silu(turned()),
    "beside a row": lambda: turned() * torch.ones(3),
    "recorded": lambda: turned(requires_grad=True) * 3,
    "t_": lambda: torch.ones(3, 4).t_(),
    "einsum of one": lambda: torch.einsum("ij->ji", torch.ones(3, 4)),
}  # fmt: skip


def test_turned_axes_cannot_be_viewed() -> None:
    with several() as case:
        for name, make in REFUSED.items():
            with case(name):
                x = make()
                assert not x.is_contiguous()
                with pytest.raises(RuntimeError, match=r"view: size .* use .reshape"):
                    x.view(-1)
                assert x.reshape(-1).shape == x.contiguous().view(-1).shape == (x.numel(),)


image = torch.linspace(-1, 1, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
convolution = nn.Conv2d(3, 4, 3)

VIEWED: dict[str, Callable[[], Any]] = {
    "a convolution": lambda: convolution(image),
    "its relu": lambda: convolution(image).relu().detach(),
    "and pooling": lambda: F.max_pool2d(convolution(image).relu(), 2).data,
    "and more": lambda: (convolution(image) + 1).clone() * convolution(image),
    "likes of it": lambda: torch.zeros_like(convolution(image)),
    "a convolution of a turned image": lambda: convolution(image.permute(0, 1, 3, 2)),
    "both": lambda: convolution(image) + torch.ones(2, 2, 2, 4).permute(0, 3, 1, 2),
    "a weight": lambda: convolution.weight.detach(),
    "a copied weight": lambda: copy.deepcopy(convolution).weight,
    "a pickled weight": lambda: pickle.loads(pickle.dumps(convolution)).weight.data,
    "a converted weight": lambda: copy.deepcopy(convolution).double().weight.data,
    "a matrix": lambda: nn.Linear(3, 4).weight.data,
    "a gradient": lambda: gradient_of_linear(),
    "a recorded gradient": lambda: gradient_of_linear(create_graph=True),
    "softmax": lambda: turned().softmax(0),
    "masked_fill": lambda: turned().masked_fill(turned() > 3, 0.0),
    "einsum": lambda: torch.einsum("ij,kj->ki", torch.ones(2, 3), torch.ones(4, 3)),
    "a pad": lambda: F.pad(turned(), (1, 1)),
    "a matrix of pivots": lambda: torch.lu_unpack(*torch.linalg.lu_factor(torch.rand(3, 3)))[0],
    "the lower of two": lambda: torch.lu_unpack(*torch.linalg.lu_factor(torch.rand(3, 3)))[1],
    "the upper of two": lambda: torch.lu_unpack(*torch.linalg.lu_factor(torch.rand(3, 3)))[2],
    "channel_shuffle": lambda: F.channel_shuffle(image[:, :2].permute(0, 1, 3, 2), 2),
    "a product of a dimension": lambda: torch.ones(2, 3, 4).permute(2, 0, 1).prod(1),
    "a product": lambda: turned() @ torch.ones(3, 2),
    "eigenvalues": lambda: torch.linalg.eigvalsh(torch.eye(3).expand(2, 3, 3)),
    "factors": lambda: torch.linalg.lu(torch.ones(3, 4)).L,
    "expanded": lambda: torch.ones(1, 4).expand(3, 4).clone(),
    "expanded and more": lambda: torch.ones(4, 1).expand(4, 3) + 1,
    "rms_norm": lambda: F.rms_norm(turned(), (3,)),
    "a pad of nothing": lambda: F.pad(torch.ones(1, 4, 3).mT, (0, 0, 0, 0), "reflect"),
    "a fused weight": lambda: nn.utils.fuse_conv_bn_eval(
        convolution.eval(), nn.BatchNorm2d(4).eval()).weight,
    "unpad_sequence": lambda: nn.utils.rnn.unpad_sequence(
        torch.ones(3, 2, 2), torch.tensor([3, 2]))[0],
    "of no elements": lambda: torch.ones(2, 0, 3).permute(2, 0, 1),
    "one row": lambda: torch.ones(1, 4).t(),
    "rows": lambda: torch.ones(2, 3, 4).transpose(0, 1).contiguous(),
}  # fmt: skip


def gradient_of_linear(create_graph: bool = False) -> Any:
    layer = nn.Linear(3, 4)
    return torch.autograd.grad(
        layer(torch.ones(2, 3)).sum(), layer.weight, create_graph=create_graph
    )[0]


def test_the_librarys_own_orders_can_be_viewed() -> None:
    with several() as case:
        for name, make in VIEWED.items():
            with case(name):
                x = make()
                row = x.view(-1).detach().numpy()
                assert np.array_equal(row, x.detach().numpy().reshape(-1))


def test_files_keep_who_turned_the_axes(tmp_path: Any) -> None:
    torch.save({"mine": turned(), "weight": convolution.weight}, tmp_path / "file")
    loaded = torch.load(tmp_path / "file")
    assert loaded["weight"].view(-1).shape == (4 * 3 * 9,)
    assert np.array_equal(loaded["mine"].numpy(), turned().numpy())
