"""Layers without state, as functions: `torch.nn.functional`."""

from ...backend.listing import listing as _listing
from .activation import *
from .conv import *
from .dropout import *
from .embedding import *
from .fold import *
from .linear import *
from .loss import *
from .norm import *
from .padding import *
from .pool import *


def __dir__() -> list[str]:
    return _listing(globals())
