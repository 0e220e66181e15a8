"""Rows of a table, looked up by number."""

from __future__ import annotations

from typing import Any

from .rule import rule

Out = tuple[Any, Any]


@rule(half="anywhere")
def embedding(
    xp: Any, weight: Any, index: Any, *, padding: int | None = None, by_frequency: bool = False
) -> Out:
    """y = W[i], a row of W (V, D) for each index i: dL/dW_v = Σ g_s over the s with i_s = v.

    Row `padding` gets no gradient; `by_frequency` divides each row's by how often it was looked up.
    The indices must be in [0, V): checked before. (Bengio et al. 2003.)
    """
    shape = weight.shape

    def vjp(g: Any) -> Any:
        if padding is not None:
            left_out = xp.expand_dims(index == padding, -1)
            g = xp.where(left_out, xp.zeros_like(g[..., :1]), g)  # 0 for what is NaN too
        if by_frequency:
            counts = xp.scatter(xp.ones_like(g[..., :1]), (index,), (shape[0], 1))
            g = g / counts[index]
        return xp.scatter(g, (index,), shape)

    return xp.take_rows(weight, index), (vjp, None)
