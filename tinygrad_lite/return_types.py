"""`torch.return_types`: the classes of results of several tensors, by their functions' names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .absent import lookup as _lookup
from .tensor import results as _results

_WHERE = {
    "results.ValuesIndices": "cummax cummin kthvalue max median min mode nanmedian sort topk",
    "results.MinMax": "aminmax",
    "numbers.Frexp": "frexp",
    "householder.Reflections": "geqrf",
    "histograms.Histogram": "histogram",
    "histograms.HistogramDD": "histogramdd",
    "decompose.QR": "linalg_qr qr",
    "decompose.Eigh": "linalg_eigh",
    "decompose.Eig": "linalg_eig",
    "decompose.SVD": "linalg_svd",
    "decompose.OldSVD": "svd",
    "lu.PLU": "linalg_lu lu_unpack",
    "lu.Factors": "linalg_lu_factor",
    "lu.FactorsInfo": "linalg_lu_factor_ex",
    "lu.TriangularSolve": "triangular_solve",
    "solve.Slogdet": "linalg_slogdet slogdet",
    "solve.Lstsq": "linalg_lstsq",
    "unchecked.CholeskyInfo": "linalg_cholesky_ex",
    "unchecked.InverseInfo": "linalg_inv_ex",
    "unchecked.SolutionInfo": "linalg_solve_ex",
}
_CLASSES = {name: place for place, names in _WHERE.items() for name in names.split()}
__all__ = [*_CLASSES]


def __getattr__(name: str) -> Any:
    if name not in _CLASSES:
        return _lookup(__name__, name, lambda: __all__)
    file, _, kind = _CLASSES[name].partition(".")
    module = import_module(f".tensor.{file}", __package__)
    return _results._kind(name, getattr(module, kind))


def __dir__() -> list[str]:
    return __all__
