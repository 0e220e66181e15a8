"""The table of operations is whole: nothing that differentiates is left out of the tests."""

from __future__ import annotations

import inspect
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.op_table import DIFFERENTIABLE, PLAIN, ROWS
from tinygrad_lite.absent import METHODS
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor import (
    compare,
    concatenate,
    elementwise,
    extremes,
    linalg,
    order,
    reduce,
    replace,
    shape,
)

# Attributes of Tensor and functions of the package through which no gradient flows.
NOT_OPERATIONS = {
    "__array__",
    "__bool__",
    "__complex__",
    "__delitem__",
    "__float__",
    "__index__",
    "__int__",
    "__len__",
    "__hash__",
    "__repr__",
    "backward",
    "bernoulli_",
    "device",
    "dim",
    "dtype",
    "grad",
    "grad_fn",
    "is_contiguous",
    "is_floating_point",
    "is_leaf",
    "is_tensor",
    "item",
    "array",
    "ndim",
    "normal_",
    "output_nr",
    "numel",
    "numpy",
    "register_hook",
    "requires_grad",
    "requires_grad_",
    "register_post_accumulate_grad_hook",
    "retain_grad",
    "retains_grad",
    "shape",
    "size",
    "to_dense",
    "tolist",
    "uniform_",
    "allclose",
    "equal",
    "isclose",
    # Of `_sorting`, and names for what has a row; tested in tensor/test_order.
    # Operators, tested in test_numbers and test_beside.
    "__floordiv__",
    "__lshift__",
    "__rand__",
    "__rdiv__",
    "__rfloordiv__",
    "__rmatmul__",
    "__rlshift__",
    "__rmod__",
    "__ror__",
    "__rrshift__",
    "__rshift__",
    "__rxor__",
    "argsort",
    "bincount",
    "bitwise_left_shift",
    "bitwise_left_shift_",
    "__ilshift__",
    "__irshift__",
    "bitwise_right_shift",
    "bitwise_right_shift_",
    "count_nonzero",
    "new_empty",
    "new_full",
    "new_tensor",
    "clamp_max",
    "clamp_max_",
    "clamp_min",
    "clamp_min_",
    "concat",
    "hstack",
    "is_cuda",
    "nelement",
    "new_ones",
    "new_zeros",
    "nonzero",
    "scatter_",
    "unique",
    "vstack",
}
# What a tensor is and where it lies, tested in test_aliases.
NOT_OPERATIONS |= set(
    """__reversed__ to_sparse to_sparse_coo sparse_coo_tensor
    __deepcopy__ __torch_function__ __dlpack__ __dlpack_device__ __getattr__ byte cdouble cfloat
    as_subclass char data_ptr detach_ imag
    element_size get_device is_complex is_cpu
    is_inference is_meta is_mps is_nonzero is_pinned is_quantized is_shared is_signed is_sparse
    is_mkldnn is_mtia is_nested is_sparse_csr new_empty_strided
    record_stream is_xla is_xpu itemsize const_data_ptr is_distributed is_ipu is_maia is_set_to
    is_vulkan
    layout nbytes ndimension new pin_memory resize_ resize_as_ set_
    share_memory_ short stft istft storage storage_offset stride untyped_storage""".split()
)
# Casts and moves that change the dtype or the device, tested below.
CASTS = ["bfloat16", "cpu", "cuda", "double", "float", "half"]
# The families of the table; rules of layers (conv, pool, …) have test files of their own.
FAMILIES = ["analytic", "decompose", "elementwise", "linalg", "loss", "reduce", "rounding", "shape",
            "special"]  # fmt: skip


def public_names() -> set[str]:
    """What a user can call on a Tensor, or read from it, or call in the package on tensors."""
    names = {n for n in dir(tg.Tensor) if n not in dir(object) or "__" not in n} - {*METHODS}
    names |= {n for n in vars(tg.Tensor) if n.startswith("__")} & NOT_OPERATIONS
    names = {n for n in names if not n.startswith("_") or callable(getattr(tg.Tensor, n))}
    private = {n for n in names if n.startswith("_") and not n.startswith("__")}
    noise = [
        "__array_priority__",
        "__array_wrap__",
        "__contains__",
        "__slots__",
        "__weakref__",
        "__module__",
        "__doc__",
    ]
    return (
        (names - private - set(noise))
        | set(compare.__all__)
        | set(concatenate.__all__)
        | functions()
    )


def functions() -> set[str]:
    """The functions of the package that are methods as well."""
    subjects: list[Any] = [elementwise, extremes, linalg, order, reduce, replace, shape]
    return {name for subject in subjects for name in subject.__all__}


