"""A server of a small CIFAR-10 on this machine, and what asks it."""

from __future__ import annotations

import io
import os
import tarfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.data.cifar_files import BATCH, EDITION
from tinygrad_lite.data import Archive, cifar10
from tinygrad_lite.data.download import BINARY_FILES, STAGING
from tinygrad_lite.data.formats import BINARY_FOLDER, md5


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


def load(root: Path, *sources: Any, **options: Any) -> Any:
    return cifar10(
        download_root=root, edition=EDITION, sources=sources, **{"sample": False, **options}
    )


def assert_clean(root: Path) -> None:
    """Only the six files and the lock are left."""
    left = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    wanted = {os.path.join(BINARY_FOLDER, name) for name in BINARY_FILES}
    assert left == wanted | {os.path.join(STAGING, "lock")}
