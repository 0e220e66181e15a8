"""PyTorch's own samples of modules (`module_db`) and optimizers (`optim_db`) on both libraries.

`python -m tests.parity.sample_modules` runs all of them.
"""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import tinygrad_lite

from . import deliberate, experiment, translate
from .call import LIBRARIES, Given
from .compare import Difference
from .experiment import Experiment, Steps
from .samples import HEADING
from .strided import given
from .translate import Missing

DRAWN = re.compile("Dropout|RReLU")  # in training
DTYPES = ("float32", "float64")


@dataclass(frozen=True, repr=False)
class Other(Given):
    """What is no tensor, nor the same in both libraries: a dtype, a function, a module."""

    theirs: Any = None

    def make(self, library: str) -> Any:
        """The library's own."""
        return self.theirs if library == "torch" else translate.value(self.theirs)

    def __repr__(self) -> str:
        return repr(self.theirs)


def argument(theirs: Any) -> Any:
    """A constructor's argument as data."""
    if isinstance(theirs, list | tuple) and type(theirs) in (list, tuple):
        return type(theirs)(argument(v) for v in theirs)
    if (
        isinstance(theirs, torch.Tensor)
        or theirs is None
        or type(theirs) in (bool, int, float, str)
    ):
        return given(theirs)
    return Other(np.zeros(()), theirs=theirs)


def modules() -> list[Any]:
    """All of `module_db` that are here, but those that are a part of others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_modules import module_db
    classes = torch.nn, tinygrad_lite.nn
    return [i for i in module_db if all(hasattr(c, i.module_cls.__name__) for c in classes)]


def layers(info: Any, dtype: str, train: bool) -> Iterator[Experiment]:
    """The samples of a module, and those of its mistakes."""
    name, kind = info.module_cls.__name__, getattr(torch, dtype)
    words = {"device": "cpu", "dtype": kind, "training": train}
    torch.manual_seed(0)
    found = [*info.module_inputs_func(info, requires_grad=True, **words)]
    if info.module_error_inputs_func is not None:
        mistakes = info.module_error_inputs_func(info, requires_grad=False, **words)
        found += [m.module_error_input for m in mistakes]
    for sample in found:
        made, fed = sample.constructor_input, sample.forward_input
        if fed is None or info.is_lazy or (train and DRAWN.search(name)):
            continue
        try:
            yield experiment.layer(
                name,
                tuple(argument(v) for v in made.args),
                {k: argument(v) for k, v in made.kwargs.items()},
                given(tuple(fed.args)),
                given(dict(fed.kwargs)),
                dtype=dtype,
                train=train,
            )
        except Missing:
            continue


def optimizers() -> list[Any]:
    """All of `optim_db` but the one of sparse gradients."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_optimizers import optim_db
    return [info for info in optim_db if info.optim_cls.__name__ != "SparseAdam"]


FLAGS = ("", "foreach", "maximize", "fused", "differentiable")


def settings(info: Any, flag: str = "") -> Iterator[dict[str, Any]]:
    """The arguments of an optimizer's samples, with a flag."""
    for sample in info.optim_inputs_func("cpu"):
        yield {**sample.kwargs, **({flag: True} if flag else {})}


def steps(info: Any, words: dict[str, Any], dtype: str) -> Experiment:
    """Four steps of an optimizer towards drawn numbers, and what it then is and holds."""
    name = info.optim_cls.__name__
    arguments = {k: argument(v) for k, v in words.items()}

    def run(library: str) -> Steps:
        module, rng = LIBRARIES[library], np.random.default_rng(0)
        kind = getattr(module, dtype)
        shapes = [(4, 3), (3, 4)] if name == "Muon" else [(4, 3), (3,), (2, 2, 2)]

        def drawn() -> list[Any]:
            return [module.from_numpy(rng.standard_normal(s)).to(kind) for s in shapes]

        parameters = [module.nn.Parameter(t) for t in drawn()]
        made = experiment.make(library, arguments, [])
        optimizer = getattr(module.optim, name)(parameters, **made)
        goals = drawn()
        for _ in range(4):
            goals = goals if info.step_requires_closure else drawn()  # a search needs one aim

            def loss(goals: list[Any] = goals) -> Any:
                optimizer.zero_grad()
                out = sum(((p - g) ** 2).sum() for p, g in zip(parameters, goals, strict=True))
                out.backward()
                return out

            with module.set_grad_enabled(not words.get("differentiable")):
                if info.step_requires_closure:
                    yield "value of the loss", optimizer.step(loss)
                else:
                    with module.enable_grad():
                        loss()
                    optimizer.step()
            for n, parameter in enumerate(parameters):
                yield f"value of parameter {n}", parameter.detach()
        yield "text", repr(optimizer)
        held = optimizer.state_dict()
        for group in held["param_groups"]:
            yield "names of options", [*group]
            for key, option in group.items():
                yield f"value of {key}", float(option) if hasattr(option, "numel") else option
        yield "names of states", sorted(held["state"])
        for n, state in sorted(held["state"].items()):
            yield f"names in state {n}", sorted(state)
            for key, value in sorted(state.items()):
                lists = isinstance(value, list)
                yield f"value of {key}", value and value[-1] if lists else value

    called = f"optim.{name} foreach" if words.get("foreach") else f"optim.{name}"
    return Experiment(called, f"optim.{name}({words}) of {dtype}", run)


def unexcused(tried: Iterable[Experiment]) -> Iterator[tuple[Experiment, Difference]]:
    """What differs and has no row in `docs/conventions.md`."""
    for one in tried:
        found = experiment.difference(one)
        if found is not None and not any(
            deliberate.excused(one.name, found.kind, found.text, page)
            for page in (deliberate.HEADING, HEADING)
        ):
            yield one, found


def everything() -> Iterator[Experiment]:
    """Each sample, in both dtypes, in training and not, with each flag."""
    for info in modules():
        for dtype in DTYPES:
            for train in (True, False):
                yield from layers(info, dtype, train)
    for info in optimizers():
        for dtype in DTYPES:
            for flag in FLAGS:
                yield from (steps(info, words, dtype) for words in settings(info, flag))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.parity.sample_modules", description=__doc__
    )
    parser.add_argument("--only", default="", help="a part of the name")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    tried = [one for one in everything() if args.only in one.name]
    differing = 0
    for one, found in unexcused(tried):
        differing += 1
        print(f"{one}"[:400], f"    {found.kind}: {found.text}"[:300], sep="\n", flush=True)
    print(f"{differing} of {len(tried)} samples differ")


if __name__ == "__main__":
    main()
