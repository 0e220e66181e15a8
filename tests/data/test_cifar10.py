"""CIFAR-10 from folders: where its files are looked for, and the sample in their place."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.data.cifar_files import EDITION, PICKLES, assert_whole, write_binary, write_python
from tinygrad_lite.data import cifar10
from tinygrad_lite.data._make_sample import draw, first_per_class
from tinygrad_lite.data.formats import OFFICIAL

REAL = os.environ.get("TINYGRAD_LITE_DATA")
real_files = pytest.mark.skipif(REAL is None, reason="needs the files in $TINYGRAD_LITE_DATA")


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin"])
def test_binary_layout(tmp_path: Path, inner: str) -> None:
    folder = write_binary(tmp_path / inner)
    data = cifar10(tmp_path, edition=EDITION)
    assert_whole(data)
    assert data.folder == folder


@pytest.mark.parametrize("kind", PICKLES)
@pytest.mark.parametrize("inner", ["", "cifar-10-batches-py"])
def test_python_layout(tmp_path: Path, inner: str, kind: str) -> None:
    write_python(tmp_path / inner, kind)
    assert_whole(cifar10(str(tmp_path), edition=EDITION))


def test_a_complete_layout_wins_over_an_incomplete_one(tmp_path: Path) -> None:
    write_binary(tmp_path)
    (tmp_path / "data_batch_4.bin").unlink()
    write_python(tmp_path / "cifar-10-batches-py")
    assert_whole(cifar10(tmp_path, edition=EDITION))


@pytest.mark.parametrize("place", ["variable", "cache"])
def test_found_without_a_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    if place == "variable":
        monkeypatch.setenv("TINYGRAD_LITE_DATA", str(write_binary(tmp_path / "data")))
    else:
        write_binary(tmp_path / "xdg" / "tinygrad_lite" / "cifar-10-batches-bin")
    assert_whole(cifar10(edition=EDITION, download=False, sample=False))


def test_the_variable_comes_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_binary(tmp_path / "xdg" / "tinygrad_lite")
    named = write_binary(tmp_path / "data")
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(named))
    assert cifar10(edition=EDITION).folder == named


def test_root_and_download_root_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="either root or download_root"):
        cifar10(tmp_path, download_root=tmp_path)


# --- the sample ---


def test_the_sample_is_balanced_small_and_loud(capsys: pytest.CaptureFixture[str]) -> None:
    data = cifar10(download=False)
    assert data.source == "sample"
    assert data.folder is None
    np.testing.assert_array_equal(np.bincount(data.train.labels), [100] * 10)
    np.testing.assert_array_equal(np.bincount(data.test.labels), [25] * 10)
    assert data.train.pixels.shape == (1000, 3, 32, 32)
    assert 20 < data.train.images.std() < 100  # pixels of photographs, in 0…255
    assert len(set(data.train.labels[:100])) == 10  # a walk in order meets all classes
    warning = capsys.readouterr().err
    assert "!! WARNING: this is NOT the CIFAR-10 data set." in warning
    assert "Accuracies are NOT comparable" in warning
    import tinygrad_lite.data as room

    assert room.__file__ is not None
    assert Path(room.__file__).with_name("sample.npz").stat().st_size <= 4_000_000


def test_without_the_sample_the_error_lists_where_we_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path / "named"))
    with pytest.raises(FileNotFoundError) as caught:
        cifar10(download=False, sample=False)
    assert str(tmp_path / "named") in str(caught.value)
    assert str(tmp_path / "xdg" / "tinygrad_lite") in str(caught.value)


def test_first_per_class_keeps_the_order() -> None:
    labels = np.array([1, 0, 1, *range(2, 10), 1, 0, 0])
    assert first_per_class(labels, 2).tolist() == [0, 1, 2, *range(3, 11), 12]


@real_files
def test_the_real_files() -> None:
    data = cifar10(REAL)
    assert (len(data.train), len(data.test)) == (50_000, 10_000)
    np.testing.assert_array_equal(np.bincount(data.train.labels), [5000] * 10)
    total = data.train.pixels.sum(axis=0, dtype=np.int64)
    np.testing.assert_array_equal(data.mean_image, (total / 50_000).astype(np.float32))
    assert OFFICIAL.records == 10_000


@real_files
def test_the_sample_was_drawn_from_the_real_files() -> None:
    assert REAL is not None
    sample = cifar10(download=False)
    arrays = draw(REAL)
    np.testing.assert_array_equal(sample.train.pixels, arrays["train_images"])
    np.testing.assert_array_equal(sample.train.labels, arrays["train_labels"])
    np.testing.assert_array_equal(sample.test.pixels, arrays["test_images"])
    np.testing.assert_array_equal(sample.test.labels, arrays["test_labels"])


def test_offline_means_no_source_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Source:
        name = "a source"

        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"the source was asked for {name}")

    monkeypatch.setenv("TINYGRAD_LITE_OFFLINE", "1")
    assert cifar10(sources=(Source(),)).source == "sample"  # type: ignore[arg-type]
    assert "TINYGRAD_LITE_OFFLINE" in capsys.readouterr().err
