"""The architecture, enforced: who may import whom, how long a file may be, what is documented.

Every check takes the package's folder and returns its complaints, one string each, so that it
runs on tinygrad_lite and, to show that it can fail, on small offending trees as well
(`test_room_checks.py`). Files of tests are held to the same length.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "tinygrad_lite"

# A room may import itself and the rooms before it. `__init__.py` stands above them all:
# it may import every room, and no room may import it.
ROOMS = (
    "alias",
    "version",
    "paths",
    "reasons",
    "absent",
    "trees",
    "backend",
    "grad_names",
    "graph",
    "engine",
    "ops",
    "tensor",
    "__config__",
    "__future__",
    "_utils",
    "overrides",
    "return_types",
    "fft",
    "linalg",
    "signal",
    "sparse",
    "special",
    "autograd",
    "distributed",
    "nn",
    "vectorize",
    "func",
    "distributions",
    "optim",
    "amp",
    "files",
    "data",
    "utils",
    "serialization",
    "hub",
    "checkpoint",
    "replay",
    "cuda",
    "backends",
    "accelerator",
    "compiler",
    "cpu",
    "functional",
    "futures",
    "jit",
    "library",
    "multiprocessing",
    "onnx",
    "random",
    "safetensors",
    "testing",
    "types",
    "debug",
    "profiler",
    "spawned",
    "__main__",
)
ARRAY_LIBRARIES = ("numpy", "cupy", "cupyx")
LONGEST_FILE = 450  # where one concern needs them: a class cut into pieces reads worse

# Fast kernels register themselves: no file outside of their folder imports them, so that the
# library runs without. `backend/kernel.py` loads by name what is there.
FAST = ("backend/cpu", "backend/cuda")

# Imports allowed against the order: (file, room it imports). Each needs its reason beside it.
EXCEPTIONS: frozenset[tuple[str, str]] = frozenset(
    {
        ("autograd/profiler.py", "profiler"),  # PyTorch's older place for the same, when asked
        ("utils/model_zoo.py", "hub"),  # PyTorch's older name for it
        ("utils/collect_env.py", "debug"),  # PyTorch's name for what `doctor` says
    }
)

# Rooms whose files still import each other in circles.
CIRCULAR: frozenset[str] = frozenset()


def sources(package: Path) -> Iterator[tuple[str, str]]:
    """Each file's path inside the package, and its text."""
    for path in sorted(package.rglob("*.py")):
        yield path.relative_to(package).as_posix(), path.read_text(encoding="utf-8")


def room_of(file: str) -> str:
    """`ops/conv.py` is in room `ops`, `tensor.py` in `tensor`, `__init__.py` in `__init__`."""
    return file.partition("/")[0].removesuffix(".py")


@functools.cache  # of all files, for each of the checks
def imports(package: Path, file: str, text: str) -> list[tuple[int, str]]:
    """The line and the absolute dotted name of everything a file imports, wherever it does so.

    `from a import b` counts as `a.b`. Imports inside functions, under `if TYPE_CHECKING` and
    through `import_module("a")` count too.
    """
    return list(_imports([package.name, *file.split("/")[:-1]], text))


