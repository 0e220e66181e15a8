"""PyTorch's `torch.utils`: data sets and loaders under the name that code imports them by."""

from ..absent import explain as _explain
from ..backend.listing import listing as _listing
from . import data as data


def __dir__() -> list[str]:
    return _listing(globals(), "data")


_explain(__name__)
