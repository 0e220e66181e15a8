"""Tensors: an array, its place in the graph, and PyTorch's methods on it (`tensor.py`)."""

from . import reseat as _reseat  # noqa: F401  # for `TensorBase.numpy`
from .apply import apply
from .autocast import autocast, get_autocast_dtype, is_autocast_enabled
from .modes import (
    enable_grad,
    get_default_dtype,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_default_dtype,
    set_grad_enabled,
)
from .promote import promote_types, result_type
from .results import ValuesIndices
from .size import Size
from .tensor import Tensor

__all__ = [
    "Size",
    "Tensor",
    "ValuesIndices",
    "apply",
    "autocast",
    "enable_grad",
    "get_autocast_dtype",
    "get_default_dtype",
    "inference_mode",
    "is_autocast_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "promote_types",
    "result_type",
    "set_default_dtype",
    "set_grad_enabled",
]
