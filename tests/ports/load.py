"""Runs a program of `programs/`, all of which import torch, with one library or the other."""

from __future__ import annotations

import builtins
import contextlib
import io
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
RECORDED = Path(__file__).parent / "recorded.json"
NAMES = sorted(path.stem for path in PROGRAMS.glob("[a-z]*.py"))


def losses(name: str, library: str) -> list[float]:
    """What a program's `main` returns, where `import torch` imports `library`.

    The two libraries stand beside each other in one process, so that `as_torch`, which gives one
    of them the other's name, does not do here: the program's own `__import__` looks elsewhere.
    """
    path = PROGRAMS / f"{name}.py"

    def elsewhere(module: str, *args: Any) -> Any:
        top, dot, rest = module.partition(".")
        return __import__(f"{library}{dot}{rest}" if top == "torch" else module, *args)

    names: dict[str, Any] = {
        "__name__": name,
        "__builtins__": {**vars(builtins), "__import__": elsewhere},
    }
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    with contextlib.redirect_stdout(io.StringIO()):
        return [float(loss) for loss in names["main"]()]
