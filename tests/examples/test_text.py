"""The examples that learn a text, and the autoencoder: what they leave, as real processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.examples.test_cnn import run
from tinygrad_lite import nn

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SMALL = ("--width=8", "--layers=1", "--context=16", "--batch_size=4", "--eval_freq=2")


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import _text

    return _text


def test_windows_know_what_comes_next(text: Any, tmp_path: Path) -> None:
    book = tmp_path / "book.txt"
    book.write_text("abcdefghij" * 10, encoding="utf-8")
    data = text.Text(book, 7, 0)
    assert data.classes == list("abcdefghij")
    assert (len(data.train.codes), len(data.test.codes)) == (90, 10)
    rows = data.train.next_indices(50)
    assert rows.min() >= 0
    assert rows.max() < len(data.train) == 83
    x, t = data.train.gather(torch.from_numpy(rows))
    assert np.array_equal((x.numpy() + 1) % 10, t.numpy())
    assert np.array_equal(x.numpy()[:, 0], rows % 10)
    whole = [data.decode(x.flatten().tolist()) for x, _ in data.train.batches(5)]
    assert "".join(whole) == ("abcdefghij" * 9)[: 7 * 12]
    with pytest.raises(ValueError, match="100 characters, too few for windows of 10"):
        text.Text(book, 10, 0)


class Next(nn.Module):
    """Sure that c follows b, and so on; keeps how much it was shown."""

    shown = 0

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        self.shown = max(self.shown, codes.shape[1])
        return 50 * nn.functional.one_hot((codes + 1) % 5, 5).float().transpose(1, 2)


def test_writing_follows_the_probabilities(text: Any) -> None:
    model, generator = Next(), torch.Generator().manual_seed(0)
    start = torch.tensor([3])
    assert text.generate(model, start, 8, 3, generator) == [4, 0, 1, 2, 3, 4, 0, 1]
    assert model.shown == 3

    class Half(nn.Module):
        def forward(self, codes: torch.Tensor) -> torch.Tensor:
            chances = torch.tensor([0.25, 0.0, 0.75]).log()
            return chances[None, :, None] + torch.zeros(1, 3, codes.shape[1])

    drawn = text.generate(Half(), start, 400, 4, generator)
    assert drawn.count(1) == 0
    assert 0.65 < drawn.count(2) / 400 < 0.85


@pytest.mark.parametrize("name", ["char_gpt", "char_lstm"])
def test_a_text_run_goes_on_and_writes(tmp_path: Path, name: str) -> None:
    small = (*SMALL, "--heads=2") if name == "char_gpt" else SMALL
    whole = run(f"{name}.py", tmp_path, *small, "--max_steps=4", "--generate=30", "--out=whole")
    assert whole.returncode == 0, whole.stderr
    summary = json.loads((tmp_path / "whole" / "summary.json").read_text())
    assert (summary["steps"], summary["dataset"]) == (4, "alice.txt")
    assert summary["windows_per_second"] > 0
    rows = (tmp_path / "whole" / "metrics.csv").read_text().splitlines()
    assert rows[0].startswith("step,train_loss,train_accuracy")
    assert 3.5 < float(rows[1].split(",")[3]) < 5, "nats a character, not a window"
    written = (tmp_path / "whole" / "written.txt").read_text()
    assert len(written) == 31
    assert written in whole.stdout

    checkpoint = (tmp_path / "whole" / "checkpoint.npz").read_bytes()
    again = run(f"{name}.py", tmp_path, "--resume=whole", "--generate=50")
    assert again.returncode == 0, again.stderr
    longer = (tmp_path / "whole" / "written.txt").read_text()
    assert len(longer) == 51
    assert longer.startswith(written[:-1])
    assert (tmp_path / "whole" / "checkpoint.npz").read_bytes() == checkpoint


def test_a_text_run_resumed_has_the_same_bits(tmp_path: Path) -> None:
    small = (*SMALL, "--dropout=0.2", "--generate=5", "--max_steps=5")
    whole = run("char_lstm.py", tmp_path, *small, "--out=whole")
    assert whole.returncode == 0, whole.stderr
    # The checkpoint before the last is that of step 4, and the one at the end must come again.
    previous = tmp_path / "whole" / "checkpoint-previous.npz"
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "checkpoint.npz").write_bytes(previous.read_bytes())
    assert torch.load(previous)["step"] == 4
    rest = run("char_lstm.py", tmp_path, "--resume=part")
    assert rest.returncode == 0, rest.stderr
    states = [torch.load(tmp_path / part / "checkpoint.npz") for part in ("whole", "part")]
    assert states[0]["step"] == states[1]["step"] == 5
    for key, value in states[0]["model"].items():
        assert np.array_equal(value.numpy(), states[1]["model"][key].numpy()), key


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--text=nothing.txt",), "--text: "),
        (("--context=20000",), "too few for windows of 20000"),
        (("--width=10", "--heads=4"), "--width 10: must be a multiple of --heads 4"),
        (("--generate=0",), "must be at least 1, but is 0"),
    ],
)
def test_flags_that_cannot_be(tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    done = run("char_gpt.py", tmp_path, *flags)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_autoencoder_leaves_a_page(tmp_path: Path) -> None:
    flags = ("--max_steps=2", "--eval_freq=1", "--batch_size=8", "--width=4", "--out=o")
    done = run("vae.py", tmp_path, *flags)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "o"
    assert (out / "vae.png").read_bytes().startswith(b"\x89PNG")
    assert not (out / "confusion.png").exists()
    summary = json.loads((out / "summary.json").read_text())
    assert "final_test_explained" in summary
    assert not any("accuracy" in name for name in summary)
    assert "test_explained" in (out / "metrics.csv").read_text()
    refused = run("vae.py", tmp_path, "--augment")
    assert refused.returncode == 2
    assert "--augment: is not for an autoencoder" in refused.stderr


def test_the_residual_net_has_the_layers_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import resnet

    model = resnet.ResNet(blocks=3)
    kernels = [m.kernel_size for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert kernels.count((3, 3)) + 1 == 20  # ResNet-20 with its linear layer
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
