"""Every block of the tutorial, of the FAQ and of the README's first page runs and prints that."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import json
import os
import pkgutil
from pathlib import Path
from typing import Any

import pytest

import tinygrad_lite
from tests.docs.pages import ROOT, blocks, check


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.parametrize(
    ("page", "least"),
    [
        ("docs/tutorial.md", 18),
        ("docs/faq.md", 10),
        ("docs/interop.md", 3),
        ("docs/out_of_core.md", 4),
    ],
)
def test_page(page: str, least: int) -> None:
    assert check(ROOT / page) >= least


def test_the_tutorials_pictures_are_what_it_draws(tmp_path: Path) -> None:
    check(ROOT / "docs/tutorial.md")
    for drawn, shown in (("graph.svg", "graph.svg"), ("net.svg", "graph_net.svg")):
        committed = (ROOT / "docs/results" / shown).read_text(encoding="utf-8")
        mine = (tmp_path / drawn).read_text(encoding="utf-8")
        assert _without_numbers(mine) == _without_numbers(committed)


def _without_numbers(svg: str) -> list[str]:
    """The words of the boxes but for those that depend on the machine and on its kernels."""
    svg = svg.replace(f"{ROOT}{os.sep}", "")  # of the place in the page
    words = (part.partition("<")[0] for part in svg.split(">"))
    return [word for word in words if not word.startswith(("scalar", "keeps"))]


def test_the_readmes_first_example_shows_a_gradient_before_a_network() -> None:
    first = next(b for b in blocks(ROOT / "README.md") if b.language == "python")
    assert first.code.index("requires_grad=True") < first.code.index(".grad")
    assert "nn." not in first.code


def test_a_wrong_page_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1)\n```\n\n```text\n2\n```\n")
    with pytest.raises(AssertionError, match=r"page\.md, line 2"):
        check(page)
    page.write_text("```python\n1 / 0\n```\n")
    with pytest.raises(ZeroDivisionError):
        check(page)
    page.write_text("```python\n1 / 0\n```\n```text\nZeroDivisionError: division by zero\n```\n")
    assert check(page) == 1


def script(name: str) -> Any:
    """A script of the documentation, as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


def test_the_notebook_is_the_tutorial_with_its_outputs() -> None:
    page = ROOT / "docs/tutorial.md"
    book = json.loads((ROOT / "docs/tutorial.ipynb").read_text(encoding="utf-8"))
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in book["cells"]]
    assert found == script("notebook").cells(page.read_text(encoding="utf-8"))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    for cell, block in zip(code, blocks(page), strict=True):
        texts = [text for out in cell["outputs"] for text in out.get("text", ())]
        if block.language == "python":
            assert "".join(texts) == (block.printed or "")
    assert sum("image/svg+xml" in o.get("data", ()) for c in code for o in c["outputs"]) == 2


def test_all_that_the_reference_has_is_documented() -> None:
    reference = script("reference")
    assert reference.undocumented() == []
    assert "matmul" in reference.public(reference.importlib.import_module("tinygrad_lite"))


def examples() -> list[doctest.DocTest]:
    """The examples in the package's docstrings."""
    names = [m.name for m in pkgutil.walk_packages(tinygrad_lite.__path__, "tinygrad_lite.")]
    find = doctest.DocTestFinder(exclude_empty=True).find
    found: list[doctest.DocTest] = []
    for name in names:
        if "backend.cuda" not in name and not name.endswith(("__main__", "_make_sample")):
            found += [t for t in find(importlib.import_module(name), name) if t.examples]
    return found


def test_the_examples_in_docstrings_run() -> None:
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    tests = examples()
    assert len(tests) >= 175
    nn = tinygrad_lite.nn
    for test in tests:
        test.globs = {"torch": tinygrad_lite, "nn": nn, "F": nn.functional}
        test.globs["summary"] = tinygrad_lite.debug.summary
        assert runner.run(test).failed == 0, test.name


def test_the_page_beside_pytorch_is_what_its_script_writes() -> None:
    written = script("pytorch")
    assert written.PAGE.read_text(encoding="utf-8") == written.page()


def test_a_signature_of_pytorchs_that_changes_changes_the_page() -> None:
    written = script("pytorch")
    recorded = json.loads(written.RECORD.read_text(encoding="utf-8"))["places"]["nn.functional"]
    assert written.section("nn.functional", recorded)[2] < 5
    recorded["relu"] = ["(input, slope=0, inplace=False)"]
    text, _, _ = written.section("nn.functional", recorded)
    assert "position 1 is inplace, not slope" in text
    del recorded["relu"]
    recorded["rectify"] = []
    text, _, _ = written.section("nn.functional", recorded)
    assert "Only here:\n\n```text\nrelu(input, inplace=False)" in text
    assert "Missing:" in text
    assert "`rectify`" in text
