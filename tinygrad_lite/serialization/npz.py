"""Checkpoints: nested dicts, lists and sets of tensors, arrays and plain values in .npz.

The file is an ordinary NumPy archive. Each tensor is an entry named by its place, such as
`model/0.weight`, so `numpy.load` reads it without this package; the entry `structure` is
JSON that says how the entries nest. Nothing in it is ever executed.

`save` writes only what `load` takes, and says no at once to what it would not; `load` takes only
what `save` writes. So every file has one meaning, needs no more memory than it has bytes, and is
checked bit for bit (`files/`).
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..backend import is_array, numpy, root, to_host
from ..backend.devices import Device
from ..backend.dtypes import DIFFERENTIABLE, as_dtype
from ..files import Malformed, about
from ..files.npy import DTYPES, text
from ..files.texts import parse
from ..files.zips import StoredZip
from ..nn.parameter import Parameter
from ..tensor import Tensor, info
from ..tensor.base import in_our_order, new
from ..tensor.dtypes import LEGACY_NAMES
from ..tensor.element import BY_NAME, dtype
from ..tensor.layout import known
from ..tensor.reseat import unite
from ..tensor.size import Size
from .views import Views, view_of

__all__ = ["STRUCTURE", "Foreign", "decode", "encode", "write"]

_FORMAT = "tinygrad_lite 1"
STRUCTURE = "structure.npy"
DEEPEST = 64  # dicts and lists in one another
LONGEST = 1 << 24  # characters of the structure
MOST_ENTRIES = 100_000
_LARGEST_KEY = 2**53  # so that nobody can choose keys whose hashes agree
_MOST_BITS = 4096  # of an integer
_DICTS: dict[Any, type[dict[Any, Any]]] = {
    "dict": dict,
    "ordered": OrderedDict,
    "counter": Counter,
}
_CONTAINERS = frozenset({*_DICTS, "list", "set", "size", "state", "tuple"})
_LAYOUTS = {str(way): way for way in vars(info).values() if isinstance(way, info.layout)}


class Foreign(TypeError):
    """Raised for a value of a class that this format can't store, such as a user's own."""


def encode(obj: Any) -> dict[str, Any]:
    """The arrays of a file by the names of their entries, the structure last.

    Raises:
        Foreign: an object of a class of which nothing is known.
        TypeError: a value that can't be stored; the message names its place.
        ValueError: more, deeper or longer than `decode` would take.
    """
    import json  # here, because it would double the package's import time

    entries = _Entries()
    content = _encode(obj, "", entries)
    if unite(entries.twins):
        entries = _Entries()
        content = _encode(obj, "", entries)
    entries.views.settle(entries.arrays)
    structure = json.dumps({"format": _FORMAT, "content": content})
    if len(structure) > LONGEST or len(entries.arrays) >= MOST_ENTRIES:
        raise ValueError(
            f"save: {len(entries.arrays):,} arrays and {len(structure):,} characters of other "
            f"values, but at most {MOST_ENTRIES:,} and {LONGEST:,} can be stored; keep many "
            "numbers in one array"
        )
    entries.arrays["structure"] = numpy.array(structure, f"<U{len(structure)}")
    return entries.arrays


def write(arrays: Mapping[str, Any], file: Any) -> None:
    """Write the arrays that `encode` returned to an open file, as a zip of `.npy` entries."""
    import zipfile

    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                numpy.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)


def decode(archive: StoredZip) -> Any:
    """The value in such a file.

    Raises:
        Malformed: it is not one that `write` makes.
    """
    structure = parse(text(archive.read(STRUCTURE, 4 * LONGEST + 1000)), _Object)
    if type(structure) is not _Object or structure.keys() != ["format", "content"]:
        raise Malformed("its structure is not one of ours")
    (_, form), (_, content) = structure
    if form != _FORMAT:
        raise Malformed(f"its format is {about(form)}, not {_FORMAT!r}")
    decoder = _Decoder(archive)
    value = decoder.value(content)
    if unnamed := {*archive.names} - {*decoder.arrays} - {STRUCTURE}:
        raise Malformed(f"nothing names its entry {about(min(unnamed))}")
    return value


class _Entries:
    """The arrays of a file to be written, by the names of their entries.

    Attributes:
        views: the tensors among them, by their memories.
        twins: those of them that have flat views beside them, which are copies.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self.views = Views()
        self.twins: list[Tensor] = []
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
        if known and isinstance(value, Tensor) and id(root(value.array)) in known:
            entries.twins.append(value)
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
        entries.views.note(source, code["tensor"], code)
        code = {"bfloat16": code} if bfloat16 else code
        code = {"requires_grad": code} if value.requires_grad else code
        return {"parameter": code} if type(value) is Parameter else code
    if isinstance(value, Mapping):
        return _encode_dict(value, place, entries, depth)
    if isinstance(value, list | tuple):
        items = [
            _encode(item, f"{place}/{i}" if place else f"{i}", entries, depth + 1)
            for i, item in enumerate(value)
        ]
        kind = "list" if isinstance(value, list) else "tuple"
        return {"size" if isinstance(value, Size) else kind: items}
    if isinstance(value, set):
        return {"set": [_encode_key(item, place) for item in value]}
    if isinstance(value, bytes | bytearray):
        return {"bytes": entries.add(place, numpy.frombuffer(value, "uint8"))}
    if isinstance(value, dtype):
        return {"dtype": value.name}
    if isinstance(value, Device):
        return {"device": str(value)}
    if isinstance(value, info.layout):
        return {"layout": str(value)}
    return _encode_plain(value, place)


