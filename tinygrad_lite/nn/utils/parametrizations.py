"""Weight and spectral normalisation as parametrisations."""

from __future__ import annotations

from typing import Any

from ...absent import explain as _explain
from ...tensor import Tensor, no_grad
from ...tensor.dims import axis
from ...tensor.draw import randn
from .. import functional as F
from ..module import Module
from .orthogonal import orthogonal
from .parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def norm_but(v: Tensor, dim: int | None) -> Tensor:
    """The norm of each slice of v along a dimension, in a shape that broadcasts against v.

    For None, or −1 as in PyTorch, the norm of all of v, 0-d.
    """
    if dim is None or dim == -1:
        return v.norm()
    own = axis("weight_norm", v, dim)
    rest = tuple(d for d in range(v.ndim) if d != own)
    return v.norm(2, rest, keepdim=True) if rest else v.abs()


class _WeightNorm(Module):
    """w = g v / ‖v‖, a norm for each position of dimension `dim`, or one in all."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """The weight w of lengths g and directions v."""
        return weight_v * (weight_g / norm_but(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Lengths and directions that give a weight: its norms, and the weight itself."""
        return norm_but(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn a weight's lengths g and directions v instead of itself: w = g v / ‖v‖.

    T. Salimans and D. P. Kingma, "Weight Normalization", NIPS 2016. The parameters are then
    `parametrizations.weight.original0` (g) and `original1` (v).

    Args:
        module: has the weight; it is changed, and returned.
        name: the weight's.
        dim: the dimension along which each position has a length; None for one length in all.

    Raises:
        ValueError: no such parameter.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module._register_load_state_dict_pre_hook(_OldNames(name))
    return module


class _OldNames:
    """A hook that reads state dicts of `nn.utils.weight_norm`, which have weight_g and weight_v.

    Args:
        name: the weight's.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        old = [f"{prefix}{self._name}_{letter}" for letter in "gv"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                new = f"{prefix}parametrizations.{self._name}.original{i}"
                state_dict[new] = state_dict.pop(key)


class _SpectralNorm(Module):
    """w = W / σ, σ the largest singular value of W as a matrix with the rows along `dim`.

    σ = uᵀ W v, where power iteration brings u ← W v / ‖W v‖ and v ← Wᵀ u / ‖Wᵀ u‖ ever closer to
    the singular vectors: 15 times at first, then `n_power_iterations` at each use in training.
    """

    _u: Tensor
    _v: Tensor
    _order = ("_u", "_v")  # which vector of the iteration moves first
    _least = 2  # from so many dimensions on a weight is a matrix
    _no_such_dim: type[Exception] = IndexError

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise self._no_such_dim(
                f"spectral_norm: dim {dim} is out of range of a weight of {weight.ndim} dimensions"
            )
        self.dim, self.eps, self.n_power_iterations = dim % weight.ndim, eps, n_power_iterations
        if weight.ndim >= self._least:
            if n_power_iterations <= 0:
                raise ValueError(
                    f"Expected n_power_iterations to be positive, but got {n_power_iterations}"
                )
            matrix = self._matrix(weight.detach())
            for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
                drawn = randn(size, dtype=weight.dtype, device=weight.device)
                self.register_buffer(name, F.normalize(drawn, dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        """The weight as a matrix with the rows along `dim`."""
        return weight.movedim(self.dim, 0).reshape(weight.shape[self.dim], -1)

    @no_grad()
    def _iterate(self, matrix: Tensor, times: int) -> None:
        """Move u and v, each so many times."""
        for name in self._order * times:
            moved = matrix @ self._v if name == "_u" else matrix.t() @ self._u
            getattr(self, name).copy_(F.normalize(moved, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight divided by σ; in training u and v move. A vector is divided by its length."""
        if weight.ndim < self._least:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()
        return weight / (u @ (matrix @ v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """What is set as the weight is kept as the original."""
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its largest singular value.

    T. Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018.

    Args:
        module: has the weight; it is changed, and returned.
        name: the weight's.
        n_power_iterations: steps of power iteration at each use in training.
        eps: the least norm that is divided by.
        dim: the dimension that makes the matrix's rows; default: 0, or 1 for transposed
            convolutions.

    Raises:
        ValueError: no such parameter, or no iterations.
    """
    weight: Any = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(
            f"Module '{type(module).__name__}' has no parameter or buffer with name '{name}'"
        )
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    made = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return register_parametrization(module, name, made)


_explain(__name__)
