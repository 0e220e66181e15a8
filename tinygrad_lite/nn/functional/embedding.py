"""Class numbers as vectors: one-hot, or rows looked up in a table; with PyTorch's signatures."""

from __future__ import annotations

from ...backend import Array, namespace, numpy, to_host
from ...backend.dtypes import FLOATING
from ...ops import embedding as ops
from ...tensor import Tensor, apply, no_grad
from ...tensor.autocast import need_one_dtype
from ...tensor.base import new
from ...tensor.check import takes_tensors
from ...tensor.concatenate import cat
from ...tensor.create import zeros
from ...tensor.dims import whole

__all__ = ["embedding", "embedding_bag", "one_hot"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of a table that numbers name.

    Args:
        input: the numbers, int64 or int32, any shape.
        weight: the table, (V, D).
        padding_idx: a row that gets no gradient.
        max_norm: rows that are looked up and longer than this are shortened to it, in the table
            itself; no gradient is recorded of that.
        norm_type: p of the p-norm that is their length.
        scale_grad_by_freq: divide each row's gradient by how often it is looked up.
        sparse: must be False: there are no sparse gradients.

    Returns:
        (*input.shape, D).

    Raises:
        IndexError: a number outside of [0, V).
        RuntimeError: numbers of another dtype, or a table of another rank.
        AssertionError: padding_idx outside of the table.
        NotImplementedError: sparse.

    Example:
        >>> table = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
        >>> F.embedding(torch.tensor([1, 0]), table)
        tensor([[1., 1.],
                [0., 0.]])
    """
    _check_table("embedding", input, weight, sparse)
    padding = _padding(padding_idx, weight.shape[0])
    if max_norm is not None:
        _limit_norms(weight, input, max_norm, norm_type)
    return apply(ops.embedding, weight, input, padding=padding, by_frequency=scale_grad_by_freq)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The mean, sum or maximum of the rows of each bag of numbers.

    Args:
        input: (N, L), N bags of one size, or (S) with `offsets`.
        weight, max_norm, norm_type, scale_grad_by_freq, sparse: as `embedding`.
        offsets: where each bag starts in a 1-D input; it ends where the next starts.
        mode: "mean", "sum" or "max"; an empty bag gives 0.
        per_sample_weights: a factor for each row, of the input's shape; for "sum" only.
        include_last_offset: the last of the offsets is the end of the last bag.
        padding_idx: a row that is left out of its bags.

    Returns:
        (N, D).

    Raises:
        ValueError: another mode or rank; offsets for a 2-D input, or none for a 1-D one.
        RuntimeError: offsets out of order, a number outside of [0, V), or factors of another dtype
            than the table's; and as `embedding`.
        NotImplementedError: per_sample_weights of another shape or mode, or sparse.
    """
    if mode not in ("mean", "sum", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if input.ndim not in (1, 2):
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}"
        )
    if (offsets is None) != (input.ndim == 2):
        raise ValueError(
            "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of "
            f"fixed length sequences; if it is 1D, offsets has to be given (got {offsets})"
        )
    if per_sample_weights is not None and (
        mode != "sum" or per_sample_weights.shape != input.shape
    ):
        raise NotImplementedError(
            "embedding_bag: per_sample_weights needs mode='sum' and the shape of the input, but "
            f"got mode={mode!r} and shape {per_sample_weights.shape}"
        )
    bags = _bags(input, offsets, include_last_offset)
    _check_table("embedding_bag", input, weight, sparse)
    need_one_dtype("embedding_bag", weight=weight, per_sample_weights=per_sample_weights)
    flat = input.reshape(-1)
    rows = embedding(flat, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    # `bags` are places in `rows`, (N, longest); shorter bags are filled up with the place of one
    # more row, which changes no sum (0) and no maximum (−∞).
    if padding_idx is not None:
        padding = to_host(flat.array) == _padding(padding_idx, weight.shape[0])
        bags = numpy.where(numpy.append(padding, True)[bags], flat.shape[0], bags)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    counts = (bags != flat.shape[0]).sum(1)[:, None]
    xp = namespace(weight.array)
    none = -numpy.inf if mode == "max" else 0.0
    rest = zeros((1, weight.shape[1]), dtype=weight.dtype, device=weight.device) + none
    taken = cat([rows, rest])[new(xp.asarray(bags))]
    if mode == "max":
        largest: Tensor = taken.max(1).values
        return largest.masked_fill(new(xp.asarray(counts == 0)), 0.0)
    total = taken.sum(1)
    if mode == "sum":
        return total
    return total / new(xp.asarray(numpy.maximum(counts, 1).astype(weight.array.dtype)))


def _bags(input: Tensor, offsets: Tensor | None, include_last: bool) -> Array:
    """For each bag the places of its numbers in the flat input, (N, longest).

    Shorter bags are filled up with the place behind the last, the flat input's size.
    """
    if offsets is None:
        return numpy.arange(input.numel()).reshape(input.shape)
    starts, total = to_host(offsets.array).astype("int64"), input.shape[0]
    ends = starts[1:] if include_last else numpy.append(starts[1:], total)
    starts = starts[: len(ends)]
    if len(starts) and (starts[0] != 0 or (ends < starts).any() or ends[-1] > total):
        raise RuntimeError(
            f"embedding_bag: offsets must start at 0, not decrease and not exceed {total}, but are "
            f"{offsets.tolist()}"
        )
    longest = int((ends - starts).max()) if len(starts) else 0
    places = starts[:, None] + numpy.arange(max(longest, 1))
    return numpy.where(places < ends[:, None], places, total)


def _check_table(name: str, input: Tensor, weight: Tensor, sparse: bool) -> None:
    """Refuse operands that are no tensors, of other dtypes or ranks, or numbers out of range."""
    for which, tensor in (("input", input), ("weight", weight)):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}: {which} must be a Tensor, not {type(tensor).__name__}")
    if sparse:
        raise NotImplementedError(f"{name}: sparse=True; gradients here are always dense")
    if input.dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            f"{name}: Expected tensor for argument #1 'indices' to have int64 or int32, but got "
            f"{input.dtype}"
        )
    if weight.ndim != 2 or (name != "embedding" and weight.dtype.kind not in FLOATING):
        raise RuntimeError(
            f"{name}: 'weight' must be 2-D (of embedding_bag floating point), but is of shape "
            f"{weight.shape} and {weight.dtype}"
        )
    if input.numel() and not namespace(input.array).all_below(input.array, weight.shape[0]):
        kind = RuntimeError if name == "embedding_bag" else IndexError
        raise kind(
            f"{name}: index out of range in self: all must be in [0, {weight.shape[0]}), the rows "
            f"of weight, but they are {input.min().item()} to {input.max().item()}"
        )


