"""Ways to damage a file, by chance and with knowledge of its format, for `fuzz.py`."""

from __future__ import annotations

import io
import json
import pickletools
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Chance = random.Random
EDGES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
WORDS = ("0", "1", "-1", "9", "10", "255", "999999999999", "9" * 30, "1e999", "NaN", "null", "true")


def blind(content: bytes, other: bytes, chance: Chance) -> bytes:
    """One to four changes that know nothing of the format."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        chance.choice(_BLIND)(data, other, chance)
    return bytes(data)


def _place(data: bytearray, chance: Chance) -> int:
    # Heads are where sizes are said, and at both ends of many files.
    size = len(data)
    if size and chance.random() < 0.5:
        return chance.choice(
            (chance.randrange(min(size, 200)), size - 1 - chance.randrange(min(size, 200)))
        )
    return chance.randrange(size) if size else 0


def _flip(data: bytearray, other: bytes, chance: Chance) -> None:
    if data:
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _edge(data: bytearray, other: bytes, chance: Chance) -> None:
    form = chance.choice("<B <H <I <Q >H >I >Q".split())
    at = _place(data, chance)
    size = struct.calcsize(form)
    data[at : at + size] = struct.pack(form, chance.choice(EDGES) % 256**size)


def _cut(data: bytearray, other: bytes, chance: Chance) -> None:
    at = _place(data, chance)
    del data[at : at + chance.choice((1, 2, 4, 16, 512, len(data)))]


def _double(data: bytearray, other: bytes, chance: Chance) -> None:
    at, size = _place(data, chance), chance.choice((1, 4, 30, 512))
    data[at:at] = data[at : at + size] * chance.choice((1, 1, 2, 50))


def _insert(data: bytearray, other: bytes, chance: Chance) -> None:
    at = _place(data, chance)
    data[at:at] = chance.randbytes(chance.choice((1, 2, 8, 64)))


def _splice(data: bytearray, other: bytes, chance: Chance) -> None:
    at = _place(data, chance)
    data[at:] = other[chance.randrange(len(other) + 1) :]


def _move(data: bytearray, other: bytes, chance: Chance) -> None:
    a, b, size = _place(data, chance), _place(data, chance), chance.choice((1, 8, 46, 512))
    data[a : a + size] = data[b : b + size]


def _word(data: bytearray, other: bytes, chance: Chance) -> None:
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", data[:5000]))
    if found:
        start, stop = chance.choice(found).span()
        data[start:stop] = chance.choice(WORDS).encode()


_BLIND: tuple[Callable[[bytearray, bytes, Chance], None], ...] = (
    _flip, _flip, _flip, _edge, _edge, _cut, _double, _insert, _splice, _move, _word,
)  # fmt: skip


# --- with the format's own sums put right, so that what lies behind them is reached ---


def rezipped(content: bytes, other: bytes, chance: Chance) -> bytes:
    """A checkpoint whose members are damaged and whose CRC-32s are right."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(list(members))
    if chance.random() < 0.5:
        name = "structure.npy"
        text = json.dumps({"format": "tinygrad_lite 1", "content": _structure(members, chance, 0)})
        if chance.random() < 0.3:
            text = blind(text.encode(), other, chance).decode("latin1")
        file = io.BytesIO()
        np.lib.format.write_array(file, np.array(text))
        members[name] = file.getvalue()
    else:
        members[name] = blind(members[name][:2000], other[:2000], chance)
    method = zipfile.ZIP_STORED if chance.random() < 0.95 else zipfile.ZIP_DEFLATED
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for key, value in members.items():
            with archive.open(key, "w", force_zip64=chance.random() < 0.5) as member:
                member.write(value)
    return file.getvalue()


