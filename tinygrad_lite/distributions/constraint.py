"""What a constraint is, and those that depend on other variables."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor

__all__ = ["Constraint", "Dependent", "dependent_property", "is_dependent"]


class Constraint:
    """Base class: a region over which values are valid.

    Attributes:
        is_discrete: whether the region has only separate points, such as integers.
        event_dim: how many of the last dimensions make one event.
    """

    is_discrete: Any = False
    event_dim: Any = 0

    def check(self, value: Tensor) -> Any:
        """Whether each event is valid."""
        raise NotImplementedError

    def _bounds(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in vars(self).items())

    def __repr__(self) -> str:
        return f"{type(self).__name__[1:]}({self._bounds()})"


class Dependent(Constraint):
    """A region that depends on other variables."""

    def __init__(
        self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented
    ) -> None:
        self._is_discrete, self._event_dim = is_discrete, event_dim

    @property
    def is_discrete(self) -> Any:
        """Whether it has only separate points.

        Raises:
            NotImplementedError: that depends too.
        """
        if self._is_discrete is NotImplemented:
            raise NotImplementedError(".is_discrete cannot be determined statically")
        return self._is_discrete

    @property
    def event_dim(self) -> Any:
        """How many dimensions make one event.

        Raises:
            NotImplementedError: that depends too.
        """
        if self._event_dim is NotImplemented:
            raise NotImplementedError(".event_dim cannot be determined statically")
        return self._event_dim

    def check(self, value: Tensor) -> Any:
        """Nothing that could be said of the value alone.

        Raises:
            ValueError: always.
        """
        raise ValueError("Cannot determine validity of dependent constraint")

    def __repr__(self) -> str:
        return "Dependent()"


def is_dependent(constraint: Any) -> bool:
    """Whether a constraint depends on other variables, and so can't be checked alone."""
    return isinstance(constraint, Dependent)


class dependent_property(property, Dependent):
    """A property whose value is a constraint, which depends on the object's parameters."""

    def __init__(
        self,
        fn: Any = None,
        *,
        is_discrete: Any = NotImplemented,
        event_dim: Any = NotImplemented,
    ) -> None:
        property.__init__(self, fn)
        Dependent.__init__(self, is_discrete=is_discrete, event_dim=event_dim)

    def __call__(self, fn: Any) -> Any:
        """The property of this function; for `@dependent_property(event_dim=1)`."""
        return type(self)(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)

    def __repr__(self) -> str:
        return "DependentProperty()"
