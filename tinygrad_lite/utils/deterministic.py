"""`torch.utils.deterministic`: one switch, kept for programs that set it."""

from __future__ import annotations

from ..absent import explain as _explain

fill_uninitialized_memory = True
"""Whether `empty` would be filled while deterministic algorithms are asked for; without effect."""

_explain(__name__)
