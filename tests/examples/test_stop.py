"""What still happens between a signal and the end: counted, because time depends on the machine."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.examples.test_mlp import environment
from tests.examples.test_resume import EXAMPLES

QUICK = ["--dnn_hidden_units=3", "--batch_size=10", "--max_steps=4", "--eval_freq=2",
         "--device=cpu", "--out=o"]  # fmt: skip
# What is counted: a step, a batch of an evaluation, each file that is made.
WORK = {
    "step": ("_run.Run", "_compute"),
    "batch": ("_evaluation", "tensors"),
    "checkpoint": ("_run.torch", "save_checkpoint"),
    "model": ("_run.torch", "save"),
    **{name: ("_pictures", name) for name in ("curves", "confusion", "mistakes", "filters")},
}


@pytest.fixture
def count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Train with a signal sent as some work begins: the status, and what was begun after it."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["cifar_mlp.py"])
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    import cifar_mlp

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    begun: Counter[str] = Counter()
    due: list[Any] = ["", 0, 0, False]  # what, its number, the signal, whether it was sent

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **words: Any) -> Any:
            begun[name] += 1
            if due[:2] == [name, begun[name]] and not due[3]:
                begun.clear()
                due[3] = True
                os.kill(os.getpid(), due[2])
            return function(*args, **words)

        return call

    for name, (place, function) in WORK.items():
        module, _, owner = place.partition(".")
        where = getattr(sys.modules[module], owner) if owner else sys.modules[module]
        monkeypatch.setattr(where, function, watched(name, getattr(where, function)))

    def main(what: str, number: int, kind: int, *flags: str) -> tuple[int, dict[str, int]]:
        begun.clear()
        due[:] = [what, number, kind, False]
        status = cifar_mlp.main(list(flags or QUICK))
        for kind, handler in before.items():
            signal.signal(kind, handler)
        return status, dict(begun)

    return main


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_in_a_step_only_a_checkpoint_follows(count: Any, kind: int) -> None:
    assert count("step", 3, kind) == (128 + kind, {"checkpoint": 1})
    assert not Path("o/curves.png").exists()


def test_in_an_evaluation_nothing_but_the_checkpoint_follows(count: Any) -> None:
    """The batch that it comes in is the last one, and its evaluation is not in the metrics."""
    assert count("batch", 1, signal.SIGINT) == (130, {"checkpoint": 1})
    assert len(Path("o/metrics.csv").read_text().splitlines()) == 1


def test_while_a_checkpoint_is_written_nothing_follows(count: Any) -> None:
    assert count("checkpoint", 2, signal.SIGTERM) == (143, {})


@pytest.mark.parametrize("what", ["model", "curves", "confusion", "mistakes", "filters"])
def test_at_the_end_no_further_picture_is_begun(count: Any, what: str) -> None:
    """And the run that goes on makes up for them."""
    assert count(what, 1, signal.SIGINT) == (130, {})
    status, made = count("", 0, 0, "--resume=o")
    assert status == 0
    assert {name for name in made if name in WORK} >= {"model", "curves", "filters"}
    assert Path("o/filters.png").exists()


def test_at_the_end_of_a_resumed_run_the_evaluation_stops(count: Any) -> None:
    assert count("model", 1, signal.SIGINT)[0] == 130
    assert count("batch", 1, signal.SIGINT, "--resume=o") == (130, {})


def test_a_second_signal_within_the_first_ones_handler_tells_for_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import _stop

    stop, said = _stop.Stop(), []

    def say(text: str) -> None:
        if not said and not stop._urgent:  # the second signal, before the first one has told
            stop._handle(signal.SIGINT, None)
        said.append(text)

    monkeypatch.setattr(_stop, "_say", say)
    with pytest.raises(KeyboardInterrupt):
        stop._handle(signal.SIGINT, None)
    assert said == ["stopping after this step (once more: at once)"]
