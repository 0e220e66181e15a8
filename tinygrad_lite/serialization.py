"""Checkpoints: nested dicts and lists of tensors, arrays and plain values in one .npz file.

The file is an ordinary NumPy archive. Each tensor is an entry named by its place, such as
`model/0.weight`, so `numpy.load` reads it without this package; the entry `structure` is
JSON that says how the entries nest. Nothing in it is ever executed.

`save` writes only what `load` takes, and says no at once to what it would not; `load` takes only
what `save` writes. So every file has one meaning, needs no more memory than it has bytes, and is
checked bit for bit (`files/`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .backend import Device, is_array, numpy, to_host
from .backend.dtypes import FLOATING, as_dtype
from .files import FileError, Malformed, about, reading, regular_size
from .files.npy import DTYPES, text
from .files.texts import parse
from .files.zips import StoredZip
from .tensor import Tensor
from .tensor.base import new
from .tensor.dtypes import LEGACY_NAMES

__all__ = ["FileError", "load", "save"]

_FORMAT = "tinygrad_lite 1"
_STRUCTURE = "structure.npy"
DEEPEST = 64  # dicts and lists in one another
LONGEST = 1 << 24  # characters of the structure
MOST_ENTRIES = 100_000
_LARGEST_KEY = 2**53  # so that nobody can choose keys whose hashes agree
_MOST_BITS = 4096  # of an integer


def save(obj: Any, path: str | os.PathLike[str]) -> None:
    """Write a checkpoint so that the file is whole or not there: never half of it.

    It is written beside the target, flushed to disk, and renamed over it; a process that is
    killed on the way leaves the old file as it was.

    Args:
        obj: tensors, arrays, numbers, strings, None, and dicts, lists and tuples of these
            (such as state dicts), at most 64 in one another. Keys are plain values. Tensors that
            are the same view of the same memory are stored once, and share it when loaded;
            whether a tensor requires a gradient is kept.
        path: the file; its name is kept as it is.

    Raises:
        TypeError: a value that can't be stored; the message names its place.
        ValueError: more, deeper or longer than `load` would take.

    Example:
        >>> torch.save({"model": nn.Linear(3, 2).state_dict(), "step": 7}, "state.npz")
        >>> torch.load("state.npz")["step"]
        7
    """
    import json
    import tempfile  # here, because they would double the package's import time
    import zipfile

    entries = _Entries()
    structure = json.dumps({"format": _FORMAT, "content": _encode(obj, "", entries)})
    if len(structure) > LONGEST or len(entries.arrays) >= MOST_ENTRIES:
        raise ValueError(
            f"save: {len(entries.arrays):,} arrays and {len(structure):,} characters of other "
            f"values, but at most {MOST_ENTRIES:,} and {LONGEST:,} can be stored; keep many "
            "numbers in one array"
        )
    entries.arrays["structure"] = numpy.array(structure, f"<U{len(structure)}")
    target = os.fsdecode(path)
    folder, name = os.path.split(target)
    handle, temporary = tempfile.mkstemp(dir=folder or ".", prefix=f".{name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name, array in entries.arrays.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        numpy.lib.format.write_array(
                            member, array, version=(1, 0), allow_pickle=False
                        )
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _mode(target: str) -> int:
    """The permissions of the file that is replaced, or those that a new file would get."""
    if os.path.exists(target):
        return os.stat(target).st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def load(
    path: str | os.PathLike[str],
    map_location: str | Device | None = "cpu",
    *,
    weights_only: bool = True,
) -> Any:
    """Read a checkpoint that `save` wrote.

    Args:
        path: the file.
        map_location: the device that the tensors go to; None for "cpu".
        weights_only: accepted as in PyTorch; nothing in a checkpoint is ever executed.

    Raises:
        FileError: the file is truncated, corrupt, or not a checkpoint; the message names it.
        OSError: the file is not there, or cannot be read.
        RuntimeError: there is no such device.
        TypeError: map_location is something else than a device.
    """
    if isinstance(path, int):  # which Python would read as an open file's number
        raise TypeError(f"load: path must be a file's name, but got {path}")
    if not isinstance(map_location, str | Device | None):
        raise TypeError(
            f"load: map_location must be a device or its name, but is {about(map_location)}"
        )
    device = Device("cpu" if map_location is None else map_location)
    with open(path, "rb") as file, reading(path, "a whole checkpoint"):
        archive = StoredZip(file, regular_size(file, path), MOST_ENTRIES)
        structure = parse(text(archive.read(_STRUCTURE, 4 * LONGEST + 1000)), _Object)
        if type(structure) is not _Object or structure.keys() != ["format", "content"]:
            raise Malformed("its structure is not one of ours")
        (_, form), (_, content) = structure
        if form != _FORMAT:
            raise Malformed(f"its format is {about(form)}, not {_FORMAT!r}")
        decoder = _Decoder(archive)
        value = decoder.value(content)
        if unnamed := {*archive.names} - {*decoder.arrays} - {_STRUCTURE}:
            raise Malformed(f"nothing names its entry {about(min(unnamed))}")
    return value if device.type == "cpu" else _moved(value, device, {})


class _Entries:
    """The arrays to be stored, by the names of their entries."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self._clashes: dict[str, int] = {"structure": 1}
        self._tensors: dict[Any, str] = {}

    def add_tensor(self, place: str, source: Any, array: Any) -> str:
        """Store a tensor's array once, however many tensors are the same view of its memory.

        Args:
            place: where the first of them is.
            source: the array on its device, which tells whether it is the same.
            array: what is stored, in host memory.
        """
        on_host = isinstance(source, numpy.ndarray)  # whose `.data` refuses bfloat16
        start = (
            source.ctypes.data if on_host or not hasattr(source.data, "ptr") else source.data.ptr
        )
        same = on_host, start, source.shape, source.strides, source.dtype.str
        if source.size == 0 or same not in self._tensors:
            self._tensors[same] = self.add(place, array)
        return self._tensors[same]

    def add(self, place: str, array: Any) -> str:
        """Store an array; its name is its place, made short, safe and unlike all others."""
        place = "".join(c if c.isprintable() else "_" for c in place[:200])
        name = base = place.removesuffix(".npy") or "value"
        while name in self.arrays or (name == base and base in self._clashes):
            self._clashes[base] = count = self._clashes.get(base, 0) + 1
            name = f"{base}_{count}"
        self.arrays[name] = array
        return name


