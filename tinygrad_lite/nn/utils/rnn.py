"""Sequences of several lengths: padded to one length, or packed, without padding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ...absent import explain as _explain
from ...backend import namespace, numpy, to_host
from ...tensor import Tensor
from ...tensor.base import in_our_order, new
from ...tensor.concatenate import cat, stack
from ...tensor.create import full

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None


class PackedSequence(_Packed):
    """Sequences of several lengths without padding, step by step, as recurrent layers take them.

    Make one with `pack_padded_sequence` or `pack_sequence`.

    Attributes:
        data: the rows of step 0, of step 1, …: (Σ batch_sizes, *).
        batch_sizes: how many sequences have a step, int64 (T), on the CPU; never increasing.
        sorted_indices: the order in which the sequences are packed, longest first; None for
            their own.
        unsorted_indices: the way back.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        """See the attributes.

        Raises:
            ValueError: batch_sizes on another device than the CPU.
        """
        if batch_sizes is None:  # PyTorch takes both as a pair, too
            data, batch_sizes = data
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Make packed sequences with pack_sequence or "
                "pack_padded_sequence"
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The data in a dtype or on a device, arguments as `Tensor.to`; indices go along."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        order, back = (
            None if index is None else index.to(device=data.device)
            for index in (self.sorted_indices, self.unsorted_indices)
        )
        return type(self)(data, self.batch_sizes, order, back)

    def cpu(self) -> PackedSequence:
        """The data and indices on the CPU."""
        return self.to(device="cpu")

    def cuda(self, device: Any = None) -> PackedSequence:
        """The data and indices on a GPU, by its number or name; default: the current one."""
        return self.to(device=f"cuda:{device}" if isinstance(device, int) else device or "cuda")

    def double(self) -> PackedSequence:
        """The data as float64."""
        return self.to(dtype="float64")

    def float(self) -> PackedSequence:
        """The data as float32."""
        return self.to(dtype="float32")

    def half(self) -> PackedSequence:
        """The data as float16."""
        return self.to(dtype="float16")

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU."""
        return bool(self.data.is_cuda)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes one, int64; None for None."""
    return None if permutation is None else permutation.argsort()


