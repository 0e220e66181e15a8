"""Kernels for NumPy that beat their plain form; everything else comes from `plain`."""

from __future__ import annotations

from .calls import *
from .conv import *
from .elementwise import *
from .norm import *
from .optim import adagrad_step as adagrad_step
from .optim import adam_step as adam_step
from .optim import rmsprop_step as rmsprop_step
from .optim import sgd_step as sgd_step
from .optim import updates as updates
from .pool import *
