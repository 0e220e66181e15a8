"""Constraints: what parameters and samples must satisfy, as `torch.distributions.constraints`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..absent import explain as _explain
from ..tensor import Tensor
from ..tensor.closeness import isclose
from ..tensor.concatenate import cat as joined
from ..tensor.concatenate import stack as stacked
from ..tensor.create import full
from ..tensor.decompose import eigvalsh
from ..tensor.info import finfo
from ..tensor.unchecked import cholesky_ex
from .constraint import Constraint, Dependent, dependent_property, is_dependent

__all__ = [
    "Constraint",
    "MixtureSameFamilyConstraint",
    "boolean",
    "cat",
    "corr_cholesky",
    "dependent",
    "dependent_property",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer_interval",
    "interval",
    "is_dependent",
    "less_than",
    "lower_cholesky",
    "lower_triangular",
    "multinomial",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "positive",
    "positive_definite",
    "positive_integer",
    "positive_semidefinite",
    "real",
    "real_vector",
    "simplex",
    "square",
    "stack",
    "symmetric",
    "unit_interval",
]


class _IndependentConstraint(Constraint):
    """All entries of the last dimensions satisfy a constraint."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        if not isinstance(base_constraint, Constraint):
            raise AssertionError(
                f"base_constraint must be a Constraint, but is {base_constraint!r}"
            )
        if reinterpreted_batch_ndims < 0:
            raise AssertionError(
                f"reinterpreted_batch_ndims must be at least 0, but is {reinterpreted_batch_ndims}"
            )
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> Any:
        """That of the base."""
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> Any:
        """The base's and the dimensions added."""
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Any:
        result = self.base_constraint.check(value)
        if result.ndim < self.reinterpreted_batch_ndims:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.ndim}")
        kept = result.shape[: result.ndim - self.reinterpreted_batch_ndims]
        return result.reshape(*kept, -1).all(dim=-1)

    def _bounds(self) -> str:
        return f"{self.base_constraint!r}, {self.reinterpreted_batch_ndims}"


class MixtureSameFamilyConstraint(Constraint):
    """What is valid for every component of a mixture."""

    def __init__(self, base_constraint: Constraint) -> None:
        self.base_constraint = base_constraint

    @property
    def is_discrete(self) -> Any:
        """That of the base."""
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> Any:
        """That of the base."""
        return self.base_constraint.event_dim

    def check(self, value: Tensor) -> Any:
        """Whether every component takes each event."""
        kept = value.ndim - self.event_dim
        found = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        return found.reshape(*found.shape[:kept], -1).all(dim=-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


class _Boolean(Constraint):
    """0 or 1."""

    is_discrete = True

    def check(self, value: Tensor) -> Any:
        return (value == 0) | (value == 1)


class _OneHot(Constraint):
    """Vectors of 0 with one 1."""

    is_discrete = True
    event_dim = 1

    def check(self, value: Tensor) -> Any:
        return ((value == 0) | (value == 1)).all(dim=-1) & (value.sum(-1) == 1)


class _IntegerInterval(Constraint):
    """Integers of [lower_bound, upper_bound]."""

    is_discrete = True

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def check(self, value: Tensor) -> Any:
        found: Any = (value % 1 == 0) & (value >= self.lower_bound)
        return found & (value <= self.upper_bound)


class _IntegerGreaterThan(Constraint):
    """Integers of [lower_bound, ∞)."""

    is_discrete = True

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Tensor) -> Any:
        return (value % 1 == 0) & (value >= self.lower_bound)


class _Real(Constraint):
    """Anything but NaN."""

    def check(self, value: Tensor) -> Any:
        return value == value


class _GreaterThan(Constraint):
    """(lower_bound, ∞]."""

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Tensor) -> Any:
        return value > self.lower_bound


class _GreaterThanEq(_GreaterThan):
    """[lower_bound, ∞]."""

    def check(self, value: Tensor) -> Any:
        return value >= self.lower_bound


class _LessThan(Constraint):
    """[−∞, upper_bound)."""

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Any:
        return value < self.upper_bound


class _Interval(Constraint):
    """[lower_bound, upper_bound]."""

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def check(self, value: Tensor) -> Any:
        return (value >= self.lower_bound) & (value <= self.upper_bound)


class _HalfOpenInterval(_Interval):
    """[lower_bound, upper_bound)."""

    def check(self, value: Tensor) -> Any:
        return (value >= self.lower_bound) & (value < self.upper_bound)


