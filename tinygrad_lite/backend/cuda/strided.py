"""Views of CuPy's arrays with strides of one's own."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel
from ..plain import strided as plain


@kernel("cuda")
def strided_view(xp: Any, x: Any, shape: plain.Ints, strides: plain.Ints) -> Any:
    """See `plain.strided.strided_view`.

    What CuPy's own `as_strided` gives has no `base`: nothing would tell that it is a view, and
    changes of it in place would not reach the graph of what it is a view of.
    """
    if not hasattr(x, "_set_shape_and_strides"):  # the kernels run on the host
        return plain.strided_view(xp, x, shape, strides)
    y = x.view()
    y._set_shape_and_strides(shape, strides, True, True)
    return y
