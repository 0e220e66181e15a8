"""Build the API reference from the docstrings: `python docs/reference.py [--out FOLDER]`.

It needs `pip install -e '.[docs]'` and writes static pages, `index.html` first. Its names are those
that tab completion shows. Any warning ends it, and so does a docstring that is missing.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import warnings
from pathlib import Path
from typing import Any

MODULES = (
    "tinygrad_lite",
    "tinygrad_lite.autograd",
    "tinygrad_lite.nn",
    "tinygrad_lite.nn.functional",
    "tinygrad_lite.nn.init",
    "tinygrad_lite.nn.utils",
    "tinygrad_lite.optim",
    "tinygrad_lite.optim.lr_scheduler",
    "tinygrad_lite.amp",
    "tinygrad_lite.cuda",
    "tinygrad_lite.data",
    "tinygrad_lite.debug",
    "tinygrad_lite.backends",
    "tinygrad_lite.utils",
    "tinygrad_lite.utils.data",
)


def public(module: Any) -> list[str]:
    """The names that the reference has of a module."""
    inside = [m.rpartition(".")[2] for m in MODULES if m.rpartition(".")[0] == module.__name__]
    names = {*getattr(module, "__all__", dir(module)), *inside}
    return sorted(n for n in names if not n.startswith("_") and hasattr(module, n))


def undocumented() -> list[str]:
    """Public functions and classes without a docstring."""
    found = []
    for name in MODULES:
        module = importlib.import_module(name)
        for member in public(module):
            value = getattr(module, member)
            ours = getattr(value, "__module__", "").startswith("tinygrad_lite")
            if (inspect.isfunction(value) or inspect.isclass(value)) and ours:
                found += [f"{name}.{member}"] if not inspect.getdoc(value) else []
    return found


def build(out: Path) -> int:
    """Write the pages; how many there are."""
    import pdoc

    warnings.simplefilter("error")
    # Types that only a checker imports are shown by the names that the signature has.
    warnings.filterwarnings("ignore", "Error parsing type annotation")
    for name in MODULES:
        module: Any = importlib.import_module(name)
        module.__all__ = public(module)
        for member in module.__all__:  # pdoc does not ask a module's __getattr__
            setattr(module, member, getattr(module, member))
    pdoc.render.configure(docformat="google", show_source=False, math=False)
    others = "|".join(name.replace(".", r"\.") for name in MODULES)
    pdoc.pdoc("tinygrad_lite", f"!^(?!({others})$).*", output_directory=out)
    return len(list(out.rglob("*.html")))


def main() -> int:
    """Build the pages; 1 if a docstring is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("site"), help="default %(default)s")
    args = parser.parse_args()
    missing = undocumented()
    if missing:
        print("without a docstring:", ", ".join(missing))
        return 1
    print(f"{build(args.out)} pages in {args.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
