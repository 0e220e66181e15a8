"""Layers, losses and what models are made of: `torch.nn`."""

from ..backend.listing import listing as _listing
from . import functional as functional
from . import init as init
from . import utils as utils
from .activation import *
from .container import *
from .conv import *
from .dropout import *
from .fold import *
from .linear import *
from .loss import *
from .module import Module as Module
from .norm import *
from .parameter import *
from .pool import *


def __dir__() -> list[str]:
    return _listing(globals(), "functional", "init", "utils")
