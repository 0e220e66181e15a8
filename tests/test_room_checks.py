"""The checks of the rooms accept a good tree, and find each offence in a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_rooms import (
    CHECKS,
    LONGEST_FILE,
    PACKAGE,
    Check,
    downward_imports,
    fast_imports,
    long_files,
    strangers,
    undocumented,
    unlisted_circles,
)

# What a small tree holds (file: text), and the complaints that the check must make about it.
GOOD = {
    "__init__.py": '"""Names."""\nfrom .tensor import Tensor as Tensor\n',
    "backend/__init__.py": '"""B."""\nimport numpy as numpy\nfrom . import plain\n',
    "backend/plain.py": '"""P."""\nimport numpy as np\ndef _draw(): import cupy\n',
    "backend/cpu/__init__.py": '"""C."""\nfrom . import conv\n',
    "backend/cpu/conv.py": '"""C."""\nfrom .. import plain\nfrom .blas import dot\n',
    "backend/cpu/blas.py": '"""B."""\nfrom ..cpu import threads\n',
    "backend/cpu/threads.py": '"""T."""\n',
    "ops/__init__.py": '"""O."""\nfrom ..backend import numpy as np\nfrom .conv import conv2d\n',
    "ops/conv.py": '"""C."""\nimport math\ndef conv2d():\n    """y = x w"""\n',
    "tensor.py": '"""T."""\nfrom tinygrad_lite import ops\nimport tinygrad_lite.engine as e\n'
    "class Tensor:\n"
    '    """T."""\n'
    "    @property\n"
    "    def data(self):\n"
    '        """D."""\n'
    "    @data.setter\n"
    "    def data(self, value): ...\n"
    "    def __len__(self): ...\n",
}
BAD: dict[str, tuple[Check, dict[str, str], list[str]]] = {
    "numpy": (strangers, {"engine.py": "import numpy as np"}, ["engine.py:1: imports numpy,"]),
    "from-numpy": (
        strangers,
        {"ops/norm.py": "from numpy.linalg import norm"},
        ["ops/norm.py:1: imports numpy.linalg.norm,"],
    ),
    "lazy-cupy": (
        strangers,
        {"debug.py": "def f():\n    import cupy"},
        ["debug.py:2: imports cupy,"],
    ),
    "import-module": (
        strangers,
        {"nn/init.py": "import importlib\nxp = importlib.import_module('cupy')"},
        ["nn/init.py:2: imports cupy,"],
    ),
    "absolute": (
        downward_imports,
        {"ops/conv.py": "from tinygrad_lite.tensor import Tensor"},
        ["ops/conv.py:1: ops may not import tensor"],
    ),
    "relative": (
        downward_imports,
        {"ops/conv.py": "from ..tensor import Tensor"},
        ["ops/conv.py:1: ops may not import tensor"],
    ),
    "whole-room": (
        downward_imports,
        {"backend/cpu.py": "from .. import engine, ops"},
        ["backend/cpu.py:1: backend may not import engine", "backend may not import ops"],
    ),
    "lazy": (
        downward_imports,
        {"tensor.py": "def f():\n    from . import nn"},
        ["tensor.py:2: tensor may not import nn"],
    ),
    "type-checking": (
        downward_imports,
        {"engine.py": "if TYPE_CHECKING:\n    import tinygrad_lite.tensor"},
        ["engine.py:2: engine may not import tensor"],
    ),
    "front-door": (
        downward_imports,
        {"nn/linear.py": "import tinygrad_lite\nfrom tinygrad_lite import Tensor"},
        ["nn/linear.py:1: imports tinygrad_lite,", "nn/linear.py:2: imports tinygrad_lite.Tensor,"],
    ),
    "no-room": (downward_imports, {"misc.py": ""}, ["misc.py: is in no room"]),
    "fast": (
        fast_imports,
        {
            "tensor.py": "from .backend import cpu\ndef f(): from .backend.cuda.memory import x",
            "backend/__init__.py": "from .cpu.threads import parallel",
            "backend/cuda/conv.py": "from ..cpu import conv\nfrom ..cuda import blas",
            "backend/cpus.py": "from . import cpus",
        },
        [
            "backend/__init__.py:1: imports tinygrad_lite.backend.cpu.threads.parallel,",
            "backend/cuda/conv.py:1: imports tinygrad_lite.backend.cpu.conv,",
            "tensor.py:1: imports tinygrad_lite.backend.cpu,",
            "tensor.py:2: imports tinygrad_lite.backend.cuda.memory.x,",
        ],
    ),
    "circle": (
        unlisted_circles,
        {"ops/conv.py": "from . import pool", "ops/pool.py": "def f():\n    from .conv import g"},
        ["ops/conv.py and ops/pool.py import each other"],
    ),
    "circle-of-three": (
        unlisted_circles,
        {
            "backend/__init__.py": "from .a import x",
            "backend/a.py": "import tinygrad_lite.backend.b",
            "backend/b.py": "from .. import backend",
            "backend/c.py": "from . import a, b",
        },
        ["backend/__init__.py and backend/a.py and backend/b.py import each other"],
    ),
    "long": (
        long_files,
        {"engine.py": "x = 1\n" * LONGEST_FILE, "tensor.py": "x = 1\n" * (LONGEST_FILE + 1)},
        ["tensor.py: 451 lines"],
    ),
    "module": (undocumented, {"engine.py": "x = 1"}, ["engine.py: has no docstring"]),
    "function": (
        undocumented,
        {"engine.py": '"""E."""\ndef grad(): ...\ndef _walk(): ...'},
        ["engine.py:2: grad has no docstring"],
    ),
    "method": (
        undocumented,
        {"tensor.py": '"""T."""\nclass Tensor:\n    def sum(self): ...'},
        ["tensor.py:2: Tensor has no docstring", "tensor.py:3: Tensor.sum has no docstring"],
    ),
}


def build(root: Path, files: dict[str, str]) -> Path:
    """Write the files of a small package, and return its folder."""
    package = root / PACKAGE.name
    for file, text in files.items():
        path = package / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


@pytest.mark.parametrize("check", CHECKS)
def test_check_accepts_a_good_tree(check: Check, tmp_path: Path) -> None:
    assert check(build(tmp_path, GOOD)) == []


@pytest.mark.parametrize("case", BAD)
def test_check_finds_the_offence(case: str, tmp_path: Path) -> None:
    check, files, expected = BAD[case]
    complaints = check(build(tmp_path, files))
    assert len(complaints) == len(expected)
    for complaint, fragment in zip(complaints, expected, strict=True):
        assert fragment in complaint
