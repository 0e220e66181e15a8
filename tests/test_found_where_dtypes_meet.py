"""Dtypes that meet, ways to call, counts of changes: what PyTorch 2.13 gives, written out."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_lite as torch
from tinygrad_lite import distributions
from tinygrad_lite.nn import functional as F
from tinygrad_lite.tensor import old_forms

HALF, SINGLE, DOUBLE = torch.float16, torch.float32, torch.float64


def _row(dtype: Any) -> torch.Tensor:
    return torch.ones(3, dtype=dtype)


def _number(dtype: Any) -> torch.Tensor:
    return torch.ones((), dtype=dtype)


DTYPES: list[tuple[str, Callable[[], torch.Tensor], Any]] = [
    (
        "clamp: tensors with dimensions widen each other, whatever a number's place",
        lambda: torch.clamp(torch.tensor(-7), torch.ones(1, 4), torch.ones(3, 4, dtype=HALF)),
        SINGLE,
    ),
    ("clamp", lambda: _number(HALF).clamp(_row(HALF), _number(SINGLE)), HALF),
    ("block_diag", lambda: torch.block_diag(_number(SINGLE), _row(HALF)), HALF),
    ("mse_loss expands first", lambda: F.mse_loss(_row(HALF), _number(SINGLE)), SINGLE),
    ("l1_loss", lambda: F.l1_loss(_number(DOUBLE), _row(SINGLE)), DOUBLE),
    ("smooth_l1_loss", lambda: F.smooth_l1_loss(_row(HALF), _number(SINGLE)), SINGLE),
    ("huber_loss is of its input's", lambda: F.huber_loss(_number(HALF), _row(SINGLE)), HALF),
    ("huber_loss", lambda: F.huber_loss(_number(DOUBLE), _row(SINGLE)), DOUBLE),
    (
        "kl_div does not expand",
        lambda: F.kl_div(_row(HALF), _number(SINGLE), reduction="sum"),
        HALF,
    ),
    (
        "with_logits is of its target's",
        lambda: F.binary_cross_entropy_with_logits(_row(DOUBLE), _row(SINGLE)),
        SINGLE,
    ),
    (
        "with_logits",
        lambda: F.binary_cross_entropy_with_logits(_row(HALF), _row(SINGLE), _row(DOUBLE)),
        SINGLE,
    ),
    ("poisson_nll_loss", lambda: F.poisson_nll_loss(_row(torch.int64), _row(HALF)), SINGLE),
    (
        "cosine_similarity",
        lambda: F.cosine_similarity(_row(HALF), _number(SINGLE), dim=0),
        SINGLE,
    ),
    ("ldexp", lambda: torch.ldexp(_row(HALF), _row(torch.int64)), HALF),
    ("ldexp", lambda: torch.ldexp(_number(DOUBLE), _row(torch.int64)), DOUBLE),
    ("ldexp", lambda: torch.ldexp(_row(torch.int64), _row(torch.int8)), SINGLE),
    (
        "soft_margin_loss is of its input's",
        lambda: F.soft_margin_loss(_row(SINGLE), _row(DOUBLE)),
        SINGLE,
    ),
    ("normal is of its mean's", lambda: torch.normal(_row(SINGLE), _row(DOUBLE)), SINGLE),
    ("rms_norm is of its input's", lambda: F.rms_norm(_row(SINGLE), (3,), _row(DOUBLE)), SINGLE),
    ("bce", lambda: F.binary_cross_entropy(_row(SINGLE), _row(SINGLE), _row(DOUBLE)), SINGLE),
    (
        "cross_entropy of probabilities",
        lambda: F.cross_entropy(torch.eye(3), torch.eye(3), _row(DOUBLE)),
        DOUBLE,
    ),
    (
        "embedding",
        lambda: F.embedding(_row(torch.int64), torch.eye(3, dtype=torch.bool)),
        torch.bool,
    ),
    (
        "l1_loss",
        lambda: F.l1_loss(_row(torch.int64), _row(torch.int64), reduction="sum"),
        torch.int64,
    ),
    (
        "hinge_embedding_loss",
        lambda: F.hinge_embedding_loss(_row(torch.int64), _row(SINGLE), 2.5, reduction="none"),
        torch.int64,
    ),
]


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(("_", "call", "dtype"), DTYPES, ids=[name for name, _, _ in DTYPES])
def test_a_dtype(_: str, call: Callable[[], torch.Tensor], dtype: Any) -> None:
    assert call().dtype is dtype


INT, BOOL = torch.int64, torch.bool


def _square(dtype: Any) -> torch.Tensor:
    return torch.eye(3, dtype=dtype)


REFUSED: list[tuple[str, Callable[[], Any]]] = [
    ("cross", lambda: torch.cross(_row(SINGLE), _row(DOUBLE))),
    ("linalg.cross", lambda: torch.linalg.cross(_row(INT), _row(SINGLE))),
    ("trapezoid", lambda: torch.trapezoid(_row(SINGLE), _row(BOOL))),
    ("cumulative_trapezoid", lambda: torch.cumulative_trapezoid(_row(BOOL), _row(SINGLE))),
    ("ldexp", lambda: torch.ldexp(_row(SINGLE), _row(BOOL))),
    ("householder", lambda: torch.linalg.householder_product(_square(SINGLE), _row(INT))),
    ("ormqr", lambda: torch.ormqr(_square(SINGLE), _row(INT), _square(SINGLE))),
    ("histogram", lambda: torch.histogram(_row(SINGLE), torch.arange(3.0, dtype=DOUBLE))),
    ("histogram's weight", lambda: torch.histogram(_row(SINGLE), 3, weight=_row(INT))),
    ("searchsorted", lambda: torch.searchsorted(_row(BOOL), _row(BOOL))),
    ("bernoulli_", lambda: _row(SINGLE).bernoulli_(_row(INT))),
    ("set_", lambda: _row(SINGLE).set_(_row(DOUBLE))),
    ("kl_div", lambda: F.kl_div(_row(SINGLE), _row(INT), reduction="sum")),
    ("kl_div's input", lambda: F.kl_div(_row(INT), _row(SINGLE), reduction="sum")),
    ("l1_loss", lambda: F.l1_loss(_row(SINGLE), _row(BOOL))),
    ("l1_loss's mean", lambda: F.l1_loss(_row(INT), _row(INT))),
    ("hinge_embedding_loss", lambda: F.hinge_embedding_loss(_row(INT), _row(SINGLE))),
    ("soft_margin_loss", lambda: F.soft_margin_loss(_row(INT), _row(SINGLE))),
    ("multilabel", lambda: F.multilabel_margin_loss(_square(SINGLE), _square(BOOL))),
    (
        "multi_margin_loss",
        lambda: F.multi_margin_loss(_square(SINGLE), _row(INT), weight=_row(DOUBLE)),
    ),
    ("gaussian_nll_loss", lambda: F.gaussian_nll_loss(_row(SINGLE), _row(SINGLE), _row(INT))),
    ("poisson_nll_loss", lambda: F.poisson_nll_loss(_row(BOOL), _row(BOOL))),
    (
        "pos_weight",
        lambda: F.binary_cross_entropy_with_logits(
            _row(SINGLE), _row(SINGLE), pos_weight=_row(BOOL)
        ),
    ),
    (
        "grid_sample",
        lambda: F.grid_sample(
            _row(INT).view(1, 1, 1, 3), torch.ones(1, 1, 1, 2, dtype=INT), align_corners=False
        ),
    ),
    (
        "ctc_loss",
        lambda: F.ctc_loss(
            torch.ones(4, 2, 3, dtype=INT), torch.ones(2, 2, dtype=INT), (4, 4), (2, 2)
        ),
    ),
    (
        "cross_entropy's weight",
        lambda: F.cross_entropy(_square(SINGLE), _row(INT), weight=_row(DOUBLE)),
    ),
]


@pytest.mark.parametrize(("_", "call"), REFUSED, ids=[name for name, _ in REFUSED])
def test_dtypes_that_do_not_go_together(_: str, call: Callable[[], Any]) -> None:
    with pytest.raises(RuntimeError):
        call()


@pytest.mark.parametrize("loss", [F.mse_loss, F.smooth_l1_loss, F.huber_loss])
def test_losses_of_integers_are_not_implemented(loss: Any) -> None:
    with pytest.raises(NotImplementedError):
        loss(_row(INT), _row(INT))


def test_a_huber_loss_of_integers_is_refused() -> None:
    with pytest.raises(RuntimeError, match="can't be cast"):
        F.huber_loss(_row(torch.int64), _row(HALF))


def test_one_sample_without_a_batch_has_one_loss() -> None:
    x, t = torch.ones(5), torch.tensor([2])
    assert F.nll_loss(x, t, reduction="none").shape == ()
    assert F.cross_entropy(x, t, reduction="none").shape == ()
    labels = torch.tensor([2, 4, -1, 1, 1])
    assert F.multilabel_margin_loss(x, labels, reduction="none").shape == ()
    assert F.multilabel_margin_loss(x[None], labels[None], reduction="none").shape == (1,)


def test_a_remainder_of_0_has_the_dividends_sign() -> None:
    x = torch.tensor([-2.0, 2.0, -0.0, 0.0])
    assert (x % 2).signbit().tolist() == [True, False, True, False]
    assert (x % -2).signbit().tolist() == [True, False, True, False]
    assert (-4 % torch.tensor([2.0, -2.0])).signbit().tolist() == [True, True]
    assert (torch.tensor([-5.0, 5.0]) % torch.tensor([3.0, -3.0])).tolist() == [1, -1]


# --- ways to call ---

OLD: list[tuple[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor], float]] = [
    ("add", lambda x, m: torch.add(x, 2, x), 3),
    ("add_", lambda x, m: x.clone().add_(-0.5, x), 0.5),
    ("sub", lambda x, m: x.sub(2, x), -1),
    ("sub_", lambda x, m: x.clone().sub_(2, x), -1),
    ("addcmul", lambda x, m: torch.addcmul(x, 2, x, x), 3),
    ("addcmul_", lambda x, m: x.clone().addcmul_(2, x, x), 3),
    ("addcdiv_", lambda x, m: x.clone().addcdiv_(-0.25, x, x), 0.75),
    ("addmm", lambda x, m: torch.addmm(2, m, 3, m, m), 8),
    ("addmm", lambda x, m: torch.addmm(2, m, m, m), 4),
    ("addmm_", lambda x, m: m.clone().addmm_(2, 3, m, m), 8),
    ("addmv", lambda x, m: torch.addmv(2, x, 3, m, x), 8),
    ("addr", lambda x, m: torch.addr(2, m, 3, x, x), 5),
    ("addbmm", lambda x, m: m.addbmm(2, 3, m[None], m[None]), 8),
    ("baddbmm", lambda x, m: torch.baddbmm(2, m[None], 3, m[None], m[None]), 8),
]


@pytest.mark.parametrize(("name", "call", "value"), OLD)
def test_a_factor_before_a_tensor(name: str, call: Any, value: float) -> None:
    """As optimizers of PyTorch's first years have it; it is said once that it is old."""
    old_forms._warned.clear()
    x, m = torch.ones(2), torch.ones(2, 2)
    with pytest.warns(UserWarning, match=rf"overload of {name} is deprecated"):
        assert set(call(x, m).flatten().tolist()) == {value}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call(x, m)


