"""Looking at a model: loss and accuracy on a whole data set, and over training steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from _stop import Stop

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F

COLUMNS = ("step", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate")


@dataclass
class Row:
    """One evaluation; the training figures are means over the steps since the one before."""

    step: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    learning_rate: float


@dataclass
class Evaluation:
    """What a model does on a whole data set: mean loss, accuracy, and logits (N, C) on the host."""

    loss: float
    accuracy: float
    logits: torch.Tensor


def evaluate(
    model: nn.Module, dataset: Any, batch_size: int, stop: Stop | None = None
) -> Evaluation | None:
    """Go through a data set in evaluation mode; None if it was asked to stop on the way."""
    model.eval()
    loss = correct = seen = 0.0
    found = []
    with torch.no_grad():
        for x, t in map(tensors, dataset.batches(batch_size)):
            if stop is not None and stop.signal:
                break
            logits = model(x)
            loss += F.cross_entropy(logits, t, reduction="sum").item()
            correct += (logits.argmax(dim=1) == t).sum().item()
            seen += t.numel()
            found.append(logits.cpu())
        else:
            model.train()
            return Evaluation(loss / seen, correct / seen, torch.cat(found))
    model.train()
    return None


def tensors(batch: tuple[Any, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and labels, which a set in host memory gives as arrays."""
    images, labels = batch
    if isinstance(images, torch.Tensor):
        return images, labels
    return torch.from_numpy(images), torch.from_numpy(labels)


class Sums:
    """Loss and accuracy added up over steps where the model is: reading them may wait for it."""

    def __init__(self, device: str) -> None:
        self.tensor = torch.zeros(2, dtype="float64", device=device)
        self._marks: dict[str, tuple[float, float, int]] = {}

    def add(self, loss: torch.Tensor, accuracy: torch.Tensor) -> None:
        """One more step's."""
        self.tensor += torch.stack([loss, accuracy]).double()

    def finite(self) -> bool:
        """Whether every loss so far was."""
        return math.isfinite(self.tensor[0].item())

    def means(self, reader: str, step: int, *, mark: bool = True) -> tuple[float, float]:
        """The means over the steps since this reader last marked where it was."""
        loss, accuracy = self.tensor.tolist()
        loss_0, accuracy_0, step_0 = self._marks.get(reader, (0.0, 0.0, 0))
        if mark:
            self._marks[reader] = loss, accuracy, step
        steps = max(step - step_0, 1)
        return (loss - loss_0) / steps, (accuracy - accuracy_0) / steps

    def state_dict(self) -> dict[str, Any]:
        """The sums, and where their readers are."""
        return {"sums": self.tensor.tolist(), "marks": dict(self._marks)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        sums = torch.tensor([float(x) for x in state["sums"]], dtype="float64")
        marks = {str(k): (float(a), float(b), int(c)) for k, (a, b, c) in state["marks"].items()}
        self.tensor.copy_(sums)
        self._marks = marks
