"""What the character models share: a text in windows, flags, and the run that trains on it."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import _flags
import _pictures
from _flags import Parser, count, fail, fraction, positive, run_flags
from _run import Run

import tinygrad_lite as torch
from tinygrad_lite import nn, optim

TEXT = Path(__file__).parent / "texts" / "alice.txt"
TRAINED = 0.9  # of the text; the rest is the test


class Windows:
    """Every stretch of T characters of a text, each with the T that come one place later.

    Args:
        codes: int64 (L,), the characters' numbers.
        length: T.
        seed: of the generator that draws where windows begin.
    """

    def __init__(self, codes: torch.Tensor, length: int, seed: int) -> None:
        self.codes, self.length = codes, length
        self.places = torch.arange(length, device=codes.device)
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self.codes) - self.length

    def to(self, device: str) -> Windows:
        """The same text on a device; windows are drawn on the host."""
        return Windows(self.codes.to(device), self.length, 0)

    def next_indices(self, batch_size: int) -> Any:
        """Where the next windows begin: int64 (B,)."""
        return torch.randint(len(self), (batch_size,), generator=self.generator).numpy()

    def gather(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The windows that begin at `rows` (B,), and what comes next: int64 (B, T) each."""
        places = rows.to(self.codes.device).unsqueeze(1) + self.places
        return self.codes[places], self.codes[places + 1]

    def batches(self, batch_size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Windows side by side, through the text once."""
        starts = torch.arange(0, len(self), self.length)
        for part in starts.split(batch_size):
            yield self.gather(part)

    def state_dict(self) -> dict[str, Any]:
        """Where the drawing is."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.generator.set_state(state["generator"])


class Text:
    """A text in two parts, `train` and `test`, and its characters.

    Args:
        path: of the file.
        length: of its windows.
        seed: of the walk through them.

    Attributes:
        classes: its different characters, in order; their places are their codes.
    """

    unit = "windows"

    def __init__(self, path: Path, length: int, seed: int) -> None:
        text = path.read_text(encoding="utf-8")
        self.source, self.classes = path.name, sorted(set(text))
        codes = self.encode(text)
        middle = int(TRAINED * len(codes))
        self.train = Windows(codes[:middle], length, seed)
        self.test = Windows(codes[middle:], length, seed)
        if min(middle, len(codes) - middle) <= length:
            raise ValueError(f"{path} has {len(text)} characters, too few for windows of {length}")

    def encode(self, text: str) -> torch.Tensor:
        """Codes int64 (L,) of L characters, which must be known."""
        codes = {character: code for code, character in enumerate(self.classes)}
        return torch.tensor([codes[character] for character in text])

    def decode(self, codes: list[int]) -> str:
        """The characters of these codes."""
        return "".join(self.classes[code] for code in codes)


def load_text(args: argparse.Namespace) -> Text:
    """The text; leaves with status 2 if it can't be used.

    How many different characters it has goes into `args.characters`, for the model.
    """
    try:
        text = Text(args.text, args.context, args.seed)
    except (OSError, ValueError) as error:
        fail(f"--text: {error}")
    args.characters = len(text.classes)
    return text


def text_flags(
    parser: Parser, *, learning_rate: float, max_steps: int, width: int, layers: int
) -> None:
    """The flags of the character models; the arguments are the defaults that differ."""
    add = parser.flag
    add("learning_rate", type=positive, default=learning_rate, help="default %(default)s")
    add("max_steps", type=count, default=max_steps, help="training steps, default %(default)s")
    add("batch_size", type=count, default=32, help="windows a step, default %(default)s")
    add("eval_freq", type=count, default=100, help="steps between evaluations, %(default)s")
    add("context", type=count, default=64, help="characters a window, default %(default)s")
    add("width", type=count, default=width, help="numbers a character, default %(default)s")
    add("layers", type=count, default=layers, help="default %(default)s")
    add("dropout", type=fraction, default=0.0, help="probability, default %(default)s")
    add("text", type=Path, default=TEXT, help="a UTF-8 file, default %(default)s")
    add("characters", type=count, default=None, help=argparse.SUPPRESS)  # the text's, in a resume
    add("generate", type=count, default=400, help="characters written at the end, %(default)s")
    run_flags(parser, seed=42)


@torch.no_grad()
def generate(
    model: nn.Module, codes: torch.Tensor, number: int, context: int, generator: torch.Generator
) -> list[int]:
    """Write on: each next character is drawn by the model's probabilities given those before.

    Args:
        model: of codes (1, T) to logits (1, C, T).
        codes: int64 (L,) on the model's device, at least one, to go on from.
        number: how many to write.
        context: T at most.
        generator: on the host.
    """
    model.eval()
    written: list[int] = []
    for _ in range(number):
        logits = model(codes[-context:].unsqueeze(0))[0, :, -1]
        below = logits.softmax(dim=0).cpu().cumsum(dim=0)  # the chance of it or one before it
        code = (below <= torch.rand(1, generator=generator)).sum().clamp(max=len(below) - 1)
        written.append(int(code.item()))
        codes = torch.cat([codes, code.to(codes.device).reshape(1)])
    model.train()
    return written


class TextRun(Run):
    """A run on text: AdamW whose learning rate falls along a cosine; at its end it writes some."""

    def prepare(self) -> None:
        """The optimizer and the schedule: up in a twentieth of the steps, then down to a tenth."""
        args = self.args
        total, warm = args.max_steps, max(1, args.max_steps // 20)

        def factor(step: int) -> float:
            if step < warm:
                return (step + 1) / warm
            part = min(1.0, (step - warm) / max(1, total - warm))
            return 0.1 + 0.45 * (1 + math.cos(math.pi * part))

        self.augment = None
        self.optimizer = optim.AdamW(self.model.parameters(), lr=args.learning_rate)
        self.schedule = optim.lr_scheduler.LambdaLR(self.optimizer, factor)

    def gather(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Windows of the training text and what comes next, on the device."""
        return self.train_set.gather(rows)

    def about(self) -> dict[str, Any]:
        """What one must know to use the model, and its characters."""
        known = {"classes": list(self.data.classes), "dataset": self.data.source}
        return {"example": self.name, "flags": _flags.words(self.args), "step": self.step} | known

    def drawn(self) -> Iterator[tuple[str, bytes]]:
        """The curves, and what the model writes."""
        if self.rows:
            best = min(row.test_loss for row in self.rows)
            title = f"{self.data.source}: {best:.3f} nats a character"
            yield "curves.png", _pictures.curves(self.rows, self.data.source, title)
        yield "written.txt", self.written_text().encode()

    def written_text(self) -> str:
        """What the model writes after a line's end; it is printed as well."""
        start = self.data.encode("\n").to(self.device)
        generator = torch.Generator().manual_seed(self.args.seed)
        args = self.args
        codes = generate(self.model, start, args.generate, args.context, generator)
        text = self.data.decode(codes) + "\n"
        print(text)
        return str(text)
