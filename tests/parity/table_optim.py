"""Rows of optimizers and schedulers: several steps, groups, every keyword, states and copies."""

from __future__ import annotations

import copy
import pickle
from contextlib import nullcontext
from typing import Any
from unittest import mock

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, _array
from .draw import Draw, values
from .draw_layers import pick, seed, some
from .experiment import Experiment, Steps, words
from .row import Row

COMMON = {"maximize": [True, False], "foreach": [None, True, False], "differentiable": [False]}
WEIGHTS = {"lr": [0.1, 0.01, 0, 1.5], "weight_decay": [0, 0.1, 1e-2]}
OPTIMIZERS: dict[str, dict[str, list[Any]]] = {
    "SGD": {
        "lr": [0.1, 0.01, 0],
        "momentum": [0, 0.9, 0.5],
        "dampening": [0, 0.3],
        "weight_decay": [0, 0.1],
        "nesterov": [True, False],
        "fused": [None, False],
        **COMMON,
    },
    "Adam": {
        **WEIGHTS,
        "betas": [(0.9, 0.999), (0.5, 0.9), (0.0, 0.0)],
        "eps": [1e-8, 1e-3],
        "amsgrad": [True, False],
        "capturable": [False],
        "fused": [None, False],
        **COMMON,
    },
    "Adagrad": {
        **WEIGHTS,
        "lr_decay": [0, 0.1],
        "initial_accumulator_value": [0, 0.5],
        "eps": [1e-10, 1e-3],
        "fused": [None, False],
        **COMMON,
    },
    "RMSprop": {
        **WEIGHTS,
        "alpha": [0.99, 0.5],
        "eps": [1e-8, 1e-3],
        "momentum": [0, 0.9],
        "centered": [True, False],
        "capturable": [False],
        **COMMON,
    },
    "Adadelta": {
        **WEIGHTS,
        "rho": [0.9, 0.5],
        "eps": [1e-6, 1e-3],
        "capturable": [False],
        **COMMON,
    },
    "Adamax": {
        **WEIGHTS,
        "betas": [(0.9, 0.999), (0.5, 0.9)],
        "eps": [1e-8, 1e-3],
        "capturable": [False],
        **COMMON,
    },
    "NAdam": {
        **WEIGHTS,
        "betas": [(0.9, 0.999), (0.5, 0.9)],
        "eps": [1e-8, 1e-3],
        "momentum_decay": [4e-3, 0.1],
        "decoupled_weight_decay": [True, False],
        "capturable": [False],
        **COMMON,
    },
    "RAdam": {
        **WEIGHTS,
        "betas": [(0.9, 0.999), (0.5, 0.9)],
        "eps": [1e-8, 1e-3],
        "decoupled_weight_decay": [True, False],
        "capturable": [False],
        **COMMON,
    },
    "ASGD": {
        **WEIGHTS,
        "lambd": [1e-4, 0.1],
        "alpha": [0.75, 0.5],
        "t0": [1e6, 2],
        "capturable": [False],
        **COMMON,
        "foreach": [None, False],  # with it PyTorch's rate is a float32
    },
    "Rprop": {
        "lr": [0.1, 0.01],
        "etas": [(0.5, 1.2), (0.3, 2.0)],
        "step_sizes": [(1e-6, 50), (1e-3, 0.2)],
        "capturable": [False],
        **COMMON,
    },
}
OPTIMIZERS["AdamW"] = OPTIMIZERS["Adam"]
OPTIMIZERS["Adafactor"] = {
    "lr": [0.1, 0.01, 1.5],
    "beta2_decay": [-0.8, -0.3],
    "eps": [(None, 1e-3), (1e-6, 1e-2)],
    "d": [1.0, 0.5],
    "weight_decay": [0, 0.1],
    "foreach": [None, True, False],
    "maximize": [True, False],
}
OPTIMIZERS["Muon"] = {
    "lr": [0.1, 0.01],
    "weight_decay": [0.1, 0, 0.5],
    "momentum": [0.95, 0.5, 0],
    "nesterov": [True, False],
    "ns_coefficients": [(3.4445, -4.775, 2.0315), (2.0, -1.5, 0.5)],
    "eps": [1e-7, 1e-3],
    "ns_steps": [5, 1, 100],
    "adjust_lr_fn": [None, "original", "match_rms_adamw", "wrong"],
}
WRONG = {"lr": -0.1, "weight_decay": -1, "eps": -1, "betas": (1.0, 0.5), "momentum": -0.5,
         "rho": 1.5, "alpha": -1, "lr_decay": -1}  # fmt: skip
