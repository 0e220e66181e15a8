"""Rules on complex arrays: which take them, that all others refuse, and their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.several import several
from tinygrad_lite.autograd import gradcheck, gradgradcheck
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor.complex import run_odd
from tinygrad_lite.tensor.element import BY_NAME, DTYPES

HELD = {d.name for d in DTYPES.values()}

TAKES = {
    "linear": """add as_strided clone concatenate contiguous cumsum diagonal expand flip gather
    getitem hinge mean neg reshape scatter scatter_along setitem stack sub sum to_device transpose
    where windows""",
    "analytic": """cos cosh div exp linear log matmul mul power sigmoid sin sinh sqrt tan tanh""",
    "own": """cast complex_of conj eig fourier fourier_of_real fourier_to_real imag modulus
    overwrite real sgn spread tied view_as_complex view_as_real""",
    "modulus": "abs",
}
"""Rules that take complex numbers. One that is added needs a case here, or in its own tests."""


def test_what_takes_complex_numbers() -> None:
    found: dict[Any, set[str]] = {}
    for name, rule in RULES.items():
        form = rule.complex
        found.setdefault(getattr(form, "__name__", form), set()).add(name)
    assert len(found.pop(None)) > 120
    assert found == {form: set(names.split()) for form, names in TAKES.items()}


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_all_other_rules_refuse(device: str) -> None:
    xp = namespace_for(device)
    z, x = (xp.zeros((2, 2), dtype=d) for d in ("complex64", "float32"))
    with several() as case:
        for name, rule in RULES.items():
            if rule.complex is None:
                with case(name):
                    for arrays in ([z], [z, z, z], [x, z], [x, x, z]):
                        with pytest.raises(NotImplementedError, match=r"complex64; x\.real, x"):
                            run_odd(rule, xp, arrays, {})


def test_other_dtypes_go_as_before() -> None:
    x = np.ones(2, "float16")
    assert run_odd(RULES["exp"], namespace_for("cpu"), [x], {})[0].dtype == "float16"


ANSWERS = """H T abs absolute adjoint all angle any argwhere cdouble cfloat clone conj conj_physical
contiguous cos cosh count_nonzero cov cpu detach diag diag_embed diagflat diagonal diff exp
flatten fliplr flipud imag isfinite isinf isnan isreal log logical_not mH mT mean neg negative
nonzero norm positive prod ravel real reciprocal resolve_conj resolve_neg rot90 rsqrt sgn sigmoid
sin sinh sqrt square squeeze sum t tan tanh tile trace tril triu unbind""".split()
"""Methods without arguments that answer for complex numbers: all are compared with PyTorch's."""

SAME = """alias as_subclass bool byte char clip data double float half int is_ long short bfloat16
view new pin_memory requires_grad_ retain_grad type to to_dense to_sparse
to_sparse_coo tolist""".split()


@pytest.mark.filterwarnings("ignore:Casting complex")
def test_methods_answer_or_refuse() -> None:
    """NumPy orders complex numbers, and would answer what PyTorch refuses, as `sort`."""
    z = tg.tensor([[1 + 2j, 3.0], [2 - 1j, 1j]])
    found = set()
    for name in dir(tg.Tensor):
        if name.startswith("_") or name.endswith("_"):
            continue
        try:
            made = getattr(z.clone(), name)
            made = made() if callable(made) else made
        except (RuntimeError, TypeError, AttributeError, IndexError, ValueError):
            continue
        if any(isinstance(y, tg.Tensor) for y in (made if isinstance(made, tuple) else (made,))):
            found.add(name)
    assert sorted(found - set(SAME)) == sorted(ANSWERS)


def test_complex_scalars_do_not_slip_into_rules_of_reals() -> None:
    """A Python number has no dtype that `apply` looks at: what reads numbers casts first."""
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    for made in (x + 1j, 1j + x, x - 1j, 1j - x, x * 1j, x / 1j, 1j / x, x**1j, tg.add(x, 1j)):
        assert made.dtype is tg.complex64
        (slope,) = tg.autograd.grad(tg.view_as_real(made).sum(), x)
        assert slope.dtype is tg.float32
    assert (tg.tensor([1, 2]) * np.complex64(1j)).dtype is tg.complex64
    assert (tg.ones(2, dtype=tg.float64) * 1j).dtype is tg.complex128
    for refused in (lambda: x.clamp(1j, 2), lambda: x.lerp(x, 1j), lambda: tg.atan2(x, 1j)):
        with pytest.raises((TypeError, RuntimeError)):
            refused()
    with pytest.raises(TypeError, match="complex numbers of 16-bit parts"):
        x.half() * 1j


