"""Reductions: methods that take `dim` (an int, a tuple, or None for all) and `keepdim`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..backend import namespace, numpy
from ..backend.dtypes import FLOATING
from ..graph import Rule
from ..ops import loss as losses
from ..ops import reduce as ops
from ..ops import shape as shape_ops
from .autocast import in_float32
from .base import TensorBase, apply, new
from .dims import Dim, axes, axis
from .promote import as_float, to_dtype
from .shape import Shape

if TYPE_CHECKING:
    from . import Tensor


class ValuesIndices(NamedTuple):
    """What `max`, `min`, `sort` and `topk` along a dimension return."""

    values: Tensor
    indices: Tensor


class Reduce(Shape):
    """What joins many elements into one."""

    __slots__ = ()

    def sum(self, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """The sum over dimensions; booleans and small integers are summed as int64."""
        x = self if dtype is None else to_dtype(self, numpy.dtype(dtype))
        if dtype is None and self.dtype.kind in "biu":
            x = to_dtype(self, numpy.dtype("int64"))
        return apply(ops.sum, x, axis=axes("sum", self, dim), keepdims=keepdim)

    def mean(self, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """The mean over dimensions.

        Raises:
            RuntimeError: the dtype is not floating point.
        """
        x = self if dtype is None else to_dtype(self, numpy.dtype(dtype))
        if x.dtype.kind not in FLOATING:
            raise RuntimeError(f"mean: input must be floating point, but got {x.dtype}")
        return apply(ops.mean, x, axis=axes("mean", self, dim), keepdims=keepdim)

    def var(
        self,
        dim: Dim = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Tensor:
        """The variance: squared deviations over n − 1 (unbiased), n, or n − correction."""
        free = correction if correction is not None else int(unbiased)
        where = axes("var", self, dim)
        return apply(ops.var, as_float(self), axis=where, correction=free, keepdims=keepdim)

    def std(
        self,
        dim: Dim = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Tensor:
        """The standard deviation, √var; its derivative where it is 0 is taken as 0."""
        var = self.var(dim, unbiased, keepdim, correction=correction)
        flat = (var == 0).detach()
        return var.masked_fill(flat, 1.0).sqrt().masked_fill(flat, 0.0)

    def amax(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """The maximum; ties share the gradient evenly."""
        return apply(ops.amax, self, axis=_filled("amax", self, dim), keepdims=keepdim)

    def amin(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """The minimum; ties share the gradient evenly."""
        return apply(ops.amin, self, axis=_filled("amin", self, dim), keepdims=keepdim)

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The maximum of all; along a dim (values, indices of the first); or with a tensor."""
        if isinstance(dim, TensorBase):
            return self.maximum(dim)  # type: ignore[arg-type]
        return self.amax() if dim is None else self._extreme("max", "argmax", dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The minimum of all; along a dim (values, indices of the first); or with a tensor."""
        if isinstance(dim, TensorBase):
            return self.minimum(dim)  # type: ignore[arg-type]
        return self.amin() if dim is None else self._extreme("min", "argmin", dim, keepdim)

    def _extreme(self, name: str, arg: str, dim: int, keepdim: bool) -> ValuesIndices:
        where = axis(name, self, dim)
        indices = self._arg(arg, where, True)
        if self.ndim == 0:
            return ValuesIndices(self.clone(), indices)
        values = apply(shape_ops.gather, self, indices, axis=where)
        if keepdim:
            return ValuesIndices(values, indices)
        return ValuesIndices(values.squeeze(where), indices.squeeze(where))

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The index (int64) of the first maximum, in the flattened tensor if no dim is given."""
        return self._arg("argmax", dim, keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The index (int64) of the first minimum, in the flattened tensor if no dim is given."""
        return self._arg("argmin", dim, keepdim)

    def _arg(self, name: str, dim: int | None, keepdim: bool) -> Tensor:
        xp = namespace(self.array)
        where = None if dim is None else axis(name, self, dim)
        _filled(name, self, dim)
        array = self.array.reshape(1) if self.ndim == 0 else self.array
        found = getattr(xp, name)(array, axis=where)
        if keepdim and self.ndim:
            shape = [1 if where in (None, a) else n for a, n in enumerate(self.shape)]
            found = xp.reshape(found, tuple(shape))
        elif self.ndim == 0:
            found = xp.reshape(found, ())
        return new(xp.asarray(found, dtype="int64"))

    def logsumexp(self, dim: Dim, keepdim: bool = False) -> Tensor:
        """Ln Σ eˣ, without overflow."""
        x, where = as_float(self), axes("logsumexp", self, dim)
        if any(x.shape[a] == 0 for a in where):
            return x.sum(where, keepdim).log()  # ln 0
        return apply(ops.logsumexp, x, axis=where, keepdims=keepdim)

    def softmax(self, dim: int, dtype: Any = None) -> Tensor:
        """eˣ / Σ eˣ along a dimension, without overflow."""
        return self._soft("softmax", losses.softmax, dim, dtype)

    def log_softmax(self, dim: int, dtype: Any = None) -> Tensor:
        """Ln softmax along a dimension, without overflow."""
        return self._soft("log_softmax", losses.log_softmax, dim, dtype)

    def _soft(self, name: str, rule: Rule, dim: int, dtype: Any) -> Tensor:
        x: Tensor = as_float(self if dtype is None else to_dtype(self, numpy.dtype(dtype)))
        where = axis(name, self, dim)
        if not x.ndim:
            return apply(rule, x.reshape(1), axis=0).reshape(())
        if not x.shape[where]:
            return x.clone()
        return apply(rule, x, axis=where)

    def norm(self, p: float | str = 2, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """The p-norm (Σ |x|ᵖ)^(1/p); "fro" is 2; inf the largest magnitude."""
        x, where = as_float(self), axes("norm", self, dim)
        if p in (2, "fro"):
            return apply(ops.norm, x, axis=where, keepdims=keepdim)
        if isinstance(p, str):
            raise RuntimeError(f"norm: unknown order {p!r}; expected a number or 'fro'")
        if p in (float("inf"), float("-inf")):
            return x.abs().amax(where, keepdim) if p > 0 else x.abs().amin(where, keepdim)
        if p == 0:
            return to_dtype(x != 0, x.dtype).sum(where, keepdim)
        if p == 1:
            return x.abs().sum(where, keepdim)
        total = (x.abs() ** p).sum(where, keepdim)
        flat = (total == 0).detach()  # the derivative at 0 is taken as 0
        return (total.masked_fill(flat, 1.0) ** (1 / p)).masked_fill(flat, 0.0)

    @in_float32
    def prod(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The product over a dimension or of all, as a tree of pairwise products.

        The tree makes the gradient right where elements are 0, at every order.
        """
        where = 0 if dim is None or self.ndim == 0 else axis("prod", self, dim)
        x: Tensor = self  # type: ignore[assignment]
        x = to_dtype(x, numpy.dtype("int64")) if self.dtype.kind in "biu" else x
        x = x.ravel() if dim is None or self.ndim == 0 else x
        n = x.shape[where]
        if n == 0:
            x, n = x.sum(where, keepdim=True) + 1, 1
        while n > 1:
            half = n // 2
            product = x.narrow(where, 0, half) * x.narrow(where, half, half)
            rest = [x.narrow(where, 2 * half, 1)] if n % 2 else []
            x = apply(shape_ops.concatenate, product, *rest, axis=where) if rest else product
            n = half + n % 2
        if dim is None:
            return x.reshape((1,) * self.ndim if keepdim else ())
        return x.reshape(()) if self.ndim == 0 else x if keepdim else x.squeeze(where)

    def cumsum(self, dim: int) -> Tensor:
        """Running sums along a dimension."""
        if self.ndim == 0:
            return self.clone()
        x = to_dtype(self, numpy.dtype("int64")) if self.dtype.kind in "biu" else self
        return apply(ops.cumsum, x, axis=axis("cumsum", self, dim))

    def all(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """True where every element is true."""
        return self._logical("all", dim, keepdim)

    def any(self, dim: Dim = None, keepdim: bool = False) -> Tensor:
        """True where some element is true."""
        return self._logical("any", dim, keepdim)

    def _logical(self, name: str, dim: Dim, keepdim: bool) -> Tensor:
        xp = namespace(self.array)
        found = getattr(xp, name)(self.array, axis=axes(name, self, dim), keepdims=keepdim)
        return new(xp.asarray(found))


def _filled(name: str, x: TensorBase, dim: Dim) -> tuple[int, ...]:
    """The axes of a reduction that has no value for no elements."""
    where = axes(name, x, dim)
    if any(x.shape[a] == 0 for a in where):
        if dim is None and not name.startswith("arg"):
            raise RuntimeError(
                f"{name}: the reduction of no elements needs a dim (shape {x.shape})"
            )
        raise IndexError(f"{name}: expected reduction dim to have non-zero size (shape {x.shape})")
    return where
