"""Every optimizer with all that it can, and a few steps of it."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import optim
from tinygrad_lite.backend import to_host
from tinygrad_lite.optim import SGD, Adam, Optimizer

# Each optimizer with everything that gives it state.
FULL: dict[str, Any] = {
    "SGD": lambda ps: SGD(ps, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    "Adam": lambda ps: Adam(ps, lr=0.1, amsgrad=True, weight_decay=0.01),
    "AdamW": lambda ps: optim.AdamW(ps, lr=0.1),
    "RMSprop": lambda ps: optim.RMSprop(ps, lr=0.1, momentum=0.5, centered=True),
    "Adagrad": lambda ps: optim.Adagrad(ps, lr=0.1, lr_decay=0.1),
    "NAdam": lambda ps: optim.NAdam(ps, lr=0.1, weight_decay=0.01),
    "RAdam": lambda ps: optim.RAdam(ps, lr=0.1, weight_decay=0.01),
    "Adamax": lambda ps: optim.Adamax(ps, lr=0.1, weight_decay=0.01),
    "Adadelta": lambda ps: optim.Adadelta(ps, lr=0.1, rho=0.8, eps=0.1),
    "Rprop": lambda ps: optim.Rprop(ps, lr=0.1),
    "ASGD": lambda ps: optim.ASGD(ps, lr=0.1, t0=3, lambd=0.1),
    "Adafactor": lambda ps: optim.Adafactor(ps, lr=0.1, weight_decay=0.01),
}
STATE = {
    "SGD": {"momentum_buffer"},
    "Adam": {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    "AdamW": {"step", "exp_avg", "exp_avg_sq"},
    "RMSprop": {"step", "square_avg", "grad_avg", "momentum_buffer"},
    "Adagrad": {"step", "sum"},
    "NAdam": {"step", "mu_product", "exp_avg", "exp_avg_sq"},
    "RAdam": {"step", "exp_avg", "exp_avg_sq"},
    "Adamax": {"step", "exp_avg", "exp_inf"},
    "Adadelta": {"step", "square_avg", "acc_delta"},
    "Rprop": {"step", "prev", "step_size"},
    "ASGD": {"step", "eta", "mu", "ax"},
    "Adafactor": {"step", "row_var", "col_var", "variance"},
}
NUMBERS = {"step", "mu_product", "eta", "mu"}  # kept on the host
FACTORS = {"row_var", "col_var"}  # of a shape of their own


def make_params(device: str = "cpu", dtype: str = "float32", seed: int = 0) -> list[tg.Tensor]:
    """A weight in Fortran order (as a linear layer's) and a bias."""
    rng = np.random.default_rng(seed)
    weight = tg.tensor(np.asfortranarray(rng.standard_normal((4, 3)).astype(dtype)), device=device)
    bias = tg.tensor(rng.standard_normal(4).astype(dtype), device=device)
    return [weight.requires_grad_(), bias.requires_grad_()]


def loss_of(params: list[tg.Tensor], t: int = 0) -> tg.Tensor:
    x = np.cos(np.arange(6) + t).reshape(2, 3).astype(params[0].dtype)
    return ((tg.tensor(x, device=params[0].device) @ params[0].T + params[1]) ** 2).sum()


def train(optimizer: Optimizer, params: list[tg.Tensor], start: int, stop: int) -> None:
    for t in range(start, stop):
        optimizer.zero_grad()
        loss_of(params, t).backward()
        optimizer.step()


def hosts(params: list[tg.Tensor]) -> list[Any]:
    return [to_host(p.array).copy() for p in params]