def test_what_is_no_old_form_is_refused() -> None:
    x = torch.ones(2)
    for call in (
        lambda: x.add(x, 2),
        lambda: torch.sub(x, x, 2),
        lambda: torch.addcmul(2, x, x, x),
    ):
        with pytest.raises(TypeError):
            call()


def test_what_goes_by_keyword_alone() -> None:
    x = torch.ones(2)
    for call in (
        lambda: torch.tensor([1], torch.float64),
        lambda: torch.as_tensor([1], torch.float64),
        lambda: x.new_tensor([1], torch.float64),
        lambda: F.gelu(x, "tanh"),
        lambda: x.nonzero(True),
        lambda: torch.sort(x, 0, True, True),
        lambda: torch.argsort(x, 0, True, True),
        lambda: torch.func.jacrev(lambda t: t, 0, True),
    ):
        with pytest.raises(TypeError):
            call()


def test_a_message_of_python_names_what_was_called() -> None:
    with pytest.raises(TypeError, match=r"^add_\(\) takes"):
        torch.ones(2).add_(torch.ones(2), 2)


def test_errors_that_had_other_words() -> None:
    one = torch.tensor(1.0)
    with pytest.raises(IndexError, match="gru_cell"):
        torch.gru_cell(one, one, one, one)
    with pytest.raises(IndexError, match="rnn_tanh_cell"):
        torch.rnn_tanh_cell(one, one, one, one)
    with pytest.raises(TypeError, match="Tensor as element 2, but got str"):
        torch.meshgrid(torch.ones(2), torch.ones(2), "ij")
    with pytest.raises(RuntimeError, match="approximate argument must be either none or tanh"):
        F.gelu(torch.ones(2), approximate="bad")


