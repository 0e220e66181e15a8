"""Downloads by real processes, several at once, some of them killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.data.cifar_files import BATCH, EDITION, RECORDS, assert_whole
from tests.data.server import PAYLOAD, Server, assert_clean
from tinygrad_lite.data import cifar10
from tinygrad_lite.data.download import STAGING
from tinygrad_lite.data.formats import BATCHES, BINARY_FOLDER, md5

REPOSITORY = Path(__file__).resolve().parents[2]

CHILD = """
import json, sys
from tinygrad_lite.data import Archive, Edition, cifar10
root, url, md5, records, sums = json.loads(sys.argv[1])
data = cifar10(download_root=root, edition=Edition(records, sums),
               sources=[Archive(url, md5, timeout=120)], sample=False)
print(data.source, int(data.train.pixels.sum()))
"""


def start(root: Path, server: Server, log: Any = subprocess.PIPE) -> subprocess.Popen[str]:
    spec = json.dumps([str(root), server.url, md5(PAYLOAD), RECORDS, dict(EDITION.md5)])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, spec],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def finish(process: subprocess.Popen[str]) -> None:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    total = sum(int(BATCH[name][:, 1:].sum()) for name in BATCHES[:-1])
    assert out.split() == ["cifar10", str(total)]


def wait_until(condition: Any, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing happened for two minutes"
        time.sleep(0.01)


def test_two_processes_at_once_share_one_download(tmp_path: Path, server: Server) -> None:
    server.stall_at = 200_000
    root, log = tmp_path / "root", tmp_path / "log"
    with log.open("a") as file:  # to whose end both write
        processes = [start(root, server, file) for _ in range(2)]
    try:
        # While the download stands still the other comes to the lock, or else downloads too.
        wait_until(lambda: "waiting for another process" in log.read_text(), processes[0])
        server.stall_at = None
        for process in processes:
            finish(process)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert server.requests == [None]
    assert log.read_text().count("waiting for another process") == 1
    assert_clean(root)


def test_a_killed_download_leaves_nothing_broken_and_is_resumed(
    tmp_path: Path, server: Server
) -> None:
    part = tmp_path / STAGING / "data.tar.gz.part"
    # The server sends pieces of 4,096 bytes; each must be in the file when the next is due.
    server.rate = 2e6
    for stall in (25 * 4096, 73 * 4096):
        server.stall_at = stall
        process = start(tmp_path, server)
        wait_until(lambda at=stall: part.exists() and part.stat().st_size == at, process)
        process.kill()  # SIGKILL: no clean-up of its own
        process.communicate()
        assert process.returncode != 0
        assert not (tmp_path / BINARY_FOLDER).exists()
        assert PAYLOAD.startswith(part.read_bytes())
    have = part.stat().st_size
    server.stall_at = server.rate = None
    finish(start(tmp_path, server))
    assert server.requests[0] is None
    assert server.requests[-1] == f"bytes={have}-"
    assert_clean(tmp_path)


def test_killed_as_the_folder_appears_it_is_whole(tmp_path: Path, server: Server) -> None:
    folder = tmp_path / BINARY_FOLDER
    for _ in range(3):
        process = start(tmp_path, server)
        while not folder.exists():  # without a pause, so as to kill at the very moment
            # On a busy machine it may have gone through its end between the two looks.
            assert process.poll() is None or folder.exists(), process.communicate()
        process.kill()
        process.communicate()
        assert_whole(cifar10(tmp_path, edition=EDITION))
        shutil.rmtree(folder)
    finish(start(tmp_path, server))
    assert_clean(tmp_path)