def _encode_dict(value: Mapping[Any, Any], place: str, entries: _Entries, depth: int) -> Any:
    """A dict as JSON: its keys and values in order, and its kind; of a state dict its versions."""
    pairs = []
    for key, item in value.items():
        code = _encode_key(key, place)
        inner = f"{place}/{key}" if place else f"{key}"
        pairs.append([code, _encode(item, inner, entries, depth + 1)])
    kind = {OrderedDict: "ordered", Counter: "counter"}.get(type(value), "dict")
    versions = getattr(value, "_metadata", None) if kind == "ordered" else None
    if isinstance(versions, Mapping):
        return {"state": [pairs, _encode(versions, f"{place}/_metadata", entries, depth + 1)]}
    return {kind: pairs}


def _encode_plain(value: Any, place: str) -> Any:
    if isinstance(value, numpy.generic):
        value = value.item()
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ValueError(f"save: an integer of more than {_MOST_BITS} bits{_at(place)}")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    known = type(value).__module__ in ("builtins", "numpy")
    kind = TypeError if known else Foreign
    raise kind(f"save: can't store a {type(value).__name__}{_at(place)}")


def _encode_key(key: Any, place: str) -> Any:
    if isinstance(key, tuple):
        return {"tuple": [_encode_key(part, place) for part in key]}
    if isinstance(key, Tensor):
        raise TypeError(f"save: can't store a dict whose keys are Tensors{_at(place)}")
    if isinstance(key, int) and abs(key) > _LARGEST_KEY:
        raise ValueError(f"save: {about(key)} is too large for a key{_at(place)}")
    return _encode_plain(key, f"{place} key")


def _at(place: str) -> str:
    """The words of a message that say where in the value something is."""
    return f" (at {about(place)})" if place else " (at the top)"


