"""Operations of one's own: LegendrePolynomial3, a straight-through sign, a double backward."""

import math

import torch
from torch.autograd import Function, gradcheck

from tests.ports.draws import normal


class LegendrePolynomial3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class Binarize(Function):
    @staticmethod
    def forward(ctx, x, width):
        ctx.save_for_backward(x)
        ctx.width = width
        return x.sign()

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        if not ctx.needs_input_grad[0]:
            return None, None
        return grad * (x.abs() <= ctx.width).to(grad.dtype), None


def main():
    x = torch.linspace(-math.pi, math.pi, 200)
    y = torch.sin(x)
    a = torch.full((), 0.0, requires_grad=True)
    b = torch.full((), -1.0, requires_grad=True)
    c = torch.full((), 0.0, requires_grad=True)
    d = torch.full((), 0.3, requires_grad=True)
    losses = []
    for _ in range(12):
        P3 = LegendrePolynomial3.apply
        y_pred = a + b * P3(c + d * x)
        loss = (y_pred - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for p in (a, b, c, d):
                p -= 1e-4 * p.grad
                p.grad = None
    double = torch.tensor(normal(3), dtype=torch.double, requires_grad=True)
    assert gradcheck(LegendrePolynomial3.apply, (double,), eps=1e-6, atol=1e-4)

    w = torch.tensor(normal(6, 3, seed=4) * 0.5, requires_grad=True)
    inputs = torch.tensor(normal(40, 6, seed=5))
    target = inputs @ torch.tensor(normal(6, 3, seed=6)).sign()
    for _ in range(8):
        loss = torch.nn.functional.mse_loss(inputs @ Binarize.apply(w, 1.0), target)
        (grad,) = torch.autograd.grad(loss, w)
        w = (w - 0.05 * grad).detach().requires_grad_()
        losses.append(loss.item())

    u = torch.tensor(normal(5, seed=7), requires_grad=True)
    for _ in range(5):
        energy = (LegendrePolynomial3.apply(u) ** 2).sum()
        (first,) = torch.autograd.grad(energy, u, create_graph=True)
        penalty = first.pow(2).mean() + energy
        (second,) = torch.autograd.grad(penalty, u)
        u = (u - 1e-4 * second).detach().requires_grad_(True)
        losses.append(penalty.item())
    return losses
