"""Results of several tensors, printed as PyTorch prints them."""

from __future__ import annotations

import copy
import pickle

import tinygrad_lite as tg

X = tg.tensor([3.0, 1.0, 2.0])


def test_text() -> None:
    assert repr(tg.max(X, 0)) == ("torch.return_types.max(\nvalues=tensor(3.),\nindices=tensor(0))")
    assert repr(X.aminmax()) == "torch.return_types.aminmax(\nmin=tensor(1.),\nmax=tensor(3.))"
    names = {
        "min": X.min(0),
        "sort": X.sort(),
        "topk": X.topk(2),
        "median": X.median(0),
        "nanmedian": X.nanmedian(0),
        "kthvalue": X.kthvalue(2),
        "mode": X.mode(),
        "cummax": X.cummax(0),
        "cummin": X.cummin(0),
    }
    for name, found in names.items():
        assert repr(found).startswith(f"torch.return_types.{name}(\nvalues=tensor(")
    zero = tg.tensor(1.0)
    for name in ("max", "sort", "mode", "cummax"):
        found = getattr(zero, name)(**({} if name == "sort" else {"dim": 0}))
        assert repr(found).startswith(f"torch.return_types.{name}(")
    assert repr(zero.topk(1)).startswith("torch.return_types.topk(")


def test_text_of_decompositions() -> None:
    a = tg.eye(2)
    factors = tg.linalg.lu_factor(a)
    found = {
        "svd": (a.svd(), "U S V"),
        "linalg_svd": (tg.linalg.svd(a), "U S Vh"),
        "qr": (a.qr(), "Q R"),
        "linalg_qr": (tg.linalg.qr(a), "Q R"),
        "linalg_eigh": (tg.linalg.eigh(a), "eigenvalues eigenvectors"),
        "linalg_lu": (tg.linalg.lu(a), "P L U"),
        "linalg_lu_factor": (factors, "LU pivots"),
        "linalg_lu_factor_ex": (tg.linalg.lu_factor_ex(a), "LU pivots info"),
        "lu_unpack": (tg.lu_unpack(*factors), "P L U"),
        "slogdet": (tg.slogdet(a), "sign logabsdet"),
        "linalg_slogdet": (tg.linalg.slogdet(a), "sign logabsdet"),
        "linalg_lstsq": (tg.linalg.lstsq(a, a), "solution residuals rank singular_values"),
        "linalg_cholesky_ex": (tg.linalg.cholesky_ex(a), "L info"),
        "linalg_inv_ex": (tg.linalg.inv_ex(a, check_errors=True), "inverse info"),
        "linalg_solve_ex": (tg.linalg.solve_ex(a, a), "result info"),
        "triangular_solve": (tg.triangular_solve(a, a), "solution cloned_coefficient"),
        "histogram": (tg.histogram(X, 2), "hist bin_edges"),
        "frexp": (tg.frexp(X), "mantissa exponent"),
    }
    assert repr(a.slogdet()) == repr(found["slogdet"][0])
    assert repr(tg.svd(a, compute_uv=False)).startswith("torch.return_types.svd(")
    for name, (result, fields) in found.items():
        parts = (f"{field}={getattr(result, field)!r}" for field in fields.split())
        assert repr(result) == f"torch.return_types.{name}(\n" + ",\n".join(parts) + ")"


def test_they_are_tuples() -> None:
    found = X.sort()
    values, indices = found
    assert values is found.values
    assert indices is found[1]
    assert isinstance(found, tuple)
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert type(again) is type(found)
        assert again.values.tolist() == [1, 2, 3]


def test_decompositions_print_as_functions_results() -> None:
    a = tg.tensor([[2.0, 1.0], [1.0, 3.0]])
    found = {
        "linalg_eigh": tg.linalg.eigh(a),
        "linalg_qr": tg.linalg.qr(a),
        "qr": tg.qr(a),
        "linalg_svd": tg.linalg.svd(a),
        "svd": tg.svd(a),
        "linalg_slogdet": tg.linalg.slogdet(a),
        "linalg_lstsq": tg.linalg.lstsq(a, a),
        "linalg_lu": tg.linalg.lu(a),
        "linalg_lu_factor": tg.linalg.lu_factor(a),
        "linalg_lu_factor_ex": tg.linalg.lu_factor_ex(a),
        "lu_unpack": tg.lu_unpack(*tg.linalg.lu_factor(a)),
        "linalg_inv_ex": tg.linalg.inv_ex(a),
        "linalg_cholesky_ex": tg.linalg.cholesky_ex(a),
        "linalg_solve_ex": tg.linalg.solve_ex(a, a),
        "triangular_solve": tg.triangular_solve(a, a),
        "geqrf": tg.geqrf(a),
        "histogram": tg.histogram(a, 2),
        "frexp": tg.frexp(a),
    }
    for name, result in found.items():
        assert repr(result).startswith(f"torch.return_types.{name}(\n"), name
        again = pickle.loads(pickle.dumps(result))
        assert (type(again), repr(again)) == (type(result), repr(result))
