"""A save is whole or not there, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    torch.save({"n": 1}, path)
    with pytest.raises(TypeError):
        torch.save({"n": object()}, path)
    assert torch.load(path) == {"n": 1}
    assert list(tmp_path.iterdir()) == [path]


SAVER = """
import sys
import tinygrad_lite as torch
w = torch.ones(1000, 1000)
print("go", flush=True)
while True:
    for n in (1.0, 2.0):
        torch.save({"w": w * n, "n": n}, sys.argv[1])
"""


def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    for delay in (0.15, 0.21, 0.33):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE, env=dict(os.environ)
        )
        assert process.stdout is not None
        process.stdout.readline()
        while not path.exists():
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        state = torch.load(path)
        assert (state["w"] == state["n"]).all()


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_are_those_of_any_new_file_or_of_the_old_one(tmp_path: Path) -> None:
    path, plain = tmp_path / "c.npz", tmp_path / "plain"
    plain.write_text("")
    torch.save({}, path)
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    torch.save({}, path)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a power failure may leave the new name with nothing in it."""
    path, calls = tmp_path / "c.npz", []
    sync, replace = os.fsync, os.replace

    def fsync(handle: int) -> None:
        calls.append(("fsync", os.fstat(handle).st_size))
        sync(handle)

    def renamed(source: Any, target: Any) -> None:
        calls.append(("replace", Path(source).stat().st_size))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", renamed)
    torch.save({"w": torch.ones(1000)}, path)
    size = path.stat().st_size
    assert calls == [("fsync", size), ("replace", size)]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("where", ["write_array", "fsync", "chmod", "replace"])
def test_a_save_that_fails_leaves_no_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: BaseException
) -> None:
    path = tmp_path / "c.npz"
    torch.save({"n": 1}, path)

    def fail(*_: Any, **__: Any) -> None:
        assert len(list(tmp_path.iterdir())) == 2  # it has begun
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format if where == "write_array" else os, where, fail)
        with pytest.raises(type(error)):
            torch.save({"n": 2}, path)
    assert list(tmp_path.iterdir()) == [path]
    assert torch.load(path) == {"n": 1}
