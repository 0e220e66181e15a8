"""PyTorch's `torch.utils`: data sets and loaders, and exchange of memory."""

from ..absent import explain as _explain
from ..backend.listing import listing as _listing
from . import _pytree as _pytree
from . import checkpoint as checkpoint
from . import data as data
from . import dlpack as dlpack
from . import hooks as hooks
from .swap import swap_tensors as swap_tensors


def __dir__() -> list[str]:
    return _listing(globals(), "swap_tensors", "checkpoint", "data", "dlpack", "hooks")


_explain(__name__)