def _imports(inside: list[str], text: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                start = inside[: len(inside) - level + 1] if level else []
                parts = [*start, *([module] if module else [])]
                yield from ((node.lineno, ".".join([*parts, alias.name])) for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def strangers(package: Path) -> list[str]:
    """Array libraries imported outside the backend."""
    return [
        f"{file}:{line}: imports {name}, which only backend/ may"
        for file, text in sources(package)
        if room_of(file) != "backend"
        for line, name in imports(package, file, text)
        if name.partition(".")[0] in ARRAY_LIBRARIES
    ]


def downward_imports(package: Path) -> list[str]:
    """Rooms that import a room listed after them, or the package's own front door."""
    complaints = []
    for file, text in sources(package):
        room = room_of(file)
        if room == "__init__":
            continue
        if room not in ROOMS:
            complaints.append(f"{file}: is in no room of ROOMS")
            continue
        for line, name in imports(package, file, text):
            top, *inner = name.split(".")
            if top != package.name:
                continue
            target = inner[0] if inner else ""
            if target not in ROOMS:
                complaints.append(f"{file}:{line}: imports {name}, which is in no room")
            elif ROOMS.index(target) > ROOMS.index(room) and (file, target) not in EXCEPTIONS:
                complaints.append(f"{file}:{line}: {room} may not import {target}")
    return complaints


def fast_imports(package: Path) -> list[str]:
    """Files outside a folder of fast kernels that import from it."""
    complaints = []
    for file, text in sources(package):
        for line, name in imports(package, file, text):
            for folder in FAST:
                room = f"{package.name}.{folder.replace('/', '.')}"
                if f"{name}.".startswith(f"{room}.") and not file.startswith(f"{folder}/"):
                    complaints.append(f"{file}:{line}: imports {name}, which registers itself")
    return complaints


class _NoTypes(ast.NodeTransformer):
    """Takes out what stands under `if TYPE_CHECKING`."""

    def visit_If(self, node: ast.If) -> Any:
        if "TYPE_CHECKING" in ast.unparse(node.test) and not isinstance(node.test, ast.UnaryOp):
            return node.orelse
        return self.generic_visit(node)


@functools.cache
def at_run_time(text: str) -> str:
    """A file without the imports that only a type checker sees."""
    return ast.unparse(_NoTypes().visit(ast.parse(text)))


def module_imports(package: Path) -> dict[str, set[str]]:
    """For each file the files that it imports; `from a import b` is a's file if b is none."""
    texts = dict(sources(package))
    edges: dict[str, set[str]] = {}
    for file, text in texts.items():
        edges[file] = set()
        for _, name in imports(package, file, at_run_time(text)):
            parts = name.split(".")[1:] if name.startswith(f"{package.name}.") else []
            while parts:
                path = "/".join(parts)
                found = {f"{path}.py", f"{path}/__init__.py"} & texts.keys()
                if found:
                    edges[file] |= found - {file}
                    break
                parts.pop()
    return edges


def circles(package: Path) -> list[str]:
    """Files that import each other in a circle, wherever in them the imports stand.

    Those under `if TYPE_CHECKING` name types, and are not there when the library runs.
    """
    edges = module_imports(package)
    reached: dict[str, set[str]] = {}
    for file in edges:
        waiting, seen = list(edges[file]), set()
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += edges[other]
        reached[file] = seen
    found = {
        tuple(sorted(other for other in seen if file in reached[other]))
        for file, seen in reached.items()
        if file in seen
    }
    return [f"{' and '.join(circle)} import each other" for circle in sorted(found)]


def unlisted_circles(package: Path) -> list[str]:
    """Circles outside the rooms in `CIRCULAR`."""
    return [circle for circle in circles(package) if room_of(circle) not in CIRCULAR]


def long_files(package: Path) -> list[str]:
    """Files of more lines than one can keep in mind."""
    lengths = ((file, len(text.splitlines())) for file, text in sources(package))
    return [
        f"{file}: {length} lines, {LONGEST_FILE} at most"
        for file, length in lengths
        if length > LONGEST_FILE
    ]


def is_secondary(node: ast.AST) -> bool:
    """An overload, a setter or a deleter: another definition carries the docstring."""
    return any(
        (isinstance(mark, ast.Name) and mark.id == "overload")
        or (isinstance(mark, ast.Attribute) and mark.attr in ("overload", "setter", "deleter"))
        for mark in getattr(node, "decorator_list", ())
    )


def public_definitions(
    node: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[int, str, str | None]]:
    """The line, name and docstring of the public functions, classes and methods of a file."""
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if child.name.startswith("_") or is_secondary(child):
                continue
            yield child.lineno, prefix + child.name, ast.get_docstring(child)
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child, f"{prefix}{child.name}.")


def undocumented(package: Path) -> list[str]:
    """Files, and public functions, classes and methods, without a docstring."""
    complaints = []
    for file, text in sources(package):
        module = ast.parse(text)
        if not ast.get_docstring(module):
            complaints.append(f"{file}: has no docstring")
        complaints += [
            f"{file}:{line}: {name} has no docstring"
            for line, name, docstring in public_definitions(module)
            if not docstring
        ]
    return complaints


Check = Callable[[Path], list[str]]
CHECKS: tuple[Check, ...] = (
    strangers,
    downward_imports,
    fast_imports,
    unlisted_circles,
    long_files,
    undocumented,
)


@pytest.mark.parametrize("check", CHECKS)
def test_package_keeps_the_rule(check: Check) -> None:
    assert check(PACKAGE) == []


def test_tests_are_no_longer_than_what_they_test() -> None:
    assert long_files(Path(__file__).parent) == []


def test_every_room_is_there() -> None:
    rooms = {room_of(file) for file, _ in sources(PACKAGE)}
    assert rooms == {"__init__", *ROOMS}


def test_the_architecture_lists_them() -> None:
    """Each in a row of its table, and none that is not there."""
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("| --- | --- |\n")[2].partition("\n\n")[0]
    listed = re.findall("`(.*?)`", "".join(row.split("|")[1] for row in table.splitlines()))
    assert sorted(name.removesuffix(".py").removesuffix("/") for name in listed) == sorted(ROOMS)


def test_every_exception_is_still_used() -> None:
    used = {
        (file, name.split(".")[1])
        for file, text in sources(PACKAGE)
        for _, name in imports(PACKAGE, file, text)
        if name.startswith(f"{PACKAGE.name}.")
    }
    assert used >= EXCEPTIONS
    assert {room_of(circle) for circle in circles(PACKAGE)} >= CIRCULAR
