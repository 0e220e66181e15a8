"""The ConvNet example and the reproduction of the report, as real processes on the sample."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite
from tests.examples.test_mlp import environment

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(script: str, tmp_path: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / script), *flags],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=240,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import cifar_cnn

    tinygrad_lite.manual_seed(0)
    return cifar_cnn.build()


def test_the_net_is_the_assignments(net: Any) -> None:
    assert sum(p.numel() for p in net.parameters()) == 9_231_114
    sizes, x = [], tinygrad_lite.randn(2, 3, 32, 32)
    for layer in net:
        x = layer(x)
        if type(layer).__name__ in ("MaxPool2d", "Linear"):
            sizes.append(x.shape)
    assert sizes == [
        (2, 64, 16, 16),
        (2, 128, 8, 8),
        (2, 256, 4, 4),
        (2, 512, 2, 2),
        (2, 512, 1, 1),
        (2, 10),
    ]


def test_the_net_learns_a_batch_by_heart(net: Any) -> None:
    from tinygrad_lite import optim
    from tinygrad_lite.data import cifar10_sample
    from tinygrad_lite.nn import functional as F

    images, labels = cifar10_sample(seed=0).train.next_batch(20)
    x, t = tinygrad_lite.from_numpy(images), tinygrad_lite.from_numpy(labels)
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), t)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 < 1.5 < losses[0]


def test_evaluation_goes_by_batches_and_leaves_the_net_alone(
    net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from _evaluation import evaluate

    from tinygrad_lite.data import cifar10_sample

    test = cifar10_sample().test
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    whole, parts = evaluate(net, test, 250), evaluate(net, test, 77)
    assert whole is not None
    assert parts is not None
    assert parts.accuracy == whole.accuracy == float(
        (whole.logits.argmax(dim=1).numpy() == test.labels).mean()
    )  # fmt: skip
    np.testing.assert_allclose(parts.loss, whole.loss, rtol=1e-4)
    np.testing.assert_allclose(parts.logits.numpy(), whole.logits.numpy(), rtol=1e-3, atol=1e-3)
    assert net.training
    after = {k: v.numpy() for k, v in net.state_dict().items()}
    assert all(np.array_equal(before[k], after[k]) for k in before)


def test_convnet_leaves_what_it_promises(tmp_path: Path) -> None:
    flags = ("--max_steps=2", "--eval-freq=1", "--batch_size=4", "--out", str(tmp_path / "o"))
    done = run("cifar_cnn.py", tmp_path, *flags)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "o"
    summary = json.loads((out / "summary.json").read_text())
    assert summary["parameters"] == 9_231_114
    assert summary["steps"] == 2
    assert summary["settings"]["optimizer"] == "adam"
    assert summary["settings"]["learning_rate"] == 1e-4
    state = tinygrad_lite.load(out / "checkpoint.npz")
    assert state["model"]["0.weight"].shape == (64, 3, 3, 3)
    assert state["model"]["1.num_batches_tracked"].item() == 2
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "metrics.csv").read_text().count("\n") == 3


def test_the_reproduction_goes_on_where_it_stopped(tmp_path: Path) -> None:
    flags = ("--quick", "--only", "1,10", "--out", "report")
    done = run("reproduce_report.py", tmp_path, *flags)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "report"
    first = (out / "row_01" / "checkpoint.npz").stat().st_mtime_ns
    table = (out / "report.md").read_text()
    assert "\n| 1 | [1](figure_01.png) |" in table
    assert "\n| 10 | [8](figure_08.png) |" in table
    assert "\n| 2 |" not in table, "no row that was not run (seconds may be 2 as well)"
    assert (out / "figure_08.png").read_bytes().startswith(b"\x89PNG")

    os.remove(out / "row_10" / "summary.json")
    done = run("reproduce_report.py", tmp_path, "--quick", "--only", "1,2,10", "--out", "report")
    assert done.returncode == 0, done.stderr
    assert "row 10:" in done.stdout
    assert "row 2:" in done.stdout
    assert "row 1:" not in done.stdout, "a finished row must not run again"
    assert (out / "row_01" / "checkpoint.npz").stat().st_mtime_ns == first
    assert "\n| 2 | [2](figure_02.png) |" in (out / "report.md").read_text()


def test_a_row_that_is_not_there(tmp_path: Path) -> None:
    done = run("reproduce_report.py", tmp_path, "--only", "15")
    assert done.returncode == 2
    assert "there are no rows [15]" in done.stderr
