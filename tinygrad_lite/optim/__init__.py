"""Optimizers and learning-rate schedules, by PyTorch's names."""

from ..absent import explain as _explain
from ..backend.listing import listing as _listing
from . import lr_scheduler as lr_scheduler
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]


def __dir__() -> list[str]:
    return _listing(globals(), "lr_scheduler")


_explain(__name__)
