"""`torch.linalg`: decompositions, linear systems and norms of matrices (…, m, n).

What PyTorch has beyond needs complex numbers (`eig`) or LAPACK's own factors (`lu`, `ldl`), which
neither NumPy nor CuPy offers for batches.
"""

from .absent import explain as _explain
from .backend.plain.linalg import LinAlgError
from .tensor.decompose import cholesky, eigh, eigvalsh, qr, svd, svdvals
from .tensor.linalg import matmul
from .tensor.norms import (
    cond,
    cross,
    diagonal,
    matrix_norm,
    norm,
    vander,
    vecdot,
    vector_norm,
)
from .tensor.solve import (
    det,
    inv,
    lstsq,
    matrix_exp,
    matrix_power,
    matrix_rank,
    multi_dot,
    pinv,
    slogdet,
    solve,
    solve_triangular,
    tensorinv,
    tensorsolve,
)

__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]

_explain(__name__)
