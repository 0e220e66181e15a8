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
