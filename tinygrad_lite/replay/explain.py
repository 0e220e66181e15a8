"""Why a step could not be captured: the operation and the user's line, from the traceback."""

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
    """What can't be captured, why, and where."""
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
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next


def _ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(PACKAGE)


def _in_step(frames: Any, i: int) -> bool:
    """Whether a frame is of the step, and not of who called the captured one."""
    return any(f.f_code.co_name == "_watched" for f, _ in frames[:i])


def _operation(frames: list[FrameType]) -> str:
    """The operation that the innermost frames are of."""
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
