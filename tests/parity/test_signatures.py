"""Everything public is called as in PyTorch: positions, keywords, defaults."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from tests.docs.test_pages import script

from . import deliberate
from .signatures import differences, public

ALL = {dotted: (ours, theirs) for dotted, ours, theirs in public()}


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


def test_the_page_beside_pytorch_has_its_signatures() -> None:
    written = script("pytorch")
    recorded = written.RECORD.read_text(encoding="utf-8")
    version = torch.__version__.partition("+")[0]
    if json.loads(recorded)["version"] != version:
        pytest.skip(f"recorded of another PyTorch than {version}")
    assert written.record() == recorded
