"""PyTorch's checkpoints since 1.6: zip files with a pickle and the memory of its tensors.

The pickle is read by `files/torch_pickles.py`, which calls nothing. A tensor in it is a part of a
storage, given by offset, sizes and strides; these are compared with the storage's size, and the
tensor is a view of the one array that is read for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..backend import numpy, root
from ..backend.dtypes import DIFFERENTIABLE, as_dtype
from ..files import Malformed, about
from ..files.torch_pickles import DTYPES, TorchMachine, read_pickle
from ..files.zips import StoredZip
from ..tensor import Tensor
from ..tensor.base import new
from .place import Mapped

__all__ = ["LONGEST", "Tensors", "check", "is_one", "read"]

_PICKLE = "data.pkl"
LONGEST = 1 << 28  # bytes of the pickle
_LARGEST_EXPANDED = 1 << 20  # elements of a tensor that has more of them than its storage


def is_one(archive: StoredZip) -> bool:
    """Whether a zip file is a checkpoint of PyTorch's, by the names of its entries."""
    return any(name.endswith(f"/{_PICKLE}") for name in archive.names)


def read(archive: StoredZip, to: Mapped) -> Any:
    """The value in a checkpoint of PyTorch's.

    Args:
        archive: the file.
        to: is told on which device each storage was.

    Raises:
        Malformed: it is damaged, or holds something else than tensors and plain values.
    """
    pickles = [name for name in archive.names if name.endswith(f"/{_PICKLE}")]
    if len(pickles) != 1:
        raise Malformed(f"it has {len(pickles)} entries {_PICKLE}")
    folder = pickles[0].removesuffix(_PICKLE)
    if f"{folder}constants.pkl" in archive.names:
        raise Malformed("it is a TorchScript program, not a checkpoint; save its state_dict")
    order = f"{folder}byteorder"
    if order in archive.names and archive.read(order, 10) != b"little":
        raise Malformed("its numbers are big-endian")
    maker = Tensors(lambda key, _: archive.raw(f"{folder}data/{key}"), to)
    content = archive.read(pickles[0], LONGEST)
    return read_pickle(TorchMachine(content, maker.storage, maker.tensor, maker.parameter))


def check(storage: Tensor) -> None:
    """Raise `Malformed` for booleans that are neither 0 nor 1, which NumPy makes no sense of."""
    memory = storage.array.view("uint8") if storage.array.dtype.kind == "b" else storage.array[:0]
    if memory.size and memory.max() > 1:
        raise Malformed("a storage of booleans has other bytes than 0 and 1")


class Tensors:
    """Makes tensors of the storages in a file, each of which is read once.

    Args:
        memory: called as memory(key, bytes), gives the memory of a storage, uint8.
        to: is told on which device each storage was.
    """

    def __init__(self, memory: Callable[[str, int], Any], to: Mapped) -> None:
        self._memory, self._to = memory, to
        self._storages: dict[str, tuple[str, Tensor]] = {}

    def storage(self, kind: str, key: str, location: str, count: int) -> Tensor:
        """All elements of a storage, as a tensor (count,); each entry of the file is read once.

        Args:
            kind: PyTorch's name of its class, which says the dtype.
            key: of the entry.
            location: where it was, such as "cuda:0".
            count: elements.
        """
        if key not in self._storages:
            try:
                dtype = as_dtype(DTYPES[kind])
            except RuntimeError as error:  # without the package that bfloat16 is of
                raise Malformed(str(error)) from None
            memory = self._memory(key, count * dtype.itemsize)
            if memory.size != count * dtype.itemsize:
                raise Malformed(
                    f"a storage of {count:,} elements {dtype.name} has {memory.size:,} bytes"
                )
            made = new(memory.view(dtype))
            check(made)
            self._to.came_from(made, location)
            self._storages[key] = kind, made
        known, found = self._storages[key]
        if known != kind or found.numel() != count:
            raise Malformed(f"the storage {about(key)} is given twice, and differently")
        return found

    @property
    def found(self) -> dict[str, Tensor]:
        """The storages so far, by their keys."""
        return {key: tensor for key, (_, tensor) in self._storages.items()}

    def tensor(
        self, storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
    ) -> Tensor:
        """A view of a storage, all counted in elements.

        Raises:
            Malformed: it does not lie inside.
        """
        count = math.prod(size)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if count and last >= storage.numel():
            raise Malformed(
                f"a tensor {about(size)} reaches to element {about(last)} of a storage of "
                f"{storage.numel():,}"
            )
        if count > max(storage.numel(), _LARGEST_EXPANDED):
            raise Malformed(f"a tensor of {about(count)} elements, of a storage of few")
        flat = storage.array
        if not count:
            out = new(numpy.empty(size, flat.dtype))
        else:
            steps = tuple(step * flat.itemsize for step in stride)
            start = offset * flat.itemsize
            out = new(numpy.ndarray(size, flat.dtype, root(flat), start, steps))
        out._storage = storage._storage  # one memory, one count of its changes
        return out

    @staticmethod
    def parameter(data: Tensor, requires_grad: bool, plain: bool) -> Tensor:
        """A tensor that may require a gradient, or a `Parameter`."""
        if requires_grad and data.dtype.kind not in DIFFERENTIABLE:
            raise Malformed("a gradient for a tensor that can have none")
        if plain:
            return data.detach().requires_grad_() if requires_grad else data
        from ..nn.parameter import Parameter

        return Parameter(data, requires_grad)
