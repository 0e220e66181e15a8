"""Everything public is called as in PyTorch: positions, keywords, defaults; classes inherit."""

from __future__ import annotations

import functools
import json
import operator
from typing import Any

import pytest
import torch

import tinygrad_lite
from tests.docs.test_pages import script

from . import deliberate
from .signatures import STUBS_ALONE, differences, public

ALL = {dotted: (ours, theirs) for dotted, ours, theirs in public()}


def _both(room: str, name: str) -> tuple[type, type]:
    """A class of a room, ours and theirs."""
    of = operator.attrgetter(f"{room}.{name}")
    return of(tinygrad_lite), of(torch)


@functools.cache
def _classes(room: str) -> list[str]:
    """The classes that a room has in both libraries."""
    theirs, ours = operator.attrgetter(room)(torch), operator.attrgetter(room)(tinygrad_lite)
    pairs = ((n, getattr(theirs, n), getattr(ours, n, None)) for n in dir(theirs))
    return [n for n, a, b in pairs if isinstance(a, type) and isinstance(b, type)]


@pytest.mark.parametrize("dotted", [*ALL])
def test_as_pytorch(dotted: str) -> None:
    ours, theirs = ALL[dotted]
    name = f".{dotted.removeprefix('Tensor.')}" if dotted.startswith("Tensor.") else dotted
    found = list(differences(dotted, ours, theirs))
    assert not found or deliberate.excused(name, "signature"), f"{dotted}: {'; '.join(found)}"


def test_another_order_keyword_or_default_is_found() -> None:
    def ours(input: Any, dim: Any = None, keepdim: bool = True) -> None: ...

    def theirs(input: Any, keepdim: bool = False, dim: Any = None, extra: int = 1) -> None: ...

    assert list(differences("made up", ours, theirs)) == [
        "position 1 is dim, not keepdim",
        "position 2 is keepdim, not dim",
        "takes no extra by position 3",
        "keepdim=True, not False",
        "takes no extra=",
    ]


def test_what_pytorch_takes_by_keyword_alone_is_found() -> None:
    def ours(input: Any, dim: Any = None, stable: bool = False) -> None: ...

    def theirs(input: Any, dim: Any = None, *, stable: bool = False) -> None: ...

    assert [*differences("made up", ours, theirs)] == [
        "takes stable by position 2, not by keyword alone"
    ]


@pytest.mark.parametrize("dotted", sorted(STUBS_ALONE))
def test_a_stub_is_wrong(dotted: str) -> None:
    """PyTorch refuses a second argument by position, and so does this."""
    for library in (torch, tinygrad_lite):
        function = operator.attrgetter(dotted)(library)
        first = (library.ones(2),) * (2 if dotted.startswith("Tensor.") else 1)
        with pytest.raises(TypeError):
            function(*first, "none" if dotted.endswith("gelu") else library.float64)


def test_the_page_beside_pytorch_has_its_signatures() -> None:
    written = script("pytorch")
    recorded = written.RECORD.read_text(encoding="utf-8")
    version = torch.__version__.partition("+")[0]
    if json.loads(recorded)["version"] != version:
        pytest.skip(f"recorded of another PyTorch than {version}")
    assert written.record() == recorded


ROOMS = ("nn", "optim", "optim.lr_scheduler", "utils.data", "distributions")
CLASSES = [
    pytest.param(room, name, id=f"{room}.{name}") for room in ROOMS for name in _classes(room)
]


@pytest.mark.parametrize(("room", "name"), CLASSES)
def test_a_class_is_what_it_is_there(room: str, name: str) -> None:
    (ours, theirs), others = _both(room, name), {n: _both(room, n) for n in _classes(room)}
    for other, (our_base, their_base) in others.items():
        mine = issubclass(ours, our_base)
        text = f"{name} is {'a' if mine else 'no'} {other}"
        excused = deliberate.excused(f"{room}.{name}", "names", text)
        assert mine == issubclass(theirs, their_base) or excused, text