def _encode(value: Any, place: str, entries: _Entries, depth: int = 0) -> Any:
    """A value as JSON; arrays go into `entries`, under the name of their place."""
    if depth > DEEPEST:
        raise ValueError(f"save: values are nested more than {DEEPEST} deep{_at(place)}")
    if isinstance(value, Tensor) or is_array(value):
        source = value.array if isinstance(value, Tensor) else value
        array = to_host(source)
        bfloat16 = array.dtype.name == "bfloat16"  # NumPy's files know no such dtype
        array = array.view("uint16") if bfloat16 else array
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype.str not in DTYPES:
            what = "objects" if array.dtype.hasobject else str(array.dtype)
            raise TypeError(f"save: can't store an array of {what}{_at(place)}")
        if not isinstance(value, Tensor):
            code: Any = {"array": entries.add(place, array)}
            return {"bfloat16": code} if bfloat16 else code
        code = {"tensor": entries.add_tensor(place, source, array)}
        code = {"bfloat16": code} if bfloat16 else code
        return {"requires_grad": code} if value.requires_grad else code
    if isinstance(value, Mapping):
        pairs = []
        for key, item in value.items():
            code = _encode_key(key, place)
            inner = f"{place}/{key}" if place else f"{key}"
            pairs.append([code, _encode(item, inner, entries, depth + 1)])
        return {"dict": pairs}
    if isinstance(value, list | tuple):
        items = [
            _encode(item, f"{place}/{i}" if place else f"{i}", entries, depth + 1)
            for i, item in enumerate(value)
        ]
        return {"list" if isinstance(value, list) else "tuple": items}
    return _encode_plain(value, place)


def _encode_plain(value: Any, place: str) -> Any:
    if isinstance(value, numpy.generic):
        value = value.item()
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ValueError(f"save: an integer of more than {_MOST_BITS} bits{_at(place)}")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"save: can't store a {type(value).__name__}{_at(place)}")


def _encode_key(key: Any, place: str) -> Any:
    if isinstance(key, tuple):
        return {"tuple": [_encode_key(part, place) for part in key]}
    if isinstance(key, Tensor):
        raise TypeError(f"save: can't store a dict whose keys are Tensors{_at(place)}")
    if isinstance(key, int) and abs(key) > _LARGEST_KEY:
        raise ValueError(f"save: {about(key)} is too large for a key{_at(place)}")
    return _encode_plain(key, f"{place} key")


