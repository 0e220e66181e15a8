"""Do the tests bite? Plants one fault at a time in a copy of the tree, and runs the tests on it.

    python -m tests.mutation                # all of `tests/faults`; about half an hour
    python -m tests.mutation window fsync   # those whose file or text has one of the words
    python -m tests.mutation --new          # those that the table does not have yet

For each fault the tests named with it run until one fails. If none does, all quick tests run (for
what is of CUDA, those of the device). What nothing sees has survived, and wants a test. The table
in `docs/results/mutation.md` is written anew, rows of faults that did not run stay. At the end all
tests that saw a fault run without one: they must pass.

The exit status is 1 if a fault survived, 2 if the list is wrong.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import hypothesis  # noqa: F401  # loaded here once, for all the children
import pytest

from tests.faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "results" / "mutation.md"
PATIENCE = 300  # seconds; tests that a fault makes hang have seen it
NICE = int(os.environ.get("MUTATION_NICE", "10"))
# A fault's own text, and lines that it moves, are no results.
WIDER = (
    "-m quick --deselect tests/test_mutation.py "
    "--deselect tests/ops/test_derivations.py::test_page_has_sound_links_and_mathematics"
)
WIDER_CUDA = "backend cuda amp -k 'cuda or kernel or emulated or strict'"
SURVIVED, EQUAL = "**survived**", "equal"
HEAD = """# Planted faults

Made by `python -m tests.mutation`, which says how. Each row is one change of the library, and the
first test that failed on it.

"""


class Ending(NamedTuple):
    """How a run of tests ended: pytest's status, and the first test that failed."""

    status: int
    failed: str


def problems(faults: Iterable[Fault] = FAULTS) -> Iterator[str]:
    """What is wrong with the list: a text that is not there exactly once, a change that is none."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for fault in faults:
        where = f"{fault.file}: {fault.text!r}"
        if not (ROOT / fault.file).exists():
            yield f"{where}: there is no such file"
            continue
        content = (ROOT / fault.file).read_text(encoding="utf-8")
        if (count := content.count(fault.text)) != 1:
            yield f"{where} is there {count} times, not once"
        if fault.text == fault.replacement:
            yield f"{where} is replaced by itself"
        seen[fault[:3]] += 1
        if seen[fault[:3]] > 1:
            yield f"{where} is planted twice"
        if bool(fault.tests) is bool(fault.equal):
            yield f"{where} needs either tests or a reason why no result changes"
        for word in shlex.split(fault.tests):
            if word.endswith(".py") and not (ROOT / "tests" / word).exists():
                yield f"{where}: there is no tests/{word}"
        if fault.file.endswith(".py"):
            try:
                compile(content.replace(fault.text, fault.replacement), fault.file, "exec")
            except SyntaxError as error:
                yield f"{where}: with the fault it is no Python any more: {error}"


class Copy:
    """A copy of the tree, in which faults are planted and taken out again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True, text=True,
        )  # fmt: skip
        for name in listed.stdout.split("\0"):
            if name and (ROOT / name).is_file():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, target)
        self._clock = time.time()

    def write(self, name: str, content: str) -> None:
        """Change a file; each change has a time of its own, so that no cached bytecode is taken."""
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        self._clock += 2
        os.utime(path, (self._clock, self._clock))

    def test(self, words: str) -> Ending:
        """Run tests until one fails, in a child that has pytest loaded already."""
        there, output = self.folder / "tests", self.folder.parent / f"{self.folder.name}.txt"
        parts = shlex.split(words)
        parts = [f"tests/{p}" if (there / p.partition("::")[0]).exists() else p for p in parts]
        child = os.fork()
        if not child:
            self._be_pytest(parts, output)
        end = time.monotonic() + PATIENCE
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > end:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return Ending(1, "a test that never ended")
            time.sleep(0.02)
        status, text = os.waitstatus_to_exitcode(ended[1]), output.read_text(errors="replace")
        found = re.search(r"^(?:FAILED|ERROR) (?:tests/)?(\S+?(?:\[.*?\])?)(?: - .*)?$", text, re.M)
        if status in (4, 5) and found is None:
            raise RuntimeError(f"pytest {words}: {text[-500:]}")
        other = "the end of the process" if status < 0 else "the import of the tests"
        return Ending(status, found[1] if found else other)

    def _be_pytest(self, parts: list[str], output: Path) -> NoReturn:
        """Run pytest in this process, and end it."""
        status = 99
        try:
            os.setsid()
            os.nice(NICE)
            target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(target, 1)
            os.dup2(target, 2)
            os.chdir(self.folder)
            os.environ.update(
                PYTHONPATH=str(self.folder),
                PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
                TINYGRAD_LITE_CUDA_HOST=str(self.folder.parent),  # kernels are compiled once
            )
            sys.path[:] = [str(self.folder), *(p for p in sys.path if Path(p).resolve() != ROOT)]
            for name in [n for n in sys.modules if n.partition(".")[0] == "tests"]:
                del sys.modules[name]
            options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"]
            status = int(pytest.main([*options, *parts]))
            sys.stdout.flush()
        finally:
            os._exit(status)


