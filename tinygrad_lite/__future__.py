"""`torch.__future__`: how a module's parameters are converted, kept for programs that ask."""

from __future__ import annotations

from .absent import explain as _explain

__all__ = [
    "get_overwrite_module_params_on_conversion",
    "get_swap_module_params_on_conversion",
    "set_overwrite_module_params_on_conversion",
    "set_swap_module_params_on_conversion",
]

_kept = {"overwrite": False, "swap": False}


def set_overwrite_module_params_on_conversion(value: bool) -> None:
    """Keep it; without effect: `Module.to` leaves parameters the same objects always."""
    _kept["overwrite"] = value


def get_overwrite_module_params_on_conversion() -> bool:
    """What it was set to last."""
    return _kept["overwrite"]


def set_swap_module_params_on_conversion(value: bool) -> None:
    """Keep it; without effect, as the other."""
    _kept["swap"] = value


def get_swap_module_params_on_conversion() -> bool:
    """What it was set to last."""
    return _kept["swap"]


_explain(__name__)
