"""What a run draws: curves, a confusion matrix, its worst mistakes, its first layer, predictions.

Figures are made without `pyplot`, so a notebook's plotting backend stays as it is. Each function
returns the PNG's bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # here: it takes half a second, and not all runs draw

    return Figure(figsize=(width, height), layout="constrained")


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def data_name(source: str) -> str:
    """How a title calls the data set."""
    return "CIFAR-10" if source == "cifar10" else "the bundled sample, not CIFAR-10"


def curves(
    rows: Sequence[Any],
    source: str,
    title: str = "",
    measures: tuple[str, str] = ("cross entropy (nats)", "accuracy"),
) -> bytes:
    """Loss and accuracy against steps, train and test, side by side.

    Args:
        rows: evaluations, in order; at least one.
        source: the data set's name.
        title: what to say instead of it.
        measures: what the two are called.
    """
    steps = [row.step for row in rows]
    figure = _figure(10, 4)
    for axis, what in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part in ("train", "test"):
            values = [getattr(row, f"{part}_{what}") for row in rows]
            axis.plot(steps, values, marker="o", markersize=3, label=part)
        axis.set_xlabel("step")
        axis.set_ylabel(measures[what != "loss"])
        axis.set_title("Loss" if what == "loss" else measures[1].capitalize())
        axis.grid(alpha=0.3)
        axis.legend()
    best = max(row.test_accuracy for row in rows)
    text = f"{title or data_name(source)}: best test {measures[1]} {best:.3f}"
    figure.suptitle(text, fontsize=12 if len(text) < 90 else 9)  # long ones fit as well
    return _png(figure)


def confusion(labels: Any, predicted: Any, classes: Sequence[str], source: str) -> bytes:
    """How often each class is taken for which: rows are the true classes, in percent.

    Args:
        labels, predicted: int64 (N,).
        classes: their names.
        source: the data set's name.
    """
    n = len(classes)
    counts = np.bincount(labels * n + predicted, minlength=n * n).reshape(n, n)
    percent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = _figure(7.5, 6.5)
    axis = figure.subplots()
    shown = axis.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(shown, ax=axis, label="% of the true class", shrink=0.8)
    axis.set_xticks(range(n), classes, rotation=45, ha="right")
    axis.set_yticks(range(n), classes)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    for (row, column), value in np.ndenumerate(percent):
        colour = "white" if value > 55 else "black"
        text = f"{value:.0f}" if value >= 0.5 else "·" if value else ""
        axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    accuracy = float((labels == predicted).mean())
    axis.set_title(f"{data_name(source)}, {len(labels):,} test images: accuracy {accuracy:.3f}")
    return _png(figure)


def mistakes(
    images: Any, labels: Any, probabilities: Any, classes: Sequence[str], source: str
) -> bytes:
    """The test images that the model is most sure of, and wrong about: the surest first.

    Args:
        images: uint8 (N, 3, H, W).
        labels: int64 (N,).
        probabilities: float (N, C).
        classes: the C names.
        source: the data set's name.
    """
    predicted, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    shown = wrong[np.argsort(-sure[wrong], kind="stable")][:32]
    figure = _figure(12, 7.6)
    for axis in (axes := figure.subplots(4, 8).ravel()):
        axis.axis("off")
    for axis, i in zip(axes, shown, strict=False):
        axis.imshow(images[i].transpose(1, 2, 0))
        text = f"{classes[predicted[i]]} {100 * sure[i]:.0f} %\nis: {classes[labels[i]]}"
        axis.set_title(text, fontsize=9)
    figure.suptitle(
        f"{data_name(source)}: the surest of {len(wrong):,} mistakes in {len(labels):,} test images"
    )
    return _png(figure)


def filters(weight: Any, size: tuple[int, int, int] = (3, 32, 32)) -> bytes:
    """The first layer's weights as pictures: grey is 0, each with its own largest value.

    Args:
        weight: a convolution's (M, 3, h, w), or a linear layer's (M, 3·H·W).
        size: (3, H, W), the image that a linear layer's row is a weight for.
    """
    weight = weight.reshape(len(weight), *size) if weight.ndim == 2 else weight
    shown = weight[:100]
    count, width = len(shown), shown.shape[3]
    scale = np.abs(shown).max(axis=(1, 2, 3), keepdims=True)
    pictures = (0.5 + 0.5 * shown / np.where(scale == 0, 1, scale)).transpose(0, 2, 3, 1)
    # Full rows, if there is a number of columns for that; small filters enlarged, for narrow gaps.
    columns = next((n for n in range(12, 5, -1) if count % n == 0), min(10, count))
    larger = -(-30 // width)
    wall = _wall(pictures.repeat(larger, axis=1).repeat(larger, axis=2), columns)
    figure = _figure(10, 10 * len(wall) / wall.shape[1] + 0.5)
    axis = figure.subplots()
    axis.imshow(wall, interpolation="nearest")
    axis.axis("off")
    first = f"{count} of {len(weight)}" if count < len(weight) else f"{count}"
    shape = "×".join(map(str, weight.shape[1:]))
    axis.set_title(f"The first layer: {first} filters of {shape}", fontsize=11)
    return _png(figure)


def _wall(pictures: Any, columns: int) -> Any:
    """Pictures (N, H, W, 3) in rows, with white between them."""
    count, (height, width), gap = len(pictures), pictures.shape[1:3], 3
    wall = np.ones((-(-count // columns) * (height + gap) - gap, columns * (width + gap) - gap, 3))
    for i, picture in enumerate(pictures):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        wall[top : top + height, left : left + width] = picture
    return wall


def restored(images: Any, restored: Any, samples: Any, source: str) -> bytes:
    """Images, what an autoencoder makes of them, and what it makes of noise: three walls.

    Args:
        images, restored, samples: float (N, 3, H, W) in [0, 1].
        source: the data set's name.
    """
    titles = ("test images", "restored from their codes", "samples: decoded from normal noise")
    parts = (images, restored, samples)
    walls = [_wall(part.transpose(0, 2, 3, 1), 12) for part in parts]
    figure = _figure(9, 7.2)
    axes = figure.subplots(3, 1, height_ratios=[len(wall) for wall in walls])
    for axis, wall, title in zip(axes, walls, titles, strict=True):
        axis.imshow(wall, interpolation="nearest")
        axis.axis("off")
        axis.set_title(f"{data_name(source)}: {title}" if axis is axes[0] else title, fontsize=11)
    return _png(figure)


def predictions(pictures: Sequence[tuple[str, Any, Any]], classes: Sequence[str]) -> bytes:
    """Pictures, as the model sees them, beside their probabilities.

    Args:
        pictures: for each its name, pixels uint8 (3, H, W) and probabilities (C,).
        classes: the C names.
    """
    figure = _figure(8, 0.4 + 2.6 * len(pictures))
    grid = figure.subplots(len(pictures), 2, squeeze=False, width_ratios=(1, 2))
    for (left, right), (name, pixels, probabilities) in zip(grid, pictures, strict=True):
        left.imshow(pixels.transpose(1, 2, 0))
        left.axis("off")
        left.set_title(name if len(name) < 30 else f"…{name[-28:]}", fontsize=10)
        best = int(probabilities.argmax())
        colours = ["tab:blue" if i == best else "lightsteelblue" for i in range(len(classes))]
        right.barh(range(len(classes)), probabilities, color=colours)
        right.set_yticks(range(len(classes)), classes)
        right.invert_yaxis()
        right.set_xlim(0, 1)
        right.set_title(f"{classes[best]}, probability {probabilities[best]:.3f}", fontsize=10)
    return _png(figure)
