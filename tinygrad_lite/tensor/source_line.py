"""Where an operation was asked for: the user's line, and the layer whose call it was in.

And at which line a warning is shown.
"""

from __future__ import annotations

import linecache
import os
import sys
from types import FrameType
from typing import Any, NamedTuple

# As code objects name their files: links are not followed.
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Place(NamedTuple):
    """Where an operation ran.

    Attributes:
        file, line, function: the innermost line that is not of this package.
        layer: the innermost module's name within the outermost, such as "features.3"; "" if no
            module was being called, or only one.
        module: the innermost module's `repr`; its type's name if only one was being called; ""
            if none was.
    """

    file: str
    line: int
    function: str
    layer: str
    module: str

    @property
    def source(self) -> str:
        """The line's text; "" where it can't be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        inside = f", in {self.function}" if self.function != "<module>" else ""
        source = f": `{self.source}`" if self.source else ""
        layer = f"layer {self.layer!r}, {self.module}" if self.layer else self.module
        where = f"\n  in {layer}" if layer else ""
        return f"\n  at {os.path.basename(self.file)}, line {self.line}{inside}{source}{where}"


def user_level() -> int:
    """The `stacklevel` at which the caller's warning is shown at the user's line.

    That is the innermost that is not of this package, however deep in it the caller is.
    """
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level


def place() -> Place:
    """Where the caller's operation was asked for, from the frames of the stack."""
    modules: list[Any] = []  # innermost first
    user: FrameType | None = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        ours = frame.f_code.co_filename.startswith(_PACKAGE)
        if not ours and user is None:
            user = frame
        owner = frame.f_locals.get("self")  # a module, in a frame of its `forward`
        if hasattr(owner, "named_modules") and (not modules or modules[-1] is not owner):
            modules.append(owner)
        frame = frame.f_back
    layer = module = ""
    if modules:
        names = {id(module): name for name, module in modules[-1].named_modules()}
        layer = names.get(id(modules[0]), "")
        module = repr(modules[0]) if layer else type(modules[0]).__name__
    if user is None:
        return Place("", 0, "<module>", layer, module)
    return Place(user.f_code.co_filename, user.f_lineno, user.f_code.co_name, layer, module)
