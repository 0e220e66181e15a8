"""The message for a step that can't be captured.

The traceback says which operation of ours broke the capture, and which line of the step called it.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from ..backend.capture import CaptureError

PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BACKEND = os.path.join(PACKAGE, "backend")
CONVERSIONS = {
    "__bool__": "bool() of a tensor",
    "__float__": "float() of a tensor",
    "__int__": "int() of a tensor",
    "__index__": "an index by a tensor",
    "__repr__": "printing a tensor",
    "__str__": "printing a tensor",
    "__format__": "printing a tensor",
    "__array__": "conversion to NumPy",
}


def explain(step: Callable[..., Any], error: BaseException) -> str:
    """The message: the step's name, the operation, the reason, the file, line and its text.

    Args:
        step: the user's function.
        error: what was raised while it was captured, with its traceback.
    """
    frames = list(_frames(error.__traceback__))
    calls = [
        i
        for i, (frame, _) in enumerate(frames[:-1])
        if not _ours(frame) and _ours(frames[i + 1][0]) and _in_step(frames, i)
    ]
    at = calls[-1] if calls else len(frames) - 1
    frame, line = frames[at]
    file = frame.f_code.co_filename
    text = linecache.getline(file, line).strip()
    reason = str(error) if isinstance(error, CaptureError) else f"it waits for the device ({error})"
    name = getattr(step, "__name__", "the step")
    where = f"{os.path.basename(file)}, line {line}" + (f": `{text}`" if text else "")
    inside = [f for f, _ in frames[at + 1 :] if _ours(f)]
    return f"graph: {name} can't be captured, because of {_operation(inside)}: {reason} ({where})"


def _frames(traceback: TracebackType | None) -> Any:
    """A traceback's frames and line numbers, outermost first."""
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next


def _ours(frame: FrameType) -> bool:
    """Whether a frame runs code of this package."""
    return frame.f_code.co_filename.startswith(PACKAGE)


def _in_step(frames: Any, i: int) -> bool:
    """Whether frame i belongs to the step: it lies inside of `CapturedStep._watched`."""
    return any(f.f_code.co_name == "_watched" for f, _ in frames[:i])


def _operation(frames: list[FrameType]) -> str:
    """A name for what our innermost frames were doing: an operation, a gradient, a conversion."""
    for frame in reversed(frames):
        name, local = frame.f_code.co_name, frame.f_locals
        if name in CONVERSIONS:
            return CONVERSIONS[name]
        if name == "apply" and "rule" in local:
            return str(local["rule"].__name__)
        if name == "walk" and "vjps_of" in local and "node" in local:
            return f"the gradient of {getattr(local['node'], 'name', 'a leaf')}"
    named = [f.f_code.co_name for f in frames if not f.f_code.co_filename.startswith(BACKEND)]
    public = [name for name in named if not name.startswith(("_", "<"))]
    return f"{(public or named or ['a function of the array library'])[-1]}()"
