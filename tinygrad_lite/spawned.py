"""What a process runs first that was spawned by a program under `python -m tinygrad_lite run`.

Python's `multiprocessing` imports the program anew there; before it does, `torch` must stand for
this library there too.
"""

from __future__ import annotations

import os
import runpy

from tinygrad_lite.alias import as_torch

PROGRAM = "TINYGRAD_LITE_PROGRAM"
"""The environment variable that holds the program's path."""

if __name__ == "__mp_main__":
    as_torch()
    globals().update(runpy.run_path(os.environ[PROGRAM], run_name=__name__))
