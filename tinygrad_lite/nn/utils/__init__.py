"""What helps to train and to feed models: `torch.nn.utils`."""

from ...absent import explain as _explain
from . import parametrizations as parametrizations
from . import parametrize as parametrize
from . import prune as prune
from . import rnn as rnn
from . import stateless as stateless
from .clip_grad import *
from .convert_parameters import *
from .fusion import *
from .skip_init import *
from .weight_hooks import *

_explain(__name__)
