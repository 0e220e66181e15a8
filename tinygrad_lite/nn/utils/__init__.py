"""What helps to train and to feed models: `torch.nn.utils`."""

from ...absent import explain as _explain
from . import parametrizations as parametrizations
from . import parametrize as parametrize
from . import rnn as rnn
from .clip_grad import *
from .convert_parameters import *
from .weight_hooks import *

_explain(__name__)
