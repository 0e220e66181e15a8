"""What helps to train and to feed models: `torch.nn.utils`."""

import sys as _sys

from ...absent import explain_below as _explain
from . import parametrizations as parametrizations
from . import parametrize as parametrize
from . import prune as prune
from . import rnn as rnn
from . import stateless as stateless
from .clip_grad import *
from .convert_parameters import *
from .fusion import *
from .memory_format import *
from .skip_init import *
from .weight_hooks import *

# PyTorch's files, whose names are those of functions as well.
for _name in ("spectral_norm", "weight_norm"):
    _sys.modules.setdefault(f"{__name__}.{_name}", _sys.modules[f"{__name__}.weight_hooks"])

_explain(__name__)
