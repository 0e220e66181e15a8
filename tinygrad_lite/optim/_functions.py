"""Schedules by functions that the user gives, and what is saved of such functions.

A function itself can't be saved. Of a callable object its attributes are, as PyTorch does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from ..backend.states import alike, entries
from ._scheduler import LRScheduler
from .optimizer import Optimizer

Factor = Callable[[int], float]


def attributes(function: Any) -> dict[str, Any] | None:
    """What is saved of a callable: an object's attributes, None of a function."""
    return None if isinstance(function, FunctionType) else {**getattr(function, "__dict__", {})}


def checked_attributes(owner: str, key: str, function: Any, value: Any) -> dict[str, Any] | None:
    """A checked copy of what `attributes` gave, for a callable that has the same ones.

    Raises:
        TypeError, KeyError, ValueError: other attributes, or values of other types.
    """
    old = None if function is None else attributes(function)
    if (value is None) != (old is None):
        raise TypeError(f"{owner}: {key} must have None for functions, a dict for objects")
    if old is None:
        return None
    name = type(function).__name__
    new = entries(name, value, old.keys())
    return {k: alike(name, k, new[k], old[k]) for k in old}


class ByFunctions(LRScheduler):
    """A schedule by one function f, or one for each group.

    Args:
        optimizer: whose rates are set.
        lr_lambda: f, or a list with one for each group.
        last_epoch: the epoch to go on from; -1 to begin.

    Raises:
        ValueError: the list is not as long as there are groups.
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        groups = len(optimizer.param_groups)
        functions = list(lr_lambda) if isinstance(lr_lambda, list | tuple) else None
        if functions is not None and len(functions) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(functions)}")
        self.lr_lambdas: list[Any] = [lr_lambda] * groups if functions is None else functions
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and functions; of callable objects, their attributes."""
        return {**super().state_dict(), "lr_lambdas": [attributes(f) for f in self.lr_lambdas]}

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """A checked copy of one entry; of the functions, what `checked_attributes` admits."""
        if key != "lr_lambdas":
            return super()._entry(key, value, own)
        owner = type(self).__name__
        if not isinstance(value, list | tuple) or len(value) != len(own):
            raise ValueError(f"{owner}: {key} must be a list of {len(own)} entries")
        return [
            checked_attributes(owner, key, function, new)
            for function, new in zip(self.lr_lambdas, value, strict=True)
        ]

    def _take(self, checked: dict[str, Any]) -> None:
        for function, new in zip(self.lr_lambdas, checked["lr_lambdas"], strict=True):
            vars(function).update(new or {})
        super()._take({**checked, "lr_lambdas": self.lr_lambdas})
