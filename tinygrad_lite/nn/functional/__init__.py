"""Layers without state, as functions: `torch.nn.functional`."""

from ...absent import explain as _explain
from ...backend.listing import listing as _listing
from ...tensor.check import explain as _takes_out
from .activation import *
from .adaptive_pool import *
from .aliases import *
from .attention import *
from .conv import *
from .distance import *
from .dropout import *
from .embedding import *
from .fold import *
from .fractional_pool import *
from .group_norm import *
from .linear import *
from .loss import *
from .multi_head import *
from .norm import *
from .padding import *
from .pool import *
from .rectifier import *
from .resize import *
from .sample import *
from .unpool import *
from .volume import *


def __dir__() -> list[str]:
    return _listing(globals())


_takes_out(
    globals(),
    "avg_pool2d avg_pool3d gelu logsigmoid softplus softshrink".split(),
)
_explain(__name__)
