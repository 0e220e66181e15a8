"""Tables of vectors."""

from __future__ import annotations

from typing import Any, Self

from ..tensor import Tensor
from ..tensor.create import empty
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """What both tables share: the weight, its padding row, and settings of the look-up."""

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        weight: Tensor | None,
        freeze: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(
                    "Padding_idx must be within num_embeddings, but is "
                    f"{padding_idx} with {num_embeddings} rows"
                )
            padding_idx %= num_embeddings
        self.padding_idx = padding_idx
        shape = (num_embeddings, embedding_dim)
        if weight is None:
            drawn = Parameter(empty(shape, dtype=dtype, device=device), not freeze)
            self.weight = drawn
            self.reset_parameters()
        elif weight.shape != shape:
            raise AssertionError(
                f"Shape of weight {weight.shape} does not match num_embeddings and embedding_dim "
                f"{shape}"
            )
        else:
            self.weight = Parameter(weight, not freeze)

    def reset_parameters(self) -> None:
        """Draws from N(0, 1), and 0 in the padding row."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            init.zeros_(self.weight.detach()[self.padding_idx])

    def _settings(self, *names: tuple[str, Any]) -> str:
        """The sizes, and the attributes that differ from their usual values, for printing."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, usual in names:
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        return text


class Embedding(_Table):
    """The rows of a learnt table that numbers name; see `functional.embedding`.

    Args:
        num_embeddings: how many rows there are, V; the numbers are in [0, V).
        embedding_dim: their length, D.
        padding_idx: a row that starts at 0 and gets no gradient.
        max_norm: rows that are looked up and longer than this are shortened to it, for good.
        norm_type: p of the p-norm that is their length.
        scale_grad_by_freq: divide each row's gradient by how often the batch looked it up.
        sparse: must be False when called: gradients are dense here.
        _weight, _freeze: see `from_pretrained`.
        device, dtype: of the table.

    Attributes:
        weight: the table, (V, D), which starts with draws from N(0, 1).

    Raises:
        AssertionError: padding_idx outside of the table.

    Example:
        >>> nn.Embedding(10, 3)(torch.tensor([[1, 2], [9, 0]])).shape
        torch.Size([2, 2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_embeddings, embedding_dim, padding_idx, _weight, _freeze, device, dtype
        )
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A layer whose table is a given tensor (V, D), which is shared, not copied.

        Args:
            embeddings: the table.
            freeze: do not train it.
            padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse: as the class.

        Raises:
            AssertionError: the table is not 2-D.
        """
        if embeddings.ndim != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        settings = padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse
        return cls(rows, columns, *settings, embeddings, freeze)

    def forward(self, input: Tensor) -> Tensor:
        """The rows (*, D) of numbers (*), int64 or int32."""
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        """The sizes, and the settings that are not the defaults."""
        usual = ("padding_idx", None), ("max_norm", None), ("norm_type", 2)
        return self._settings(*usual, ("scale_grad_by_freq", False), ("sparse", False))


class EmbeddingBag(_Table):
    """The mean, sum or maximum of the rows that a bag of numbers names; `functional.embedding_bag`.

    Args:
        num_embeddings, embedding_dim: the table's sizes, V and D.
        max_norm, norm_type, scale_grad_by_freq, sparse: as `Embedding`.
        mode: "mean", "sum" or "max".
        _weight: the table, in place of a new one.
        include_last_offset: the last of the offsets is the end of the last bag.
        padding_idx: a row that starts at 0 and is left out of its bags.
        device, dtype: of the table.

    Attributes:
        weight: the table, (V, D), which starts with draws from N(0, 1).

    Raises:
        AssertionError: padding_idx outside of the table.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_embeddings, embedding_dim, padding_idx, _weight, False, device, dtype)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A layer whose table is a given tensor (V, D), which is shared, not copied.

        Args:
            embeddings: the table.
            freeze: do not train it.
            max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset, padding_idx:
                as the class.

        Raises:
            AssertionError: the table is not 2-D.
        """
        if embeddings.ndim != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        settings = max_norm, norm_type, scale_grad_by_freq, mode, sparse
        layer = cls(rows, columns, *settings, embeddings, include_last_offset, padding_idx)
        layer.weight.requires_grad_(not freeze)
        return layer

    def forward(
        self,
        input: Tensor,
        offsets: Tensor | None = None,
        per_sample_weights: Tensor | None = None,
    ) -> Tensor:
        """(N, D) from N bags of L numbers, (N, L); or from (S) and N `offsets` where bags start."""
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """The sizes, and the settings that are not the defaults."""
        usual = ("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False)
        text = self._settings(*usual) + f", mode={self.mode!r}"
        return text + (f", padding_idx={self.padding_idx}" if self.padding_idx is not None else "")
