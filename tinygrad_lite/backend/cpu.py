"""Kernels for NumPy that beat their plain form; everything else comes from `plain`."""

from __future__ import annotations
