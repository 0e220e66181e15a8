"""The MLP example as a user runs it: real processes, on the bundled sample."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite
from tests import strict_graph
from tinygrad_lite.data import cifar10_sample

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "cifar_mlp.py"
BLANK = Path(__file__).with_name("blank")
SUMMARY = {
    "best_test_accuracy",
    "final_test_accuracy",
    "steps",
    "seconds",
    "images_per_second",
    "parameters",
    "device",
    "seed",
    "dataset",
    "settings",
}


def environment(tmp_path: Path, draws: bool = False) -> dict[str, str]:
    """No downloads, no cached data: what a visitor without a network has.

    Pictures stay blank, which saves most of a short run's time, unless it `draws`.
    """
    keep = {k: v for k, v in os.environ.items() if k != "TINYGRAD_LITE_DATA"}
    path = os.pathsep.join(map(str, [ROOT] if draws else [BLANK, ROOT]))
    quiet = {"TINYGRAD_LITE_OFFLINE": "1", "MPLBACKEND": "Agg", "PYTHONPATH": path}
    return keep | quiet | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}


def run(tmp_path: Path, *flags: str, draws: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the example to its end."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), *flags],
        cwd=tmp_path,
        env=environment(tmp_path, draws),
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def test_leaves_what_it_promises(tmp_path: Path) -> None:
    flags = ("--max_steps", "30", "--eval-freq", "10", "--batch-size=50")
    done = run(tmp_path, *flags, draws=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING: this is NOT" in done.stderr, "the sample must be announced loudly"
    assert "step/s" not in done.stderr, "no progress bar when it is not a terminal"
    out = tmp_path / "runs" / "cifar_mlp"
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary) == SUMMARY
    assert summary["steps"] == 30
    assert summary["parameters"] == 3072 * 100 + 100 + 100 * 10 + 10
    assert summary["dataset"] == "sample"
    assert summary["settings"]["batch_size"] == 50
    with (out / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(r["step"]) for r in rows] == [10, 20, 30]
    best = max(float(r["test_accuracy"]) for r in rows)
    assert summary["best_test_accuracy"] == pytest.approx(best)
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "curves.png").stat().st_size > 10_000


def test_the_checkpoint_is_the_trained_model(tmp_path: Path) -> None:
    done = run(tmp_path, "--max_steps=20", "--eval_freq=20", f"--out={tmp_path / 'o'}")
    assert done.returncode == 0, done.stderr
    state = tinygrad_lite.load(tmp_path / "o" / "checkpoint.npz")
    assert state["step"] == 20
    weights = {k: v.numpy() for k, v in state["model"].items()}
    assert [w.shape for w in weights.values()] == [(100, 3072), (100,), (10, 100), (10,)]
    data = cifar10_sample().test
    w1, b1, w2, b2 = weights.values()
    hidden = np.maximum(data.images.reshape(len(data), -1) @ w1.T + b1, 0)
    accuracy = float(((hidden @ w2.T + b2).argmax(1) == data.labels).mean())
    summary = json.loads((tmp_path / "o" / "summary.json").read_text())
    assert summary["final_test_accuracy"] == pytest.approx(accuracy, abs=0.005)
    assert accuracy > 0.12, "20 steps beat chance"


def test_one_seed_gives_one_result(tmp_path: Path) -> None:
    finals = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        flags = ["--max_steps=5", "--eval_freq=5", f"--seed={seed}", f"--out={tmp_path / name}"]
        assert run(tmp_path, *flags, "--dnn_hidden_units", "20").returncode == 0
        finals.append((tmp_path / name / "metrics.csv").read_text())
    assert finals[0] == finals[1]
    assert finals[0] != finals[2]


def test_interrupt_leaves_a_usable_checkpoint(tmp_path: Path) -> None:
    out = tmp_path / "o"
    flags = ["--max_steps", "1000000", "--eval_freq", "20", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-u", str(SCRIPT), *flags],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if re.match(r"step +40 ", line):
            break
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 130, rest
    summary = json.loads((out / "summary.json").read_text())
    assert 40 <= summary["steps"] < 1000000
    state = tinygrad_lite.load(out / "checkpoint.npz")
    assert state["step"] == summary["steps"]
    assert all(np.isfinite(v.numpy()).all() for v in state["model"].values())
    assert not (out / "curves.png").exists()  # a stopped run draws nothing: see test_stop.py
    last = summary["steps"] + 1
    resumed = run(tmp_path, "--resume", str(out), "--max_steps", str(last))
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((out / "summary.json").read_text())["steps"] == last
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")


def trained(
    flags: list[str], device: str, monkeypatch: pytest.MonkeyPatch, spoil: bool = False
) -> tuple[str, dict[str, Any]]:
    """The metrics and the checkpoint of a run in this process."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import _run
    import cifar_mlp

    args = cifar_mlp.parse(["--max_steps=9", "--eval_freq=4", "--dnn_hidden_units=20", *flags])
    tinygrad_lite.manual_seed(args.seed)
    model = cifar_mlp.build(args.dnn_hidden_units, "default").to(device)
    run = _run.Run("", model, cifar10_sample(seed=3), args, device)
    if spoil:
        run.sums.add = lambda loss, accuracy: loss.item()
    assert run.train() == 0
    assert getattr(run.compute, "captured", False) == (device == "strict" and not spoil
                                                       and args.capture is not False)  # fmt: skip
    return (args.out / "metrics.csv").read_text(), tinygrad_lite.load(args.out / "checkpoint.npz")