# Compositions, and what writes at indices: tested in tests/tensor/test_index.py and
# test_compositions.py with values and gradients, and beside PyTorch in tests/parity; what draws,
# in test_sample.py.
ELSEWHERE = set(
    """addbmm addr adjoint angle apply argwhere bernoulli bitwise_not cauchy column_stack
    concatenate conj conj_physical corrcoef cov cross diag_embed diagflat
    diagonal_scatter diff dist dsplit dstack exponential fill_diagonal fliplr flipud gcd
    geometric H heaviside histc histogram histogramdd hsplit i0 index_add index_copy index_fill
    index_put index_reduce is_conj is_neg is_same_size isneginf isposinf isreal lcm
    ldexp log_normal map masked_scatter mH moveaxis multinomial mvlgamma nextafter
    igamma igammac map2 as_strided nonzero_static orgqr
    as_strided_scatter geqrf narrow_copy ormqr
    polygamma put random real repeat_interleave resolve_conj resolve_neg roll
    rot90 row_stack scatter scatter_add scatter_reduce select_scatter slice_scatter spmm
    split_with_sizes unsafe_split_with_sizes unsafe_split unsafe_chunk
    squeeze sum_to_size swapaxes swapdims t take take_along_dim
    tensor_split tile transpose unique_consecutive unsqueeze vsplit""".split()
)
RULES_ELSEWHERE = {"full_qr", "full_svd", "gamma_sample", "gamma_slope", "geqrf"} | {"eig", "tied"}


def test_every_public_operation_has_a_row() -> None:
    missing = public_names() - {row.target for row in ROWS.values()}
    missing -= ELSEWHERE | {f"{name}_" for name in ELSEWHERE}
    assert sorted(missing - NOT_OPERATIONS - set(CASTS)) == []


def test_every_rule_has_a_row() -> None:
    rows = {row.rule or row.target.removeprefix("rule:") for row in DIFFERENTIABLE}
    rules = {name for name, rule in RULES.items() if family(rule) in FAMILIES}
    # Those of floor_divide and unique raise; spread has tests of its own, of changed views.
    assert sorted(rules - rows - RULES_ELSEWHERE - {"floor_divide", "spread", "unique"}) == []


def test_every_other_family_has_its_test_file() -> None:
    tests = pathlib.Path(__file__).parents[1]
    for other in {family(rule) for rule in RULES.values()} - set(FAMILIES):
        files = tests.rglob(f"test_*{other.strip('_')}*.py")
        assert any("gradgradcheck" in f.read_text("utf-8") for f in files), other


def family(rule: Any) -> str:
    """The file of `tinygrad_lite.ops` that a rule is in."""
    return str(rule.__module__.rpartition(".")[2])


def test_functions_of_the_package_are_the_methods() -> None:
    assert {"exp", "amax", "reshape", "matmul", "sort"} < functions()
    # PyTorch has two as functions alone, and split with other names for its arguments.
    for name in functions() - {"std_mean", "var_mean", "split"}:
        function, method = (inspect.unwrap(getattr(owner, name)) for owner in (tg, tg.Tensor))
        assert function is method


@pytest.mark.parametrize("row", PLAIN, ids=repr)
def test_what_has_no_gradient_says_so(row: Any) -> None:
    assert row.rule is None
    # The zeroth norm counts elements; the derivative of `floor_divide` raises.
    assert row.target not in RULES or row.target in ("norm", "floor_divide")


@pytest.mark.parametrize("name", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("source", ["float32", "float64"])
def test_a_cast_gives_back_the_gradient_in_its_own_dtype(
    name: str, source: str, device: str
) -> None:
    if name == "bfloat16":
        pytest.importorskip("ml_dtypes")
    x = tg.tensor([1.0, -2.5], dtype=source, device=device, requires_grad=True)
    short = {"float32": "float", "float64": "double", "float16": "half"}.get(name, name)
    for cast in (x.to(name), x.to(dtype=name), x.type(name), getattr(x, short)()):
        assert cast.dtype == name
        assert (cast is x) == (name == source)
        (grad,) = tg.autograd.grad((cast * 3).sum(), x)
        assert grad is not None
        assert grad.dtype == source
        assert grad.tolist() == [3, 3]


def test_a_move_gives_back_the_gradient_on_its_own_device(device: str) -> None:
    x = tg.tensor([1.0, -2.5], requires_grad=True)
    y = x.to(device)
    assert (y is x) == (device == "cpu")
    z = (y * y).to("cpu")
    assert z.device.type == "cpu"
    z.backward(tg.tensor([1.0, 10.0]))
    assert x.grad is not None
    assert x.grad.device.type == "cpu"
    assert x.grad.tolist() == [2, -50]
    assert y.cpu().tolist() == [1, -2.5]


@pytest.mark.gpu
@pytest.mark.skipif(not tg.cuda.is_available(), reason="needs a CUDA GPU")
def test_cuda_and_back() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x.cuda()
    assert y.device.type == "cuda"
    y.cpu().sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1]


SILENT = """
import warnings, numpy as np, tinygrad_lite as tg
x = tg.tensor([0.0, -1.0, 1e30], requires_grad=True)
(x.log() + x.exp() + x / 0 + (x * 1e30) ** 2 + x.sqrt()).sum().backward()
"""
OWN = """
import numpy as np, tinygrad_lite as tg
np.log(np.zeros(1))
"""


def run(code: str) -> str:
    """What a fresh interpreter prints on stderr."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def test_numpy_does_not_warn_of_our_operations() -> None:
    assert run(SILENT) == ""


def test_numpy_still_warns_users_of_theirs() -> None:
    assert "RuntimeWarning: divide by zero" in run(OWN)


def test_values_of_a_gradient_for_an_unusual_cotangent() -> None:
    x = tg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    (x * x).backward(tg.tensor(np.float64(1)).expand(3, 2).T)
    assert x.grad is not None
    assert x.grad.tolist() == [[0, 2, 4], [6, 8, 10]]
