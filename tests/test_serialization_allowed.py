"""Whole objects, of the classes that the caller vouches for and of no others."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.graph import _unused
from tinygrad_lite.serialization import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)
from tinygrad_lite.tensor.base import _restore

HEAD = b"tinygrad_lite pickle\n"


class Own:
    """A user's class."""

    def __init__(self, x: Any) -> None:
        self.x = x


class Calls:
    """Something that a pickle has made by a call of the writer's choice."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.made = function, arguments

    def __reduce__(self) -> Any:
        return self.made


@pytest.fixture(autouse=True)
def nothing_allowed() -> Iterator[None]:
    yield
    clear_safe_globals()


def saved(value: Any) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return file


def test_a_module_whose_classes_are_given() -> None:
    model = nn.Sequential(nn.LSTM(3, 4), nn.BatchNorm1d(2))
    model.register_forward_hook(print)
    with safe_globals([nn.Sequential, nn.LSTM, nn.BatchNorm1d, print]):
        found = torch.load(saved(model))
    assert repr(found) == repr(model)
    assert list(found._forward_hooks.values()) == [print]
    for name, value in model.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name
    assert all(p.requires_grad for p in found.parameters())


def test_memory_is_shared_again_and_can_be_written() -> None:
    x, a = torch.arange(6.0).view(2, 3), np.arange(3)
    with safe_globals([Own]):
        found = torch.load(saved(Own([x[1:], x.t(), a, a])))
    row, turned, first, second = found.x
    row.fill_(7.0)
    assert turned.tolist() == [[0, 7], [1, 7], [2, 7]]
    assert first is second
    first += 1
    assert first.tolist() == [1, 2, 3]


def test_a_name_can_be_given_with_the_class() -> None:
    with safe_globals([(nn.Linear, f"{Own.__module__}.Own"), Own]):
        with pytest.raises(torch.FileError, match="can't be made"):  # Linear of no arguments
            torch.load(saved(Calls(Own, 1)))
        assert len(get_safe_globals()) == 2
    assert get_safe_globals() == []
    add_safe_globals([Own])
    assert torch.load(saved(Own(1))).x == 1
    with pytest.raises(torch.FileError, match=r"'tests.*Calls.*weights_only=False"):
        torch.load(saved([Own(1), Calls]))


UNUSED, FLOAT = _unused(), np.zeros(1, np.float32)


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (Calls(os.system, "true"), "system"),
        (Calls(eval, "1"), "eval"),
        (Calls(np.ndarray, (1,), "O", b"12345678"), "can't be made"),
        (np.array([Own(1)], object), "an array's data"),
        (np.zeros(2, [("a", "f4")]), "dtype"),
        (Calls(_restore, Own, UNUSED, FLOAT, None, False), "a tensor of class"),
        (Calls(_restore, torch.Tensor, 1, FLOAT, None, False), "a tensor of"),
        (Calls(_restore, torch.Tensor, UNUSED, b"", None, False), "a tensor of"),
        (Calls(_restore, torch.Tensor, UNUSED, FLOAT, (0, (1,), (8,), "|O"), False), "a tensor"),
        (Calls(_restore, torch.Tensor, UNUSED, FLOAT, (0, (9,), (4,), "<f4"), False), "can't be"),
        (Calls(_restore, torch.Tensor, UNUSED, FLOAT, (0, (9,), (0,), "<f4"), "yes"), None),
    ],
    ids=[
        "system",
        "eval",
        "objects",
        "object array",
        "record",
        "class",
        "storage",
        "bytes",
        "places",
        "beyond",
        "flag",
    ],
)
def test_what_would_do_harm_is_refused(made: Any, match: str | None) -> None:
    add_safe_globals([Own])
    file = io.BytesIO(HEAD + pickle.dumps(made))
    if match is None:
        assert torch.load(file).tolist() == [0] * 9
        return
    with pytest.raises(torch.FileError, match=match):
        torch.load(file)


def test_classes_are_not_changed() -> None:
    add_safe_globals([Own])
    changes = f"c{Own.__module__}\nOwn\n}}Vextra\nI1\nsb.".encode()
    with pytest.raises(torch.FileError, match="changes a class"):
        torch.load(io.BytesIO(HEAD + changes))
    assert not hasattr(Own, "extra")


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_damaged_file(cut: int) -> None:
    add_safe_globals([Own])
    content = saved(Own(torch.ones(3))).getvalue()
    end = len(HEAD) + cut if cut >= 0 else cut
    with pytest.raises(torch.FileError):
        torch.load(io.BytesIO(content[:end]))