def test_captured_training_is_eager_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the device that stands for CUDA: data set, batches, sums and schedule included."""
    flags = ["--batch_size=25", "--lr_drop_step=5", "--optimizer=adam", "--learning_rate=1e-3"]
    with strict_graph.capturable():
        results = {
            way: trained([*flags, f"--out={tmp_path / way}", *words], "strict", monkeypatch)
            for way, words in {"eager": ["--no-capture"], "captured": []}.items()
        }
        assert capsys.readouterr().err == ""
        words = [*flags, f"--out={tmp_path / 'spoilt'}"]
        trained(words, "strict", monkeypatch, spoil=True)
        assert "The steps are not captured: graph: _compute" in capsys.readouterr().err
        words = [*flags, f"--out={tmp_path / 'insisted'}", "--capture"]
        with pytest.raises(tinygrad_lite.cuda.CaptureError, match="because of item"):
            trained(words, "strict", monkeypatch, spoil=True)
    (eager, state), (captured, other) = results["eager"], results["captured"]
    assert captured == eager
    cpu = trained([*flags, f"--out={tmp_path / 'cpu'}"], "cpu", monkeypatch)[0]
    numbers = [[float(x) for x in row.split(",")] for row in eager.splitlines()[1:]]
    others = [[float(x) for x in row.split(",")] for row in cpu.splitlines()[1:]]
    np.testing.assert_allclose(numbers, others, rtol=2e-3, atol=2e-3)
    assert state.keys() == other.keys()
    for part in ("random", "train", "schedule"):
        assert repr(state[part]) == repr(other[part])
    for name, value in state["model"].items():
        np.testing.assert_array_equal(value.numpy(), other["model"][name].numpy())
    for number, entries in state["optimizer"]["state"].items():
        for name, value in entries.items():
            mine = other["optimizer"]["state"][number][name]
            np.testing.assert_array_equal(value.numpy(), mine.numpy())


def test_captured_training_is_resumed_and_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the device that stands for CUDA, with everything that draws: in mid-epoch, to the bit."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import _run
    import cifar_mlp

    def train(*words: str, status: int = 0) -> Any:
        args = cifar_mlp.parse(list(words))
        tinygrad_lite.manual_seed(args.seed)
        model = cifar_mlp.build_from(args).to("strict")
        run = _run.Run("cifar_mlp", model, cifar10_sample(seed=3), args, "strict")
        assert run.train() == status
        return run

    flags = ["--dropout=0.3", "--augment", "--optimizer=adam", "--batch_size=25", "--eval_freq=4",
             "--dnn_hidden_units=10", "--learning_rate=1e-3"]  # fmt: skip
    whole, part, bad = tmp_path / "whole", tmp_path / "part", tmp_path / "bad"
    with strict_graph.capturable():
        train(*flags, "--max_steps=12", f"--out={whole}")
        train(*flags, "--max_steps=4", f"--out={part}")
        assert train(f"--resume={part}", "--max_steps=12").compute.captured
        capsys.readouterr()
        huge = ["--learning_rate=1e30", "--optimizer=sgd", "--max_steps=12", f"--out={bad}"]
        train(*flags, *huge, status=1)
    err = capsys.readouterr().err
    assert re.search(r"step 2: \w+: the output is not finite", err), err
    assert (whole / "metrics.csv").read_text() == (part / "metrics.csv").read_text()
    one, other = (tinygrad_lite.load(folder / "checkpoint.npz") for folder in (whole, part))
    for name in ("train", "random", "sums", "schedule"):
        assert repr(one[name]) == repr(other[name])
    for name, value in one["model"].items():
        np.testing.assert_array_equal(value.numpy(), other["model"][name].numpy())


def test_capture_needs_cuda(tmp_path: Path) -> None:
    done = run(tmp_path, "--device", "cpu", "--capture")
    assert done.returncode == 2
    assert "--capture: needs a CUDA device, not cpu" in done.stderr


@pytest.mark.skipif(tinygrad_lite.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu_says_what_is_missing(tmp_path: Path) -> None:
    done = run(tmp_path, "--device", "cuda")
    assert done.returncode == 2
    assert re.search(r"pip install .*cuda1[23]", done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert "WARNING" not in done.stderr, "before any data is loaded: it would be the sample"


def test_a_broken_data_dir_names_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for i in range(1, 6):
        (folder / f"data_batch_{i}.bin").write_bytes(b"\0" * 100)
    done = run(tmp_path, "--data_dir", str(tmp_path))
    assert done.returncode == 2
    assert "test_batch.bin" in done.stderr, done.stderr
    (folder / "test_batch.bin").write_bytes(b"\0" * 30_730_000)
    done = run(tmp_path, "--data-dir", str(tmp_path))
    assert done.returncode == 2
    assert "data_batch_1.bin" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


ROWS = {
    2: "--init default",
    3: "--init default --max_steps 3000",
    4: "--max_steps 3000",
    5: "--max_steps 3000 --learning_rate 8e-4",
    6: "--max_steps 6000 --learning_rate 8e-4",
    7: "--max_steps 6000 --learning_rate 8e-4 --lr_drop_step 3000",
    8: "--max_steps 6000 --learning_rate 8e-4 --lr_drop_step 3000 --dnn_hidden_units 400",
    9: "--max_steps 6000 --learning_rate 8e-4 --lr_drop_step 3000 --dnn_hidden_units 1000",
}


@pytest.mark.parametrize("row", ROWS)
def test_rows_of_the_table_are_flags_away(row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import cifar_mlp
    import reproduce_report

    typed = cifar_mlp.parse(ROWS[row].split())
    experiment = next(e for e in reproduce_report.EXPERIMENTS if e.row == row)
    table = reproduce_report.flags_of(experiment, reproduce_report.parse([]))
    ours, theirs = vars(typed) | {"out": None}, vars(table) | {"out": None}
    assert ours == theirs
