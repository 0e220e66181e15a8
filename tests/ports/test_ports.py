"""Programs written for PyTorch lose what they lose there, step by step."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest

from .load import NAMES, RECORDED, losses

RECORD: dict[str, list[float]] = json.loads(RECORDED.read_text(encoding="utf-8"))
PYTORCH = importlib.util.find_spec("torch") is not None

# Relative. PyTorch on one thread and on two differ by 1e-4 in these two, of 3e-7 in all others:
# Adam's steps where a gradient is rounding, and bfloat16, which has 8 bits.
TOLERANCE = {"autocast": 2e-3, "best_model": 1e-3}


def compare(name: str, found: list[float], expected: list[float]) -> None:
    tolerance = TOLERANCE.get(name, 5e-5)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_as_recorded(name: str) -> None:
    found = losses(name, "tinygrad_lite")
    assert len(found) >= 10
    assert np.ptp(found) > 0.1  # it learns: what stands still would agree with anything
    compare(name, found, RECORD[name])


@pytest.mark.skipif(not PYTORCH, reason="needs PyTorch")
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # dual tensors, in PyTorch
@pytest.mark.parametrize("name", NAMES)
def test_the_record_is_pytorchs(name: str) -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # these sizes are too small for more
    try:
        compare(name, losses(name, "torch"), RECORD[name])
    finally:
        torch.set_num_threads(threads)


def test_nothing_else_is_recorded() -> None:
    assert sorted(RECORD.keys() - {"PyTorch"}) == NAMES
    assert len(NAMES) >= 14


@pytest.mark.parametrize("wrong", ["0.1 * w.grad", "nesterov=True"])
def test_another_rate_or_optimizer_is_found(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from . import load

    text = (load.PROGRAMS / "linear_regression.py").read_text(encoding="utf-8")
    assert wrong in text
    changed = text.replace(wrong, {"0.1 * w.grad": "0.101 * w.grad"}.get(wrong, "nesterov=False"))
    monkeypatch.setattr("pathlib.Path.read_text", lambda self, encoding: changed)
    with pytest.raises(AssertionError):
        compare(
            "linear_regression",
            losses("linear_regression", "tinygrad_lite"),
            RECORD["linear_regression"],
        )
