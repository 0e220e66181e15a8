"""Tools to see what a model does: its layers, its graph, its time. Nothing of it is loaded before.

Example:
    >>> from tinygrad_lite import debug
    >>> model, x = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), torch.ones(4, 3)
    >>> debug.summary(model, (4, 3)).parameters
    8
    >>> debug.draw(lambda: model(x).sum(), "graph.svg", model=model)  # in a notebook: the picture
    <Drawing: 6 boxes, ...>
    >>> with debug.profile() as prof:
    ...     model(x).sum().backward()
    >>> print(prof.table("layer"))
    Layer ...
"""

from .draw import Drawing, draw
from .profile import profile
from .summary import Summary, summary

__all__ = ["Drawing", "Summary", "draw", "profile", "summary"]
