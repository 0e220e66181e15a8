"""Record what PyTorch's optimizers do, for `tests/optim/test_recorded.py`.

Run by hand, with PyTorch 2.13, to make the file again:

    python -m tests.optim.make_recorded

It writes recorded.json beside itself: first values of two parameters, twelve gradients
for each, and for each case the parameters after some steps and each group's rate at every
step, all in float64; and the arguments of the constructors with their defaults.
"""

from __future__ import annotations

import inspect
import json
import math
import warnings
from pathlib import Path
from typing import Any

from tests.optim.test_recorded import KEPT, build, place, run

STEPS = 12
SHAPES = ((2, 3), (3,))


def formula(shift: float, scale: float) -> list[Any]:
    matrix = [[scale * math.sin(1.7 * (3 * i + j) + shift) for j in range(3)] for i in range(2)]
    vector = [scale * math.cos(2.3 * i + 1.1 * shift) for i in range(3)]
    return [matrix, vector]


def case(optimizer: str, *schedulers: Any, groups: Any = None, **options: Any) -> dict[str, Any]:
    return {
        "optimizer": optimizer,
        "options": options,
        "groups": groups or [{}],
        "schedulers": list(schedulers),
    }


TWO = [{"lr": 0.3}, {"weight_decay": 0.05}]
CASES = {
    "sgd": case("SGD", lr=0.1),
    "sgd-defaults": case("SGD"),
    "sgd-decay": case("SGD", lr=0.1, weight_decay=0.1),
    "sgd-maximize": case("SGD", lr=0.1, maximize=True),
    "sgd-maximize-decay": case("SGD", lr=0.1, weight_decay=0.1, maximize=True),
    "sgd-momentum": case("SGD", lr=0.1, momentum=0.9),
    "sgd-dampening": case("SGD", lr=0.1, momentum=0.9, dampening=0.4),
    "sgd-dampening-decay": case("SGD", lr=0.1, momentum=0.9, dampening=0.4, weight_decay=0.1),
    "sgd-nesterov": case("SGD", lr=0.1, momentum=0.9, nesterov=True),
    "sgd-nesterov-all": case(
        "SGD", lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True, maximize=True
    ),
    "sgd-groups": case("SGD", lr=0.1, momentum=0.9, groups=TWO),
    "adam": case("Adam", lr=0.1),
    "adam-defaults": case("Adam"),
    "adam-betas": case("Adam", lr=0.1, betas=[0.5, 0.7], eps=1e-3),
    "adam-decay": case("Adam", lr=0.1, weight_decay=0.1),
    "adam-maximize": case("Adam", lr=0.1, maximize=True),
    "adam-amsgrad": case("Adam", lr=0.1, betas=[0.8, 0.6], amsgrad=True),
    "adam-all": case(
        "Adam", lr=0.1, betas=[0.8, 0.6], weight_decay=0.1, amsgrad=True, maximize=True
    ),
    "adam-decoupled": case("Adam", lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
    "adam-groups": case("Adam", lr=0.1, groups=[{"betas": [0.5, 0.7]}, {"eps": 1e-2}]),
    "adamw": case("AdamW", lr=0.1),
    "adamw-defaults": case("AdamW"),
    "adamw-all": case(
        "AdamW", lr=0.1, betas=[0.8, 0.6], weight_decay=0.1, amsgrad=True, maximize=True
    ),
    "adamw-groups": case("AdamW", lr=0.1, groups=TWO),
    "rmsprop": case("RMSprop", lr=0.1),
    "rmsprop-defaults": case("RMSprop"),
    "rmsprop-momentum": case("RMSprop", lr=0.1, momentum=0.9, alpha=0.8, eps=1e-3),
    "rmsprop-centered": case("RMSprop", lr=0.1, centered=True, alpha=0.8),
    "rmsprop-all": case(
        "RMSprop", lr=0.1, momentum=0.9, centered=True, weight_decay=0.1, maximize=True
    ),
    "adagrad": case("Adagrad", lr=0.1),
    "adagrad-defaults": case("Adagrad"),
    "adagrad-all": case(
        "Adagrad",
        lr=0.1,
        lr_decay=0.3,
        weight_decay=0.1,
        initial_accumulator_value=0.5,
        eps=1e-2,
        maximize=True,
    ),
    "nadam": case("NAdam", lr=0.1),
    "nadam-defaults": case("NAdam"),
    "nadam-all": case(
        "NAdam", lr=0.1, betas=[0.8, 0.6], weight_decay=0.1, momentum_decay=0.3, maximize=True
    ),
    "nadam-decoupled": case("NAdam", lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
    "radam": case("RAdam", lr=0.1),
    "radam-defaults": case("RAdam"),
    "radam-all": case("RAdam", lr=0.1, betas=[0.8, 0.9], weight_decay=0.1, maximize=True),
    "radam-decoupled": case("RAdam", lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
    "radam-never-rectified": case("RAdam", lr=0.1, betas=[0.8, 0.6]),
    "adamax": case("Adamax", lr=0.1),
    "adamax-defaults": case("Adamax"),
    "adamax-all": case(
        "Adamax", lr=0.1, betas=[0.8, 0.6], eps=1e-2, weight_decay=0.1, maximize=True
    ),
    "adadelta": case("Adadelta"),
    "adadelta-all": case("Adadelta", lr=0.5, rho=0.7, eps=1e-3, weight_decay=0.1, maximize=True),
    "rprop": case("Rprop"),
    "rprop-all": case(
        "Rprop", lr=0.1, etas=[0.3, 1.5], step_sizes=[0.02, 0.2], maximize=True, groups=TWO[:1] * 2
    ),
    "asgd": case("ASGD", lr=0.1),
    "asgd-all": case("ASGD", lr=0.1, lambd=0.1, alpha=0.5, t0=3, weight_decay=0.1, maximize=True),
    "adafactor": case("Adafactor"),
    "adafactor-all": case(
        "Adafactor",
        lr=0.4,
        beta2_decay=-0.5,
        eps=[1e-4, 0.01],
        d=1.5,
        weight_decay=0.1,
        maximize=True,
    ),
    "step-lr": case("SGD", ["StepLR", {"step_size": 3}], lr=0.1, groups=TWO),
    "step-lr-gamma": case("Adam", ["StepLR", {"step_size": 1, "gamma": 0.7}], lr=0.1),
    "multi-step-lr": case(
        "SGD", ["MultiStepLR", {"milestones": [7, 2, 7], "gamma": 0.5}], lr=0.1, momentum=0.9
    ),
    "lambda-lr": case("SGD", ["LambdaLR", {"lr_lambda": "inverse"}], lr=0.1, groups=TWO),
    "lambda-lr-list": case(
        "SGD", ["LambdaLR", {"lr_lambda": ["inverse", "rise"]}], lr=0.1, groups=TWO
    ),
    "cosine": case("AdamW", ["CosineAnnealingLR", {"T_max": 12}], lr=0.1, groups=TWO),
    "cosine-turn": case("SGD", ["CosineAnnealingLR", {"T_max": 3, "eta_min": 0.02}], lr=0.1),
    "exponential": case("SGD", ["ExponentialLR", {"gamma": 0.8}], lr=0.1, groups=TWO),
    "linear": case("SGD", ["LinearLR", {}], lr=0.1),
    "linear-down": case(
        "SGD",
        ["LinearLR", {"start_factor": 0.9, "end_factor": 0.1, "total_iters": 7}],
        lr=0.1,
        groups=TWO,
    ),
    "constant": case("SGD", ["ConstantLR", {"factor": 0.25, "total_iters": 4}], lr=0.1),
    "multiplicative": case("SGD", ["MultiplicativeLR", {"lr_lambda": "rise"}], lr=0.1, groups=TWO),
    "polynomial": case("SGD", ["PolynomialLR", {}], lr=0.1, groups=TWO),
    "polynomial-power": case("SGD", ["PolynomialLR", {"total_iters": 15, "power": 2.0}], lr=0.1),
    "restarts": case("SGD", ["CosineAnnealingWarmRestarts", {"T_0": 4}], lr=0.1, groups=TWO),
    "restarts-longer": case(
        "SGD", ["CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2, "eta_min": 0.01}], lr=0.1
    ),
    "cyclic": case(
        "SGD",
        ["CyclicLR", {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 3}],
        lr=0.1,
        momentum=0.9,
        groups=TWO,
    ),
    "cyclic-smaller": case(
        "Adam",
        [
            "CyclicLR",
            {
                "base_lr": [0.01, 0.02],
                "max_lr": [0.2, 0.3],
                "step_size_up": 2,
                "step_size_down": 3,
                "mode": "triangular2",
            },
        ],
        groups=TWO,
    ),
    "cyclic-range": case(
        "SGD",
        [
            "CyclicLR",
            {
                "base_lr": 0.01,
                "max_lr": 0.2,
                "step_size_up": 3,
                "mode": "exp_range",
                "gamma": 0.9,
                "cycle_momentum": False,
            },
        ],
    ),
    "one-cycle": case(
        "Adam", ["OneCycleLR", {"max_lr": 0.2, "total_steps": 12}], lr=0.1, groups=TWO
    ),
    "one-cycle-linear": case(
        "SGD",
        [
            "OneCycleLR",
            {
                "max_lr": [0.2, 0.3],
                "epochs": 4,
                "steps_per_epoch": 5,
                "anneal_strategy": "linear",
                "pct_start": 0.4,
                "div_factor": 5.0,
                "final_div_factor": 10.0,
                "three_phase": True,
            },
        ],
        momentum=0.9,
        groups=TWO,
    ),
    "one-cycle-rates": case(
        "SGD",
        ["OneCycleLR", {"max_lr": 0.2, "total_steps": 13, "cycle_momentum": False}],
    ),
    "swa": case("SGD", ["SWALR", {"swa_lr": 0.02, "anneal_epochs": 5}], lr=0.1, groups=TWO),
    "swa-linear": case(
        "SGD",
        ["SWALR", {"swa_lr": 0.02, "anneal_epochs": 4, "anneal_strategy": "linear"}],
        ["ExponentialLR", {"gamma": 0.9}],
        lr=0.1,
    ),
    "swa-at-once": case("SGD", ["SWALR", {"swa_lr": 0.02, "anneal_epochs": 0}], lr=0.1),
    "chained-scheduler": case(
        "SGD",
        [
            "ChainedScheduler",
            {
                "schedulers": [
                    ["ConstantLR", {"factor": 0.1, "total_iters": 2}],
                    ["ExponentialLR", {"gamma": 0.9}],
                ]
            },
        ],
        lr=0.1,
        groups=TWO,
    ),
    "chained": case(
        "SGD",
        ["StepLR", {"step_size": 4, "gamma": 0.5}],
        ["ExponentialLR", {"gamma": 0.9}],
        ["LinearLR", {"total_iters": 3}],
        lr=0.1,
        groups=TWO,
    ),
    "chained-cosine": case(
        "SGD",
        ["CosineAnnealingLR", {"T_max": 5}],
        ["MultiStepLR", {"milestones": [3, 8]}],
        lr=0.1,
    ),
    "sequential": case(
        "Adam",
        [
            "SequentialLR",
            {
                "schedulers": [
                    ["LinearLR", {"start_factor": 0.1, "total_iters": 3}],
                    ["CosineAnnealingLR", {"T_max": 5}],
                    ["LambdaLR", {"lr_lambda": "inverse"}],
                ],
                "milestones": [3, 8],
            },
        ],
        lr=0.1,
        groups=TWO,
    ),
    "sequential-steps": case(
        "SGD",
        [
            "SequentialLR",
            {
                "schedulers": [
                    ["ConstantLR", {"factor": 0.1, "total_iters": 2}],
                    ["StepLR", {"step_size": 2}],
                    ["MultiStepLR", {"milestones": [0, 1]}],
                    ["ExponentialLR", {"gamma": 0.5}],
                ],
                "milestones": [2, 6, 9],
            },
        ],
        lr=0.1,
    ),
    "plateau": case("SGD", ["ReduceLROnPlateau", {"patience": 1}], lr=0.1, groups=TWO),
    "plateau-max": case(
        "SGD",
        [
            "ReduceLROnPlateau",
            {"mode": "max", "factor": 0.5, "patience": 0, "cooldown": 2, "min_lr": 0.02},
        ],
        lr=0.1,
    ),
    "plateau-max-rel": case(
        "SGD", ["ReduceLROnPlateau", {"mode": "max", "patience": 2, "threshold": 0.5}], lr=0.1
    ),
    "plateau-abs": case(
        "SGD",
        [
            "ReduceLROnPlateau",
            {"patience": 0, "threshold": 0.5, "threshold_mode": "abs", "min_lr": [0.05, 0.0]},
        ],
        lr=0.1,
        groups=TWO,
    ),
    "plateau-max-abs": case(
        "SGD",
        [
            "ReduceLROnPlateau",
            {"mode": "max", "patience": 1, "threshold": 0.5, "threshold_mode": "abs"},
        ],
        lr=0.1,
    ),
}
RESUMED = {
    "StepLR": {"step_size": 3},
    "MultiStepLR": {"milestones": [3, 7]},
    "LambdaLR": {"lr_lambda": "inverse"},
    "CosineAnnealingLR": {"T_max": 5, "eta_min": 0.01},
    "ExponentialLR": {"gamma": 0.8},
    "LinearLR": {"total_iters": 8},
    "ConstantLR": {"total_iters": 6},
    "MultiplicativeLR": {"lr_lambda": "inverse"},
    "PolynomialLR": {"total_iters": 8},
    "CosineAnnealingWarmRestarts": {"T_0": 4},
}
for name, options in RESUMED.items():
    groups = [{"lr": 0.2, "initial_lr": 0.3}, {"initial_lr": 0.1}]
    CASES[f"resumed-{name}"] = case("SGD", [name, {**options, "last_epoch": 2}], groups=groups)


def main() -> None:
    import torch

    warnings.simplefilter("error")
    first = formula(0.4, 1.0)
    gradients = [formula(0.9 * t + 2, 1.5 / (1 + 0.2 * t)) for t in range(STEPS)]
    gradients[0][0][0][0] = gradients[1][0][0][0] = 0.0
    for name, spec in CASES.items():
        params = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in first]
        grads = [[torch.tensor(g, dtype=torch.float64) for g in step] for step in gradients]
        kept, rates = run(*build(torch.optim, params, spec), params, grads)
        spec["params"], spec["rates"] = kept, rates
        assert len(kept) == len(KEPT), name
    named = {spec["optimizer"]: torch.optim for spec in CASES.values()}
    for spec in CASES.values():
        named |= {name: place(torch.optim, name) for name, _ in spec["schedulers"]}
    signatures = {
        name: [
            [p.name, p.kind.name, None if p.default is p.empty else p.default]
            for p in inspect.signature(getattr(module, name)).parameters.values()
        ]
        for name, module in named.items()
    }
    recorded = {
        "torch": torch.__version__,
        "signatures": signatures,
        "first": first,
        "gradients": gradients,
        "cases": CASES,
    }
    lines = json.dumps(recorded, indent=None, separators=(",", ":"))
    path = Path(__file__).with_name("recorded.json")
    path.write_text(lines.replace('},"', '},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
