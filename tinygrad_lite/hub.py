"""`torch.hub`: models' weights that were published, in the folder where PyTorch keeps them.

A file that is there is read; one that is not is fetched. `load` runs a `hubconf.py` that lies in a
folder; no program is fetched to be run.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from importlib import import_module
from importlib import util as _import
from typing import Any, NoReturn
from urllib.parse import urlparse

from .absent import explain as _explain
from .files import StrPath

__all__ = [
    "download_url_to_file",
    "get_dir",
    "help",
    "list",
    "load",
    "load_state_dict_from_url",
    "set_dir",
]


class _NoBar:
    """In place of tqdm's bar: nothing is shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def update(self, n: int = 1) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass


try:
    tqdm: Any = import_module("tqdm").tqdm
except ImportError:  # the bar is an extra
    tqdm = _NoBar

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")  # resnet18-f37072fd.pth
READ_DATA_CHUNK = 128 * 1024
_hub_dir: str | None = None


def _get_torch_home() -> str:
    """Where PyTorch keeps what it fetched: $TORCH_HOME, $XDG_CACHE_HOME/torch or ~/.cache/torch."""
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch")
    return os.path.expanduser(os.environ.get("TORCH_HOME", cache))


def get_dir() -> str:
    """The folder that `set_dir` was given, else `hub` where PyTorch keeps what it fetched."""
    return os.path.join(_get_torch_home(), "hub") if _hub_dir is None else _hub_dir


def set_dir(d: StrPath) -> None:
    """Keep files in another folder."""
    global _hub_dir
    _hub_dir = os.path.expanduser(os.fspath(d))


def download_url_to_file(
    url: str, dst: StrPath, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Fetch a file, which appears under its name when it is whole.

    Args:
        url: where it is.
        dst: its name here.
        hash_prefix: how its SHA-256 begins, in hexadecimal digits; None to take it as it comes.
        progress: say how far it is, if tqdm is installed.

    Raises:
        RuntimeError: another hash. Nothing is left of the file.
        OSError: it could not be fetched (`urllib.error.URLError`) or written.
    """
    dst = os.path.expanduser(os.fspath(dst))
    request = urllib.request.Request(url, headers={"User-Agent": "torch.hub"})
    digest = hashlib.sha256()
    handle, part = tempfile.mkstemp(dir=os.path.dirname(dst) or ".", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(request) as response:
            length = response.headers.get("Content-Length") or ""
            total = int(length) if length.isdecimal() else None
            # disable=None: no bar where stderr is a file.
            off = None if progress else True
            with tqdm(total=total, disable=off, unit="B", unit_scale=True) as bar:
                while chunk := response.read(READ_DATA_CHUNK):
                    file.write(chunk)
                    digest.update(chunk)
                    bar.update(len(chunk))
        if hash_prefix is not None and not digest.hexdigest().startswith(hash_prefix):
            raise RuntimeError(
                f'invalid hash value (expected "{hash_prefix}", got "{digest.hexdigest()}")'
            )
        os.chmod(part, 0o644)  # a temporary file is private; a cache may be shared
        os.replace(part, dst)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def load_state_dict_from_url(
    url: str,
    model_dir: StrPath | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> dict[str, Any]:
    """The weights in a file of that name in `model_dir`, which is fetched if it is not there.

    Args:
        url: where it is; the last part is its name.
        model_dir: a folder; None for `checkpoints` in `get_dir()`.
        map_location: as for `torch.load`.
        progress: as for `download_url_to_file`.
        check_hash: the name ends with how the SHA-256 begins, as "resnet18-f37072fd.pth".
        file_name: another name for it here.
        weights_only: without effect: nothing in the file is run in either case.

    Raises:
        RuntimeError: another hash.
        FileError: what is in it is no checkpoint.
        OSError: it could not be fetched or read.
    """
    from .serialization import load as read  # here: it is as long to load as all else of this

    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else os.fspath(model_dir)
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        print(f'Downloading: "{url}" to {path}', file=sys.stdout)
        found = HASH_REGEX.search(name) if check_hash else None
        download_url_to_file(url, path, found.group(1) if found else None, progress)
    state: dict[str, Any] = read(path, map_location=map_location)
    return state


def load(
    repo_or_dir: StrPath, model: str, *args: Any, source: str = "github", **kwargs: Any
) -> Any:
    """Call a function of the `hubconf.py` in a folder.

    Args:
        repo_or_dir: the folder.
        model: the function's name.
        args, kwargs: what it is given.
        source: "local".

    Raises:
        ValueError: another source than "local" or "github".
        NotImplementedError: "github".
        RuntimeError: no such function, or a package that the file names is not installed.
    """
    for name in ("force_reload", "verbose", "skip_validation", "trust_repo"):
        kwargs.pop(name, None)  # what to ask before a program is fetched
    return _entry(_hubconf(repo_or_dir, source.lower()), model)(*args, **kwargs)


def list(github: StrPath, *args: Any, source: str = "github", **kwargs: Any) -> Sequence[str]:
    """The names of the functions of the `hubconf.py` in a folder.

    Raises:
        NotImplementedError: the source is not "local".
    """
    return [
        name
        for name, value in vars(_hubconf(github, source)).items()
        if callable(value) and not name.startswith("_")
    ]


def help(github: StrPath, model: str, *args: Any, source: str = "github", **kwargs: Any) -> Any:
    """The docstring of a function of the `hubconf.py` in a folder.

    Raises:
        NotImplementedError: the source is not "local".
    """
    return _entry(_hubconf(github, source), model).__doc__


def _refuse(what: StrPath) -> NoReturn:
    raise NotImplementedError(
        f"torch.hub does not fetch programs: clone {os.fspath(what)!r}, and give its folder with "
        "source='local'"
    )


def _hubconf(folder: StrPath, source: str) -> Any:
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source == "github":
        _refuse(folder)
    folder = os.path.expanduser(os.fspath(folder))
    sys.path.insert(0, folder)
    try:
        spec = _import.spec_from_file_location("hubconf.py", os.path.join(folder, "hubconf.py"))
        assert spec is not None  # the name ends with .py
        assert spec.loader is not None
        made = _import.module_from_spec(spec)
        spec.loader.exec_module(made)
    finally:
        sys.path.remove(folder)
    return made


def _entry(hubconf: Any, name: str) -> Any:
    missing = [n for n in getattr(hubconf, "dependencies", ()) if _import.find_spec(n) is None]
    if missing:
        raise RuntimeError(f"Missing dependencies: {', '.join(missing)}")
    found = getattr(hubconf, name, None)
    if not callable(found):
        raise RuntimeError(f"Cannot find callable {name} in hubconf")
    return found


_explain(__name__)
