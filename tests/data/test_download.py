"""Downloads of CIFAR-10 from real local servers, good ones and bad ones."""

from __future__ import annotations

import io
import socket
import sys
import threading
from pathlib import Path

import pytest

from tests.data.cifar_files import EDITION, assert_whole, write_binary
from tests.data.server import FILES, PAYLOAD, Server, assert_clean, load, tar_of
from tinygrad_lite.data import Archive, SourceError, cifar10
from tinygrad_lite.data.archive import download
from tinygrad_lite.data.download import STAGING
from tinygrad_lite.data.formats import BINARY_FOLDER, md5


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
    with pytest.raises(FileNotFoundError, match="timed out"):
        load(tmp_path, server.source(timeout=0.3))
    assert len(server.requests) <= 1, "it is not asked again"


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
