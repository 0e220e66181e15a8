"""Record PyTorch's losses, for machines without it: `python -m tests.ports`."""

from __future__ import annotations

import json

from .load import NAMES, RECORDED, losses


def main() -> None:
    """Run all programs with PyTorch and write what they return."""
    import torch

    found = {name: [float(f"{x:.7g}") for x in losses(name, "torch")] for name in NAMES}
    lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in found.items()]
    version = torch.__version__.partition("+")[0]
    text = ",\n".join([f'"PyTorch": {json.dumps(version)}', *lines])
    RECORDED.write_text("{\n" + text + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
