"""`torch.jit.annotations`: types that scripted functions are written with."""

from typing import Any, Dict, List, Optional, Tuple, Union  # noqa: UP035

from ..absent import explain as _explain

__all__ = ["Any", "BroadcastingList1", "Dict", "List", "Optional", "Tuple", "Union"]

BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = List  # noqa: UP006


_explain(__name__)
