"""Nodes are called what PyTorch calls them."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

import tinygrad_lite as tg

# An expression of x (4, 5), v (5,), w (6, 5), b (6,), z (2, 3, 4), im (2, 3, 8, 8), i (4,) and F.
NAMES = """
x + 1                                  AddBackward0
1 - x                                  RsubBackward1
x - 1                                  SubBackward0
1 / x                                  MulBackward0
x / x                                  DivBackward0
x**2                                   PowBackward0
x**x                                   PowBackward1
2**x                                   PowBackward2
torch.atan2(x, x)                      Atan2Backward0
x.log1p()                              Log1PBackward0
x @ w.t()                              MmBackward0
x @ v                                  MvBackward0
v @ v                                  DotBackward0
F.linear(x, w)                         MmBackward0
F.linear(x, w, b)                      AddmmBackward0
F.linear(x[None], w, b)                ViewBackward0
F.linear(x[None], w)                   UnsafeViewBackward0
x.sum()                                SumBackward0
x.sum(0)                               SumBackward1
x.mean(1)                              MeanBackward1
x.max()                                MaxBackward1
x.amin(1)                              AminBackward0
x.norm()                               LinalgVectorNormBackward0
x.clamp(0, 1)                          ClampBackward1
z.permute(2, 0, 1)                     PermuteBackward0
z.transpose(0, 1)                      TransposeBackward0
x.view(2, 2, 5)                        ViewBackward0
im.flatten(1)                          ViewBackward0
x.unsqueeze(0)                         UnsqueezeBackward0
x[None].view(4, 5)                     ViewBackward0
x[None].reshape(4, 5)                  ViewBackward0
x[None].flatten(0, 1)                  ViewBackward0
x.view(1, 4, 5)                        ViewBackward0
v.view(1, 5)                           ViewBackward0
v.sum().view(1)                        ViewBackward0
x[None].squeeze((0, 1))                SqueezeBackward2
x[None].squeeze(0)                     SqueezeBackward1
torch.atleast_2d(v)                    UnsqueezeBackward0
x[:, :1].squeeze(1)                    SqueezeBackward1
x[0]                                   SelectBackward0
x[1, :]                                SelectBackward0
x[0, 1:]                               SliceBackward0
x[:, None]                             UnsqueezeBackward0
x[..., 0]                              SelectBackward0
x[:]                                   SliceBackward0
x[i]                                   IndexBackward0
x[x > 0.5]                             IndexBackward0
torch.cat([x, x])                      CatBackward0
x.masked_fill(x > 0.5, 0)              MaskedFillBackward0
torch.where(x > 0.5, x, 2 * x)         WhereBackward0
x.double()                             ToCopyBackward0
F.mse_loss(x, 2 * x)                   MseLossBackward0
F.binary_cross_entropy_with_logits(x, x.detach())   BinaryCrossEntropyWithLogitsBackward0
F.binary_cross_entropy(x, x.detach())  BinaryCrossEntropyBackward0
F.cross_entropy(x, i)                  NllLossBackward0
F.conv2d(im, im.detach())              ConvolutionBackward0
F.conv1d(z, z[:, :, :2].detach())      ConvolutionBackward0
F.max_pool2d(im, 2)                    MaxPool2DWithIndicesBackward0
F.layer_norm(x, (5,))                  NativeLayerNormBackward0
F.batch_norm(im, None, None, training=True)         NativeBatchNormBackward0
F.gelu(x, approximate="tanh")          GeluBackward0
F.nll_loss(x, i)                       NllLossBackward0
F.nll_loss(x, i, reduction="none")     NllLossBackward0
F.cross_entropy(x, i, ignore_index=1)  NllLossBackward0
F.cross_entropy(im, im[:, 0].long())   NllLoss2DBackward0
F.smooth_l1_loss(x, 2 * x)             SmoothL1LossBackward0
F.soft_margin_loss(x, x.detach())      SoftMarginLossBackward0
F.multi_margin_loss(x, i)              MultiMarginLossBackward0
F.glu(z)                               GluBackward0
F.pad(x, (1, 1))                       ConstantPadNdBackward0
F.interpolate(im, scale_factor=2)      UpsampleNearest2DBackward0
F.interpolate(im, scale_factor=2, mode="bilinear")  UpsampleBilinear2DBackward0
F.group_norm(z, 3)                     NativeGroupNormBackward0
x.T                                    PermuteBackward0
x.t()                                  TBackward0
x.permute(1, 0)                        PermuteBackward0
x.max(1)[0]                            MaxBackward0
x.sort()[0]                            SortBackward0
x.topk(2)[0]                           TopkBackward0
x.median()                             MedianBackward0
x.prod()                               ProdBackward0
x.prod(0)                              ProdBackward1
x.split(2)[1]                          SplitBackward0
x.split([1, 3])[1]                     SplitWithSizesBackward0
x.chunk(2)[0]                          SplitBackward0
x.unbind()[2]                          UnbindBackward0
x.repeat(2, 1)                         RepeatBackward0
x.squeeze()                            SqueezeBackward0
x.tril()                               TrilBackward0
x.norm(1)                              LinalgVectorNormBackward0
x.index_select(0, i)                   IndexSelectBackward0
x.addmm(x, x.T @ x)                    AddmmBackward0
torch.bmm(z, z.mT)                     BmmBackward0
torch.lerp(x, x, 0.5)                  LerpBackward0
torch.lerp(x, x, x)                    LerpBackward1
x.reciprocal()                         ReciprocalBackward0
x.unfold(1, 2, 1)                      UnfoldBackward0
(x * 2).zero_()                        ZeroBackward0
(x * 2).index_add_(0, i, x)            IndexAddBackward0
(x * 2).t().mul_(2)                    AsStridedBackward0
(x * 2).unsqueeze_(0)                  UnsqueezeBackward1
torch.kron(x, x)                       UnsafeViewBackward0
torch.transpose_copy(x, 0, 1)          TransposeBackward0_copy
torch.linalg.matrix_exp(x @ x.T)       LinalgMatrixExpBackward0
F.selu(x)                              EluBackward0
x.t().reshape(20)                      UnsafeViewBackward0
x % 2                                  RemainderBackward0
x % x                                  RemainderBackward1
"""
ROWS = [row.rsplit(maxsplit=1) for row in NAMES.strip().splitlines()]


def name_of(expression: str, torch: Any) -> str:
    """How the `grad_fn` of an expression prints in a tensor, in either library."""
    torch.manual_seed(0)
    shapes = {"x": (4, 5), "v": (5,), "w": (6, 5), "b": (6,), "z": (2, 3, 4), "im": (2, 3, 8, 8)}
    names: dict[str, Any] = {k: torch.rand(*s, requires_grad=True) for k, s in shapes.items()}
    names |= {"torch": torch, "F": torch.nn.functional, "i": torch.tensor([0, 1, 2, 1])}
    made = eval(expression, names)
    assert repr(made.grad_fn).startswith(f"<{made.grad_fn.name()} object at 0x")
    assert made.grad_fn.name() == repr(made).rpartition("<")[2].rstrip(">)")
    return str(made.grad_fn.name())


def test_names_are_pytorchs() -> None:
    found = {expression: name_of(expression, tg) for expression, _ in ROWS}
    assert found == dict(ROWS)


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs PyTorch")
def test_the_names_here_are_pytorchs() -> None:
    import torch

    assert {e: name_of(e, torch) for e, _ in ROWS} == dict(ROWS)


def test_a_name_stays_when_its_node_was_walked() -> None:
    x, w, b = (tg.ones(*s, requires_grad=True) for s in ((2, 3), (4, 3), (4,)))
    y = tg.nn.functional.linear(x, w, b)
    y.sum().backward()
    assert y.grad_fn.name() == "AddmmBackward0"


def test_a_node_without_a_derivative_prints_as_pytorchs() -> None:
    y = tg.ones(2, requires_grad=True) // 2
    assert repr(y) == "tensor([0., 0.], grad_fn=<NotImplemented>)"
    assert type(y.grad_fn).__name__ == "NotImplemented"


def test_a_change_that_is_not_recorded_renames_nothing() -> None:
    y = tg.ones(2, requires_grad=True) * 2
    with tg.no_grad():
        y.zero_()
    assert y.grad_fn.name() == "MulBackward0"


CHANGES = """
x[0] = 5                       CopySlices
x[0] = v                       CopySlices
x[0] += v                      CopySlices
x[0][1] = v[0]                 CopySlices
x[:, 1] = v[:4]                CopySlices
x[0:2, :] = v                  CopySlices
x[..., 0:2] = v[0]             CopySlices
x[::2] = v                     CopySlices
x[None] = v                    CopySlices
x[0, [0, 1]] = v[0]            CopySlices
x[0].fill_(3)                  CopySlices
x.t().copy_(v[:4])             CopySlices
x.diagonal().copy_(v[:4])      CopySlices
x[i] = v                       IndexPutBackward0
x[i] += v                      IndexPutBackward0
x[x > 0] = 3                   IndexPutBackward0
x[:, [0, 2]] = v[:2]           IndexPutBackward0
x[...] = v                     CopyBackwards
x[:] = v                       CopyBackwards
x[0:4] = v                     CopyBackwards
x[...] = v[0]                  FillBackward3
x[:] = 3                       FillBackward3
x.fill_(3)                     FillBackward2
x.fill_(value=v[0])            FillBackward3
"""


@pytest.mark.parametrize("change", [line for line in CHANGES.splitlines() if line])
def test_a_change_in_place_is_called_as_pytorchs(change: str) -> None:
    code, name = change.rsplit(None, 1)
    v = tg.arange(5.0).requires_grad_()
    x = tg.ones(4, 5, requires_grad=True) * 2
    exec(code, {"x": x, "v": v, "i": tg.tensor([0, 2])})
    assert type(x.grad_fn).__name__ == name
    assert x.grad_fn.name() == ("torch::autograd::" if name.startswith("Copy") else "") + name


def test_a_view_that_was_changed_stays_a_view_of_what_was_copied_into() -> None:
    x = tg.zeros(2, 3)
    row = x[0]
    row.mul_(tg.ones(3, requires_grad=True))
    assert x.grad_fn.name() == "torch::autograd::CopySlices"
    assert row.grad_fn.name() == "AsStridedBackward0"
    assert repr(x).endswith("grad_fn=<CopySlices>)")


def test_what_is_cast_in_place_keeps_the_operations_name() -> None:
    x = tg.ones(2, requires_grad=True) * 1
    wide = tg.ones(2, dtype=tg.float64)
    for change, name in ((x.add_, "Add"), (x.mul_, "Mul")):
        changed = change(wide)
        assert changed.grad_fn is not None
        assert changed.grad_fn.name() == f"{name}Backward0"
    assert x.addcmul_(wide, wide).grad_fn.name() == "AddcmulBackward0"  # type: ignore[union-attr]
