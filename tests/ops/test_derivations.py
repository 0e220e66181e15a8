"""The results of `docs/derivations.md`, one test each, by number; and the page itself.

Every test writes the formula down as the page does, in NumPy and float64, at a random point,
and holds it against the engine's gradient and against central differences (`agree`).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.ops import derivations_doc as doc
from tests.ops.derivations_layers import *  # noqa: F403  (D27 to D39)
from tests.ops.derivations_plain import cross_entropy, linear, log_softmax, relu, softmax
from tests.ops.derivations_slips import SLIPS
from tests.ops.derivations_tools import Array, Rng, agree, differences, draw, engine_jacobian, vjp
from tinygrad_lite.autograd import grad
from tinygrad_lite.nn import functional as F

SOFTMAX = partial(tg.Tensor.softmax, dim=0)
LOG_SOFTMAX = partial(tg.Tensor.log_softmax, dim=0)
TEXT = doc.DOC.read_text(encoding="utf-8")


@pytest.fixture(params=range(3))
def rng(request: pytest.FixtureRequest) -> Rng:
    return np.random.default_rng(request.param)


def test_d1_chain_rule(rng: Rng) -> None:
    x, w, g = draw(rng, 3, (4, 3), 4)
    inner, outer = np.diag(1 - np.tanh(x) ** 2), w
    function = lambda x, w: w @ x.tanh()  # noqa: E731
    agree(inner.T @ (outer.T @ g), function, lambda x, w: w @ np.tanh(x), x, w, g=g)


def test_d2_several_uses(rng: Rng) -> None:
    x, w, g = draw(rng, 4, (4, 4), 4)
    first, second = np.diag(w @ x), np.diag(x) @ w
    function = lambda x, w: x * (w @ x)  # noqa: E731
    agree(first.T @ g + second.T @ g, function, function, x, w, g=g)
    rows, b, g = draw(rng, (5, 4), 4, (5, 4))  # a broadcast uses b in every row
    agree(g.sum(0), lambda b, rows: b + rows, lambda b, rows: b + rows, b, rows, g=g)


def test_d3_elementwise(rng: Rng) -> None:
    x, g = draw(rng, 5, 5)
    agree(np.diag(1 - np.tanh(x) ** 2), tg.Tensor.tanh, np.tanh, x)
    agree(g * (1 - np.tanh(x) ** 2), tg.Tensor.tanh, np.tanh, x, g=g)
    agree(np.diag(np.exp(x)), tg.Tensor.exp, np.exp, x)


def test_d4_relu(rng: Rng) -> None:
    x, g = draw(rng, 6, 6)
    agree(np.diag(x > 0).astype(float), F.relu, relu, x)
    agree(g * (x > 0), F.relu, relu, x, g=g)
    assert vjp(F.relu, np.zeros(1), wrt=0, g=np.ones(1)) == 0
    assert differences(relu, np.zeros(1)) == 0.5  # between the slopes 0 and 1 on the two sides


def test_d5_linear_by_input(rng: Rng) -> None:
    x, w, b = draw(rng, 3, (4, 3), 4)
    agree(w, F.linear, linear, x, w, b)


def test_d6_linear_by_weight(rng: Rng) -> None:
    x, w, b = draw(rng, 3, (4, 3), 4)
    agree(np.einsum("ij,k->ijk", np.eye(4), x), F.linear, linear, x, w, b, wrt=1)


def test_d7_linear_by_bias(rng: Rng) -> None:
    x, w, b = draw(rng, 3, (4, 3), 4)
    agree(np.eye(4), F.linear, linear, x, w, b, wrt=2)


def test_d8_linear_vjp_input(rng: Rng) -> None:
    x, w, b, g = draw(rng, 3, (4, 3), 4, 4)
    agree(w.T @ g, F.linear, linear, x, w, b, g=g)


def test_d9_linear_vjp_weight(rng: Rng) -> None:
    x, w, b, g = draw(rng, 3, (4, 3), 4, 4)
    agree(np.outer(g, x), F.linear, linear, x, w, b, wrt=1, g=g)


def test_d10_linear_vjp_bias(rng: Rng) -> None:
    x, w, b, g = draw(rng, 3, (4, 3), 4, 4)
    agree(g, F.linear, linear, x, w, b, wrt=2, g=g)


def test_d11_linear_batch(rng: Rng) -> None:
    x, w, b, g = draw(rng, (5, 3), (4, 3), 4, (5, 4))
    for wrt, written in enumerate([g @ w, g.T @ x, g.T @ np.ones(5)]):
        agree(written, F.linear, linear, x, w, b, wrt=wrt, g=g)


def test_d12_softmax_shift(rng: Rng) -> None:
    z, c = draw(rng, 4, ())
    shifted = partial(np.add, z)
    agree(np.zeros(4), lambda c: (tg.as_tensor(z) + c).softmax(0), lambda c: softmax(shifted(c)), c)
    for far in (-1e4, 89.0, 1e4):  # e⁸⁹ overflows in float32
        p = tg.as_tensor(shifted(far)).softmax(0).numpy()
        np.testing.assert_allclose(p, softmax(z), rtol=1e-9)
        assert np.isfinite(tg.as_tensor((z + far).astype(np.float32)).softmax(0).numpy()).all()


def test_d13_log_softmax_jacobian(rng: Rng) -> None:
    (z,) = draw(rng, 4)
    agree(np.eye(4) - softmax(z), LOG_SOFTMAX, log_softmax, z)


def test_d14_softmax_jacobian(rng: Rng) -> None:
    (z,) = draw(rng, 4)
    p = softmax(z)
    agree(p[:, None] * (np.eye(4) - p), SOFTMAX, softmax, z)
    agree(np.diag(p) - np.outer(p, p), SOFTMAX, softmax, z)


def test_d15_softmax_sums(rng: Rng) -> None:
    (z,) = draw(rng, 4)
    for jacobian in engine_jacobian(SOFTMAX, z), differences(softmax, z):
        np.testing.assert_allclose(np.ones(4) @ jacobian, 0, atol=1e-9)
        np.testing.assert_allclose(jacobian @ np.ones(4), 0, atol=1e-9)


def test_d16_softmax_vjp(rng: Rng) -> None:
    z, g = draw(rng, 4, 4)
    p = softmax(z)
    agree(p * (g - p @ g), SOFTMAX, softmax, z, g=g)


def test_d17_log_softmax_vjp(rng: Rng) -> None:
    z, g = draw(rng, 4, 4)
    agree(g - g.sum() * softmax(z), LOG_SOFTMAX, log_softmax, z, g=g)


def test_d18_log_softmax_stable(rng: Rng) -> None:
    (z,) = draw(rng, 4)
    for scale in (1.0, 1e4):
        m = (scale * z).max()
        rest = np.log(np.exp(scale * z - m).sum())
        assert 0 <= rest <= np.log(4)
        found = tg.as_tensor(scale * z).log_softmax(0).numpy()
        np.testing.assert_allclose(found, scale * z - m - rest, rtol=1e-12)
    np.testing.assert_allclose(log_softmax(z), z - z.max() - np.log(np.exp(z - z.max()).sum()))
    assert (tg.as_tensor(1e4 * z).softmax(0).numpy() == 0).any()  # whose logarithm is −∞


def test_d19_cross_entropy_by_probability(rng: Rng) -> None:
    p, t = softmax(rng.normal(size=(2, 4)))
    agree(-t / p, lambda p: -(tg.as_tensor(t) * p.log()).sum(), lambda p: -(t * np.log(p)).sum(), p)


def test_d20_cross_entropy_by_logits(rng: Rng) -> None:
    (z,), t = draw(rng, 4), softmax(rng.normal(size=4))
    two_steps = lambda z: -(tg.as_tensor(t) * z.softmax(0).log()).sum()  # noqa: E731
    for library in two_steps, lambda z: F.cross_entropy(z, tg.as_tensor(t)):
        agree(softmax(z) - t, library, partial(cross_entropy, t=t), z)
    z, t = np.array([0, 200], np.float32), np.array([1, 0], np.float32)
    assert np.isnan(vjp(two_steps, z, wrt=0, g=np.array(1, np.float32))).any()
    fused = vjp(F.cross_entropy, z, np.array(0), wrt=0, g=np.array(1, np.float32))
    np.testing.assert_array_equal(fused, [-1, 1])


def test_d21_cross_entropy_of_labels(rng: Rng) -> None:
    (z, g), c = draw(rng, (5, 4), 5), rng.integers(4, size=5)
    one_hot, each = np.eye(4)[c], partial(F.cross_entropy, reduction="none")
    written = g[:, None] * (softmax(z) - one_hot)
    agree(written, each, lambda z, c: cross_entropy(z, one_hot), z, c, g=g)
    m = 1e4 * z.max(1, keepdims=True)
    loss = np.log(np.exp(1e4 * z - m).sum(1)) - (1e4 * z - m)[range(5), c]
    found = each(tg.as_tensor(1e4 * z), tg.as_tensor(c)).numpy()
    np.testing.assert_allclose(found, loss, rtol=1e-9)


def test_d22_cross_entropy_is_convex(rng: Rng) -> None:
    z, v = draw(rng, 4, 4)
    p, label = softmax(z), np.array(rng.integers(4))

    def gradient(z: tg.Tensor, label: tg.Tensor) -> tg.Tensor:
        (found,) = grad(F.cross_entropy(z, label), z, create_graph=True)
        assert found is not None
        return found

    hessian = p[:, None] * (np.eye(4) - p)
    agree(hessian, gradient, lambda z, label: softmax(z) - np.eye(4)[label], z, label)
    np.testing.assert_allclose(v @ hessian @ v, p @ v**2 - (p @ v) ** 2)
    assert (np.linalg.eigvalsh(hessian) > -1e-12).all()


def test_d23_mean_by_probability(rng: Rng) -> None:
    p, t = softmax(rng.normal(size=(2, 5, 3)))
    batch = lambda p: -(tg.as_tensor(t) * p.log()).sum(1).mean()  # noqa: E731
    agree(-1 / 5 * t / p, batch, lambda p: -(t * np.log(p)).sum(1).mean(), p)


def test_d24_mean_by_logits(rng: Rng) -> None:
    (z,), c = draw(rng, (5, 3)), rng.integers(3, size=5)
    t = np.eye(3)[c]
    agree((softmax(z) - t) / 5, F.cross_entropy, lambda z, c: cross_entropy(z, t).mean(), z, c)


def test_d25_hidden_layer(rng: Rng) -> None:
    z, w, b, g = draw(rng, 4, (3, 4), 3, 3)
    library = lambda z, w, b: F.linear(z.relu(), w, b)  # noqa: E731
    plain = lambda z, w, b: linear(relu(z), w, b)  # noqa: E731
    agree((w.T @ g) * (z > 0), library, plain, z, w, b, g=g)


def test_d26_network(rng: Rng) -> None:
    x, w1, b1, w2, b2 = draw(rng, (5, 3), (6, 3), 6, (4, 6), 4)
    c = rng.integers(4, size=5)
    z1 = linear(x, w1, b1)
    h1 = relu(z1)
    d2 = (softmax(linear(h1, w2, b2)) - np.eye(4)[c]) / 5
    d1 = (d2 @ w2) * (z1 > 0)

    def library(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> tg.Tensor:
        return F.cross_entropy(F.linear(F.linear(x, w1, b1).relu(), w2, b2), tg.as_tensor(c))

    def plain(x: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> Any:
        return cross_entropy(linear(relu(linear(x, w1, b1)), w2, b2), np.eye(4)[c]).mean()

    for wrt, written in enumerate([d1 @ w1, d1.T @ x, d1.sum(0), d2.T @ h1, d2.sum(0)]):
        agree(written, library, plain, x, w1, b1, w2, b2, wrt=wrt)


def test_page_and_tests_have_the_same_results() -> None:
    found = doc.results(TEXT)
    assert [result.number for result in found] == [f"D{n}" for n in range(1, len(found) + 1)]
    tests = {name for name in globals() if re.match(r"test_d\d", name)}
    assert [name for result in found for name in result.test] == sorted(tests, key=doc.number_of)
    assert all(doc.number_of(r.test[0]) == int(r.number[1:]) and r.code for r in found)


def test_page_covers_the_report() -> None:
    covered = {n for result in doc.results(TEXT) for n in doc.report_numbers(result.report)}
    assert covered == set(range(1, 83))


def test_page_has_sound_links_and_mathematics() -> None:
    assert doc.broken_links(TEXT) == [], "python -m tests.ops.derivations_doc renews the lines"
    assert doc.unreadable(TEXT) == []


@pytest.mark.parametrize(("good", "bad", "complaint"), doc.SPOILT)
def test_page_checks_can_fail(good: str, bad: str, complaint: str) -> None:
    assert good in TEXT
    spoilt = TEXT.replace(good, bad)
    assert any(complaint in found for found in doc.broken_links(spoilt) + doc.unreadable(spoilt))


def test_page_example(capsys: pytest.CaptureFixture[str]) -> None:
    exec(doc.example(TEXT), {})
    difference, verdict = capsys.readouterr().out.split()
    assert float(difference) < 1e-15
    assert verdict == "True"


@pytest.mark.parametrize("name", SLIPS)
def test_slip(name: str, rng: Rng) -> None:
    assert f"[`{name}`]" in TEXT
    SLIPS[name](rng)
