"""What an example says when it can't do what it is asked, and that it says it anywhere."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.examples.test_mlp import ROOT, environment
from tests.examples.test_resume import EXAMPLES

QUICK = ["--dnn_hidden_units=3", "--batch_size=10", "--max_steps=2", "--eval_freq=1"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The examples, importable, in an empty folder and without CIFAR-10."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.chdir(tmp_path)
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TINYGRAD_LITE_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", ["example.py"])
    return tmp_path


Main = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mlp(here: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Main]:
    """`cifar_mlp.py` with flags: its status, and what it printed."""
    import cifar_mlp

    def main(*flags: str) -> tuple[int, str, str]:
        try:
            status = cifar_mlp.main(list(flags))
        except SystemExit as end:
            status = int(str(end.code))
        return status, *capsys.readouterr()

    return main


BAD_FLAGS = {
    "--momentum=-1": "--momentum: must be in [0, 1), but is -1",
    "--momentum=0.9 --optimizer=adam": "--momentum 0.9: adam has none",
    "--batch_size=60000": "--batch_size 60000: the training set has only 1000 images",
    "--batch_size=0": "must be at least 1, but is 0",
    "--max_steps=1.5": "must be a whole number, but is '1.5'",
    "--seed=one": "--seed: must be a whole number, but is 'one'",
    "--learning_rate=inf": "must be finite, but is inf",
    "--learning_rate=nan": "must be finite, but is nan",
    "--learning_rate=-1": "must be positive, but is -1",
    "--learning_rate=fast": "must be a number, but is 'fast'",
    "--dropout=1": "must be in [0, 1), but is 1",
    "--dnn_hidden_units=10,x": "must be a whole number, but is 'x'",
    "--dnn_hidden_units=10,0": "must be at least 1, but is 0",
    "--dnn_hidden_units=": "without hidden units SGD overshoots from the first step above",
    "--out=FILE": "FILE: is a file; give a folder",
    "--out=FILE/o": "Not a directory",
    "--out=/proc/none/o": "No such file or directory",
    "--resume=FILE": "is not a whole checkpoint",
    "--detect_anomaly --capture": "which a captured step can't",
    "--optimizer=lion": "invalid choice: 'lion'",
    "--no_such_flag": "unrecognized arguments: --no_such_flag",
}


@pytest.mark.parametrize("flags", BAD_FLAGS)
def test_bad_flags_are_one_line(mlp: Main, here: Path, flags: str) -> None:
    (here / "FILE").write_text("text")
    status, _, err = mlp(*flags.split())
    assert status == 2
    lines = [line for line in err.splitlines() if line.startswith("example.py: ")]
    assert len(lines) == 1, err
    assert BAD_FLAGS[flags] in lines[0]
    assert [path.name for path in here.iterdir()] == ["FILE"], "nothing was made"


def test_the_rate_that_can_not_work_is_the_one_that_does_not(mlp: Main, here: Path) -> None:
    """Logistic regression just below the limit learns; four times above it is refused."""
    import cifar_mlp

    flags = ["--dnn_hidden_units=", "--max_steps=150", "--eval_freq=150", "--out=o"]
    limit = float(mlp(*flags, "--learning_rate=1")[2].partition("above ")[2].split()[0])
    status, out, _ = mlp(*flags, f"--learning_rate={limit / 2}")
    assert status == 0, out
    assert torch.load("o/checkpoint.npz")["rows"][-1]["train_loss"] < np.log(10)
    args = cifar_mlp.parse(["--dnn_hidden_units=", f"--learning_rate={1.2 * limit}"])
    with pytest.raises(SystemExit):
        cifar_mlp.check_rate(args, cifar_mlp_data())
    cifar_mlp.check_rate(cifar_mlp.parse(["--dnn_hidden_units=", "--optimizer=adam"]), None)


def cifar_mlp_data() -> Any:
    from tinygrad_lite.data import cifar10_sample

    return cifar10_sample(seed=0)


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on files here")
def test_a_full_disk_is_told_before_the_training(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "cifar_mlp.py"), *QUICK],
        cwd=tmp_path,
        env=environment(tmp_path),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "there must be room for three checkpoints" in last
    assert "Traceback" not in done.stderr
    assert "train loss" not in done.stdout


def test_a_disk_that_fills_up_keeps_the_last_checkpoint(
    mlp: Main, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training goes on, tries again, and the status is 1 if the last try fails."""
    import _folder

    save, calls = torch.save_checkpoint, 0

    def full(path: Any, parts: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise OSError(28, "No space left on device")
        save(path, parts)

    monkeypatch.setattr(torch, "save_checkpoint", full)
    status, _, err = mlp(*QUICK, "--max_steps=4", "--out=o")
    assert status == 1
    assert err.count("can't be written to o: No space left on device; those of step 2") == 2
    assert torch.load(here / "o" / _folder.CHECKPOINT)["step"] == 2


NOT_FINITE = {
    "--learning_rate=1e30": ["step 2: the loss is not finite; looking for the operation",
                             "step 2: linear: the output is not finite, though the inputs are",
                             "in _compute: `logits = self.trained(x)`", "in layer '3', Linear("],
    "--learning_rate=3 --eval_freq=3": ["of step 6 is kept"],
    "--learning_rate=3e38 --init=default": ["SGD's update of",
                                            "is not finite, though the gradient is"],
    "--learning_rate=1e30 --detect_anomaly": ["step 2: linear: the output is not finite"],
}  # fmt: skip


@pytest.mark.parametrize("flags", NOT_FINITE)
def test_a_loss_that_is_not_finite(mlp: Main, here: Path, flags: str) -> None:
    words = ["--batch_size=50", "--max_steps=60", "--out=o", "--dnn_hidden_units=100"]
    status, _, err = mlp(*words, *flags.split())
    assert status == 1
    for text in NOT_FINITE[flags]:
        assert text in err
    assert "Traceback" not in err
    for path in (here / "o").glob("checkpoint*.npz"):
        for value in torch.load(path)["model"].values():
            assert bool(torch.isfinite(value).all()), "no checkpoint holds what is not finite"


def test_results_are_whole(mlp: Main, here: Path) -> None:
    assert mlp(*QUICK)[0] == 0
    names = sorted(path.name for path in (here / "runs" / "cifar_mlp").iterdir())
    assert names == ["checkpoint-previous.npz", "checkpoint.npz", "confusion.png", "curves.png",
                     "filters.png", "metrics.csv", "mistakes.png", "model.npz",
                     "summary.json"]  # fmt: skip


ANYWHERE = {
    "cifar_mlp.py": QUICK,
    "cifar_cnn.py": ["--net=small", "--batch_size=2", "--max_steps=1"],
    "batchnorm.py": ["--batch=8", "--features=3", "--rounds=1"],
    "predict.py": [str(EXAMPLES / "pretrained" / name) for name in ("small.npz", "cat.png")],
    "reproduce_report.py": ["--quick", "--only=1"],
    "char_gpt.py": ["--max_steps=1", "--width=8", "--layers=1", "--heads=2", "--generate=9"],
    "char_lstm.py": ["--max_steps=1", "--width=8", "--generate=9"],
    "cifar_94.py": ["--width=0.0625", "--batch_size=50", "--max_steps=1"],
    "cifar_mlp_best.py": ["--units=16", "--batch_size=50", "--max_steps=1"],
    "resnet.py": ["--max_steps=1", "--width=4", "--batch_size=2"],
    "vae.py": ["--max_steps=1", "--width=4", "--batch_size=2"],
}


# As `python script --help` and `python script …` would, in one process.
TWICE = """
import runpy, sys
script, *flags = sys.argv[1:]
sys.path.insert(0, script.rpartition("/")[0])
for words in (["--help"], flags):
    sys.argv = [script, *words]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
"""


@pytest.mark.parametrize("script", ANYWHERE)
def test_runs_anywhere(tmp_path: Path, script: str) -> None:
    """Without docstrings and asserts, where text is ASCII, in a folder with another name."""
    folder = tmp_path / "δοκιμή"
    folder.mkdir()
    env = environment(tmp_path, draws=script in ("predict.py", "vae.py"))
    env |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = [sys.executable, "-OO", "-c", TWICE, str(EXAMPLES / script), *ANYWHERE[script]]
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert b"Traceback" not in done.stderr
    assert b"usage: " + script.encode() in done.stdout


def test_every_script_is_tried_anywhere() -> None:
    scripts = {path.name for path in EXAMPLES.glob("*.py") if not path.name.startswith("_")}
    assert set(ANYWHERE) == scripts


def test_the_plotting_backend_stays(mlp: Main, here: Path) -> None:
    """A notebook's `%run` goes on drawing as it did."""
    code = (
        "import matplotlib, sys; before = matplotlib.rcParams._get_backend_or_none()\n"
        f"sys.path.insert(0, {str(EXAMPLES)!r}); sys.argv[1:] = {QUICK!r}\n"
        "import cifar_mlp; assert cifar_mlp.main() == 0\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert matplotlib.rcParams._get_backend_or_none() == before\n"
    )
    env = {k: v for k, v in environment(here, draws=True).items() if k != "MPLBACKEND"}
    done = subprocess.run([sys.executable, "-c", code], cwd=here, env=env, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_without_the_extras_a_run_has_no_bar_and_no_pictures(mlp: Main, here: Path) -> None:
    """`pip install '.[distributed]'` brings neither tqdm nor matplotlib."""
    code = (
        "import sys; sys.modules.update(tqdm=None, matplotlib=None)\n"
        f"sys.path.insert(0, {str(EXAMPLES)!r}); sys.argv[1:] = {QUICK!r}\n"
        "import cifar_mlp; assert cifar_mlp.main() == 0\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, env=environment(here), capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"no pictures: matplotlib is missing (pip install -e '.[examples]')" in done.stderr
    assert b"step     2  train loss" in done.stdout
    assert (here / "runs/cifar_mlp/summary.json").exists()


def test_the_install_advice_names_what_exists() -> None:
    """Nobody has registered this project's name anywhere: it is installed from a clone."""
    texts = [*ROOT.rglob("*.py"), *ROOT.rglob("*.md")]
    wrong = "pip install 'tinygrad" + "_lite["
    found = [p for p in texts if ".venv" not in p.parts and wrong in p.read_text(encoding="utf-8")]
    assert found == []