Z = tg.tensor([[0.5 + 1j, -1.5 + 0.25j, 2 - 1j], [1j, 0.75 + 0j, -0.5 - 0.5j]], dtype=tg.cdouble)
CASES: dict[str, Any] = {
    "product": lambda z: z * z.conj() * (2 + 1j),
    "quotient": lambda z: (1 + 1j) / (z + 3),
    "power": lambda z: z**3,
    "exp": tg.exp,
    "sin": lambda z: z.sin() * z.cos(),
    "tanh": lambda z: (z * 0.3).tanh() + (z * 0.3).tan(),
    "sinh": lambda z: z.sinh() * z.cosh(),
    "sigmoid": lambda z: (z * 0.5).sigmoid(),
    "sqrt": lambda z: (z + 3).sqrt() * (z + 3).log(),
    "abs": tg.abs,
    "angle": lambda z: (z + 3).angle(),
    "sgn": lambda z: (z + 3).sgn(),
    "parts": lambda z: z.real * z.imag,
    "pairs": lambda z: tg.view_as_complex(tg.view_as_real(z) * 2),
    "complex": lambda z: tg.complex(z.real, z.imag**2),
    "polar": lambda z: tg.polar(z.abs(), z.real),
    "matmul": lambda z: z @ z.mH,
    "einsum": lambda z: tg.einsum("ij,kj->ik", z, z),
    "linear": lambda z: tg.nn.functional.linear(z, z, z[:, 0]),
    "sums": lambda z: (z.sum(0), z.mean(1), z.cumsum(1)),
    "views": lambda z: (z[0, 1:], z.T, z.reshape(-1), z[[0, 0]], z.flip(1), z.unfold(1, 2, 1)),
    "where": lambda z: tg.where(z.real > -0.2, z, 1j),
    "cat": lambda z: tg.cat([z, z * 1j], 1),
    "casts": lambda z: z.real.to(tg.cdouble) * z,
    "norm": lambda z: z.norm(),
    "stft": lambda z: tg.stft(z.reshape(-1), 4, return_complex=True),
    "istft": lambda z: tg.istft(z, 2, 1, onesided=True),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name: str) -> None:
    z = Z.clone().requires_grad_()
    assert gradcheck(CASES[name], z)
    assert gradgradcheck(CASES[name], z)


def test_a_wrong_gradient_is_seen() -> None:
    def wrong(z: tg.Tensor) -> tg.Tensor:
        return z * z.detach()

    z = Z.clone().requires_grad_()
    assert not gradcheck(wrong, z, raise_exception=False)
    with pytest.raises(ValueError, match="must be float64 or complex128"):
        gradcheck(tg.abs, tg.ones(2, dtype=tg.cfloat, requires_grad=True))


def test_changed_views_of_parts() -> None:
    def change(z: tg.Tensor) -> tg.Tensor:
        y = z.clone()
        y.real.mul_(y.imag[0].clone())
        y.imag[1] = y.real[0].clone() * 2
        tg.view_as_real(y)[0, 0].exp_()
        y[1, 0] *= 1j
        return y * z

    z = Z.clone().requires_grad_()
    assert gradcheck(change, z)
    assert gradgradcheck(change, z)


def test_kept_gradients_when_an_input_was_changed() -> None:
    z, w = Z.clone().requires_grad_(), tg.ones(2, 3, dtype=tg.cdouble)
    y = z.exp()
    total = (y * (1 + 1j) + w).sum()
    w.zero_()
    (g,) = tg.autograd.grad(total.real, z, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), np.conj((1 + 1j) * np.exp(Z.numpy())))
    assert g.requires_grad


def test_what_apply_tells_dtypes_by() -> None:
    """One comparison of numbers, for each input of each operation."""
    last = np.dtype("float64").num
    odd = {n for n, d in BY_NAME.items() if n in HELD and d.dtype.num > last}
    assert odd == {"float16", "bfloat16", "complex64", "complex128"} & HELD
