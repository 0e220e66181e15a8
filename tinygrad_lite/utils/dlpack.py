"""`torch.utils.dlpack`: tensors as capsules, and back."""

from __future__ import annotations

from ..absent import explain as _explain
from ..tensor.exchange import from_dlpack
from ..tensor.export import to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


_explain(__name__)
