"""Complex tensors: how they are made, printed, kept, and what they say of themselves."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg

Z = [1 + 2j, -0.5j, 3.25 - 4j]


def test_what_they_are() -> None:
    z = tg.tensor(Z)
    assert z.dtype is tg.cfloat is tg.complex64
    assert (z.is_complex(), z.is_floating_point(), z.dtype.is_complex) == (True, False, True)
    assert (z.element_size(), z.type(), z[0].item()) == (8, "torch.ComplexFloatTensor", 1 + 2j)
    assert (z.tolist(), z.numpy().dtype) == (Z, np.complex64)
    assert tg.tensor(Z, dtype=tg.cdouble).dtype is tg.complex128
    assert z.to("complex128").dtype is z.cdouble().dtype is tg.complex128
    assert (tg.finfo(tg.cfloat).eps, tg.finfo(tg.cdouble).bits) == (2**-23, 64)
    shared = np.array(Z)
    tg.from_numpy(shared)[0] = 1j
    assert shared[0] == 1j
    assert complex(z[0]) == 1 + 2j
    assert float(tg.tensor(2 + 0j)) == 2.0
    with pytest.raises(RuntimeError, match=r"float: value .* cannot be converted"):
        float(z[0])


PRINTED = {
    "[1.0000+2.0000j, -0.0000-0.5000j, 3.2500-4.0000j]": Z,
    "[1.+2.j, 3.-4.j]": [1 + 2j, 3 - 4j],
    "[1.0000e+06+1.0000e-05j, 2.0000e+00+0.0000e+00j]": [1e6 + 1e-5j, 2],
    "[nan+1.j, inf-infj]": [complex("nan+1j"), complex("inf-infj")],
    "[[ 0.5000+1.j],\n        [-2.0000-1.j]]": [[0.5 + 1j], [-2 - 1j]],
}


@pytest.mark.parametrize("text", PRINTED)
def test_printing(text: str) -> None:
    assert repr(tg.tensor(PRINTED[text])) == f"tensor({text})"
    wide = repr(tg.tensor(PRINTED[text], dtype=tg.complex128))
    assert wide.split() == f"tensor({text}, dtype=torch.complex128)".split()
    assert repr(tg.tensor([], dtype=tg.cfloat)) == "tensor([], dtype=torch.complex64)"


def test_parts_are_views() -> None:
    z = tg.tensor(Z)
    z.real[0] = 5
    z.imag.mul_(2)
    tg.view_as_real(z)[1, 0] = 7
    assert z.tolist() == [5 + 4j, 7 - 1j, 3.25 - 8j]
    z.real = tg.zeros(3)
    z.imag = 1.0
    assert z.tolist() == [1j, 1j, 1j]
    pairs = tg.zeros(2, 2)
    tg.view_as_complex(pairs).add_(1 + 3j)
    assert pairs.tolist() == [[1, 3], [1, 3]]
    x = tg.ones(2)
    assert x.real is x
    with pytest.raises(RuntimeError, match="imag: is not implemented"):
        x.imag  # noqa: B018


def test_conjugates_are_made_at_once() -> None:
    z = tg.tensor(Z)
    w = z.conj()
    w[0] = 0
    assert z[0].item() == 1 + 2j
    assert not w.is_conj()
    assert w.resolve_conj() is w
    m = tg.tensor([[1j, 2], [3, 4 - 1j]])
    assert m.mH.tolist() == m.H.tolist() == m.adjoint().tolist() == [[-1j, 3], [2, 4 + 1j]]


def test_zero_has_no_angle() -> None:
    for function in (tg.angle, tg.sgn, tg.abs):
        z = tg.zeros(2, dtype=tg.cdouble, requires_grad=True)
        y = function(z)
        y = tg.view_as_real(y) if y.is_complex() else y
        (g,) = tg.autograd.grad(y.sum(), z, create_graph=True)
        assert g.tolist() == [0, 0]
        assert tg.autograd.grad(tg.view_as_real(g).sum(), z)[0].tolist() == [0, 0]


def test_gradients_of_complex_leaves() -> None:
    z = tg.tensor(Z, requires_grad=True)
    z.abs().square().sum().backward()
    assert z.grad is not None
    np.testing.assert_allclose(z.grad.numpy(), 2 * np.array(Z))
    (z * z).backward(tg.tensor([1, 1j, 0]))
    np.testing.assert_allclose(z.grad.numpy(), [4, -1j + 2j * 0.5j, 6.5 - 8j], atol=1e-6)
    with pytest.raises(RuntimeError, match="only for real scalar outputs but got"):
        (z * z).sum().backward()
    with pytest.raises(RuntimeError, match="both must be complex, or neither"):
        z.abs().sum().backward(tg.tensor(1j))
    with pytest.raises(RuntimeError, match="does not fit a tensor"):
        z.grad = tg.ones(3)


def test_keeping_them(tmp_path: Any) -> None:
    z = tg.tensor(Z, requires_grad=True)
    parts = z.detach().real
    for made in (pickle.loads(pickle.dumps(z)), copy.deepcopy(z)):
        assert made.requires_grad
        assert tg.equal(made, z)
    file = io.BytesIO()
    tg.save({"z": z, "parts": parts, "p": tg.nn.Parameter(z.detach())}, file)
    file.seek(0)
    found = tg.load(file)
    assert tg.equal(found["z"], z)
    assert found["z"].requires_grad
    assert tg.equal(found["parts"], parts)
    assert type(found["p"]) is tg.nn.Parameter
    with pytest.raises(TypeError, match="can't store 'z' of torch"):
        tg.safetensors.save({"z": z.detach()})


def test_what_reals_do_not_take() -> None:
    x = tg.ones(2)
    for refused in (
        lambda: x.mul_(1j), lambda: x.add_(tg.tensor(1j)), lambda: x.fill_(1j),
        lambda: x.__setitem__(0, 1j), lambda: tg.full((2,), 1j, dtype=tg.float32),
        lambda: x.masked_fill(x > 0, 1j),
    ):  # fmt: skip
        with pytest.raises(RuntimeError):
            refused()
    assert x.tolist() == [1, 1]
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        assert tg.tensor(Z).float().tolist() == [1, 0, 3.25]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tg.tensor(Z).bool().tolist() == [True, True, True]


def test_draws() -> None:
    tg.manual_seed(0)
    z = tg.randn(20000, dtype=tg.cfloat)
    for part in (z.real, z.imag):
        assert abs(float(part.std()) - 0.5**0.5) < 0.01
    u = tg.rand(1000, dtype=tg.cdouble)
    assert bool(((u.real >= 0) & (u.real < 1) & (u.imag >= 0) & (u.imag < 1)).all())
    assert u.dtype is tg.randn_like(u).dtype is tg.complex128
    assert float(z.clone().normal_(3, 0.1).imag.mean()) == pytest.approx(3, abs=0.01)


def test_modules() -> None:
    module = tg.nn.ParameterList([tg.ones(2), tg.tensor(Z)])
    assert [p.dtype for p in module.double()] == [tg.float64, tg.complex64]
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        module.to(tg.float32)
    assert [p.dtype for p in module] == [tg.float32, tg.float32]


def test_long_sums_keep_their_digits() -> None:
    z = tg.full((1 << 20, 2), 0.1 + 0.3j)
    for found in (z.sum(0)[0], z.cumsum(0)[-1, 1], z.mean(0)[0] * (1 << 20)):
        assert abs(found.item() / (1 << 20) - (0.1 + 0.3j)) < 1e-7


def test_a_norm_has_curvature_where_an_element_is_0() -> None:
    z = tg.tensor([0j, 3 + 0j, 4j, 0j], dtype=tg.cdouble, requires_grad=True)
    (g,) = tg.autograd.grad(z.norm(), z, create_graph=True)
    assert g.tolist() == pytest.approx([0, 0.6, 0.8j, 0])
    (h,) = tg.autograd.grad((g * tg.tensor([1, 0, 0, 2j])).real.sum(), z)
    assert h.tolist() == pytest.approx([0.2, 0, 0, -0.4j])  # the conjugate of the weights / 5
    assert tg.full((1,), 1e25 + 0j).norm().item() == pytest.approx(1e25)  # no square
    assert tg.ones(2, 3, dtype=tg.cfloat).norm(dim=-1, keepdim=True).shape == (2, 1)
    with pytest.raises(RuntimeError, match="dtype should be complex for complex"):
        z.norm(dtype=tg.float32)
    with pytest.raises(RuntimeError, match="dtype should be real for real"):
        tg.linalg.vector_norm(tg.ones(2), dtype=tg.cfloat)


def test_no_imaginary_part_is_lost_without_a_word() -> None:
    assert tg.vander(tg.tensor([1j, 2])).tolist() == [[1j, 1], [2, 1]]
    x = tg.ones(2)
    for place in (tg.tensor([True, False]), tg.tensor([0])):
        with pytest.raises(RuntimeError, match="source and destination dtypes match"):
            x[place] = tg.tensor([1j])
    with pytest.raises(RuntimeError, match="cannot be converted to type"):
        x.index_add(0, tg.tensor([0]), tg.ones(1), alpha=1j)
    assert x.tolist() == [1, 1]
    z = tg.zeros(2, dtype=tg.cfloat)
    assert z.index_add(0, tg.tensor([1]), z[:1] + 1, alpha=1j).tolist() == [0, 1j]
    for function in (tg.func.jacrev, tg.func.jacfwd, tg.func.hessian):
        with pytest.raises(RuntimeError, match="Expected all inputs to be real"):
            function(lambda z: z.abs())(tg.tensor(Z))


def test_assert_close() -> None:
    z = tg.tensor(Z)
    tg.testing.assert_close(z, z * (1 + 1e-6j))
    tg.testing.assert_close(2j, 2j + 1e-8)
    for tolerances in ({}, {"rtol": 0.1, "atol": 0.1}):
        with pytest.raises(AssertionError, match=r"difference: 1\.0 at index"):
            tg.testing.assert_close(z, z + tg.tensor([0, 1j, 0]), **tolerances)
