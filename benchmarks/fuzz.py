"""Damaged and hostile files: does every reader say no, quickly, in little memory, and calmly?

    python benchmarks/fuzz.py --inputs 100000

Each reader gets real files that were damaged by chance and by knowledge of their format
(`_mutations.py`), in a process of its own whose memory is limited. For every input it must give a
value or raise a `FileError` that names the file. A failure is: another exception; a value that is
not whole, or another one than the file's though a checksum covers it; code from the file that is
run, a process, a connection, a file written elsewhere (Python's audit events); more than
`--seconds`; more than `--megabytes`; a crash. The input is then kept in `--out`, and the exit
status is 1. Inputs depend on `--seed` and their number alone.
"""

# smoke: --inputs 150 --out $OUT

from __future__ import annotations

import argparse
import codecs
import contextlib
import faulthandler
import gzip
import io
import json
import pickle
import random
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _mutations import blind, repainted, repickled, reshaped, retarred, retorched, rezipped

import tinygrad_lite as torch
from tinygrad_lite import nn, optim, safetensors
from tinygrad_lite.data import ShardDataset, ShardWriter, npm
from tinygrad_lite.data.formats import RECORD, Edition, md5, read_file
from tinygrad_lite.files import FileError
from tinygrad_lite.files.tar import extract

RECORDS = 2
# What PyTorch wrote; see tests/torch_files/make.py.
TORCH_FILES = Path(__file__).resolve().parent.parent / "tests" / "torch_files"
FORBIDDEN = (
    "exec", "compile", "marshal.loads", "pickle.find_class", "os.system", "os.exec", "os.fork",
    "os.posix_spawn", "os.remove", "os.rename", "os.mkdir", "os.symlink", "subprocess.Popen",
    "socket.connect", "ctypes.dlopen",
)  # fmt: skip


@dataclass
class Reader:
    """A reader under attack: real files, what reads them, and mutations that know the format."""

    name: str
    files: list[bytes]
    read: Callable[[Path, bool], Any]  # the flag: the file's sum is known
    clever: Callable[[bytes, bytes, random.Random], bytes] | None = None
    covered: bool = False  # a checksum covers every byte even without a known sum


def batch() -> np.ndarray[Any, Any]:
    """A few records of a CIFAR-10 file."""
    rows = np.random.default_rng(1).integers(0, 256, (RECORDS, RECORD), dtype=np.uint8)
    rows[:, 0] %= 10
    return rows


def checkpoints() -> list[bytes]:
    """Small checkpoints, with everything that `save` stores."""
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = optim.Adam(model.parameters())
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "n": [1, 2.5, None]}
    values = [
        {**state, "random": torch.get_rng_state(), "key": {(1, "a"): torch.tensor(True)}},
        {"half": torch.ones(2, 2, dtype="float16"), "array": np.arange(6).reshape(2, 3).T},
        [torch.zeros(0, 3), "text", (2**70, float("inf"))],
        [leaf := torch.arange(4.0, requires_grad=True), leaf.detach()],
    ]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for value in values:
            torch.save(value, Path(folder) / "c.npz")
            found.append((Path(folder) / "c.npz").read_bytes())
    return found


def safetensors_files() -> list[bytes]:
    """Tensors of several dtypes, with and without metadata."""
    tensors = {
        "w": torch.arange(6.0).reshape(2, 3),
        "mask": torch.tensor([True, False, True]),
        "half": torch.ones(3).half(),
        "none": torch.zeros(0, 2),
        "n": torch.tensor(7),
    }
    return [safetensors.save(tensors, {"format": "pt"}), safetensors.save({"w": tensors["w"]})]


def archives() -> list[bytes]:
    """Gzipped tars of small files, with and without extended headers."""
    found = []
    for form in (tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=form) as tar:
            for name, size in (("d/readme", 99), ("d/a.bin", 700), ("d/b.bin", 1300)):
                info = tarfile.TarInfo(name)
                info.size = size
                info.mtime = 1 if form == tarfile.USTAR_FORMAT else 1.5
                tar.addfile(info, io.BytesIO(bytes(range(100)) * 13))
        found.append(gzip.compress(file.getvalue(), 6, mtime=0))
    return found


def read_archive(path: Path, known: bool) -> Any:
    """Extract it, and read what came out."""
    folder = path.with_name("out")  # emptied before the next one
    extract(path, folder, {"a.bin": 2000, "b.bin": 2000})
    found = {entry.name: entry.read_bytes() for entry in folder.iterdir()}
    if found.keys() != {"a.bin", "b.bin"}:
        raise AssertionError(f"half an archive: {sorted(found)}")
    return found


def shard_set(folder: Path) -> None:
    """A small data set in shards: four files and an index."""
    with ShardWriter(folder, block_size=4, shard_blocks=2) as writer:
        writer.write(np.arange(24, dtype=np.float32).reshape(12, 2), np.arange(12))


