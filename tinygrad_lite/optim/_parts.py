"""Complex parameters: updated as their real and imaginary parts, as PyTorch's optimizers do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace

if TYPE_CHECKING:
    from .optimizer import Optimizer


class Parts:
    """Kernels that are given views of the parts (…, 2) of complex arrays.

    Args:
        optimizer: whose step it is.
        xp: the kernels.

    Raises:
        NotImplementedError: the optimizer's step is not of each element by itself.
    """

    def __init__(self, optimizer: Optimizer, xp: Any) -> None:
        if not optimizer._of_parts:
            raise NotImplementedError(
                f"{type(optimizer).__name__}: does not support complex parameters; Adam and SGD do"
            )
        self._xp = xp

    def __getattr__(self, name: str) -> Any:
        kernel = getattr(self._xp, name)

        def call(*arrays: Any, **options: Any) -> Any:
            given = [
                a if a is None or a.dtype.kind != "c" else namespace(a).view_as_real(a)
                for a in arrays
            ]
            return kernel(*given, **options)

        return call