def _at(place: str) -> str:
    """Where, for a message."""
    return f" (at {about(place)})" if place else " (at the top)"


class _Object(tuple[tuple[str, Any], ...]):
    """A JSON object as its pairs; in a structure all but the outermost have one."""

    __slots__ = ()

    def keys(self) -> list[str]:
        """The keys, in order."""
        return [key for key, _ in self]


class _Decoder:
    """Makes values of a structure, and reads each array that it names once."""

    def __init__(self, archive: StoredZip) -> None:
        self.arrays: dict[str, Any] = {}
        self._tensors: dict[str, Tensor] = {}
        self._archive = archive

    def value(self, code: Any, depth: int = 0) -> Any:
        """The value that a part of the structure stands for."""
        if type(code) is not _Object:
            return _plain(code)
        kind, content = _only(code)
        if kind == "requires_grad":
            return self._leaf(content)
        if kind in ("tensor", "array", "bfloat16"):
            return self._array(kind, content)
        if kind not in ("dict", "list", "tuple") or type(content) is not list or depth >= DEEPEST:
            raise Malformed(f"its structure has {about(kind)} of {about(content)}")
        if kind == "dict":
            return self._dict(content, depth + 1)
        items = [self.value(item, depth + 1) for item in content]
        return tuple(items) if kind == "tuple" else items

    def _dict(self, pairs: list[Any], depth: int) -> dict[Any, Any]:
        if not all(type(pair) is list and len(pair) == 2 for pair in pairs):
            raise Malformed("its structure has a dict of something else than pairs")
        found = {_key(key, depth): self.value(item, depth) for key, item in pairs}
        if len(found) != len(pairs):
            raise Malformed("its structure has a dict with a key that is given twice")
        return found

    def _array(self, kind: str, content: Any) -> Any:
        bfloat16 = kind == "bfloat16"
        if bfloat16 and type(content) is _Object:
            kind, content = _only(content)
        if kind not in ("tensor", "array") or type(content) is not str:
            raise Malformed(f"its structure has {about(kind)} of {about(content)}")
        name = f"{content}.npy"
        array = self.arrays.get(name)
        if array is None:
            array = self.arrays[name] = self._archive.array(name)
        if bfloat16:
            if array.dtype != "uint16":
                raise Malformed(f"{about(content)} is {array.dtype}, which cannot be bfloat16")
            array = array.view(as_dtype("bfloat16"))
        if kind == "array":
            return array
        if array.dtype.name not in LEGACY_NAMES:
            raise Malformed(f"{about(content)} is {array.dtype}, which no tensor can be")
        if name not in self._tensors:
            self._tensors[name] = new(array)
        return self._tensors[name].detach()  # which shares its memory, and its count of changes

    def _leaf(self, content: Any) -> Tensor:
        kind, inner = _only(content) if type(content) is _Object else ("", None)
        found = self._array(kind, inner)
        if not isinstance(found, Tensor) or found.dtype.kind not in FLOATING:
            raise Malformed("its structure has a gradient for what can have none")
        return found.requires_grad_()


def _only(code: _Object) -> tuple[str, Any]:
    if len(code) != 1:
        raise Malformed("its structure has an object of another form than ours")
    return code[0]


def _plain(code: Any) -> Any:
    if isinstance(code, list):
        raise Malformed("its structure has a list where a value is due")
    return code


def _key(code: Any, depth: int) -> Any:
    if type(code) is _Object:
        kind, content = _only(code)
        if kind != "tuple" or type(content) is not list or depth >= DEEPEST:
            raise Malformed(f"its structure has a key that is {about(kind)}")
        return tuple(_key(part, depth + 1) for part in content)
    if isinstance(code, int) and abs(code) > _LARGEST_KEY:
        raise Malformed(f"its structure has the key {about(code)}")
    return _plain(code)


def _moved(value: Any, device: Device, moved: dict[int, Tensor]) -> Any:
    """A value of a checkpoint with its tensors on a device; what shared memory shares it there."""
    if isinstance(value, Tensor):
        key = id(value._storage)
        if key not in moved:
            moved[key] = value.detach().to(device=device)
        return moved[key].detach().requires_grad_(value.requires_grad)
    if isinstance(value, dict):
        return {key: _moved(item, device, moved) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_moved(item, device, moved) for item in value)
    return value
