"""The strict namespace refuses what CuPy refuses, and gives what CuPy gives."""

from __future__ import annotations

import contextlib
import copy
import inspect
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests import strict
from tests.strict import HiddenSync, StrictArray, forbid_sync

xp: Any = strict.StrictLibrary()


def device(*shape: int, dtype: Any = np.float32) -> Any:
    """0, 1, 2, … on the pretended device."""
    return xp.asarray(np.arange(np.prod(shape), dtype=dtype).reshape(shape))


HOST = np.ones(3, np.float32)
REFUSED: dict[str, Callable[[Any], Any]] = {
    "ufunc with a NumPy array": lambda a: xp.add(a, HOST),
    "ufunc with a list": lambda a: xp.add(a, [1.0, 2.0, 3.0]),
    "ufunc with where": lambda a: xp.add(a, a, where=True),
    "operator, array on the left": lambda a: HOST + a,
    "comparison with an array": lambda a: a == HOST,
    "in place with an array": lambda a: a.__iadd__(HOST),
    "assignment from an array": lambda a: a.__setitem__(slice(None), HOST),
    "where with an array": lambda a: xp.where(a > 0, a, HOST),
    "where with a list": lambda a: xp.where(a > 0, a, [1.0, 2.0, 3.0]),
    "where on a bool": lambda a: xp.where(True, a, a),
    "sum of a scalar": lambda a: xp.sum(3.0),
    "clip with min": lambda a: xp.clip(a, min=0),
    "reshape with shape=": lambda a: xp.reshape(a, shape=(3, 1)),
    "einsum with out": lambda a: xp.einsum("i->", a, out=xp.zeros(())),
    "astype with casting": lambda a: a.astype(np.int32, casting="safe"),
    "concatenate NumPy arrays": lambda a: xp.concatenate([a, HOST]),
    "mixed array": lambda a: xp.array([a, HOST]),
    "matmul with an array": lambda a: xp.matmul(a, HOST),
    "out is an array": lambda a: xp.exp(a, out=HOST.copy()),
    "shape from an array": lambda a: xp.zeros(a[1].astype(int)),
    "range of an array": lambda a: range(xp.asarray(3)),
    "np.asarray": np.asarray,
    "np.exp": np.exp,
    "np.sum": np.sum,
    "hash": hash,
}