def _structure(members: dict[str, bytes], chance: Chance, depth: int) -> Any:
    names = [name.removesuffix(".npy") for name in members] + ["none", ""]
    kinds = "tensor array dict list tuple bfloat16 requires_grad plain odd"
    kind = chance.choice(kinds.split())
    if depth > 5 or kind == "plain":
        return chance.choice((None, True, 1, -1.5, 2**70, "text", "\ud800", [], {}))
    if kind in ("tensor", "array"):
        return {kind: chance.choice(names)}
    if kind in ("bfloat16", "requires_grad"):
        return {kind: _structure(members, chance, depth + 1)}
    if kind == "odd":
        return {chance.choice(("list", "dict", "odd")): chance.choice((1, None, "a", {}))}
    items = [_structure(members, chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == "dict":
        return {kind: [[chance.choice(("a", "b", 1, 2.5, None, item)), item] for item in items]}
    return {kind: items}


def repickled(content: bytes, other: bytes, chance: Chance) -> bytes:
    """A pickle whose instructions are moved, doubled, left out or replaced."""
    parts = _instructions(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        i, j = chance.randrange(len(parts)), chance.randrange(len(parts))
        match chance.randrange(5):
            case 0:
                parts[i:i] = [parts[j]] * chance.choice((1, 1, 3, 1000))
            case 1:
                del parts[i : i + chance.choice((1, 1, 2, 9))]
            case 2:
                parts[i] = parts[j]
            case 3:
                parts[i:i] = [chance.choice(_CODES) + chance.randbytes(chance.choice((0, 1, 4, 8)))]
            case 4:
                parts[i] = blind(parts[i][:200], other, chance)
        parts = parts or [b"N"]
    return b"".join(parts)


def retorched(content: bytes, other: bytes, chance: Chance) -> bytes:
    """A checkpoint of PyTorch's whose pickle or memory is damaged and whose sums are right."""
    members, spare = _members(content), _members(other)
    name = next(name for name in members if name.endswith("/data.pkl"))
    if chance.random() < 0.8:
        theirs = next(text for key, text in spare.items() if key.endswith("/data.pkl"))
        members[name] = repickled(members[name], theirs, chance)
    else:
        name = chance.choice(list(members))
        members[name] = blind(members[name], chance.choice(list(spare.values())), chance)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for key, value in members.items():
            archive.writestr(key, value)
    return file.getvalue()


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def reshaped(content: bytes, other: bytes, chance: Chance) -> bytes:
    """A safetensors file whose header has other numbers or words, and the length that it says."""
    size = int.from_bytes(content[:8], "little")
    header, rest = content[8 : 8 + size], content[8 + size :]
    if chance.random() < 0.3:
        header = blind(header, other[8:], chance)
    else:
        found = list(re.finditer(rb"\d+|[A-Z]+\d*|[\[\]{}:,]|\"[a-z_]+\"", header))
        a, b = chance.choice(found), chance.choice(found)
        new = b[0] if chance.random() < 0.5 else chance.choice(WORDS).encode()
        header = header[: a.start()] + new + header[a.end() :]
    if chance.random() < 0.1:
        rest = blind(rest, other, chance)
    return len(header).to_bytes(8, "little") + header + rest


def _instructions(content: bytes) -> list[bytes]:
    found = _CACHE.get(content)
    if found is None:
        starts = [at for *_, at in pickletools.genops(content) if at is not None]
        ends = [*starts[1:], len(content)]
        found = _CACHE[content] = [content[a:b] for a, b in zip(starts, ends, strict=True)]
    return list(found)


_CACHE: dict[bytes, list[bytes]] = {}
_NAMES = (
    "numpy ndarray",
    "numpy dtype",
    "numpy.core.multiarray _reconstruct",
    "numpy._core.numeric _frombuffer",
    "_codecs encode",
    "collections OrderedDict",
    "torch LongStorage",
    "torch float16",
    "torch Size",
    "torch device",
    "torch._utils _rebuild_parameter",
    "torch._utils _rebuild_tensor_v2",
    "torch._tensor _rebuild_from_type_v2",
    "os system",
    "builtins eval",
)
_CODES = [code.code.encode("latin1") for code in pickletools.opcodes] + [
    b"c" + name.replace(" ", "\n").encode() + b"\n" for name in _NAMES
]


def retarred(content: bytes, other: bytes, chance: Chance) -> bytes:
    """A tar whose blocks are moved and damaged, with its headers' sums and its CRC-32 right."""
    plain = zlib.decompress(content, 31)
    blocks = [bytearray(plain[i : i + 512]) for i in range(0, len(plain), 512)]
    for _ in range(chance.choice((1, 1, 2, 4))):
        i, j = chance.randrange(len(blocks)), chance.randrange(len(blocks))
        match chance.randrange(5):
            case 0:
                blocks[i:i] = [bytearray(blocks[j])] * chance.choice((1, 1, 3, 3000))
            case 1:
                del blocks[i]
            case 2:
                blocks[i] = bytearray(blocks[j])
            case 3:
                kind = chance.choice(b"0123456789xgLKSVD\0")
                blocks[i][156:157] = bytes([kind])
            case 4:
                blocks[i] = bytearray(
                    blind(bytes(blocks[i]), other, chance)[:512].ljust(512, b"\0")
                )
        blocks = blocks or [bytearray(512)]
    for block in blocks:
        if block[257:262] == b"ustar" and chance.random() < 0.95:
            block[148:156] = b" " * 8
            block[148:156] = b"%06o\0 " % sum(block)
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress(b"".join(blocks)) + packer.flush()


def repainted(content: bytes, other: bytes, chance: Chance) -> bytes:
    """A PNG whose chunks are moved and damaged, with their CRC-32s right."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    i, j = chance.randrange(len(chunks)), chance.randrange(len(chunks))
    kind, body = chunks[i]
    match chance.randrange(4):
        case 0:
            chunks[i] = kind, blind(body, other, chance)
        case 1:
            chunks[i:i] = [chunks[j]] * chance.choice((1, 2, 100))
        case 2:
            kinds = (b"zTXt", b"iTXt", b"iCCP", b"acTL", b"fdAT", b"PLTE", b"tRNS", b"IDAT")
            bomb = b"a\0\0" + zlib.compress(b"\0" * chance.choice((10, 10**6)))
            chunks[i:i] = [(chance.choice(kinds), chance.choice((body, bomb)))]
        case 3:
            del chunks[i]
    made = content[:8]
    for kind, body in chunks:
        made += struct.pack(">I", len(body)) + kind + body
        made += struct.pack(">I", zlib.crc32(kind + body))
    return made
