"""`python -m tinygrad_lite doctor` and `python -m tinygrad_lite gradcheck module:function`."""

from __future__ import annotations

import argparse
import sys

from .debug import check, doctor


def main(argv: list[str] | None = None) -> int:
    """Run one of the commands; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_lite", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    told = "what this machine has, what holds it back, and the command that mends it"
    commands.add_parser("doctor", help=told, description=told)
    check.add_arguments(commands)
    args = parser.parse_args(argv)
    stdout = sys.stdout
    if hasattr(stdout, "reconfigure"):  # × and – where text is not UTF-8
        stdout.reconfigure(errors="replace")
    if args.command == "doctor":
        return doctor.main()
    return check.main(args)


if __name__ == "__main__":
    raise SystemExit(main())
