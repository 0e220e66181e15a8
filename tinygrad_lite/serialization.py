"""Checkpoints: nested dicts and lists of tensors, arrays and plain values in one .npz file.

The file is an ordinary NumPy archive. Each tensor is an entry named by its place, such as
`model/0.weight`, so `numpy.load` reads it without this package; the entry `structure` is
JSON that says how the entries nest. Nothing in it is ever executed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .backend import Device, is_array, numpy, to_host
from .backend.dtypes import as_dtype
from .tensor import Tensor

__all__ = ["load", "save"]

_FORMAT = "tinygrad_lite 1"


def save(obj: Any, path: str | os.PathLike[str]) -> None:
    """Write a checkpoint so that the file is whole or not there: never half of it.

    It is written beside the target, flushed to disk, and renamed over it; a process that is
    killed on the way leaves the old file as it was.

    Args:
        obj: tensors, arrays, numbers, strings, None, and dicts, lists and tuples of these
            (such as state dicts).
        path: the file; its name is kept as it is.

    Raises:
        TypeError: a value that can't be stored; the message names its place.
    """
    import json
    import tempfile  # here, because they would double the package's import time
    import zipfile

    entries: dict[str, Any] = {}
    structure = {"format": _FORMAT, "content": _encode(obj, "", entries)}
    entries["structure"] = numpy.array(json.dumps(structure))
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name, array in entries.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        numpy.lib.format.write_array(member, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, or those that a new file would get."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def load(
    path: str | os.PathLike[str],
    map_location: str | Device = "cpu",
    *,
    weights_only: bool = True,
) -> Any:
    """Read a checkpoint that `save` wrote.

    Args:
        path: the file.
        map_location: the device that the tensors go to.
        weights_only: accepted as in PyTorch; nothing in a checkpoint is ever executed.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is truncated, corrupt, or not a checkpoint; the message names it.
    """
    import json
    import zipfile
    import zlib

    try:
        with open(path, "rb") as file, numpy.load(file, allow_pickle=False) as archive:
            entries = {name: archive[name] for name in archive.files}
        structure = json.loads(str(entries.pop("structure")[()]))
        if structure["format"] != _FORMAT:
            raise ValueError(f"format {structure['format']!r} is not {_FORMAT!r}")
        return _decode(structure["content"], entries, map_location)
    except FileNotFoundError:
        raise
    except (
        ArithmeticError,
        EOFError,
        LookupError,
        NotImplementedError,
        OSError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ValueError(
            f"load: {os.fspath(path)} is not a whole checkpoint of this library ({error})"
        ) from error


def _entry_name(place: str, entries: dict[str, Any]) -> str:
    """A name for an entry of the archive: its place, made safe and unlike all others."""
    name = "".join(c if c.isprintable() else "_" for c in place.removesuffix(".npy")) or "value"
    while name in entries or name == "structure":
        name += "_"
    return name


def _encode(value: Any, place: str, entries: dict[str, Any]) -> Any:
    """A value as JSON; arrays go into `entries`, under the name of their place."""
    if isinstance(value, Tensor) or is_array(value):
        array = to_host(value.array if isinstance(value, Tensor) else value)
        if array.dtype.hasobject:
            raise TypeError(f"save: can't store an array of objects (at {place or 'the top'!r})")
        name = _entry_name(place, entries)
        kind = "tensor" if isinstance(value, Tensor) else "array"
        if array.dtype.name == "bfloat16":  # NumPy's files know no such dtype
            entries[name] = array.view("uint16")
            return {"bfloat16": {kind: name}}
        entries[name] = array
        return {kind: name}
    if isinstance(value, numpy.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        pairs = [
            [_encode(k, f"{place} key", {}), _encode(v, f"{place}/{k}".lstrip("/"), entries)]
            for k, v in value.items()
        ]
        return {"dict": pairs}
    if isinstance(value, list | tuple):
        items = [_encode(v, f"{place}/{i}".lstrip("/"), entries) for i, v in enumerate(value)]
        return {"list" if isinstance(value, list) else "tuple": items}
    raise TypeError(f"save: can't store a {type(value).__name__} (at {place or 'the top'!r})")


def _decode(code: Any, entries: dict[str, Any], device: str | Device) -> Any:
    if not isinstance(code, dict):
        return code
    ((kind, content),) = code.items()
    if kind == "bfloat16":
        ((kind, content),) = content.items()
        entries = {content: entries[content].view(as_dtype("bfloat16"))}
    if kind == "tensor":
        return Tensor(entries[content]).to(device=device)
    if kind == "array":
        return entries[content]
    if kind == "dict":
        pairs = ((_decode(k, entries, device), _decode(v, entries, device)) for k, v in content)
        return dict(pairs)
    items = [_decode(v, entries, device) for v in content]
    return tuple(items) if kind == "tuple" else items