@pytest.mark.parametrize("name", ["sort", "argsort", "unique", "partition", "cumsum"])
def test_bfloat16_is_not_sorted(name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    words = {"kth": 1} if name == "partition" else {}
    getattr(xp, name)(device(3, dtype=np.float16), **words)
    with pytest.raises(NotImplementedError, match=f"{name}: CuPy 14.2 takes no bfloat16"):
        getattr(xp, name)(device(3).astype(ml_dtypes.bfloat16), **words)
    with pytest.raises(NotImplementedError):
        device(3).astype(ml_dtypes.bfloat16).sort()


@pytest.mark.parametrize("case", REFUSED)
def test_what_cupy_refuses_is_a_type_error(case: str) -> None:
    with pytest.raises(TypeError):
        REFUSED[case](device(3))


SYNCS: dict[str, Callable[[Any], Any]] = {
    "bool": lambda a: bool(a[0] > 0),
    "int": lambda a: int(a[1]),
    "float": lambda a: float(a[1]),
    "item": lambda a: a[1].item(),
    "tolist": lambda a: a.tolist(),
    "get": lambda a: a.get(),
    "repr": repr,
    "mask": lambda a: a[a > 1],
    "mask assignment": lambda a: a.__setitem__(a > 1, 0),
    "mask add.at": lambda a: xp.add.at(a, a > 1, 1),
    "nonzero": lambda a: a.nonzero(),
    "where of one": lambda a: xp.where(a > 1),
    "bincount": lambda a: xp.bincount(a.astype(np.int64)),
}


@pytest.mark.parametrize("case", SYNCS)
def test_hidden_synchronisation(case: str) -> None:
    a = device(3)
    with forbid_sync(), pytest.raises(HiddenSync):
        SYNCS[case](a)
    SYNCS[case](a)


def test_forbid_sync_nests_and_ends_after_an_error() -> None:
    a = device(1)
    with forbid_sync():
        with forbid_sync(), pytest.raises(HiddenSync):
            float(a[0])
        with pytest.raises(HiddenSync):
            float(a[0])
    with pytest.raises(ZeroDivisionError), forbid_sync():
        1 / 0  # noqa: B018
    assert float(a[0]) == 0


def test_iteration_length_and_integer_indices_do_not_synchronise() -> None:
    a = device(2, 3)
    with forbid_sync():
        assert [row.shape for row in a] == [(3,)] * len(a)
        assert a[xp.asarray([1, 0])].shape == (2, 3)


@pytest.mark.parametrize("name", ["block", "insert", "vecdot", "errstate", "mgrid", "cuda"])
def test_names_that_cupy_lacks(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"CuPy 14\.2 has no '{name}'"):
        getattr(xp, name)


@pytest.mark.parametrize("method", ["maximum.reduce", "multiply.reduceat", "matmul.outer"])
def test_ufunc_methods_that_cupy_lacks(method: str) -> None:
    ufunc, _, name = method.partition(".")
    with pytest.raises(AttributeError, match=f"has no {method}"):
        getattr(getattr(xp, ufunc), name)


def test_ufunc_methods_that_cupy_has() -> None:
    a = device(3)
    assert float(xp.add.reduce(a)) == 3
    assert xp.add.outer(a, a).shape == (3, 3)
    xp.add.at(a, xp.asarray([0, 0]), 2.0)
    assert a.tolist() == [4, 1, 2]
    with pytest.raises(NotImplementedError):
        xp.multiply.at(a, xp.asarray([0]), 2.0)
    with pytest.raises(NotImplementedError):
        xp.add.at(a.astype(np.int16), xp.asarray([0]), 1)


ZERO_D: dict[str, Callable[[Any], Any]] = {
    "sum": lambda a: xp.sum(a),
    "mean": lambda a: a.mean(),
    "index": lambda a: a[1],
    "array index": lambda a: a[xp.asarray(1)],
    "exp": lambda a: xp.exp(1.0),
    "count_nonzero": lambda a: xp.count_nonzero(a),
    "allclose": lambda a: xp.allclose(a, a),
    "argmax": lambda a: xp.argmax(a),
    "matmul": lambda a: a @ a,
    "norm": lambda a: xp.linalg.norm(a),
}


@pytest.mark.parametrize("case", ZERO_D)
def test_scalars_are_arrays_of_no_dimension(case: str) -> None:
    result = ZERO_D[case](device(3))
    assert (type(result), result.shape) == (StrictArray, ())


def test_host_values_stay_host_values() -> None:
    a = device(2, 3)
    assert type(a.size) is int
    assert (a.itemsize, a.nbytes, a.strides) == (4, 24, (12, 4))
    assert (a.dtype, xp.float32) == (np.dtype(np.float32), np.float32)
    assert (xp.newaxis, xp.inf) == (None, np.inf)
    assert xp.result_type(a, np.float64) == np.float64


def test_base_is_the_owner_itself() -> None:
    a = device(4, 6)
    views = [
        a[1],
        a[1, 2],
        a.T,
        a.reshape(-1),
        a[:, ::2].T[1:],
        xp.broadcast_to(a, (2, 4, 6)),
        a.view(),
    ]
    views.append(xp.lib.stride_tricks.sliding_window_view(a, 2, axis=0))
    assert a.base is None
    assert all(view.base is a and not view.flags.owndata for view in views)
    copies = [a.T.reshape(-1), a[xp.asarray([0])], a[xp.asarray(0)], a.copy(), copy.deepcopy(a)]
    assert all(one.base is None and one.flags.owndata for one in copies)
    assert copies[0][1:].base is copies[0]


def test_the_same_array_comes_back_where_cupy_returns_it() -> None:
    a, v = device(2, 3), device(3)
    view = a[1:]
    assert xp.asarray(a) is a
    assert view.astype(np.float32, copy=False) is view
    assert xp.exp(a, out=a) is a
    assert xp.sum(a, axis=0, out=v) is v
    out = xp.empty((2, 3), order="F")
    assert xp.sum(device(2, 3, 4), 2, None, out) is out
    assert xp.matmul(a, device(3, 3), out=view.base) is a
    assert v.T is v
    assert a.squeeze() is a
    assert xp.moveaxis(a, 0, 0) is a
    assert a.reshape(a.shape) is not a


def test_asarray_copies_host_data() -> None:
    host = np.zeros(3)
    a = xp.asarray(host)
    a += 1
    assert host.sum() == 0
    a.get()[:] = 7  # a copy
    assert a.tolist() == [1, 1, 1]
    assert xp.array([a, a]).shape == (2, 3)


def test_operators_follow_nep_50_and_work_in_place() -> None:
    a = before = device(3)
    view = a[1:]
    for result in (
        2 * a,
        a + 1.5,
        np.float32(2) * a,
        a**2,
        1 / (a + 1),
        -a,
        abs(a),
        divmod(a, 2)[0],
    ):
        assert type(result) is StrictArray
        assert result.dtype == np.float32
    assert (np.float64(2) * a).dtype == np.float64
    assert (np.float32(1) < a).tolist() == [False, False, True]
    assert (a == None).tolist() == [False] * 3  # noqa: E711
    assert (1 - a).tolist() == [1, 0, -1]
    a += 1
    a *= a
    assert a is before
    assert view.tolist() == [4, 9]
    with pytest.raises(TypeError):
        a.astype(np.int32).__iadd__(1.5)


def test_an_object_takes_over_an_operator_only_if_it_opts_out_of_ufuncs() -> None:
    class Plain:
        def __rmul__(self, other: object) -> str:
            return "mine"

    class Tensor(Plain):
        __array_ufunc__ = None

    assert device(3) * Tensor() == "mine"
    with pytest.raises(TypeError):
        device(3) * Plain()


def test_results_are_in_c_order_and_copies_keep_theirs() -> None:
    a = device(3, 4).T
    i = xp.asarray([1, 0])
    for result in (1 - a, a + 1, xp.exp(a), xp.where(a > 0, a, a), xp.concatenate([a, a]), a[:, i]):
        assert result.flags.c_contiguous
    assert xp.zeros_like(a).flags.f_contiguous
    assert xp.copy(a).flags.f_contiguous
    assert a.copy().flags.c_contiguous
    assert xp.empty((2, 3), order="F").flags.fnc
    assert xp.ones((2, 3)).shape == xp.zeros([2, 3]).shape == xp.full((2, 3), a[0, 0]).shape


@pytest.mark.parametrize("data", [["a"], [None], np.zeros(2, np.longdouble)], ids=str)
def test_unsupported_dtypes(data: Any) -> None:
    with pytest.raises(ValueError, match="no arrays of dtype"):
        xp.array(data)


def test_arrays_die_with_their_last_reference() -> None:  # no cycles: without the collector
    a = device(3)
    view, alive = a[1:], weakref.ref(a)
    del a
    assert alive() is view.base
    del view
    assert alive() is None


def test_install_makes_a_device_once() -> None:
    from tinygrad_lite import backend

    strict.install()
    space = backend.namespace_for("strict")
    strict.install()
    assert backend.namespace_for("strict") is space
    assert backend.namespace(device(2)) is space
    assert backend.to_host(device(2)).tolist() == [0, 1]


def test_names_and_keywords_agree_with_cupy() -> None:
    cupy = pytest.importorskip("cupy")
    if not cupy.__version__.startswith("14.2"):
        pytest.skip("the names are those of CuPy 14.2")
    for ours, theirs in ((np, cupy), (np.linalg, cupy.linalg)):
        names = {name for name in dir(ours) if not name.startswith("_")}
        assert names - set(dir(theirs)) == names.intersection(strict.MISSING[ours.__name__])
    assert all(hasattr(cupy.ndarray, name) for name in strict.METHODS)
    compared = 0
    for name in set(dir(np)) & set(dir(cupy)) - {"load", "show_config"}:
        lacks = getattr(getattr(xp, name, None), "lacks", None)
        with contextlib.suppress(ValueError, TypeError):  # no signature
            offers = set(inspect.signature(getattr(np, name)).parameters.keys())
            takes = inspect.signature(getattr(cupy, name)).parameters.keys()
            if lacks is not None and not takes & {"kwargs", "args"}:
                assert offers - lacks <= takes | {"kwargs", "args", "varargs", "kw"}, name
                compared += 1
    assert compared > 150
