"""`torch.utils.tensorboard`: the `SummaryWriter` of tensorboardX, where that is installed."""

from __future__ import annotations

import functools
import warnings
from typing import Any

from .. import absent
from ..absent import explain as _explain
from ..tensor import Tensor
from ..trees import mapped

__all__ = ["SummaryWriter"]

try:
    from tensorboardX import SummaryWriter as _Writer
except ImportError:
    _Writer = None


def _array(value: Any) -> Any:
    """A tensor as an array, which tensorboardX knows; all else as it is."""
    if not isinstance(value, Tensor):
        return value
    return (value.float() if value.itemsize == 2 else value).numpy(force=True)


def _of_arrays(method: Any) -> Any:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        return method(*mapped(_array, args), **mapped(_array, kwargs))

    return call


def _taking_tensors(base: Any) -> Any:
    """A writer whose `add_…` methods take tensors, alone and in lists and dicts."""

    class SummaryWriter(base):  # type: ignore[misc]
        """Writes what TensorBoard shows, as `tensorboardX.SummaryWriter`."""

        def __getattribute__(self, name: str) -> Any:
            found = super().__getattribute__(name)
            return _of_arrays(found) if name.startswith("add_") else found

        def add_graph(self, model: Any, *args: Any, **kwargs: Any) -> None:
            """Warn that no graph is written: models are not traced."""
            warnings.warn(
                f"add_graph: {type(model).__name__} is not written: models run as Python and are "
                "not traced; see debug.draw",
                stacklevel=3,
            )

    return SummaryWriter


SummaryWriter: Any = (
    absent.stand_in(
        "utils.tensorboard.SummaryWriter",
        "the package tensorboardX has one, which is taken where it is installed",
    )
    if _Writer is None
    else _taking_tensors(_Writer)
)


_explain(__name__)
