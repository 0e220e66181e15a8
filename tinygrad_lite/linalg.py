"""`torch.linalg`: decompositions, linear systems and norms of matrices (…, m, n).

What PyTorch has beyond needs LAPACK's own factors (`ldl`), which neither NumPy nor CuPy offers.
"""

from .absent import explain as _explain
from .backend.plain.linalg import LinAlgError
from .tensor.arguments import explain as _understand
from .tensor.decompose import cholesky, eig, eigh, eigvals, eigvalsh, qr, svd, svdvals
from .tensor.householder import householder_product
from .tensor.linalg import matmul
from .tensor.lu import lu, lu_factor, lu_factor_ex, lu_solve
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
from .tensor.unchecked import cholesky_ex, inv_ex, solve_ex

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
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
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]

_understand(globals(), "linalg")
_explain(__name__)
