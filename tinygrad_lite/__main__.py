"""`python -m tinygrad_lite doctor`, `… gradcheck module:function`, `… run program.py`."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from . import spawned
from .alias import as_torch
from .debug import check, doctor

RUN = "a program as it is, with this library where it imports torch"


def _run(program: str, arguments: list[str]) -> int:
    as_torch()
    path = Path(program).resolve()
    sys.argv = [program, *arguments]
    sys.path.insert(0, str(path.parent))
    main = ModuleType("__main__")
    main.__file__ = program
    # What multiprocessing imports as the main module of the processes that it spawns.
    main.__spec__ = ModuleSpec(spawned.__name__, None)
    os.environ[spawned.PROGRAM] = str(path)
    before = sys.modules["__main__"]
    sys.modules["__main__"] = main
    try:
        exec(compile(path.read_bytes(), program, "exec"), vars(main))
    finally:
        sys.modules["__main__"] = before
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run one of the commands; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_lite", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    told = "what this machine has, what holds it back, and the command that mends it"
    commands.add_parser("doctor", help=told, description=told)
    check.add_arguments(commands)
    run = commands.add_parser("run", help=RUN, description=RUN)
    run.add_argument("program", help="a Python file that imports torch")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")
    args = parser.parse_args(argv)
    if args.command == "run":
        return _run(args.program, args.arguments)
    stdout = sys.stdout
    if hasattr(stdout, "reconfigure"):  # × and – where text is not UTF-8
        stdout.reconfigure(errors="replace")
    if args.command == "doctor":
        return doctor.main()
    return check.main(args)


if __name__ == "__main__":
    raise SystemExit(main())
