"""Tools to see what a model does: its layers, its graph, its time. Nothing of it is loaded before.

Example:
    >>> from tinygrad_lite import debug
    >>> print(debug.summary(model, (32, 3, 32, 32)))
    >>> debug.draw(lambda: loss_of(model, batch), "graph.svg", model=model)
    >>> with debug.profile() as prof:
    ...     loss_of(model, batch).backward()
    >>> print(prof)
"""

from .draw import Drawing, draw
from .profile import profile
from .summary import Summary, summary

__all__ = ["Drawing", "Summary", "draw", "profile", "summary"]
