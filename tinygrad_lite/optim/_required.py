"""What stands in older signatures for an option that has to be given."""

from __future__ import annotations

__all__ = ["required"]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()
