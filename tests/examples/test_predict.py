"""Using what was trained: the model that comes along, and the pictures that a run draws."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.examples.test_resume import EXAMPLES
from tinygrad_lite.data import cifar10_sample

Image = pytest.importorskip("PIL.Image")

PRETRAINED = EXAMPLES / "pretrained"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["predict.py"])
    return tmp_path


@pytest.fixture
def predict(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., tuple[int, str, str]]]:
    import predict

    def main(*words: Any) -> tuple[int, str, str]:
        try:
            status = predict.main([str(word) for word in words])
        except SystemExit as end:
            status = int(str(end.code))
        return status, *capsys.readouterr()

    return main


def decoded(png: bytes) -> Any:
    """Its pixels, float (H, W, 3)."""
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"), float)


def test_the_model_that_comes_along_is_small_and_good() -> None:
    """On the bundled test images, which are 250 of CIFAR-10's 10,000."""
    from predict import Predictor

    assert (PRETRAINED / "small.npz").stat().st_size < 1_000_000
    predictor, test = Predictor(PRETRAINED / "small.npz"), cifar10_sample().test
    probabilities = predictor.probabilities(test.pixels)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (probabilities.argmax(axis=1) == test.labels).mean() > 0.8  # 0.8615 of all 10,000


def test_it_works_at_once(predict: Any, here: Path) -> None:
    status, out, _ = predict(PRETRAINED / "small.npz", PRETRAINED / "cat.png")
    assert status == 0
    assert "cifar_cnn after 6000 steps on CIFAR-10" in out
    assert re.search(r"cat\.png: cat \d+\.\d %, ", out)
    picture = decoded((here / "prediction.png").read_bytes())
    assert picture.std() > 10


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "large", "wide", "RGBA", "L", "P"])
def test_any_picture_is_prepared(kind: str, here: Path) -> None:
    """The middle square of it, at 32×32: what was made of an image gives the image back."""
    from predict import Predictor

    predictor = Predictor(PRETRAINED / "small.npz")
    with Image.open(PRETRAINED / "cat.png") as opened:
        image = opened.convert("RGB")
    wanted = np.asarray(image, int)
    if kind == "large":
        image = image.resize((640, 640), Image.Resampling.BICUBIC)
    elif kind == "wide":
        wider = Image.new("RGB", (96, 32), "red")
        wider.paste(image, (32, 0))
        image = wider
    elif kind in ("RGBA", "L", "P"):
        image = image.convert(kind)
        wanted = np.asarray(image.convert("RGB"), int)
    path = here / f"picture.{kind if kind in ('JPEG', 'GIF', 'BMP') else 'png'}"
    image.save(path)
    pixels = predictor.prepare(path)
    assert pixels.shape == (3, 32, 32)
    assert pixels.dtype == np.uint8
    difference = np.abs(pixels.transpose(1, 2, 0).astype(int) - wanted)
    assert difference.mean() < (6 if kind in ("JPEG", "GIF", "large") else 0.01)


def test_orientation_and_transparency_are_seen(here: Path) -> None:
    from predict import Predictor

    predictor = Predictor(PRETRAINED / "small.npz")
    image = Image.new("RGB", (32, 32), "black")
    image.paste("white", (0, 0, 32, 16))  # the top
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image.save(here / "turned.jpg", exif=exif)
    pixels = predictor.prepare(here / "turned.jpg")
    assert pixels[:, -8:].min() > 200
    assert pixels[:, :8].max() < 50
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(here / "clear.png")
    assert predictor.prepare(here / "clear.png").min() == 255


def hostile(change: dict[str, Any]) -> Path:
    state = torch.load(PRETRAINED / "small.npz") | change
    torch.save({k: v for k, v in state.items() if v is not None}, "hostile.npz")
    return Path("hostile.npz")


REFUSED: dict[str, tuple[Callable[[], tuple[Any, Any]], str]] = {
    "no run": (lambda: ("none", PRETRAINED / "cat.png"), "there is no such run"),
    "no picture": (lambda: (PRETRAINED / "small.npz", "none.png"), "there is no such file"),
    "text": (lambda: (PRETRAINED / "small.npz", "text.txt"), "is not a picture"),
    "cut": (lambda: (PRETRAINED / "small.npz", "cut.png"), "is not a picture"),
    "a folder": (lambda: (PRETRAINED / "small.npz", "."), "is not a picture"),
    "no model": (lambda: ("text.txt", PRETRAINED / "cat.png"), "is not a whole checkpoint"),
    "a list": (lambda: ("list.npz", PRETRAINED / "cat.png"), "is not a model of the examples"),
    "other": (lambda: (hostile({"example": "x"}), "cut.png"), "is not a model of the examples"),
    "no flags": (lambda: (hostile({"flags": None}), "cut.png"), "is not a model of the examples"),
    "weights": (lambda: (hostile({"model": {}}), "cut.png"), "is not a model of the examples"),
    "huge": (
        lambda: (
            hostile({"example": "cifar_mlp", "flags": ["--dnn_hidden_units=1000000000"]}),
            "cut.png",
        ),
        "the weights are smaller than the flags say",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_used_is_one_line(predict: Any, here: Path, case: str) -> None:
    (here / "text.txt").write_text("text")
    (here / "cut.png").write_bytes((PRETRAINED / "cat.png").read_bytes()[:900])
    torch.save([1], here / "list.npz")
    make, text = REFUSED[case]
    status, _, err = predict(*make())
    assert status == 2
    assert text in err
    assert err.count("\n") == 1


def test_confusion_counts_what_it_shows() -> None:
    import _pictures

    classes = ("a", "b", "c")
    labels = np.array([0, 0, 1, 1, 2, 2])
    right = decoded(_pictures.confusion(labels, labels, classes, "cifar10"))
    wrong = decoded(_pictures.confusion(labels, (labels + 1) % 3, classes, "cifar10"))
    assert right.shape == wrong.shape
    dark = lambda picture: picture[:, :, 0].mean()  # noqa: E731
    top_left = (slice(80, 200), slice(160, 300))
    assert dark(right[top_left]) < dark(wrong[top_left]) - 20, "the first cell of the diagonal"


def test_the_surest_mistakes_come_first() -> None:
    import _pictures

    images = np.stack([np.full((3, 8, 8), shade, np.uint8) for shade in (10, 90, 170, 250)])
    labels = np.array([0, 0, 0, 0])
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.1, 0.9], [0.3, 0.7]])
    picture = decoded(_pictures.mistakes(images, labels, probabilities, ("a", "b"), "cifar10"))
    row = picture[140]
    shades = [int(x) for x in row[:, 0] if x in (10, 90, 170, 250)]
    assert list(dict.fromkeys(shades)) == [170, 250, 90], "wrong ones alone, by their probability"


@pytest.mark.parametrize("shape", [(1, 3, 3, 3), (64, 3, 5, 5), (12, 48), (130, 3072)])
def test_filters_of_any_layer(shape: tuple[int, ...]) -> None:
    import _pictures

    weight = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    weight[0] = 0
    side = int((shape[-1] / 3) ** 0.5) if len(shape) == 2 else shape[-1]
    picture = decoded(_pictures.filters(weight, (3, side, side)))
    assert np.isfinite(picture).all()
    assert picture.std() > 5
