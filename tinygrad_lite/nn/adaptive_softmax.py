"""A softmax over many classes, most of which are rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..tensor import Tensor
from ..tensor.concatenate import cat
from ..tensor.create import zeros
from .container import ModuleList, Sequential
from .functional import log_softmax
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns: each target's log probability, and the loss."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """−ln p of many classes, of which the rare ones share what they cost.

    Classes are numbered by how frequent they are. One softmax, the head, is over the most
    frequent ones and K clusters of the others; a class in cluster i has p = p(i) p(class | i),
    where the second factor is the softmax of two linear layers with ⌊D / div_valueⁱ⁺¹⌋ units
    between them: the rarer the class, the fewer. Only clusters that occur in a batch are computed.

    É. Grave et al., "Efficient softmax approximation for GPUs", ICML 2017:
    https://arxiv.org/abs/1609.04309

    Args:
        in_features: D of the input (N, D) or (D).
        n_classes: how many classes there are, 0 the most frequent.
        cutoffs: the first class of each of the K clusters; rising, from 1 to n_classes − 1.
        div_value: see above.
        head_bias: learn a bias in the head.
        device, dtype: of the parameters.

    Attributes:
        head: Linear(D, cutoffs[0] + K).
        tail: a Sequential of two Linears without bias for each cluster.

    Raises:
        ValueError: cutoffs that are not rising integers from 1 to n_classes − 1.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        given = list(cutoffs)
        if not given:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        rising = given == sorted(set(given)) and all(int(c) == c for c in given)
        if not rising or min(given) <= 0 or max(given) > n_classes - 1:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                "order, where each value is between 1 and n_classes-1"
            )
        place = {"device": device, "dtype": dtype}
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*given, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = given[0]
        self.n_clusters = len(given)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **place)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // (div_value ** (i + 1)))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, **place),
                    Linear(hidden, size, bias=False, **place),
                )
            )

    def reset_parameters(self) -> None:
        """Draw all layers' parameters again."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        """ln p of the class of each sample, and the loss, minus their mean.

        Args:
            input_: (N, D), or (D).
            target_: the classes, int64 (N), or ().

        Returns:
            A named pair: `output` (N), or (), and `loss`, 0-d.

        Raises:
            RuntimeError: shapes that do not fit, or classes out of range.
        """
        input, target = input_, target_
        single = target.ndim == 0
        if target.ndim > 1 or input.ndim != target.ndim + 1:
            raise RuntimeError(
                "0D or 1D target tensor expected, multi-target not supported"
                if target.ndim > 1
                else f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but "
                f"found inputs with size {tuple(input.shape)}"
            )
        x, t = (input.unsqueeze(0), target.unsqueeze(0)) if single else (input, target)
        if x.shape[0] != t.shape[0]:
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        if t.numel() and not (int(t.min()) >= 0 and int(t.max()) < self.n_classes):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{t.min().item()}, {t.max().item()}] were found. "
            )
        head = log_softmax(self.head(x), dim=1)
        column, inside = t, zeros(t.shape[0], dtype=x.dtype, device=x.device)
        for i, tail in enumerate(self.tail):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            rows = ((t >= low) & (t < high)).nonzero().squeeze(1)
            if rows.numel() == 0:
                continue
            own = log_softmax(tail(x.index_select(0, rows)), dim=1)
            found = own.gather(1, (t.index_select(0, rows) - low).unsqueeze(1)).squeeze(1)
            inside = inside.index_add(0, rows, found)
            column = column.index_fill(0, rows, self.shortlist_size + i)
        output = inside + head.gather(1, column.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output.squeeze(0) if single else output, loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """ln p of all classes, (N, n_classes), for inputs (N, D)."""
        head = log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            cluster = head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(log_softmax(tail(input), dim=1) + cluster)
        return cat(parts, dim=1)

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class of each input (N, D): int64 (N)."""
        return self.log_prob(input).argmax(dim=1)