SHAPES: list[tuple[int, ...]] = [(2, 3), (3,), (), (0, 2), (1, 2, 2)]
SHAPES_OF = {
    "Muon": [(2, 3), (3, 2), (1, 4), (3, 3), (4, 1)],  # of matrices alone
    "Adafactor": [(2, 3), (3,), (), (3, 1), (2, 2, 2)],
}


def _options(draw: Draw, name: str) -> dict[str, Any]:
    options = some(draw, **OPTIMIZERS[name])
    wrong = [k for k in WRONG if k in OPTIMIZERS[name]]
    if draw(st.integers(0, 11)) == 0:
        key = draw(st.sampled_from(wrong or ["lr"]))
        options[key] = WRONG[key]
    return options


def _parameters(library: str, dtype: str, number: int, name: str = "") -> list[Any]:
    m = LIBRARIES[library]
    return [
        m.nn.Parameter(m.from_numpy(values(number + n, s, dtype, False)))
        for n, s in enumerate(SHAPES_OF.get(name, SHAPES))
    ]


def in_full(library: str, name: str) -> Any:
    """While PyTorch's Muon does not round to bfloat16, as ours does not."""
    if library != "torch" or name != "Muon":
        return nullcontext()
    return mock.patch.object(LIBRARIES["torch"].Tensor, "bfloat16", LIBRARIES["torch"].Tensor.clone)


def _give(library: str, parameters: list[Any], step: int, kind: str) -> None:
    """Gradients of a step: all, some missing, some zero."""
    for n, p in enumerate(parameters):
        if kind == "some" and (n + step) % 3 == 0:
            p.grad = None
            continue
        array = values(100 * step + n, tuple(p.shape), _array(p).dtype.name, kind == "zeros", -1, 1)
        array = np.asarray(np.where(np.abs(array) < 3, array, 0)).astype(array.dtype)
        p.grad = LIBRARIES[library].from_numpy(array)


def _state(optimizer: Any, parameters: list[Any]) -> Steps:
    """Defaults, groups and the state of every parameter, by name."""
    yield (
        "names of groups",
        [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups],
    )
    for n, p in enumerate(parameters):
        state = optimizer.state.get(p, {})
        yield f"names of state {n}", sorted(state)
        for key in sorted(state):
            if state[key] is not None:  # a step count may be a tensor or a number
                one = key in ("step", "eta", "mu", "mu_product")
                yield f"buffer {key} {n}", f"{float(state[key]):.6g}" if one else state[key]


@st.composite
def optimizer(draw: Draw, name: str) -> Experiment:
    options, number = _options(draw, name), seed(draw)
    dtype = pick(draw, "float32", "float64", "float64")
    dtype = (
        "float32" if name in ("NAdam", "Muon") else dtype
    )  # whose product of rates is one in PyTorch
    grouped = pick(draw, None, some(draw, lr=[0.5, 0.05], weight_decay=[0.2]))
    kinds = [pick(draw, "all", "all", "some", "zeros") for _ in range(draw(st.integers(1, 4)))]
    copied = pick(draw, "", "", "deepcopy", "pickle", "load", "loaded by another")
    rate = pick(draw, None, None, 0.3)
    text = f"optim.{name}({words((), options)}) groups {grouped} {dtype} {kinds} {copied} {rate}"

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        params = _parameters(library, dtype, number, name)
        given: Any = params
        if grouped is not None:
            given = [{"params": params[:2]}, {"params": iter(params[2:]), **grouped}]
        cls = getattr(m.optim, name)
        made = cls(given, **options)
        yield "text", repr(made)
        yield "names of defaults", [*made.defaults]
        for step, kind in enumerate(kinds):
            _give(library, params, step, kind)
            if step == 1 and rate is not None:
                made.param_groups[0]["lr"] = rate
            if step == 1 and copied:
                made, params = _copied(cls, made, params, copied, given is params, options)
            with in_full(library, name):
                yield f"value of step {step}", made.step()
            yield f"value {step}", [p.detach().clone() for p in params]
        yield from _state(made, params)
        saved = made.state_dict()
        yield "names of saved groups", saved["param_groups"]
        yield "names of saved", sorted((k, sorted(v)) for k, v in saved["state"].items())
        made.zero_grad(*([] if number % 2 else [False]))
        yield "value of zero_grad", [p.grad for p in params]

    return Experiment(f"optim.{name}", text, run)


