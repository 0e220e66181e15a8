"""Layers, losses and what models are made of: `torch.nn`."""

from ..absent import explain_below as _explain
from ..backend.listing import listing as _listing
from . import functional as functional
from . import init as init
from . import modules as modules
from . import parallel as parallel
from . import utils as utils
from .activation import *
from .adaptive_softmax import *
from .attention import *
from .container import *
from .conv import *
from .ctc_loss import *
from .distance import *
from .dropout import *
from .embedding import *
from .fold import *
from .group_norm import *
from .lazy import *
from .linear import *
from .loss import *
from .margin_loss import *
from .module import Module as Module
from .norm import *
from .padding import *
from .parallel import DataParallel as DataParallel
from .parameter import *
from .parameter_container import *
from .pool import *
from .rectifier import *
from .recurrent import *
from .recurrent_cell import *
from .resize import *
from .sync_norm import *
from .transformer import *
from .unpool import *
from .volume import *


def __dir__() -> list[str]:
    return _listing(globals(), "functional", "init", "modules", "parallel", "utils")


_explain(__name__)