def _padding(padding_idx: int | None, rows: int) -> int | None:
    """The number of the padding row, counted from the start.

    Raises:
        AssertionError: there is no such row.
    """
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError(
            f"Padding_idx must be within num_embeddings, but is {padding_idx} with {rows} rows"
        )
    return padding_idx % rows


@no_grad()
def _limit_norms(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Shorten the rows of a table that are looked up to a norm of at most `max_norm`, in place."""
    used = input.reshape(-1)
    rows = weight[used]
    norms = rows.norm(norm_type, 1, keepdim=True)
    # 1e-7 as in PyTorch. A row that is looked up twice is written twice, with the same numbers.
    scale = (max_norm / (norms + 1e-7)).where(norms > max_norm, 1.0)
    weight[used] = rows * scale


@takes_tensors
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """A vector of zeros with a 1 at each element's place: (*tensor.shape, num_classes), int64.

    Args:
        tensor: int64, any shape.
        num_classes: the number of classes; −1 for the largest value plus one.

    Raises:
        RuntimeError: another dtype, a value that is negative or too large, or no elements
            to find the number of classes from.

    Example:
        >>> F.one_hot(torch.tensor([2, 0])).tolist()
        [[0, 0, 1], [1, 0, 0]]
    """
    if tensor.array.dtype != numpy.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type int64, but got {tensor.dtype}"
        )
    num_classes = whole("one_hot", "num_classes", num_classes)
    if num_classes <= 0 and (num_classes != -1 or not tensor.numel()):
        raise RuntimeError(
            f"one_hot: can not infer total number of classes from num_classes={num_classes} and "
            f"a tensor of {tensor.numel()} elements"
        )
    if tensor.numel() and not (tensor.is_meta and num_classes != -1):
        low, high = tensor.min().item(), tensor.max().item()
        if low < 0:
            raise RuntimeError(f"one_hot: Class values must be non-negative, but got {low}")
        if num_classes == -1:
            num_classes = high + 1
        elif high >= num_classes:
            raise RuntimeError(
                f"one_hot: Class values must be smaller than num_classes, but got {high} with "
                f"num_classes={num_classes}"
            )
    classes = new(namespace(tensor.array).arange(num_classes))
    return (tensor.unsqueeze(-1) == classes).to(dtype="int64")