def test_where_vmap_puts_dims() -> None:
    x = torch.ones(2, 3)
    found = torch.vmap(lambda a: {"a": a, "b": (a, a)}, out_dims={"a": 1, "b": 0})(x)
    assert found["a"].shape == (3, 2)
    assert found["b"][1].shape == (2, 3)
    assert torch.vmap(lambda a: a, out_dims=(1,))(x).shape == (3, 2)
    for dims in ((0, 1), {"a": 0}, "a", (0, 0.5), 0.5):
        with pytest.raises(ValueError, match="out_dims"):
            torch.vmap(lambda a: a, out_dims=dims)(x)
    with pytest.raises(ValueError, match="out_dims"):
        torch.vmap(lambda a: (a, a), out_dims=(0,))(x)
    with pytest.raises(IndexError, match=r"vmap: .*range of \[-2, 1\], but got 5"):
        torch.vmap(lambda a: a, out_dims=5)(x)


# --- counts of changes ---


def test_versions_of_copies_and_of_other_sizes() -> None:
    x = torch.zeros(3)
    x.add_(1).add_(1)
    assert copy.deepcopy(x)._version == 1
    assert pickle.loads(pickle.dumps(x))._version == 1
    assert x.clone()._version == 0
    x.resize_(3)
    assert x._version == 2
    x.resize_(2)
    assert x._version == 3
    x.resize_(7)
    assert x._version == 4
    x.resize_as_(torch.zeros(2, 2))
    assert x._version == 5