def look(fault: Fault, copy: Copy, wider: bool) -> str:
    """What becomes of a fault: the test that sees it, or that it survived."""
    if fault.equal:
        return f"{EQUAL}: {fault.equal}"
    content = (ROOT / fault.file).read_text(encoding="utf-8")
    copy.write(fault.file, content.replace(fault.text, fault.replacement))
    try:
        ending = copy.test(fault.tests)
        if wider and not ending.status:
            ending = copy.test(WIDER_CUDA if "/cuda/" in fault.file else WIDER)
    finally:
        copy.write(fault.file, content)
    return f"`{ending.failed}`" if ending.status else SURVIVED


def plant(faults: list[Fault], wider: bool) -> Iterator[tuple[Fault, str]]:
    """Plant faults, one after another in a copy of the tree; what became of each.

    Raises:
        RuntimeError: a test that saw a fault fails without one too.
    """
    seen = set()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = Copy(Path(folder) / "tree")
        for i, fault in enumerate(faults):
            start = time.perf_counter()
            found = look(fault, copy, wider)
            seconds = time.perf_counter() - start
            print(f"{i + 1:4d}/{len(faults)} {seconds:5.1f} s  {fault.file}: {fault.change}  "
                  f"{found}", flush=True)  # fmt: skip
            seen |= {found.strip("`")} if "::" in found else set()
            yield fault, found
        if seen and (ending := copy.test(shlex.join(sorted(seen)))).status:
            raise RuntimeError(f"{ending.failed} fails without a fault: what it saw is nothing")


def key(fault: Fault) -> str:
    """The cells of a fault in the table, without its result."""
    change = fault.change.replace("|", "\\|")
    ticks = "``" if "`" in change else "`"
    return f"| {fault.file.removeprefix('tinygrad_lite/')} | {ticks}{change}{ticks} |"


def read_table() -> dict[str, str]:
    """The rows of the table that is there."""
    if not TABLE.exists():
        return {}
    rows = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        found = re.fullmatch(r"(\| .* \|) (`[^`]+`|\*\*survived\*\*|equal: [^|]*) \|", line)
        if found:
            rows[found[1]] = found[2]
    return rows


def write_table(rows: dict[str, str]) -> str:
    """Write the rows of all faults that are in the list; what they say in a line."""
    rows = {key(fault): rows[key(fault)] for fault in FAULTS if key(fault) in rows}
    survived = sum(result == SURVIVED for result in rows.values())
    same = sum(result.startswith(EQUAL) for result in rows.values())
    caught = len(rows) - survived - same
    line = f"{len(rows)} faults: {caught} caught, {survived} survived, {same} equal to the original"
    lines = [f"{cells} {result} |" for cells, result in rows.items()]
    text = "\n".join((f"{line}.", "", "| file | change | seen by |", "| --- | --- | --- |", *lines))
    part = TABLE.with_name(f".{TABLE.name}.{os.getpid()}")  # several of us may write it
    part.write_text(f"{HEAD}{text}\n", encoding="utf-8")
    os.replace(part, TABLE)
    return line


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("words", nargs="*", help="only faults whose file or text has one of them")
    parser.add_argument("--new", action="store_true", help="only those that are not in the table")
    parser.add_argument("--narrow", action="store_true", help="only the tests named with each")
    args = parser.parse_args()
    if wrong := list(problems()):
        print("\n".join(wrong), file=sys.stderr)
        return 2
    old = read_table()
    chosen = [
        fault
        for fault in FAULTS
        if (not args.words or any(w in fault.file or w in fault.text for w in args.words))
        and not (args.new and old.get(key(fault), SURVIVED) != SURVIVED)
    ]
    rows: dict[str, str] = {}
    for fault, found in plant(chosen, not args.narrow):
        rows[key(fault)] = found
        said = write_table(read_table() | rows)
    print(said if rows else "nothing to do")
    return int(SURVIVED in rows.values())


if __name__ == "__main__":
    sys.exit(main())