def shard_file(name: str) -> list[bytes]:
    """One file of the set, undamaged."""
    with tempfile.TemporaryDirectory() as folder:
        shard_set(Path(folder) / "set")
        return [(Path(folder) / "set" / name).read_bytes()]


def shards(name: str) -> Callable[[Path, bool], Any]:
    """A reader of a whole set, one of whose files is the damaged one."""

    def read(path: Path, known: bool) -> Any:
        folder = path.with_name(f"{path.name}.set")  # whose name has the file's in it
        if not folder.exists():
            shard_set(folder)
        (folder / name).write_bytes(path.read_bytes())
        data = ShardDataset(folder)
        return data.gather(np.arange(len(data)))

    return read


def cifar(rows: np.ndarray[Any, Any], file: bytes, suffix: str) -> Callable[[Path, bool], Any]:
    """A reader of one file of a layout, with or without its sum."""
    name = f"data_batch_1{suffix}"
    sums = {name: md5(file)}
    if not suffix:
        sums["data_batch_1.bin"] = md5(rows.tobytes())

    def read(path: Path, known: bool) -> Any:
        found = read_file(path, Edition(RECORDS, sums if known else {}))
        if found.shape != (RECORDS, RECORD) or found[:, 0].max() > 9:
            raise AssertionError("half a batch")
        return found.tobytes()

    return read


def image(rows: np.ndarray[Any, Any]) -> list[bytes]:
    """The same records as the PNG of the npm package."""
    from PIL import Image

    pixels = rows[:, 1:].reshape(RECORDS, 3, 1024).transpose(0, 2, 1)
    found = []
    for level in (0, 9):
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=level)
        found.append(file.getvalue())
    return found


def readers() -> dict[str, Reader]:
    """All readers, by name."""
    rows = batch()
    entries = {"data": rows[:, 1:].copy(), "labels": rows[:, 0].tolist(), "filenames": ["a"] * 2}
    pickles = [pickle.dumps(entries, protocol) for protocol in range(6)]
    pickles += [p.replace(b"numpy._core", b"numpy.core") for p in pickles[2:4]]
    labels = [json.dumps(rows[:, 0].tolist()).encode(), b"[ 1,\n2 ]"]
    own = [
        Reader("checkpoint", checkpoints(), lambda p, _: torch.load(p), rezipped, covered=True),
        Reader(
            "torch-checkpoint",
            [path.read_bytes() for path in sorted(TORCH_FILES.glob("*.pt"))],
            lambda p, _: torch.load(p),
            retorched,
            covered=True,
        ),
        Reader("safetensors", safetensors_files(), lambda p, _: safetensors.load_file(p), reshaped),
        Reader("cifar-binary", [rows.tobytes()], cifar(rows, rows.tobytes(), ".bin")),
        Reader("cifar-python", pickles, cifar(rows, pickles[2], ""), repickled),
        Reader("archive", archives(), read_archive, retarred),
        *(
            Reader(kind, shard_file(name), shards(name), None, covered=True)
            for kind, name in (("shard-index", "index.json"), ("shard-rows", "00000.0.npy"))
        ),
        Reader("npm-labels", labels, lambda p, _: npm._labels(p, RECORDS)),
    ]
    try:
        pictures = image(rows)
    except ImportError:
        print("npm-image: skipped, it needs pillow", file=sys.stderr)
    else:
        read = lambda p, _: npm._rebuild(p, rows[:, 0].tolist()).tobytes()  # noqa: E731
        own.append(Reader("npm-image", pictures, read, repainted))
    return {reader.name: reader for reader in own}


def frozen(value: Any) -> Any:
    """A value that can be compared bit for bit."""
    if isinstance(value, torch.Tensor):
        kind = "parameter" if value.requires_grad else "tensor"
        return kind, value.dtype.name, tuple(value.shape), value.detach().numpy().tobytes()
    if isinstance(value, np.ndarray):
        return "array", value.dtype.name, value.shape, value.tobytes()
    if isinstance(value, dict):
        return [(frozen(k), frozen(v)) for k, v in value.items()]
    if isinstance(value, set):
        return "set", sorted(map(repr, value))
    if isinstance(value, list | tuple):
        return type(value).__name__, [frozen(v) for v in value]
    return repr(value)


class Watch:
    """Python's audit events while an input is read."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.armed = str(folder), False
        self.seen: list[str] = []
        sys.addaudithook(self.hook)

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Note what a reader has no business with."""
        if not self.armed:
            return
        inside = bool(args) and str(args[0]).startswith(self.folder)
        if event == "open":
            flags = args[2] if len(args) > 2 and isinstance(args[2], int) else 0
            if flags & 3 and not inside:
                self.seen.append(f"{event} {args[0]!r}")
        elif event in FORBIDDEN:
            self.seen.append(f"{event} {str(args)[:200]}")