# --- distributions that are made of others ---


@pytest.mark.parametrize(
    ("dist", "base", "parts"),
    [
        (distributions.Gumbel(0.0, 1.0), "Uniform", 4),
        (distributions.HalfNormal(torch.ones(2)), "Normal", 1),
        (distributions.HalfCauchy(2.0), "Cauchy", 1),
    ],
)
def test_a_base_and_its_transforms(dist: Any, base: str, parts: int) -> None:
    assert isinstance(dist, distributions.TransformedDistribution)
    assert type(dist.base_dist).__name__ == base
    assert len(dist.transforms) == parts
    wide = dist.expand((3, *dist.batch_shape))
    assert wide.base_dist.batch_shape == wide.batch_shape == (3, *dist.batch_shape)
    torch.manual_seed(0)
    x = dist.sample((100,))
    again = distributions.TransformedDistribution(dist.base_dist, dist.transforms)
    below = dist.cdf(x)
    assert ((below > 0) & (below < 1)).all()
    if base == "Uniform":
        torch.testing.assert_close(again.log_prob(x), dist.log_prob(x), rtol=2e-4, atol=1e-4)


# --- results into tensors that are given ---

OF_OUT: list[tuple[str, Callable[..., torch.Tensor], list[float]]] = [
    ("sum", lambda o: torch.sum(torch.tensor([1.6, 0.7]), 0, out=o), [1]),
    ("prod", lambda o: torch.prod(torch.tensor([1.6, 0.7]), 0, out=o), [0]),
    ("cumsum", lambda o: torch.cumsum(torch.tensor([1.6, 0.7]), 0, out=o), [1, 1]),
    ("linspace", lambda o: torch.linspace(0, 2, 5, out=o), [0, 0, 1, 1, 2]),
    ("full", lambda o: torch.full((2,), 2.5, out=o), [2, 2]),
    ("ones", lambda o: torch.ones(2, out=o), [1, 1]),
    ("eye", lambda o: torch.eye(2, out=o), [1, 0, 0, 1]),
]


