"""Checkpoints of a whole training run: everything that a killed process needs to go on from.

The file is one that `save` writes, so it is whole or not there, and nothing in it is executed.
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .backend import Device
from .backend.num_threads import get_num_threads
from .backend.random import Generator, default_generator
from .serialization import load, save_plain
from .tensor.source_line import user_level

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_checkpoint", "previous_checkpoint", "save_checkpoint"]

_OWN = ("random", "threads")  # entries of ours, beside the user's


def save_checkpoint(
    path: str | os.PathLike[str], parts: Mapping[str, Any], *, keep_previous: bool = True
) -> None:
    """Write the state of a run, between two steps: never in the middle of one.

        save_checkpoint("run.npz", {"model": model, "optimizer": optimizer, "loader": loader,
                                    "step": step})

    With a `DataLoader` (or an `ImageDataset`) among the parts its place inside the epoch is
    kept. The default generator's state and the number of threads are added, as "random" and
    "threads". One process at a time writes a checkpoint: what killed ones left is removed.

    Args:
        path: the file.
        parts: by name what has a `state_dict` (modules, optimizers, schedulers, scalers, loaders,
            data sets), `Generator`s, and plain values that `save` can store.
        keep_previous: keep the checkpoint that is replaced, as `previous_checkpoint(path)`.

    Raises:
        ValueError: a part is called "random" or "threads".
        TypeError: a value that can't be stored.
        OSError: the file can't be written. The one that was there is still there.
    """
    taken = [name for name in parts if name in _OWN]
    if taken:
        raise ValueError(f"save_checkpoint: {taken[0]!r} is an entry of ours; call yours otherwise")
    state = {name: _state(part) for name, part in parts.items()}
    state.update(random=default_generator.state, threads=get_num_threads())
    from pathlib import Path  # here and below, because it takes milliseconds to load

    target = Path(path)
    for leftover in target.parent.glob(f".{target.name}.*"):
        leftover.unlink(missing_ok=True)
    held = _second_name(target) if keep_previous and target.exists() else None
    try:
        save_plain(state, target)
        if held is not None:
            os.replace(held, previous_checkpoint(target))
    finally:
        if held is not None:
            held.unlink(missing_ok=True)


def previous_checkpoint(path: str | os.PathLike[str]) -> Path:
    """Where the checkpoint before this one is kept: `run-previous.npz` beside `run.npz`."""
    from pathlib import Path

    target = Path(path)
    return target.with_name(f"{target.stem}-previous{target.suffix}")


def load_checkpoint(
    path: str | os.PathLike[str],
    parts: Mapping[str, Any] | None = None,
    map_location: str | Device = "cpu",
) -> dict[str, Any]:
    """Put parts, and the default generator, into the state that `save_checkpoint` wrote.

    All or nothing: if one part refuses its state, those before it are put back.

    Args:
        path: the file.
        parts: as they were given to `save_checkpoint`; plain values among them are ignored.
        map_location: the device of the tensors that are returned; parts stay where they are.

    Returns:
        The plain values by name, and the states of parts that were not given; "threads" is the
        number of threads at the saving.

    Warns:
        UserWarning: it was saved at another number of threads: sums are added in another order,
            so results are equal only up to rounding.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged, lacks a part, or holds one that does not fit. The
            message names the file and the part; nothing has changed.

    Example:
        >>> model = nn.Linear(3, 2)
        >>> torch.save_checkpoint("run.npz", {"model": model, "step": 7})
        >>> torch.load_checkpoint("run.npz", {"model": model})["step"]
        7
    """
    found = load(path, map_location)
    name = os.fspath(path)
    if not isinstance(found, dict) or any(own not in found for own in _OWN):
        raise ValueError(f"load_checkpoint: {name} was not written by save_checkpoint")
    given = {key: part for key, part in (parts or {}).items() if _is_stateful(part)}
    for key in given:
        if key not in found:
            raise ValueError(f"load_checkpoint: {name} has no {key!r}; it has {', '.join(found)}")
    changed: list[tuple[Any, Any]] = []
    before = default_generator.state
    try:
        for key, part in given.items():
            changed.append((part, copy.deepcopy(_state(part))))
            _load(part, found.pop(key))
        key = "random"
        default_generator.state = found.pop(key)
    except BaseException as error:
        for part, state in reversed(changed):
            _load(part, state)
        default_generator.state = before
        if not isinstance(error, Exception):  # an interrupt
            raise
        why = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"load_checkpoint: {name} does not fit {key!r}: {why}") from error
    if found["threads"] != get_num_threads():
        warnings.warn(
            f"{name} was saved at {found['threads']} threads, and now there are "
            f"{get_num_threads()}: results will be equal up to rounding, not bit for bit",
            stacklevel=user_level(),
        )
    return found


def _is_stateful(part: Any) -> bool:
    return isinstance(part, Generator) or hasattr(part, "load_state_dict")


def _state(part: Any) -> Any:
    """What is stored of a part."""
    if isinstance(part, Generator):
        return part.state
    return part.state_dict() if hasattr(part, "state_dict") else part


def _load(part: Any, state: Any) -> None:
    if isinstance(part, Generator):
        part.state = state
    else:
        part.load_state_dict(state)


def _second_name(target: Path) -> Path:
    """Another name for a file that is about to be replaced, so that it stays."""
    name = target.with_name(f".{target.name}.previous")
    try:
        os.link(target, name)
    except OSError:  # a file system without links
        import shutil  # here, because it loads the compression libraries

        shutil.copyfile(target, name)
    return name
