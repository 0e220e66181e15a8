"""Module: the base class of layers, losses and models, in parts by concern.

`tree` registers what is assigned to a module's attributes and walks through it; on it stand
`convert` (device and dtype) and `state` (state dicts), and on those `Module` itself, with its
`hooks` and its printed form (`text`).
"""

from .hooks import RemovableHandle
from .members import Members
from .module import Module
from .text import indented, layout

__all__ = ["Members", "Module", "RemovableHandle", "indented", "layout"]