@pytest.mark.parametrize(("_", "call", "values"), OF_OUT, ids=[name for name, _, _ in OF_OUT])
def test_it_is_calculated_in_the_dtype_of_out(_: str, call: Any, values: list[float]) -> None:
    out = torch.empty(0, dtype=torch.int64)
    assert call(out) is out
    assert out.flatten().tolist() == values


def test_a_sum_into_float64_has_its_digits() -> None:
    x = torch.tensor([1.6, 0.7])
    found = torch.sum(x, 0, out=torch.empty(0, dtype=DOUBLE)).item()
    assert found == x.double().sum().item() != x.sum().item()


# --- rows that an index names ---


@pytest.mark.parametrize("name", ["index_copy", "index_add", "index_reduce"])
@pytest.mark.parametrize("shape", [(4,), (2, 2), (4, 1), (1, 3), (2, 4), ()])
def test_rows_of_another_shape_are_refused(name: str, shape: tuple[int, ...]) -> None:
    words = ["amax"] if name == "index_reduce" else []
    wrong = IndexError if name == "index_copy" and shape in ((4,), (2, 4)) else RuntimeError
    with pytest.raises(wrong, match=r"source must have the shape \(1, 4\)"):
        getattr(torch.zeros(3, 4), name)(0, torch.tensor([0]), torch.ones(shape), *words)


def test_a_number_is_the_only_row() -> None:
    one, place = torch.tensor(1.0), torch.tensor([0])
    assert torch.zeros(3).index_copy(0, place, one).tolist() == [1, 0, 0]
    with pytest.raises(RuntimeError, match="source must have"):
        torch.zeros(3).index_add(0, place, one)
    assert torch.tensor(2.0).index_add(0, place, one).item() == 3


# --- polynomials of high degrees ---


def test_polynomials_of_high_degrees() -> None:
    x = torch.tensor([0.5, 1.0, -1.0, 2.0], dtype=DOUBLE)
    special = torch.special
    assert special.legendre_polynomial_p(x, 200).tolist()[:3] == pytest.approx(
        [-0.015650531003771742, 1, 1], rel=1e-10
    )
    assert special.legendre_polynomial_p(x[3:], 5e6).isfinite().tolist() == [False]  # at once
    degrees = torch.tensor([0, 3, -2, 70])
    found = special.chebyshev_polynomial_t(torch.tensor(0.5), degrees).tolist()
    assert found == pytest.approx([1, -1, 0, -0.5], abs=2e-5)
    assert special.hermite_polynomial_h(x, 1e20).tolist() == [0, 0, 0, 0]  # −2⁶³ as int64
    nothing = torch.tensor([math.inf, math.nan])
    assert special.laguerre_polynomial_l(nothing, 0).tolist() == [1, 1]
    assert special.laguerre_polynomial_l(nothing, -1).tolist() == [0, 0]
