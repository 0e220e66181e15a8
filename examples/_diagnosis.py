"""What went wrong first in a run whose loss is not finite."""

from __future__ import annotations

import sys
from typing import Any

import tinygrad_lite as torch
from tinygrad_lite import nn


class NotFinite(Exception):
    """A loss, or a parameter, is NaN or infinite; the message says in which step."""


def bad_parameter(model: nn.Module) -> str | None:
    """The name of the first parameter that is not finite."""
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter.detach()).all()):
            return name
    return None


def first_operation(run: Any, failure: NotFinite) -> str:
    """What to tell of a failure: found by repeating the steps since the last checkpoint.

    They are the same to the bit, and those where it happened are watched for anomalies.

    Args:
        run: the `Run`, which can't go on afterwards.
        failure: why it ended.
    """
    lines = [str(failure)]
    if not run.watched:
        print(f"{failure}; looking for the operation that began it ...", file=sys.stderr)
        lines = [_repeat(run)]
    kept = f"; the checkpoint of step {run.written} is kept" if run.written >= 0 else ""
    rate = run.args.learning_rate
    return "\n".join([*lines, f"The learning rate, {rate}, may be too high{kept}"])


def _repeat(run: Any) -> str:
    until = run.step
    run.restore()
    while run.step < until:
        # On the CPU the failure is in one of the last two steps; a GPU's is noticed later.
        run.watch(run.on_gpu or run.step >= until - 2)
        try:
            run.take_step()
        except NotFinite as error:
            return str(error)
        run.step += 1
        name = bad_parameter(run.model)
        if name is not None:
            return _bad_update(run, name)
    return "repeating the steps did not show it"


def _bad_update(run: Any, name: str) -> str:
    grad = dict(run.model.named_parameters())[name].grad.abs().max().item()
    rate = run.schedule.get_last_lr()[0]
    return (
        f"step {run.step}: {type(run.optimizer).__name__}'s update of {name} is not finite, though "
        f"the gradient is (at most {grad:.3g} in size; learning rate {rate:.3g})"
    )