def _copied(cls: Any, made: Any, params: Any, how: str, one: bool, options: Any) -> Any:
    """The optimizer after a copy, or loaded into one with other parameters."""
    if how in ("deepcopy", "pickle"):
        pair = made, params
        twin = copy.deepcopy(pair) if how == "deepcopy" else pickle.loads(pickle.dumps(pair))
        for old, new in zip(params, twin[1], strict=True):
            new.grad = old.grad
        return twin
    state = made.state_dict()
    if how == "load" or not one:
        made.load_state_dict(state)
        return made, params
    other = cls(params)
    other.load_state_dict(copy.deepcopy(state))
    return other, params


def _halved(epoch: int) -> float:
    return float(0.5**epoch)


SCHEDULERS: dict[str, tuple[dict[str, list[Any]], dict[str, list[Any]]]] = {
    # name: what is needed, what may be given
    "StepLR": ({"step_size": [1, 2, 3]}, {"gamma": [0.5, 0.1]}),
    "MultiStepLR": ({"milestones": [[1, 3], [2, 2], []]}, {"gamma": [0.5, 2]}),
    "ExponentialLR": ({"gamma": [0.9, 0.5, 1]}, {}),
    "ConstantLR": ({}, {"factor": [0.5, 1, 0, 1.5], "total_iters": [0, 1, 3]}),
    "LinearLR": (
        {},
        {"start_factor": [0.5, 1, 0], "end_factor": [0.2, 1.0], "total_iters": [1, 3, 5]},
    ),
    "CosineAnnealingLR": ({"T_max": [1, 2, 5]}, {"eta_min": [0, 0.01]}),
    "LambdaLR": ({"lr_lambda": [_halved, [_halved, _halved], [_halved]]}, {}),
    "MultiplicativeLR": ({"lr_lambda": [_halved, [_halved, _halved]]}, {}),
    "PolynomialLR": ({}, {"total_iters": [2, 5], "power": [1.0, 2]}),
    "CosineAnnealingWarmRestarts": (
        {"T_0": [1, 2, 3]},
        {"T_mult": [1, 2], "eta_min": [0, 0.01]},
    ),
    "OneCycleLR": (
        {"max_lr": [0.5, [0.5, 0.2]], "total_steps": [10, 12]},
        {
            "pct_start": [0.3, 0.5],
            "anneal_strategy": ["cos", "linear"],
            "cycle_momentum": [False, True],
            "div_factor": [25.0, 5],
            "final_div_factor": [1e4, 10],
            "three_phase": [True, False],
        },
    ),
    "CyclicLR": (
        {"base_lr": [0.01], "max_lr": [0.1, 0.3]},
        {
            "step_size_up": [2, 3],
            "step_size_down": [None, 1],
            "mode": ["triangular", "triangular2", "exp_range"],
            "gamma": [1.0, 0.9],
            "cycle_momentum": [False, True],
        },
    ),
    "ReduceLROnPlateau": (
        {},
        {
            "mode": ["min", "max"],
            "factor": [0.5, 0.1],
            "patience": [0, 1, 2],
            "threshold": [1e-4, 0.5],
            "threshold_mode": ["rel", "abs"],
            "cooldown": [0, 1],
            "min_lr": [0, 0.01, [0.05, 0.02]],
            "eps": [1e-8, 0.1],
        },
    ),
}


def _scheduled(draw: Draw, name: str) -> tuple[dict[str, Any], str]:
    needed, options = SCHEDULERS[name]
    kwargs = {k: pick(draw, *v) for k, v in needed.items()} | some(draw, **options)
    return kwargs, f"{name}({words((), kwargs)})"


