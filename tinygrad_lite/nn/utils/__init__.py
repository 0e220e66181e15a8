"""What helps to train and to feed models: `torch.nn.utils`."""

from . import rnn as rnn
from .clip_grad import *
from .convert_parameters import *
