"""The sequence, residual and autoencoder examples, trained by PyTorch: the import alone differs."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LIBRARIES = ["tinygrad_lite", *(["torch"] if importlib.util.find_spec("torch") else [])]
STEPS, BATCH = 5, 4
CHARACTERS, CONTEXT = 11, 12


@dataclass(frozen=True)
class Program:
    """A small model of an example, its batches, and PyTorch 2.13's losses of it."""

    build: Callable[[dict[str, Any]], Any]
    optimizer: Callable[[Any, Any], Any]
    text: bool
    recorded: list[float]


def adam(torch: Any, parameters: Any) -> Any:
    return torch.optim.AdamW(parameters, lr=1e-2)


def sgd(torch: Any, parameters: Any) -> Any:
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4)


PROGRAMS = {
    "char_gpt": Program(
        lambda names: names["GPT"](CHARACTERS, CONTEXT, 16, 2, 2, 0.0),
        adam,
        True,
        [2.905599, 2.67788, 2.577542, 2.690646, 2.63949],
    ),
    "char_lstm": Program(
        lambda names: names["CharLSTM"](CHARACTERS, 16, 2, 0.0),
        adam,
        True,
        [2.40433, 2.430872, 2.378024, 2.411415, 2.42176],
    ),
    "resnet": Program(
        lambda names: names["ResNet"](1, 4),
        sgd,
        False,
        [2.048162, 2.52178, 2.370328, 2.347894, 2.490671],
    ),
    "vae": Program(
        lambda names: names["VAE"](6, 4),
        adam,
        False,
        [13002.95, 12795.02, 12987.55, 12840.08, 12651.1],
    ),
}


def names_of(example: str, library: str) -> dict[str, Any]:
    """What the script defines, with the import of another library."""
    source = (EXAMPLES / f"{example}.py").read_text(encoding="utf-8")
    if library != "tinygrad_lite":
        source = source.replace("import tinygrad_lite as torch", f"import {library} as torch")
        source = source.replace("from tinygrad_lite", f"from {library}")
        assert "tinygrad_lite" not in source.partition("\n\n\n")[0]
    names: dict[str, Any] = {"__name__": example}
    exec(compile(source, f"{example}.py", "exec"), names)
    return names


def fill(torch: Any, model: Any) -> None:
    """Weights that do not depend on the library."""
    random = np.random.RandomState(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            shape = tuple(parameter.shape)
            values = random.normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:])))
            if len(shape) == 1:
                values = 0.1 * values + name.endswith("weight")
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))


def losses(example: str, library: str, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The losses of a training as PyTorch programs write it."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    torch = importlib.import_module(library)
    program, names = PROGRAMS[example], names_of(example, library)
    model = program.build(names)
    fill(torch, model)
    model.train()
    optimizer = program.optimizer(torch, model.parameters())
    random = np.random.RandomState(1)

    def noise(like: Any) -> Any:
        return torch.from_numpy(random.normal(size=tuple(like.shape)).astype(np.float32))

    monkeypatch.setattr(torch, "randn_like", noise)
    found = []
    for _ in range(STEPS):
        if program.text:
            codes = torch.from_numpy(random.randint(CHARACTERS, size=(BATCH, CONTEXT + 1)))
            x, t = codes[:, :-1], codes[:, 1:]
        else:
            x = torch.from_numpy(random.uniform(size=(BATCH, 3, 32, 32)).astype(np.float32))
            t = torch.from_numpy(random.randint(10, size=BATCH))
        optimizer.zero_grad()
        if example == "vae":
            loss = names["bound"](*model(x), x)
        else:
            loss = torch.nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("example", PROGRAMS)
def test_trains_to_pytorchs_losses(
    example: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = losses(example, library, monkeypatch)
    np.testing.assert_allclose(found, PROGRAMS[example].recorded, rtol=1e-4)


@pytest.mark.skipif("torch" not in LIBRARIES, reason="PyTorch is not installed")
@pytest.mark.parametrize("example", PROGRAMS)
def test_state_dicts_are_pytorchs(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    states = [
        PROGRAMS[example].build(names_of(example, library)).state_dict() for library in LIBRARIES
    ]
    ours, theirs = ([(k, tuple(v.shape)) for k, v in state.items()] for state in states)
    assert ours == theirs
