"""Samples into batches, and what is in them into Tensors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tinygrad_lite.backend import numpy as np
from tinygrad_lite.tensor import Tensor
from tinygrad_lite.tensor.base import new
from tinygrad_lite.tensor.concatenate import stack
from tinygrad_lite.tensor.create import as_tensor, from_numpy, tensor

from .collate_map import Table, by_table, table_of
from .entries import entry_by_entry, of_entries

__all__ = [
    "collate",
    "default_collate",
    "default_collate_fn_map",
    "default_convert",
    "pin_memory",
    "to_tensors",
]


np_str_obj_array_pattern = re.compile("[SaUO]")
"""Of which kinds arrays stay as they are."""


def to_tensors(batch: Any) -> Any:
    """Arrays as Tensors, and a tuple as the list that PyTorch collates it into."""
    if isinstance(batch, tuple):
        return [to_tensors(part) for part in batch]
    return from_numpy(batch) if isinstance(batch, np.ndarray) else batch


def default_convert(data: Any) -> Any:
    """The arrays and NumPy numbers in a sample as Tensors; all else stays as it is.

    Mappings, named tuples and sequences are converted entry by entry, a tuple into a list.
    """
    if isinstance(data, Tensor | str | bytes):
        return data
    if isinstance(data, np.ndarray | np.generic):
        return as_tensor(data) if data.dtype.kind in "biufc" else data
    return entry_by_entry(data, default_convert)


def pin_memory(data: Any, device: Any = None) -> Any:
    """What a sample or batch holds, each by its own `pin_memory`; all else stays as it is.

    Mappings, tuples and sequences are walked entry by entry.

    Args:
        data: the sample; a tensor gives itself.
        device: has no effect.
    """
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, tuple) and not hasattr(data, "_fields"):
        return type(data)(map(pin_memory, data))
    return data if isinstance(data, str | bytes) else entry_by_entry(data, pin_memory)


def default_collate(batch: Sequence[Any]) -> Any:
    """Make one batch of a list of B samples, as PyTorch does.

    Tensors and arrays of shape S become a Tensor (B, *S); floats a float64 and integers an int64
    Tensor (B,); strings and bytes stay as they are; tuples, lists and dicts are collated entry by
    entry (a tuple gives a list, a list, a dict or a named tuple its own kind).

    Raises:
        IndexError: no samples.
        RuntimeError: entries differ in shape or number.
        TypeError: samples of another type.

    Example:
        >>> from tinygrad_lite.utils.data import default_collate
        >>> default_collate([{"x": 1.0}, {"x": 2.0}])
        {'x': tensor([1., 2.], dtype=torch.float64)}
    """
    if default_collate_fn_map != _OWN:  # a program has put something into it
        return collate(batch, collate_fn_map=default_collate_fn_map)
    return _collated(batch)


def collate(batch: Sequence[Any], *, collate_fn_map: Table | None = None) -> Any:
    """`default_collate` by a table of one's own.

    Args:
        batch: the samples.
        collate_fn_map: for each type, or tuple of types, a function of the samples, which gets
            the table as `collate_fn_map=`; such as `default_collate_fn_map` with more in it.
            Mappings, tuples and lists of what it knows are collated entry by entry.

    Raises:
        RuntimeError, TypeError: as `default_collate`.
    """
    return by_table(batch, collate_fn_map or {})


def _collated(batch: Sequence[Any]) -> Any:
    if not batch:
        raise IndexError("default_collate: expected at least one sample, but got none")
    first = batch[0]
    if isinstance(first, Tensor):
        return _stack(batch)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, np.ndarray | np.generic) and first.dtype.kind not in "biufcV":
        raise TypeError(f"default_collate: samples must be numbers, but are {first.dtype}")
    if isinstance(first, np.ndarray):
        return new(_joined(batch))
    if isinstance(first, np.generic):
        return from_numpy(np.array(batch))
    if isinstance(first, float):
        return tensor(list(batch), dtype="float64")
    if isinstance(first, int):
        numbers = np.array(batch)
        return new(numbers) if numbers.dtype.kind in "bi" else tensor(list(batch))
    return of_entries(batch, default_collate)


def _stack(batch: Sequence[Any]) -> Tensor:
    """`stack`, at a third of its cost where all is plain: host arrays, and no gradients."""
    arrays = [x.array for x in batch]
    plain = {*map(type, arrays)} == {np.ndarray}
    if plain and [x._node for x in batch].count(None) == len(batch):
        joined = _joined(arrays)
        if joined.dtype == arrays[0].dtype:  # else they differ, and promote as tensors do
            return new(joined)
    _same_shape(batch)
    return stack(list(batch))


def _joined(arrays: Sequence[Any]) -> Any:
    """The arrays of one shape S as one (B, *S); `numpy.stack` would take a view of each for it."""
    first = arrays[0]
    if not first.ndim:
        _same_shape(arrays)
        return np.array(arrays)
    if [*map(len, arrays)].count(len(first)) == len(arrays):
        try:
            return np.concatenate(arrays).reshape(len(arrays), *first.shape)
        except ValueError:
            pass
    _same_shape(arrays)
    return np.stack(arrays)


def _same_shape(batch: Sequence[Any]) -> None:
    if len({sample.shape for sample in batch}) > 1:
        shapes = sorted({tuple(sample.shape) for sample in batch})
        raise RuntimeError(f"default_collate: samples must have one shape, but got {shapes}")


default_collate_fn_map = table_of(_collated)
"""What `default_collate` does with samples of each type; programs put functions into it."""

_OWN = default_collate_fn_map.copy()
collate_tensor_fn = default_collate_fn_map[Tensor]
collate_numpy_array_fn = collate_numpy_scalar_fn = collate_tensor_fn  # PyTorch's names of each
collate_float_fn = collate_int_fn = collate_str_fn = collate_tensor_fn
