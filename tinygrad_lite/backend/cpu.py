"""Kernels for NumPy that beat their plain form; everything else comes from `plain`."""

from __future__ import annotations

from .cpu_calls import *
from .cpu_conv import *
from .cpu_elementwise import *
from .cpu_norm import *
from .cpu_optim import adagrad_step as adagrad_step
from .cpu_optim import adam_step as adam_step
from .cpu_optim import rmsprop_step as rmsprop_step
from .cpu_optim import sgd_step as sgd_step
from .cpu_optim import updates as updates
from .cpu_pool import *
