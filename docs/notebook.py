"""Make the tutorial's notebook, with its outputs: `python docs/notebook.py [--check]`.

It needs `pip install -e '.[docs]'`. The notebook `tutorial.ipynb` has the text and the blocks of
`tutorial.md`, and is run from top to bottom in a folder of its own. With `--check` nothing is
written: it is run, and compared with what is there.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE, NOTEBOOK = HERE / "tutorial.md", HERE / "tutorial.ipynb"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^```python\n(.*?)^```\n\s*```text\n.*?^```\n", re.MULTILINE | re.DOTALL)


def cells(page: str) -> list[tuple[str, str]]:
    """The page in turn: ("markdown", text) and ("code", block); outputs are left out."""
    page = PRINTED.sub(r"```python\n\1```\n", page)
    found: list[tuple[str, str]] = []
    at = 0
    for match in FENCE.finditer(page):
        found.append(("markdown", page[at : match.start()].strip()))
        code = match[2].strip()
        found.append(("code", code.replace("python -m ", "%run -m ") if match[1] == "sh" else code))
        at = match.end()
    found.append(("markdown", page[at:].strip()))
    return [cell for cell in found if cell[1]]


def execute() -> Any:
    """The notebook, run."""
    import nbclient
    import nbformat

    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    book = nbformat.v4.new_notebook()
    for number, (kind, text) in enumerate(cells(PAGE.read_text(encoding="utf-8"))):
        cell = make[kind](text)
        cell["id"] = f"cell-{number}"  # the same each time
        book.cells.append(cell)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        nbclient.NotebookClient(book, timeout=300, resources=resources).execute()
    for cell in book.cells:
        cell.metadata.pop("execution", None)  # the times
    book.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return book


def printed(book: Any) -> list[tuple[str, str]]:
    """Each cell's source, and what it printed; but for commands, whose digits are the machine's."""
    return [
        (c.source, "".join(o.get("text", "") for o in c.get("outputs", ()) if c.source[0] != "%"))
        for c in book.cells
    ]


def main() -> int:
    """Write the notebook, or check it: 1 if it is not the page's."""
    import nbformat

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    args = parser.parse_args()
    book = execute()
    if not args.check:
        nbformat.write(book, NOTEBOOK)
        print(f"{len(book.cells)} cells in {NOTEBOOK.name}")
        return 0
    there = printed(nbformat.read(NOTEBOOK, as_version=4))
    for old, new in zip(there, printed(book), strict=False):
        if old != new:
            print(f"{NOTEBOOK.name} is not {PAGE.name}'s; run python docs/notebook.py", old, new)
            return 1
    print(f"{len(there)} cells run, and print what {NOTEBOOK.name} has")
    return 0 if len(there) == len(book.cells) else 1


if __name__ == "__main__":
    sys.exit(main())