def _indices(host: Any, like: Tensor) -> Tensor:
    """Host integers as an int64 tensor on the device of another."""
    return new(namespace(like.array).asarray(numpy.asarray(host, dtype="int64")))


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack sequences that are padded to one length; gradients flow back to their places.

    Args:
        input: (T, N, *), or (N, T, *) with `batch_first`.
        lengths: how long each of the N sequences is, on the CPU.
        batch_first: the batch is dimension 0.
        enforce_sorted: the sequences are sorted already, the longest first. Otherwise they are
            sorted here, and the order is kept, so that all that comes of them is in the input's.

    Raises:
        RuntimeError: lengths that are not sorted although `enforce_sorted`, not positive, greater
            than T, or not N of them.
    """
    host = to_host(lengths.array) if isinstance(lengths, Tensor) else numpy.asarray(lengths)
    host = host.astype("int64")
    order = None
    if not enforce_sorted:
        places = numpy.argsort(-host, kind="stable")
        order, host = _indices(places, input), host[places]
        input = input.index_select(0 if batch_first else 1, order)
    x = input.transpose(0, 1) if batch_first else input
    if host.ndim != 1 or x.ndim < 2 or len(host) != x.shape[1] or not len(host):
        raise RuntimeError(
            f"pack_padded_sequence: Expected `len(lengths)` to be equal to batch_size, but got "
            f"{host.size} (batch_size={x.shape[1] if x.ndim > 1 else 'none'})"
        )
    if (numpy.diff(host) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence to have it sorted here"
        )
    if host[-1] < 1 or host[0] > x.shape[0]:
        raise RuntimeError(
            "pack_padded_sequence: Length of all samples has to be greater than 0 and at most "
            f"{x.shape[0]}, but they are {host.tolist()}"
        )
    steps = numpy.arange(host[0])[:, None]
    step, sequence = numpy.nonzero(steps < host)
    sizes = (steps < host).sum(1)
    data = x[_indices(step, x), _indices(sequence, x)]
    return PackedSequence(data, new(sizes.astype("int64")), order)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The inverse of `pack_padded_sequence`: padded sequences, and how long each is.

    Args:
        sequence: the packed sequences.
        batch_first: return (N, T, *) in place of (T, N, *).
        padding_value: what stands behind the end of a sequence.
        total_length: T; default: the longest.

    Returns:
        The sequences, (T, N, *) or (N, T, *), and their lengths, int64 (N) on the CPU, both in the
        order before packing.

    Raises:
        ValueError: total_length is less than the longest.
    """
    data, sizes = sequence.data, to_host(sequence.batch_sizes.array)
    steps, n = len(sizes), int(sizes[0])
    if total_length is not None and total_length < steps:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but "
            f"got total_length={total_length} and max sequence length being {steps}"
        )
    lengths = (numpy.arange(n)[:, None] < sizes).sum(1)
    columns = numpy.arange(n)
    if sequence.unsorted_indices is not None:
        columns = to_host(sequence.unsorted_indices.array)
    # Rows are gathered from the data and, behind it, at `end`, one row of padding.
    end, starts = data.shape[0], numpy.cumsum(sizes) - sizes
    places = numpy.full((total_length or steps, n), end)
    places[:steps] = numpy.where(columns < sizes[:, None], starts[:, None] + columns, end)
    fill = float(padding_value)  # as in `pad`
    row = full((1, *data.shape[1:]), fill, dtype=data.dtype, device=data.device)
    padded = cat([data, row])[_indices(places.T if batch_first else places, data)]
    return padded, new(lengths[columns].astype("int64"))


def pad_sequence(
    sequences: Iterable[Tensor] | Tensor,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (Lᵢ, *) padded to the longest and stacked: (T, N, *), or (N, T, *).

    The result is of the first one's dtype.

    Args:
        sequences: a list of tensors whose shapes differ in the first dimension only.
        batch_first: the batch is dimension 0.
        padding_value: what is added.
        padding_side: "right" (behind) or "left".

    Raises:
        RuntimeError: not an iterable, none, shapes that differ, or another side.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"pad_sequence: Expected padding_side to be one of left or right, but got "
            f"{padding_side!r}"
        )
    parts = list(sequences)
    if not parts:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    longest, rest = max(len(part) for part in parts), parts[0].shape[1:]
    padded = []
    for part in parts:
        if part.shape[1:] != rest:
            raise RuntimeError(
                f"pad_sequence: sequences must agree in all dimensions but the first, but have "
                f"shapes {parts[0].shape} and {part.shape}"
            )
        part = part.to(parts[0].dtype)
        more = longest - len(part)
        if more:
            number = float(padding_value)  # as in `pad`
            fill = full((more, *rest), number, dtype=part.dtype, device=part.device)
            part = cat([part, fill] if padding_side == "right" else [fill, part])
        padded.append(part)
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """Padded sequences as a list of copies of their own lengths, the inverse of `pad_sequence`.

    Args:
        padded_sequences: (T, N, *), or (N, T, *) with `batch_first`.
        lengths: how long each is, (N).
        batch_first: the batch is dimension 0.
    """
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    parts = zip(x, lengths.tolist(), strict=True)
    return [in_our_order(sequence[: int(n)].clone()) for sequence, n in parts]


def pack_sequence(sequences: Iterable[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences (Lᵢ, *); see `pack_padded_sequence` for `enforce_sorted`."""
    parts = list(sequences)
    lengths = [len(part) for part in parts]
    return pack_padded_sequence(pad_sequence(parts), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The inverse of `pack_sequence`: a list of tensors (Lᵢ, *), in the order before packing."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


_explain(__name__)