@st.composite
def scheduler(draw: Draw, name: str) -> Experiment:
    kwargs, text = _scheduled(draw, name)
    momentum, count = pick(draw, 0.9, 0.0), draw(st.integers(1, 9))
    metrics = draw(st.lists(st.floats(-2, 2), min_size=count, max_size=count))
    copied = pick(draw, "", "", "load", "deepcopy", "pickle", "go on")
    jump = pick(draw, None, None, 5)
    text += f" momentum {momentum}, {count} steps, {copied}, {jump}, {metrics}"

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        params = _parameters(library, "float32", 0)
        rates = [{"params": params[:2]}, {"params": params[2:], "lr": 0.2}]
        made = m.optim.SGD(rates, lr=0.1, momentum=momentum)
        cls = getattr(m.optim.lr_scheduler, name)
        schedule = cls(made, **kwargs)
        plateau = name == "ReduceLROnPlateau"
        for step in range(count):
            yield f"value {step}", [g["lr"] for g in made.param_groups]
            yield f"value last {step}", [float(v) for v in schedule.get_last_lr()]
            yield f"value momentum {step}", [g["momentum"] for g in made.param_groups]
            _give(library, params, step, "all")
            made.step()
            if step == 2 and copied:
                made, schedule = _again(cls, made, schedule, kwargs, copied, plateau)
            if plateau:
                schedule.step(metrics[step])
            elif jump is not None and step == count - 1:
                schedule.step(jump)
            else:
                schedule.step()
        yield "value end", [g["lr"] for g in made.param_groups]
        yield "value initial", [g.get("initial_lr", 0.0) for g in made.param_groups]
        state = schedule.state_dict()
        public = {k for k in state if not k.startswith("_") and k != "lr_lambdas"}
        yield "names of state", sorted(public)
        for key in sorted(public):
            yield f"buffer {key}", state[key]

    return Experiment(f"optim.lr_scheduler.{name}", text, run)


def _again(cls: Any, made: Any, schedule: Any, kwargs: Any, how: str, plateau: bool) -> Any:
    """The pair after a copy, or a scheduler that goes on with the state of another."""
    pair = made, schedule
    if how == "deepcopy":
        return copy.deepcopy(pair)
    if how == "pickle":
        return pickle.loads(pickle.dumps(pair))
    if how == "go on" and not plateau:
        return made, cls(made, **kwargs, last_epoch=schedule.last_epoch)
    state = copy.deepcopy(schedule.state_dict())
    other = cls(made, **kwargs)
    other.load_state_dict(state)
    return made, other


@st.composite
def composed(draw: Draw, name: str) -> Experiment:
    """SequentialLR and ChainedScheduler."""
    parts = [
        _scheduled(draw, pick(draw, "ConstantLR", "LinearLR", "StepLR", "ExponentialLR",
                              "CosineAnnealingLR"))
        for _ in range(2)
    ]  # fmt: skip
    milestones, count = [pick(draw, 1, 3)], draw(st.integers(1, 7))
    text = f"{name} of {parts} at {milestones}, {count} steps"

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        made = m.optim.SGD(_parameters(library, "float32", 0), lr=0.1)
        names = [words.partition("(")[0] for _, words in parts]
        inner = [
            getattr(m.optim.lr_scheduler, n)(made, **k)
            for n, (k, _) in zip(names, parts, strict=True)
        ]
        cls = getattr(m.optim.lr_scheduler, name)
        both = cls(made, inner, milestones) if name == "SequentialLR" else cls(inner)
        for step in range(count):
            yield f"value {step}", [g["lr"] for g in made.param_groups]
            yield f"value last {step}", [float(v) for v in both.get_last_lr()]
            made.step()
            both.step()
        yield "value end", [g["lr"] for g in made.param_groups]
        yield "names of state", sorted(k for k in both.state_dict() if k[0] != "_")

    return Experiment(f"optim.lr_scheduler.{name}", text, run)


def rows() -> list[Row]:
    """All rows of this file."""
    out = [Row(f"optim.{name}", optimizer(name)) for name in OPTIMIZERS]
    out += [Row(f"optim.lr_scheduler.{name}", scheduler(name)) for name in SCHEDULERS]
    for name in ("SequentialLR", "ChainedScheduler"):
        out.append(Row(f"optim.lr_scheduler.{name}", composed(name)))
    return out
