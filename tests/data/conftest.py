"""What the tests of data share: no user's own data, a server, a set of shards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import tinygrad_lite as torch
from tests.data.server import Server
from tests.data.shards import T, X, written


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's own data."""
    monkeypatch.delenv("TINYGRAD_LITE_DATA", raising=False)
    monkeypatch.delenv("TINYGRAD_LITE_OFFLINE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    for home in ("HOME", "USERPROFILE"):  # even if the code should forget the line above
        monkeypatch.setenv(home, str(tmp_path / "home"))


@pytest.fixture
def server() -> Iterator[Server]:
    """One that is there as long as the test."""
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.stall_at = None
        made.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """50 samples: blocks of 4, shards of 3 blocks."""
    return written(tmp_path / "set", X, torch.from_numpy(T), block_size=4, shard_blocks=3)
