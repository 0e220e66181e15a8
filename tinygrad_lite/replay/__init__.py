"""Training steps that are captured once and replayed; the public name is `cuda.graph`."""

from .step import CapturedStep, CaptureError, graph

__all__ = ["CaptureError", "CapturedStep", "graph"]
