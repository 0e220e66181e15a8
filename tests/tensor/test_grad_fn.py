"""PyTorch's names of nodes, as `grad_fn` and printed tensors show them."""

from __future__ import annotations

import pytest

import tinygrad_lite as torch
import tinygrad_lite.nn.functional as F

X = torch.rand(3, 4, requires_grad=True)
IMAGES = torch.rand(2, 3, 8, 8, requires_grad=True)
WEIGHT, BIAS, CLASSES = torch.rand(4, 3, 3, 3), torch.ones(3), torch.tensor([0, 1, 2])
TARGET = torch.rand(3, 4)

NAMES = """
Add x + 1; Sub x - 1; Mul x * 2; Div x / 2; Pow x**2; Exp x.exp(); Clone x.clone()
Sum x.sum(); Mean x.mean(); Pow x.pow(3); Permute x.t(); Neg -x
Mm x @ x.T; Bmm x[None] @ x.T[None]; Addmm F.linear(x, x, b); Mm F.linear(x, x)
View F.linear(x[None], x, b); View x.view(-1); Permute x.T
Cat torch.cat([x, x]); Stack torch.stack([x])
Select x[0]; Select x[:, 1]; Select x[0, 1:, ...][1]; Slice x[1:]; Slice x[0, 1:]; Index x[c]
Index x[x > 0]; Unsqueeze x[None]; ToCopy x.double(); LinalgVectorNorm x.norm()
Convolution F.conv2d(im, w); MaxPool2DWithIndices F.max_pool2d(im, 2)
NativeBatchNorm F.batch_norm(im, None, None, training=True); NativeLayerNorm F.layer_norm(x, (4,))
NllLoss F.cross_entropy(x, c); NllLoss F.nll_loss(x, c); NllLoss F.nll_loss(x, c, reduction='none')
NllLoss F.cross_entropy(x, c, ignore_index=1); MseLoss F.mse_loss(x, t)
MseLoss F.mse_loss(x, t, reduction='sum'); SmoothL1Loss F.smooth_l1_loss(x, t)
HuberLoss F.huber_loss(x, t); BinaryCrossEntropy F.binary_cross_entropy(x, t); Mean F.l1_loss(x, t)
BinaryCrossEntropyWithLogits F.binary_cross_entropy_with_logits(x, t)
"""
ROWS = [row.strip().split(" ", 1) for row in NAMES.replace("\n", ";").split(";") if row.strip()]


@pytest.mark.parametrize(("name", "expression"), ROWS)
def test_names(name: str, expression: str) -> None:
    known = {"x": X, "im": IMAGES, "w": WEIGHT, "b": BIAS, "c": CLASSES, "t": TARGET}
    y = eval(expression, {"torch": torch, "F": F, **known})
    name = name if "Backward" in name else f"{name}Backward0"
    assert y.grad_fn.name() == name
    assert repr(y.grad_fn) == f"<{name} object at {id(y.grad_fn):#x}>"
    assert repr(y).endswith(f"grad_fn=<{name}>)")


def test_a_loss_without_a_graph_has_no_name() -> None:
    assert F.mse_loss(TARGET, TARGET).grad_fn is None
    with torch.no_grad():
        assert F.nll_loss(X, CLASSES).grad_fn is None


def test_names_go_with_the_nodes() -> None:
    from tinygrad_lite.graph import _called

    before = len(_called)
    loss = F.mse_loss(X, TARGET)
    assert len(_called) == before + 1
    del loss
    assert len(_called) == before
