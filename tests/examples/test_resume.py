"""Runs that are killed, stopped and resumed: real processes of the real examples."""

from __future__ import annotations

import contextlib
import importlib
import io
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.examples.test_mlp import ROOT, environment

EXAMPLES = ROOT / "examples"
# Small nets, all that draws at random, several epochs, and a rate that drops on the way.
COMMON = ["--dropout=0.3", "--augment", "--optimizer=adam", "--learning_rate=1e-3", "--device=cpu"]
MLP = [*COMMON, "--dnn_hidden_units=12", "--batch_size=60", "--eval_freq=130",
       "--lr_drop_step=400"]  # fmt: skip
CNN = [*COMMON, "--net=small", "--batch_size=6", "--eval_freq=25", "--lr_drop_step=20"]


def start(script: str, tmp_path: Path, *flags: str, threads: int = 1) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / script), *flags],
        cwd=tmp_path,
        env=environment(tmp_path)
        | {"PYTHONUNBUFFERED": "1", "TINYGRAD_LITE_NUM_THREADS": str(threads)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], status: int = 0) -> tuple[str, str]:
    out, err = process.communicate(timeout=240)
    assert process.returncode == status, err
    assert "Traceback" not in err, err
    return out, err


def until(process: subprocess.Popen[str], begin: str) -> None:
    """Wait for a line of output."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(begin):
            return
    raise AssertionError(process.communicate()[1])


def same(a: Any, b: Any) -> bool:
    """Equal to the bit, all the way down."""
    if isinstance(a, torch.Tensor | np.ndarray):
        return np.asarray(a).tobytes() == np.asarray(b).tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def results(folder: Path) -> dict[str, Any]:
    """What must not depend on how often a run was stopped."""
    state = torch.load(folder / "checkpoint.npz")
    for name in ("seconds", "flags"):
        del state[name]
    return state | {"csv": (folder / "metrics.csv").read_text()}


def writing(folder: Path) -> bool:
    return any(folder.glob(".checkpoint.npz.*"))


@pytest.mark.parametrize(
    ("script", "flags", "steps", "kills", "longest"),
    [("cifar_mlp.py", MLP, 700, 10, 0.15), ("cifar_cnn.py", CNN, 30, 5, 0.4)],
    ids=["mlp", "convnet"],
)
def test_killed_runs_end_as_if_they_had_not_been(
    tmp_path: Path, script: str, flags: list[str], steps: int, kills: int, longest: float
) -> None:
    """Every other time while a checkpoint is written."""
    flags = [*flags, f"--max_steps={steps}"]
    finish(start(script, tmp_path, *flags, "--out=whole", "--checkpoint_every=100000"))
    out, rng, torn, resumed_in_epoch = tmp_path / "killed", random.Random(1), 0, 0
    for kill in range(kills):
        begun = (out / "checkpoint.npz").exists()
        words = ["--resume=killed"] if begun else [*flags, "--out=killed"]
        process = start(script, tmp_path, *words, "--checkpoint_every=1")
        until(process, "goes on" if begun else "sample")
        time.sleep(rng.uniform(0, longest))
        deadline = time.monotonic() + 10
        while kill % 2 and not writing(out) and time.monotonic() < deadline:
            pass
        process.send_signal(signal.SIGTERM if kill % 5 == 4 else signal.SIGKILL)
        process.communicate(timeout=60)
        ends = (-signal.SIGKILL, 128 + signal.SIGTERM, -signal.SIGTERM)  # the last before it trains
        assert process.returncode in ends
        torn += writing(out)
        if (out / "checkpoint.npz").exists():
            place = torch.load(out / "checkpoint.npz")["train"]["index"]
            resumed_in_epoch += 0 < place < 1000 - place
    assert torn or kills < 10, "no kill fell into the writing of a checkpoint"
    assert resumed_in_epoch
    finish(start(script, tmp_path, "--resume=killed", "--checkpoint_every=100000"))
    assert not writing(out), "what killed processes left is cleared away"
    assert same(results(tmp_path / "whole"), results(out))


def test_a_second_interrupt_leaves_a_checkpoint_between_steps(tmp_path: Path) -> None:
    """Both signals at once, while it writes a checkpoint after each step."""
    flags = [*MLP, "--max_steps=200"]
    finish(start("cifar_mlp.py", tmp_path, *flags, "--out=whole"))
    rng = random.Random(2)
    for trial in range(2):
        out = tmp_path / str(trial)
        process = start("cifar_mlp.py", tmp_path, *flags, f"--out={trial}", "--checkpoint_every=1")
        until(process, "sample")
        while not (out / "checkpoint.npz").exists():
            pass
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGINT)
        time.sleep(rng.uniform(0, 0.005))
        process.send_signal(signal.SIGINT)
        printed, err = finish(process, 130)
        assert "stopping after this step" in err
        assert f"cifar_mlp.py --resume {trial}" in printed
        assert not any(out.glob(".*")), "an interrupted write clears up"
        finish(start("cifar_mlp.py", tmp_path, f"--resume={trial}", "--checkpoint_every=100000"))
        assert same(results(tmp_path / "whole"), results(out))


def test_an_interrupt_in_an_evaluation_is_made_up_for(tmp_path: Path) -> None:
    """It leaves without the evaluation, and the resumed run makes it."""
    flags = ["--net=vgg", "--batch_size=2", "--max_steps=2", "--eval_freq=1", "--device=cpu"]
    process = start("cifar_cnn.py", tmp_path, *flags, "--out=o", threads=2)
    until(process, "step     1")
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    finish(process, 130)
    assert evaluated(tmp_path / "o") == ["1"]
    finish(start("cifar_cnn.py", tmp_path, "--resume=o", threads=2))
    assert evaluated(tmp_path / "o") == ["1", "2"]


def evaluated(folder: Path) -> list[str]:
    """The steps with an evaluation."""
    rows = (folder / "metrics.csv").read_text().splitlines()[1:]
    return [row.split(",")[0] for row in rows]


def test_longer_than_planned(tmp_path: Path) -> None:
    short, long = [*MLP, "--max_steps=130"], [*MLP, "--max_steps=260"]
    finish(start("cifar_mlp.py", tmp_path, *long, "--out=whole"))
    finish(start("cifar_mlp.py", tmp_path, *short, "--out=longer"))
    assert (tmp_path / "longer" / "model.npz").exists()
    finish(start("cifar_mlp.py", tmp_path, "--resume=longer", "--max-steps", "260"))
    assert same(results(tmp_path / "whole"), results(tmp_path / "longer"))


def refused(tmp_path: Path, script: str, *flags: str, text: str) -> None:
    """It says why in one line, with status 2, and changes nothing; in this process."""
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.npz")}
    err = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(err):
        patch.syspath_prepend(str(EXAMPLES))
        patch.chdir(tmp_path)
        patch.setattr(sys, "argv", [script])
        for name, value in environment(tmp_path).items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as end:
            importlib.import_module(script.removesuffix(".py")).main([*flags])
    assert end.value.code == 2
    lines = [line for line in err.getvalue().splitlines() if line.startswith(script)]
    assert len(lines) == 1, err.getvalue()
    assert text in lines[0]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.npz")} == before


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run in `o`."""
    tmp_path = tmp_path_factory.mktemp("run")
    flags = ["--dnn_hidden_units=4", "--max_steps=4", "--eval_freq=2", "--device=cpu"]
    finish(start("cifar_mlp.py", tmp_path, *flags, "--out=o"))
    return tmp_path


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[: len(data) // 2],
    "flipped": lambda data: data[: len(data) // 2] + bytes(8) + data[len(data) // 2 + 8 :],
    "empty": lambda data: b"",
    "a picture": lambda data: b"\x89PNG" + data,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint(run_folder: Path, damage: str) -> None:
    path = run_folder / "o" / "checkpoint.npz"
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[damage](whole))
    try:
        refused(run_folder, "cifar_mlp.py", "--resume=o", text="checkpoint-previous.npz")
    finally:
        path.write_bytes(whole)


def test_the_checkpoint_before_can_be_resumed(run_folder: Path) -> None:
    path = run_folder / "o" / "checkpoint.npz"
    whole = results(run_folder / "o")
    path.write_bytes(b"")
    done = start("cifar_mlp.py", run_folder, "--resume=o/checkpoint-previous.npz")
    assert "goes on after step 2 of" in finish(done)[0]
    assert same(results(run_folder / "o"), whole)


def test_what_can_not_be_resumed(run_folder: Path, tmp_path: Path) -> None:
    def no(*flags: str, text: str, script: str = "cifar_mlp.py") -> None:
        refused(run_folder, script, *flags, text=text)

    no("--resume=o", text="is a run of cifar_mlp.py, not of cifar_cnn.py", script="cifar_cnn.py")
    no("--resume=o", "--learning_rate=0.1", text="the run was begun with 0.002")
    no("--resume=nowhere", text="there is no checkpoint")
    no("--resume=o", "--out=p", text="stays in its folder")
    no("--out=o", text="holds a run already; go on with it by --resume o")
    no("--resume=o/metrics.csv", text="is not a whole checkpoint")
    state = torch.load(run_folder / "o" / "checkpoint.npz")
    state["model"]["1.weight"] = torch.zeros(5, 3072)
    torch.save(state, tmp_path / "other.npz")
    no(f"--resume={tmp_path / 'other.npz'}", text="does not fit 'model'")
    torch.save([1, 2], tmp_path / "list.npz")
    no(f"--resume={tmp_path / 'list.npz'}", text="is not a run's checkpoint")


def test_another_number_of_threads_is_told(run_folder: Path) -> None:
    err = finish(start("cifar_mlp.py", run_folder, "--resume=o", threads=2))[1]
    assert "was saved at 1 threads, and now there are 2" in err


def test_one_process_at_a_time(tmp_path: Path) -> None:
    first = start("cifar_mlp.py", tmp_path, *MLP, "--max_steps=1000000", "--out=o")
    until(first, "step   130")
    err = finish(start("cifar_mlp.py", tmp_path, "--resume=o"), 2)[1]
    assert "o: another process is training there" in err
    first.send_signal(signal.SIGTERM)
    out, _ = finish(first, 143)
    assert "stopped after step" in out


def test_default_folders_are_numbered(tmp_path: Path) -> None:
    flags = ["--dnn_hidden_units=2", "--max_steps=1", "--batch_size=10", "--device=cpu"]
    for _ in range(3):
        finish(start("cifar_mlp.py", tmp_path, *flags))
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert names == ["cifar_mlp", "cifar_mlp-2", "cifar_mlp-3"]