class _Object(tuple[tuple[str, Any], ...]):
    """A JSON object as a list of pairs; every one but the outermost has a single pair, its kind."""

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
        """The value that a part of the JSON structure describes.

        Args:
            code: the part.
            depth: in how many others it is nested.
        """
        if type(code) is not _Object:
            return _plain(code)
        kind, content = _only(code)
        if kind == "requires_grad":
            return self._leaf(content)
        if kind == "parameter":
            return self._parameter(content, depth + 1)
        if kind == "view":
            return self._view(content)
        if kind in ("tensor", "array", "bfloat16"):
            return self._array(kind, content)
        if kind == "bytes":
            return self._bytes(content)
        if kind in ("dtype", "device", "layout"):
            return _named(kind, content)
        if kind not in _CONTAINERS or type(content) is not list or depth >= DEEPEST:
            raise Malformed(f"its structure has {about(kind)} of {about(content)}")
        if kind in _DICTS:
            return self._dict(content, depth + 1, _DICTS[kind])
        if kind == "state":
            return self._state(content, depth + 1)
        if kind == "set":
            return {_key(item, depth + 1) for item in content}
        items = [self.value(item, depth + 1) for item in content]
        if kind == "size":
            if not all(type(item) is int for item in items):
                raise Malformed("its structure has a size of something else than integers")
            return Size(items)
        return tuple(items) if kind == "tuple" else items

    def _dict(self, pairs: Any, depth: int, kind: type[dict[Any, Any]]) -> dict[Any, Any]:
        if not (
            type(pairs) is list and all(type(pair) is list and len(pair) == 2 for pair in pairs)
        ):
            raise Malformed("its structure has a dict of something else than pairs")
        found = kind({_key(key, depth): self.value(item, depth) for key, item in pairs})
        if len(found) != len(pairs):
            raise Malformed("its structure has a dict with a key that is given twice")
        return found

    def _state(self, content: list[Any], depth: int) -> dict[Any, Any]:
        """A state dict, whose attribute `_metadata` tells the versions of its modules."""
        pairs, versions = content if len(content) == 2 else (None, None)
        found: Any = self._dict(pairs, depth, OrderedDict)
        found._metadata = self.value(versions, depth)
        if not isinstance(found._metadata, dict):
            raise Malformed("its structure has versions that are no dict")
        return found  # type: ignore[no-any-return]

    def _bytes(self, content: Any) -> bytes:
        array = self._array("array", content)
        if array.dtype.name != "uint8" or array.ndim != 1:
            raise Malformed(f"{about(content)} is no row of bytes")
        return bytes(array)

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

    def _view(self, content: Any) -> Tensor:
        if type(content) is not list or len(content) != 4:
            raise Malformed(f"its structure has a view of {about(content)}")
        row = self._array("tensor", content[0])
        part = new(view_of(row.array, *content[1:]))
        part._storage = row._storage
        return in_our_order(part)  # a file does not say who turned its axes

    def _leaf(self, content: Any) -> Tensor:
        kind, inner = _only(content) if type(content) is _Object else ("", None)
        found = self._view(inner) if kind == "view" else self._array(kind, inner)
        if not isinstance(found, Tensor) or found.dtype.kind not in DIFFERENTIABLE:
            raise Malformed("its structure has a gradient for what can have none")
        return found.requires_grad_()

    def _parameter(self, content: Any, depth: int) -> Parameter:
        nested = type(content) is not _Object or _only(content)[0] == "parameter"
        found = None if nested else self.value(content, depth)
        if not isinstance(found, Tensor):
            raise Malformed("its structure has a parameter that is no tensor")
        return Parameter(found.detach(), found.requires_grad)


def _only(code: _Object) -> tuple[str, Any]:
    if len(code) != 1:
        raise Malformed("its structure has an object of another form than ours")
    return code[0]


def _named(kind: str, name: Any) -> dtype | Device | info.layout:
    """A dtype or a layout by its name, or a device such as "cuda:0", which need not be here."""
    if kind == "layout" and type(name) is str and name in _LAYOUTS:
        return _LAYOUTS[name]
    if kind == "dtype" and type(name) is str and name in BY_NAME:
        return BY_NAME[name]
    if kind == "device" and type(name) is str and len(name) < 20:
        with suppress(RuntimeError):
            found = Device(name)
            if str(found) == name:
                return found
    raise Malformed(f"its structure has the {kind} {about(name)}")


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
