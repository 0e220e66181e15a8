"""Files of the safetensors format, by the names of the package `safetensors.torch`.

They hold tensors by name and nothing that could run: the length of a header, the header (JSON: each
tensor's dtype, shape and place), and the memory of the tensors, one behind another. Files go both
ways between this library, PyTorch and the package safetensors, which the tests check.

Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from .backend import numpy, to_host
from .backend.dtypes import as_dtype
from .files import Malformed, StrPath, about, reading, regular_size
from .files.texts import parse
from .nn import Module
from .serialization import write_whole
from .tensor import Tensor
from .tensor.base import new

__all__ = ["load", "load_file", "load_model", "save", "save_file", "save_model"]

_DTYPES = {  # in the format's own order, by which the package sorts
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "F32": "float32",
    "F64": "float64",
    "I64": "int64",
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_LONGEST = 100_000_000  # bytes of its header, as the package admits


def save(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The content of a file with tensors by name, such as a state dict.

    Args:
        tensors: by name; those that share memory are written one by one.
        metadata: texts by name.

    Raises:
        TypeError: something else than real tensors, or than texts.
    """
    import json

    given: Mapping[Any, Any] = tensors
    for name, tensor in given.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            kind = type(tensor).__name__
            raise TypeError(f"safetensors: expected Tensors by name, but {about(name)} is a {kind}")
        if tensor.is_complex():
            raise TypeError(
                f"safetensors: can't store {about(name)} of {tensor.dtype}; torch.view_as_real "
                "gives its parts"
            )
    header: dict[str, Any] = {}
    if metadata:
        if not all(isinstance(text, str) for pair in metadata.items() for text in pair):
            raise TypeError("safetensors: metadata must be texts by name")
        header["__metadata__"] = dict(metadata)
    parts: list[bytes] = []
    end = 0
    # Wide elements first, so that each tensor begins at a multiple of its element's size.
    order = [*_DTYPES.values()]
    for name in sorted(tensors, key=lambda name: (-order.index(tensors[name].dtype.name), name)):
        tensor = tensors[name]
        parts.append(numpy.ascontiguousarray(to_host(tensor.array)).tobytes())
        start, end = end, end + len(parts[-1])
        header[name] = {
            "dtype": _NAMES[tensor.dtype.name],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors by name in the content of a file.

    Raises:
        FileError: it is damaged, or has tensors of a dtype that is not here.
    """
    with reading("<bytes>", "a safetensors file"):
        return _decoded(data)


def _decoded(data: bytes) -> dict[str, Tensor]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(len(data) - 8, _LONGEST):
        raise Malformed(f"a header of {about(size)} bytes in a file of {len(data):,}")
    header = parse(data[8 : 8 + size])
    if type(header) is not dict:
        raise Malformed(f"its header is {about(header)}")
    _check_metadata(header.pop("__metadata__", {}))
    memory, found, at = memoryview(data)[8 + size :], {}, 0
    places = {name: _place(name, described, len(memory)) for name, described in header.items()}
    for name in sorted(places, key=places.__getitem__):
        start, end = places[name]
        if start != at:
            raise Malformed(f"{about(name)} begins at byte {start:,}, where {at:,} is due")
        at = end
        found[name] = _tensor(name, header[name], memory[start:end])
    if at != len(memory):
        raise Malformed(f"{len(memory) - at:,} bytes at its end belong to no tensor")
    return {name: found[name] for name in header}


def _check_metadata(metadata: Any) -> None:
    if type(metadata) is not dict or not all(type(text) is str for text in metadata.values()):
        raise Malformed("its metadata are no texts")


def _place(name: str, described: Any, size: int) -> tuple[int, int]:
    """Where a tensor's memory begins and ends."""
    if type(described) is not dict or described.keys() != {"dtype", "shape", "data_offsets"}:
        raise Malformed(f"{about(name)} is described by {about(described)}")
    places = described["data_offsets"]
    if type(places) is not list or [*map(type, places)] != [int, int]:
        raise Malformed(f"{about(name)} has the place {about(places)}")
    if not 0 <= places[0] <= places[1] <= size:
        raise Malformed(f"{about(name)} reaches to byte {about(places[1])} of {size:,}")
    return places[0], places[1]


def _tensor(name: str, described: dict[str, Any], memory: memoryview) -> Tensor:
    kind, shape = described["dtype"], described["shape"]
    if type(kind) is not str or kind not in _DTYPES:
        raise Malformed(f"{about(name)} is {about(kind)}, which no tensor can be")
    if type(shape) is not list or len(shape) > 32:
        raise Malformed(f"{about(name)} has the shape {about(shape)}")
    if not all(type(n) is int and 0 <= n < 2**48 for n in shape):
        raise Malformed(f"{about(name)} has a size that is no number of elements")
    dtype = as_dtype(_DTYPES[kind])
    if math.prod(shape) * dtype.itemsize != len(memory):
        raise Malformed(f"{about(name)} of {kind} {about(shape)} cannot have {len(memory):,} bytes")
    array = numpy.frombuffer(bytearray(memory), dtype).reshape(shape)
    if kind == "BOOL" and array.size and array.view("uint8").max() > 1:
        raise Malformed(f"{about(name)} has other bytes than 0 and 1 for booleans")
    return new(array)


def save_file(
    tensors: Mapping[str, Tensor], filename: StrPath, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name to a file, which is whole or not there; see `save`."""
    content = save(tensors, metadata)
    write_whole(os.fspath(filename), lambda file: file.write(content))


def load_file(filename: StrPath, device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors by name in a file, on a device.

    Raises:
        FileError: it is damaged, or has tensors of a dtype that is not here.
        OSError: it cannot be read.
    """
    with open(filename, "rb") as file, reading(filename, "a safetensors file"):
        regular_size(file, filename)  # a device may have no end
        found = _decoded(file.read())
    return {name: tensor.to(device=device) for name, tensor in found.items()}


def save_model(model: Module, filename: StrPath, metadata: Mapping[str, str] | None = None) -> None:
    """Write a module's state dict to a file."""
    save_file(model.state_dict(), filename, metadata)


def load_model(
    model: Module, filename: StrPath, strict: bool = True, device: Any = "cpu"
) -> tuple[Any, Any]:
    """Load a module's state dict from a file.

    Returns:
        The names that were missing and those that were unexpected.
    """
    missing, unexpected = model.load_state_dict(load_file(filename, device), strict)
    return missing, unexpected
