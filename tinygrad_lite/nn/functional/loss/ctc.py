"""The CTC loss."""

from __future__ import annotations

from typing import Any

from ....backend import namespace, numpy, to_host
from ....backend.dtypes import FLOATING
from ....ops import ctc as ops
from ....tensor import Tensor, apply
from ....tensor.base import new
from ....tensor.operation import refuse
from .reduction import check_reduction

__all__ = ["ctc_loss"]


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """−ln of the probability that what is read off a sequence is its target.

    At each time one of C symbols is drawn. What is read is the row of symbols without repetitions
    of neighbours and then without blanks: a-ab-- is aab. The probability is that of all rows of T
    symbols that read as the target. (Connectionist temporal classification, Graves et al. 2006;
    `ops.ctc` has the rule.)

    Args:
        log_probs: ln of each symbol's probability at each time, as `log_softmax` gives it:
            (T, N, C), or (T, C) for one sequence.
        targets: symbols other than the blank, (N, S), or all targets one behind another, (Σ S).
        input_lengths: how many times each sequence has, at most T: (N), or one number for (T, C).
        target_lengths: how many symbols each target has, likewise.
        blank: the symbol that stands for "nothing here".
        reduction: "none", "sum", or "mean": of the losses divided by the targets' lengths.
        zero_infinity: a target that no row of T symbols reads as, because it is too long, counts
            as 0 and has no gradient; otherwise its loss is infinite.

    Returns:
        0-d, or for "none" (N), or () for one sequence.

    Raises:
        ValueError: an unknown reduction.
        RuntimeError: lengths, shapes or symbols that do not fit.
    """
    check_reduction(reduction)
    if log_probs.ndim not in (2, 3):
        raise RuntimeError(
            f"ctc_loss: log_probs must be (T, N, C) or (T, C), but is {tuple(log_probs.shape)}"
        )
    if log_probs.dtype.kind not in FLOATING:
        refuse("ctc_loss", log_probs)
    single = log_probs.ndim == 2
    sequences = log_probs.unsqueeze(1) if single else log_probs
    count, n, classes = sequences.shape
    if not log_probs.numel():
        raise RuntimeError(
            f"ctc_loss: log_probs tensor must not be empty, but is {tuple(log_probs.shape)}"
        )
    if not 0 <= blank < classes:
        raise RuntimeError(f"ctc_loss: blank must be in label range 0 to {classes - 1}: {blank}")
    times = _lengths("input_lengths", input_lengths, n)
    lengths = _lengths("target_lengths", target_lengths, n)
    if (times > count).any() or (times < 0).any():
        raise RuntimeError(
            f"ctc_loss: Expected input_lengths to have value at most {count}, but got "
            f"{int(times.max())}"
        )
    states, skips, last = _states(_padded(targets, lengths, classes), lengths, blank)
    symbols = states[:, :, None] == numpy.arange(classes)
    xp, dtype = namespace(log_probs.array), log_probs.array.dtype
    on = numpy.arange(count)[:, None] < times
    ready = [states, *(a.astype(dtype) for a in (skips, last, on, symbols))]
    operands = (sequences, *(new(xp.asarray(a)) for a in ready))
    losses = apply(ops.ctc, *operands, zero_infinity=bool(zero_infinity))
    if reduction == "none":
        return losses.squeeze(0) if single else losses
    if reduction == "sum":
        return losses.sum()
    each = new(xp.asarray(numpy.maximum(lengths, 1).astype(dtype)))
    return (losses / each).mean()


def _lengths(name: str, given: Any, n: int) -> Any:
    """Lengths as an array of the host, int64 (N).

    Raises:
        RuntimeError: no integers, or another number of them.
    """
    host = to_host(given.detach().array) if isinstance(given, Tensor) else numpy.asarray(given)
    if host.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss: {name} must be integral, but is {host.dtype}")
    found = host.reshape(-1).astype("int64")
    if found.shape != (n,):
        raise RuntimeError(
            f"ctc_loss: {name} must be of size {n} (batch_size), but has {found.size} elements"
        )
    return found


def _padded(targets: Tensor, lengths: Any, classes: int) -> Any:
    """The targets as an array of the host, int64 (N, S), with zeros behind each one's length.

    Raises:
        RuntimeError: shapes, lengths or symbols that do not fit.
    """
    host = to_host(targets.detach().array)
    n, most = len(lengths), int(lengths.max(initial=0))
    rows = numpy.zeros((n, most), "int64")
    if host.ndim == 2:
        if host.shape[0] != n or host.shape[1] < most or (lengths < 0).any():
            raise RuntimeError(
                f"ctc_loss: Expected targets to have size {n} at dimension 0 and at least {most} "
                f"at dimension 1, but got size {tuple(targets.shape)}"
            )
        rows[:] = host[:, :most]
    else:
        if host.size != lengths.sum():
            raise RuntimeError(
                f"ctc_loss: Expected targets of the total length {int(lengths.sum())}, but got "
                f"{host.size}"
            )
        ends = numpy.cumsum(lengths)
        for row, length, end in zip(rows, lengths, ends, strict=True):
            row[:length] = host[end - length : end]
    rows *= numpy.arange(most) < lengths[:, None]
    if rows.size and not 0 <= rows.min() <= rows.max() < classes:
        raise RuntimeError(
            f"ctc_loss: targets must be from 0 to {classes - 1}, but are from {rows.min()} to "
            f"{rows.max()}"
        )
    return rows


def _states(rows: Any, lengths: Any, blank: int) -> tuple[Any, Any, Any]:
    """`states`, `skips` and `last` of `ops.ctc` for targets in rows, (N, 2S + 1) each.

    The states are the labels with blanks between and around them. One may go two states ahead to
    a label that differs from the one before: then no blank has to come between.
    """
    n, most = rows.shape
    states = numpy.full((n, 2 * most + 1), blank, "int64")
    states[:, 1::2] = rows
    may = numpy.zeros(states.shape, bool)
    may[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    skips = numpy.where(may, 0.0, ops.NEVER)
    behind = 2 * lengths[:, None] - numpy.arange(states.shape[1])
    return states, skips, numpy.where((behind == 0) | (behind == 1), 0.0, ops.NEVER)
