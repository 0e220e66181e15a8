"""Layers without state, as functions: `torch.nn.functional`."""

from .activation import *
from .attention import *
from .conv import *
from .dropout import *
from .embedding import *
from .fold import *
from .linear import *
from .loss import *
from .norm import *
from .padding import *
from .pool import *
from .rectifier import *
