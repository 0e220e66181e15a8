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
