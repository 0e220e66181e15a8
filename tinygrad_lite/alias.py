"""`import torch` for programs that stay as they are: the name stands for this library.

`sys.modules["torch"] = tinygrad_lite` alone is not enough: `import torch.nn` would then find the
folder `nn` and load a second copy of it, with classes of its own. So `as_torch` also says how the
names below are found: as the modules that there are.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["as_torch"]

_OURS = __name__.partition(".")[0]


def as_torch(name: str = "torch") -> None:
    """Let `import torch`, `import torch.nn as nn` and the like import this library from now on.

    Call it before anything imports torch; or leave the program alone and start it by
    `python -m tinygrad_lite run program.py`, which does.

    Args:
        name: the name to stand for.

    Raises:
        RuntimeError: something else of that name was imported already.
    """
    ours = sys.modules[_OURS]
    if sys.modules.get(name, ours) is not ours:
        raise RuntimeError(f"as_torch: another {name} was imported already, see sys.modules")
    if not any(isinstance(finder, _Finder) and finder.name == name for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(name))
    sys.modules[name] = ours
    # PyTorch loads this one, and programs use it by `import multiprocessing` alone.
    import_module("multiprocessing.connection")


class _Finder:
    """An import finder: `torch.x.y` is the module `tinygrad_lite.x.y` itself."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._specs: dict[str, Any] = {}  # the modules' own, which importing replaces

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """The spec of a module, if its name begins with the alias; else None."""
        top, _, rest = fullname.partition(".")
        return ModuleSpec(fullname, self) if top == self.name and rest else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Import and return the module of ours that the name stands for.

        Raises:
            ModuleNotFoundError: there is none.
        """
        inner = spec.name.partition(".")[2]
        try:
            module = import_module(f"{_OURS}.{inner}")
        except ModuleNotFoundError as error:
            if error.name is not None and error.name.startswith(_OURS):
                raise ModuleNotFoundError(
                    f"No module named {spec.name!r}: {_OURS} has none", name=spec.name
                ) from None
            raise
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module was loaded under its own name, and keeps it."""
        alias = module.__spec__.name if module.__spec__ else ""
        for name, spec in self._specs.items():
            if sys.modules.get(name) is module:
                module.__spec__ = spec
        keep(*alias.rpartition(".")[::2])


def keep(package: str, name: str) -> None:
    """Leave a package its function of a module's name, such as `autograd.gradcheck`.

    Once a module is loaded, importing sets it on its package, as here under the other name again.
    """
    parent = sys.modules[package]
    there = vars(parent).get(name)
    if there is None or isinstance(there, ModuleType):
        return
    own = parent.__class__

    class Keeping(own):  # type: ignore[misc, valid-type]
        """A package whose attribute outlives being set once."""

        def __setattr__(self, key: str, value: Any) -> None:
            ModuleType.__setattr__(self, "__class__", own)
            if key != name:
                setattr(self, key, value)

    parent.__class__ = Keeping
