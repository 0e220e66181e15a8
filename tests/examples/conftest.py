"""Pictures that a test's own process draws stay blank, but where they are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples.blank.matplotlib.figure import Figure


@pytest.fixture(autouse=True)
def blank_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of `blank/`; `environment` of `test_mlp.py` sees to other processes."""
    if request.path.name != "test_predict.py":
        monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "examples"))
        import _pictures

        monkeypatch.setattr(_pictures, "_figure", Figure)
