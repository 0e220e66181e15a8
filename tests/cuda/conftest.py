"""The devices on which steps can be captured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tinygrad_lite as torch
from tests import strict_graph


@pytest.fixture(params=["strict", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """The devices that can capture."""
    if request.param == "cuda":
        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA GPU")
        yield "cuda"
        return
    with strict_graph.capturable():
        yield "strict"
