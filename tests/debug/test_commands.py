"""`python -m tinygrad_lite doctor` and `gradcheck`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_lite as torch
from tinygrad_lite.__main__ import main
from tinygrad_lite.debug import check, doctor

Function = check.Function


def failed(function: Function, *shapes: check.Shape) -> list[str]:
    return [result.name for result in check.check(function, shapes) if not result.passed]


def wrong(backward: str) -> Function:
    """x² with a backward pass of some kind."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):  # type: ignore[no-untyped-def]
            (x,) = ctx.saved_tensors
            if backward == "element" and x.numel() > 2:
                g = g * torch.where(torch.arange(x.shape[-1]) == 1, 3.0, 2.0).to(x.dtype)
                return g * x
            if backward == "second":
                return g * 2 * x.detach()
            if backward == "float32" and x.dtype == torch.float32:
                return g * 2.1 * x
            if backward == "strided" and not x.is_contiguous():
                return g * 2 * x.flip(0)
            if backward == "empty" and x.numel() == 0:
                raise RuntimeError("no elements")
            return g * 2 * x

    return Square.apply


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (torch.matmul, [(3, 4), (4, 5)]), (torch.mul, [(2, 3), (3,)]), (torch.exp, [()]),
        (lambda x: x.abs().sum() + x.relu().prod(), [(3, 2)]), (torch.maximum, [(4,), (4,)]),
        (lambda x, y: x.sin(), [(3,), (2,)]), (wrong(""), [(3, 4)]), (torch.sigmoid, [(0, 3)]),
    ],
)  # fmt: skip
def test_right_gradients_pass(function: Function, shapes: list[check.Shape]) -> None:
    assert failed(function, *shapes) == []


@pytest.mark.parametrize(
    ("backward", "expected"),
    [("element", "input 0 (3, 4)"), ("second", "second order"), ("float32", "float32"),
     ("strided", "non-contiguous"), ("empty", "empty")],
)  # fmt: skip
def test_each_check_finds_its_fault(backward: str, expected: str) -> None:
    assert expected in failed(wrong(backward), (3, 4))
    if backward not in ("element", "second"):
        assert failed(wrong(backward), (3, 4)) == [expected]


def test_the_worst_element_is_named() -> None:
    row = check.check(wrong("element"), [(3, 4)])[1]
    assert ", 1]: analytic" in row.text  # the column that is wrong
    assert not row.passed


def test_kinks_are_found_and_avoided(monkeypatch: pytest.MonkeyPatch) -> None:
    first = float(check.numpy.random.default_rng(0).standard_normal(()))

    def bend(x: torch.Tensor) -> torch.Tensor:
        return (x - first).abs()  # just where the first number drawn is

    kinks, element = check.check(bend, [()])[:2]
    assert (kinks.text, kinks.passed) == ("1 met, 1 avoided", True)
    assert element.passed
    with monkeypatch.context() as patch:
        patch.setattr(check, "_has_kink", lambda *_: True)
        everywhere = check.check(torch.exp, [(2,)])[0]
    assert (everywhere.text, everywhere.passed) == ("2 met, 0 avoided", False)
    for smooth in (lambda x: x**3 * 40, lambda x: (x * 30).sin(), lambda x: (3 * x).exp()):
        assert check.check(smooth, [(4,)])[0].text == "none met"


def test_the_command_reports_and_returns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own_ops_of_the_test.py"
    file.write_text(
        "def good(x, y):\n    return (x @ y).tanh()\n"
        "def bad(x):\n    return x.detach() * x\n"
        "number = 3\n"
    )
    assert main(["gradcheck", f"{file}:good", "--shapes", "(3,4),(4,5)"]) == 0
    assert "The gradients hold." in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    assert main(["gradcheck", "own_ops_of_the_test:bad", "--shapes", "3"]) == 1
    assert "FAILED  input 0 (3,)" in capsys.readouterr().out
    path = list(sys.path)
    for name, told in (
        (f"{file}:good", "raised for shapes (3,): TypeError"),
        (f"{file}:number", "is a int, not a function"),
        (f"{file}:other", "has no attribute 'other'"),
        ("no_such_module:f", "No module named"),
        ("nothing", "expected module:function"),
    ):
        assert main(["gradcheck", name, "--shapes", "(3,)"]) == 2
        assert told in capsys.readouterr().err
    assert sys.path == path


@pytest.mark.parametrize("text", ["", "(3", "(-1,)", "a", "(2.5,)"])
def test_shapes_that_are_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["gradcheck", "tinygrad_lite:exp", "--shapes", text])
    assert caught.value.code == 2
    assert "expected shapes like" in capsys.readouterr().err


def test_doctor_in_an_ascii_terminal_that_holds_threads_back() -> None:
    env = dict(os.environ, OPENBLAS_NUM_THREADS="1", LC_ALL="C", PYTHONUTF8="0",
               PYTHONCOERCECLOCALE="0")  # fmt: skip
    env.pop("TINYGRAD_LITE_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_lite", "doctor"],
        env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for subject in ("Python", "NumPy", "threads", "speed, cpu", "data"):
        assert f" {subject} " in done.stdout
    if len(os.sched_getaffinity(0)) > 1:
        assert "-> unset OPENBLAS_NUM_THREADS" in done.stdout
    assert done.stderr == ""


def test_doctor_tells_two_cupys_and_what_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Wheel:
        version = "14.0"

        def __init__(self, name: str) -> None:
            self.metadata = {"Name": name}

    both = [Wheel("cupy-cuda12x"), Wheel("cupy-cuda13x"), Wheel("numpy")]
    monkeypatch.setattr(doctor, "distributions", lambda: both)
    monkeypatch.setattr(doctor, "_speeds", _breaks)
    assert doctor.main() == 1
    out = capsys.readouterr().out
    assert "pip uninstall -y cupy-cuda12x cupy-cuda13x" in out
    assert "ZeroDivisionError" in out
    count = out.count("  -> ")  # these two, and what is wrong with the machine itself
    assert count >= 2
    assert f"\n{count} problems found" in out


def _breaks() -> None:
    raise ZeroDivisionError("of the test")


def test_curvature_is_no_kink() -> None:
    at = [check.numpy.zeros(())]
    for smooth in (lambda x: (x * 40).cos(), lambda x: (x * 100) ** 2, lambda x: x.sin()):
        assert not check._has_kink(smooth, at, 0, ())
    for bent in (torch.abs, torch.relu, lambda x: (x - 1e-5).abs(), lambda x: x.clamp(0, 1)):
        assert check._has_kink(bent, at, 0, ())


def test_a_function_that_widens_its_input_is_told() -> None:
    found = {r.name: r for r in check.check(lambda x: x.double() * 2, [(3,)])}
    assert not found["float32"].passed
    assert found["float32"].text == "float32 inputs gave float64"
    assert found["second order"].passed
