"""The code blocks of a page of documentation, run as a reader would run them."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of code, its line in the page, and what the page says it prints."""

    language: str
    code: str
    line: int
    printed: str | None


def blocks(page: Path) -> Iterator[Block]:
    """The Python and shell blocks of a page; a `text` block behind one is its output."""
    text = page.read_text(encoding="utf-8")
    found = list(_FENCE.finditer(text))
    for i, match in enumerate(found):
        if match[1] not in ("python", "sh"):
            continue
        behind = found[i + 1] if i + 1 < len(found) else None
        is_output = behind is not None and behind[1] == "text"
        adjoins = is_output and not text[match.end() : behind.start()].strip()  # type: ignore[union-attr]
        line = text[: match.start()].count("\n") + 2
        yield Block(match[1], match[2], line, behind[2] if adjoins else None)  # type: ignore[index]


def run(block: Block, page: Path, names: dict[str, Any]) -> str:
    """What a block prints, and the error that ends it, if one does."""
    if block.language == "sh":
        words = shlex.split(block.code)
        assert words[0] == "python", f"{page.name}:{block.line}: only python is run"
        done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    printed = io.StringIO()
    code = compile("\n" * (block.line - 1) + block.code, str(page), "exec")
    with contextlib.redirect_stdout(printed):
        try:
            exec(code, names)
        except Exception as error:
            if block.printed is None:
                raise
            print(f"{type(error).__name__}: {error}")
    return printed.getvalue()


def check(page: Path) -> int:
    """Run a page in the working folder; how many blocks it has.

    Raises:
        AssertionError: a block prints something else than the page says.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for block in blocks(page):
        printed = run(block, page, names)
        if block.language == "python":
            assert printed == (block.printed or ""), f"{page.name}, line {block.line}"
        count += 1
    return count