def clear(folder: Path) -> None:
    """Remove what was extracted."""
    for entry in folder.iterdir():
        entry.unlink()


def attack(reader: Reader, args: argparse.Namespace) -> dict[str, Any]:
    """Give one reader all inputs; what came of them."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    path = folder / ("data_batch_1.bin" if reader.name == "cifar-binary" else "data_batch_1")
    whole = []
    (folder / "out").mkdir()
    codecs.lookup("raw-unicode-escape")  # pickles' oldest text, whose module is loaded at first
    for content in reader.files:  # also imports what is imported lazily
        path.write_bytes(content)
        whole.append(frozen(reader.read(path, False)))
        clear(folder / "out")
        for damaged in (content[:-1], b"", b"\0" * 40):
            path.write_bytes(damaged)
            with contextlib.suppress(FileError):
                reader.read(path, False)
            clear(folder / "out")
    watch = Watch(folder)
    if sys.platform == "linux":  # elsewhere the size of a process is not to be had, or not held to
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        most = used + (args.megabytes << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    start_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts: Counter[str] = Counter()
    failures: list[str] = []
    slowest, began = 0.0, time.perf_counter()
    for i in range(args.first, args.first + args.inputs):
        chance = random.Random(f"{args.seed} {reader.name} {i}")
        content, other = chance.choice(reader.files), chance.choice(reader.files)
        clever = reader.clever is not None and chance.random() < 0.5
        make = reader.clever if clever and reader.clever else blind
        damaged = make(content, other, chance)
        known = chance.random() < 0.3
        path.write_bytes(damaged)
        faulthandler.dump_traceback_later(args.seconds, exit=True)
        start, watch.armed, why, value = time.perf_counter(), True, "", None
        try:
            value = reader.read(path, known)
            kind = "read"
        except FileError as error:
            kind = "refused"
            if str(path) not in str(error):
                why = f"the message does not name the file: {error}"
            elif isinstance(error.__cause__, MemoryError):
                why = f"more than {args.megabytes} MB"
            elif len(str(error)) > len(str(path)) + 600:
                why = f"a message of {len(str(error))} characters"
        except BaseException as error:
            kind, why = "failed", f"{type(error).__name__}: {str(error)[:200]}"
        watch.armed = False
        faulthandler.cancel_dump_traceback_later()
        clear(folder / "out")
        slowest = max(slowest, time.perf_counter() - start)
        if kind == "read":
            same = frozen(value) in whole
            kind = "equal" if same else "another value"
            sums = reader.name.startswith("cifar") and known
            if not same and (sums or (reader.covered and not clever)):
                why = "another value than the file's, though a sum covers it"
        if watch.seen:
            why = f"did {watch.seen.pop(0)}"
            watch.seen.clear()
        counts["failed" if why else kind] += 1
        if why:
            failures.append(f"{reader.name} {i}: {why}")
            args.out.mkdir(parents=True, exist_ok=True)
            (args.out / f"{reader.name}-{i}").write_bytes(damaged)
            if len(failures) == 20:
                break
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    shutil.rmtree(folder)
    return {
        "reader": reader.name,
        "inputs": sum(counts.values()),
        **{key: counts[key] for key in ("refused", "equal", "another value", "failed")},
        "slowest_ms": round(1000 * slowest, 1),
        "megabytes": round((rss - start_rss) / 1024, 1),
        "seconds": round(time.perf_counter() - began, 1),
        "failures": failures,
    }


def main() -> int:
    """Run the readers, each in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=10_000, help="for each reader, %(default)s")
    parser.add_argument("--first", type=int, default=0, help="number of the first, %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default %(default)s")
    parser.add_argument("--reader", action="append", help="only this one; may be repeated")
    parser.add_argument("--seconds", type=int, default=20, help="for one input, %(default)s")
    parser.add_argument("--megabytes", type=int, default=256, help="for one reader, %(default)s")
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="default %(default)s")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(attack(readers()[args.child], args)))
        return 0
    failed = False
    print(
        "| reader | inputs | refused | equal | another value | failed | slowest, ms | memory, MB |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in args.reader or readers():
        command = [sys.executable, __file__, "--child", name]
        for option in ("inputs", "first", "seed", "seconds", "megabytes", "out"):
            command += [f"--{option}", str(getattr(args, option))]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:  # a crash, or an input that took too long
            print(f"{name}: ended with status {done.returncode}:\n{done.stderr}", file=sys.stderr)
            failed = True
            continue
        found = json.loads(done.stdout)
        keys = ("inputs", "refused", "equal", "another value", "failed")
        cells = [f"{found[key]:,}" for key in keys] + [found["slowest_ms"], found["megabytes"]]
        print(f"| {name} | {' | '.join(map(str, cells))} |", flush=True)
        for line in found["failures"]:
            print(line, file=sys.stderr)
        failed = failed or bool(found["failures"])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
