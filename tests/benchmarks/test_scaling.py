"""What the scaling benchmark makes of its timings: the fit, and what it predicts."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.benchmarks.test_conv import Load
from tests.benchmarks.test_conv import load as load


@pytest.fixture
def scaling(load: Load, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    import _compare

    monkeypatch.setattr(_compare, "set_threads", lambda count: None)
    return load("scaling")


def test_the_cost_of_an_all_reduce(scaling: ModuleType) -> None:
    assert scaling.cost(8e6, 2, 1e-6, 1e9) == pytest.approx(2e-6 + 8e-3)
    assert scaling.cost(8e6, 8, 1e-6, 1e9) == pytest.approx(14e-6 + 14e-3)
    assert scaling.cost(8e6, 8, 1e-6, 1e9, ring=False) == pytest.approx(6e-6 + 14e-3)
    assert scaling.best(0, scaling.Machine(64, 1e-6, 1e9)) == pytest.approx(12e-6)


@pytest.mark.parametrize("ranks", [(2,), (2, 4)])
def test_the_fit_finds_what_made_the_times(scaling: ModuleType, ranks: tuple[int, ...]) -> None:
    spans = {
        p: {n: scaling.cost(n, p, 3e-6, 2e9) * (1.1 if n == 4096 else 1.0)
            for n in (1024, 4096, 65536, 1 << 20, 1 << 26)}
        for p in ranks
    }  # fmt: skip
    latency, bandwidth, error = scaling.fit(spans)
    assert latency == pytest.approx(3e-6, rel=0.1)
    assert bandwidth == pytest.approx(2e9, rel=0.1)
    assert 1.0 <= error < 1.1


def test_what_a_step_takes_longer(scaling: ModuleType) -> None:
    machine = scaling.Machine(2, 0.0, 1e9)  # a byte takes a nanosecond
    hidden, plain = scaling.together(machine, [4_000_000, 1_000_000], 10e-3, norms=0)
    assert plain == pytest.approx(5e-3)
    assert hidden == pytest.approx(1e-3), "the last bucket"
    hidden, _ = scaling.together(machine, [9_000_000, 1_000_000], 10e-3, norms=0)
    assert hidden == pytest.approx(10e-3 - 6e-3), "what the backward pass has no time for"
    more, _ = scaling.together(machine, [9_000_000, 1_000_000], 10e-3, norms=5)
    assert more - hidden == pytest.approx(15 * 4096e-9)


def test_a_page_gets_the_tables(scaling: ModuleType) -> None:
    page = "a\n<!-- x -->\nold\n<!-- end -->\nb\n"
    assert scaling.replaced(page, {"x": ["new", ""]}) == "a\n<!-- x -->\n\nnew\n<!-- end -->\nb\n"
    with pytest.raises(ValueError, match="no <!-- y -->"):
        scaling.replaced(page, {"y": []})
