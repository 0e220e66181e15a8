"""Layers, losses and what models are made of: `torch.nn`."""

from . import functional as functional
from . import init as init
from . import utils as utils
from .activation import *
from .container import *
from .dropout import *
from .linear import *
from .loss import *
from .module import *
from .parameter import *