class _Simplex(Constraint):
    """Vectors of nonnegative numbers whose sum is 1."""

    event_dim = 1

    def check(self, value: Tensor) -> Any:
        return (value >= 0).all(dim=-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _Multinomial(Constraint):
    """Vectors of nonnegative numbers whose sum is at most the bound; as PyTorch's, asks no more."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, x: Tensor) -> Any:
        return (x >= 0).all(dim=-1) & (x.sum(-1) <= self.upper_bound)

    def _bounds(self) -> str:
        return ""


class _Square(Constraint):
    """Square matrices."""

    event_dim = 2

    def check(self, value: Tensor) -> Any:
        return full(
            value.shape[:-2],
            value.shape[-2] == value.shape[-1],
            dtype="bool",
            device=value.device,
        )


class _Symmetric(_Square):
    """Symmetric matrices."""

    def check(self, value: Tensor) -> Any:
        if value.shape[-2] != value.shape[-1]:
            return super().check(value)
        return isclose(value, value.mT, atol=1e-6).all(dim=-1).all(dim=-1)


class _LowerTriangular(Constraint):
    """Matrices with zeros above the diagonal."""

    event_dim = 2

    def check(self, value: Tensor) -> Any:
        return (value.tril() == value).all(dim=-1).all(dim=-1)


class _LowerCholesky(_LowerTriangular):
    """Lower triangular matrices with a positive diagonal."""

    def check(self, value: Tensor) -> Any:
        triangular = super().check(value)
        return triangular & (value.diagonal(dim1=-2, dim2=-1) > 0).all(dim=-1)


class _CorrCholesky(_LowerCholesky):
    """Lower triangular matrices with a positive diagonal and rows of length 1."""

    def check(self, value: Tensor) -> Any:
        slack = float(finfo(value.dtype).eps) * value.shape[-1] * 10
        unit = ((value * value).sum(-1) - 1).abs() < slack
        lower = super().check(value)
        return lower & unit.all(dim=-1)


class _PositiveDefinite(_Symmetric):
    """Positive definite matrices: such as have a Cholesky factor."""

    def check(self, value: Tensor) -> Any:
        symmetric = super().check(value)
        if not bool(symmetric.all()):
            return symmetric
        low, info = cholesky_ex(value.detach())
        return (info == 0) & low.isfinite().all(dim=-1).all(dim=-1)


class _PositiveSemidefinite(_Symmetric):
    """Symmetric matrices without negative eigenvalues."""

    def check(self, value: Tensor) -> Any:
        symmetric = super().check(value)
        if not bool(symmetric.all()):
            return symmetric
        return (eigvalsh(value.detach()) >= 0).all(dim=-1)


class _Stack(Constraint):
    """What lies along a dimension satisfies a constraint each."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        self.cseq, self.dim = list(cseq), dim
        if not all(isinstance(c, Constraint) for c in self.cseq):
            raise AssertionError(f"all of cseq must be Constraints, but they are {self.cseq}")

    @property
    def is_discrete(self) -> Any:
        """Whether any is."""
        return any(c.is_discrete for c in self.cseq)

    @property
    def event_dim(self) -> Any:
        """The most of any; one more, if the dimension is one of an event's."""
        most = max(c.event_dim for c in self.cseq)
        return most + 1 if self.dim + most < 0 else most

    def _within(self, value: Tensor) -> None:
        if not -value.ndim <= self.dim < value.ndim:
            raise AssertionError(f"dim {self.dim} out of range for {value.ndim} dimensions")

    def check(self, value: Tensor) -> Any:
        self._within(value)
        if value.shape[self.dim] != len(self.cseq):
            raise ValueError(
                f"expected {len(self.cseq)} elements along dimension {self.dim}, one for each "
                f"constraint, but the shape is {tuple(value.shape)}"
            )
        parts = zip(self.cseq, value.unbind(self.dim), strict=True)
        return stacked([c.check(part) for c, part in parts], self.dim)

    def _bounds(self) -> str:
        return ""


class _Cat(_Stack):
    """Parts of a dimension, whose lengths are given, satisfy a constraint each."""

    def __init__(
        self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None
    ) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(
                f"cat: {len(self.lengths)} lengths for {len(self.cseq)} constraints"
            )

    @property
    def event_dim(self) -> Any:
        """The most of any."""
        return max(c.event_dim for c in self.cseq)

    def check(self, value: Tensor) -> Any:
        self._within(value)
        parts = zip(self.cseq, value.split(self.lengths, self.dim), strict=True)
        return joined([c.check(part) for c, part in parts], self.dim)


dependent = Dependent()
cat = _Cat
stack = _Stack
independent = _IndependentConstraint
boolean = _Boolean()
one_hot = _OneHot()
nonnegative_integer = _IntegerGreaterThan(0)
positive_integer = _IntegerGreaterThan(1)
integer_interval = _IntegerInterval
real = _Real()
real_vector = independent(real, 1)
positive = _GreaterThan(0.0)
nonnegative = _GreaterThanEq(0.0)
greater_than = _GreaterThan
greater_than_eq = _GreaterThanEq
less_than = _LessThan
multinomial = _Multinomial
unit_interval = _Interval(0.0, 1.0)
interval = _Interval
half_open_interval = _HalfOpenInterval
simplex = _Simplex()
lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_definite = _PositiveDefinite()
positive_semidefinite = _PositiveSemidefinite()

_explain(__name__)
