"""`save` and `load`: checkpoints, as files that are safe to read and to be interrupted at.

What is saved is an ordinary NumPy archive of tensors and plain values (`npz.py`). Two more kinds
of files are read: PyTorch's own checkpoints, without running anything in them (`pytorch.py`), and
pickles of whole objects, which run code and therefore only with `weights_only=False`, or of classes
that are vouched for (`allowed.py`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ..absent import explain as _explain
from ..backend import Device
from ..files import FileError, about, reading, regular_size
from ..files.zips import StoredZip
from . import allowed, npz, place
from .allowed import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

__all__ = [
    "FileError",
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]


class SourceChangeWarning(Warning):
    """What PyTorch warned of where a pickled class had another source; programs silence it."""


def default_restore_location(storage: Any, location: str) -> Any:
    """A tensor's storage on a device, as functions given for `map_location` call it.

    Args:
        storage: what is loaded.
        location: the device's name.
    """
    return storage if location.startswith("cpu") else storage.to(device=location)


DEFAULT_PROTOCOL = 2
"""PyTorch's `pickle_protocol`, which programs name as an argument's default."""

MAP_LOCATION = Callable[[Any, str], Any] | Device | str | Mapping[str, str] | None
"""What `load` takes for `map_location`, which programs name in annotations."""

_PICKLE = b"tinygrad_lite pickle\n"  # how files begin that hold whole objects
_OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # PyTorch's before 1.6


def save(
    obj: Any,
    f: str | os.PathLike[str] | Any,
    pickle_module: Any = None,
    pickle_protocol: Any = None,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write a checkpoint so that the file is whole or not there: never half of it.

    It is written beside the target, flushed to disk, and renamed over it; a process that is
    killed on the way leaves the old file as it was.

    Args:
        obj: tensors, parameters, arrays, numbers, strings, bytes, None, dtypes, devices, and
            dicts (ordered ones as such), lists, tuples and sets of these (such as state dicts), at
            most 64 in one another. Keys are plain values.
            Tensors that share memory (on a GPU: all of it) are stored as one entry, and share it
            when loaded; whether a tensor requires a gradient is kept. If there are objects of other
            classes in it, such as a whole `Module`, everything is pickled: `load(f,
            weights_only=False)` reads that, and runs code to do so; or `load(f)`, if
            `add_safe_globals` was given those classes.
        f: the file, whose name is kept as it is; or an open one that bytes can be written to.
        pickle_module, pickle_protocol: accepted for PyTorch's sake; they have no effect.

    Raises:
        TypeError: a value that can't be stored; the message names its place.
        ValueError: more, deeper or longer than `load` would take.

    Example:
        >>> torch.save({"model": nn.Linear(3, 2).state_dict(), "step": 7}, "state.npz")
        >>> torch.load("state.npz")["step"]
        7
    """
    try:
        arrays = npz.encode(obj)
    except npz.Foreign as error:
        content = _pickled(obj, error)
        write_whole(f, lambda file: file.write(content))
    else:
        write_whole(f, lambda file: npz.write(arrays, file))


def save_plain(obj: Any, f: str | os.PathLike[str]) -> None:
    """`save`, but a TypeError for what only a pickle could hold."""
    arrays = npz.encode(obj)
    write_whole(f, lambda file: npz.write(arrays, file))


def _pickled(obj: Any, refused: npz.Foreign) -> bytes:
    import pickle

    try:
        return _PICKLE + pickle.dumps(obj)
    except Exception as error:
        raise TypeError(f"{refused}, nor pickle it: {error}") from error


def write_whole(f: Any, write: Callable[[Any], object]) -> None:
    """Make a file with its content at once, or write into an open one."""
    if not isinstance(f, str | os.PathLike):
        if not hasattr(f, "write"):
            raise TypeError(f"save: f must be a path or an open file, but is {about(f)}")
        memory = io.BytesIO()
        write(memory)
        f.write(memory.getvalue())
        return
    import tempfile

    target = os.fsdecode(f)
    folder, name = os.path.split(target)
    handle, temporary = tempfile.mkstemp(dir=folder or ".", prefix=f".{name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
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
    f: str | os.PathLike[str] | Any,
    map_location: str | Device | Mapping[str, str] | Callable[..., Any] | None = "cpu",
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read a checkpoint that `save` wrote, or one of PyTorch's.

    Of PyTorch's both kinds are read, the zip files that it writes since 1.6 and those from before,
    if they hold tensors and plain values (state dicts, optimizers' states, parameters). Tensors
    that share memory share it.

    Args:
        f: the file, or an open one, which is read from where it is to its end.
        map_location: the device that the tensors go to, "cpu" if None; or what each goes to, as
            a dict of the names of devices, or as a function of the tensor, on the CPU, and the
            name of where it was saved, which gives a tensor or None.
        pickle_module, mmap, **pickle_load_args: accepted for PyTorch's sake; without effect.
        weights_only: False admits files of whole objects. **Reading one runs whatever code its
            writer put into it: do so only with files that you made.** Else nothing is executed.

    Raises:
        FileError: the file is truncated, corrupt, or not a checkpoint; the message names it.
        OSError: the file is not there, or cannot be read.
        RuntimeError: there is no such device.
        TypeError: map_location is something else than a device, a dict or a function.

    Example:
        >>> torch.save({"w": torch.ones(2), "step": 3}, "state.npz")
        >>> torch.load("state.npz")
        {'w': tensor([1., 1.]), 'step': 3}
    """
    to = place.Mapped(map_location)
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            value = _read(file, f, regular_size(file, f), weights_only is False, to)
    elif hasattr(f, "read"):
        content = f.read()
        name = str(getattr(f, "name", type(f).__name__))
        value = _read(io.BytesIO(content), name, len(content), weights_only is False, to)
    else:
        raise TypeError(f"load: f must be a path or an open file, but is {about(f)}")
    return to.move(value)


def _read(file: Any, path: Any, size: int, trusted: bool, to: place.Mapped) -> Any:
    head = file.read(len(_PICKLE))
    if head == _PICKLE and trusted:
        import pickle

        return pickle.load(file)
    with reading(path, "a whole checkpoint"):
        if head == _PICKLE:
            return allowed.read(file)
        if head.startswith(_OLD):
            from . import pytorch_old  # which few files need

            return pytorch_old.read(file, size, to)
        archive = StoredZip(file, size, npz.MOST_ENTRIES, streamed=True)
        if npz.STRUCTURE not in archive.names:
            from . import pytorch  # which few files need

            if pytorch.is_one(archive):
                return pytorch.read(archive, to)
        return npz.decode(StoredZip(file, size, npz.MOST_ENTRIES))


_explain(__name__)
