"""Write docs/pytorch.md: every public name beside PyTorch's. `python docs/pytorch.py`.

PyTorch's names and signatures are in pytorch.json, so that the page can be written without it;
`--record` writes that file anew, with the PyTorch that is installed. `--check` only says whether
the page is what would be written.
"""

from __future__ import annotations

import argparse
import enum
import importlib
import inspect
import json
import re
import sys
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.parity.calling import differences, of_text, text_of  # noqa: E402

PAGE, RECORD = HERE / "pytorch.md", HERE / "pytorch.json"
PLACES = (
    *("", "Tensor", "nn", "nn.functional", "nn.init", "nn.utils", "nn.utils.rnn"),
    *("nn.utils.parametrize", "nn.utils.parametrizations", "nn.utils.prune", "nn.parallel"),
    *("optim", "optim.lr_scheduler", "optim.swa_utils", "autograd", "autograd.functional", "func"),
    *("utils.data", "linalg", "fft", "special", "distributions", "amp", "cuda", "accelerator"),
    *("distributed", "random", "testing", "onnx", "jit", "sparse"),
)
NEVER = """
| what | why |
| --- | --- |
| `torch.compile` as a compiler, `fx`, `export`, TorchScript | Models run as Python, which is there to be read. `compile(model)` and `jit.script(model)` give the model back, so that programs that call them run; on a GPU `cuda.graph` records a step and replays it. |
| complex numbers everywhere | Every rule would have a second form. What stands around a spectrum has it: `fft`, `stft`, sums, products, `abs` and the parts, views, optimizers ([which](conventions.md#complex-numbers)); all else refuses, as does complex32. |
| sparse layouts but `sparse_coo`, sparse gradients | A sparse tensor is its indices and values, and dense operations on them ([what is there](conventions.md#sparse-tensors)); `Embedding(sparse=True)` gives dense gradients. |
| nested tensors | They have no place in arrays of equal strides. |
| quantised tensors, `torch.ao` | They stand for kernels of integers, which NumPy lacks. |
| several GPUs in one process (`DataParallel`) | One process has one device: `nn.parallel.DistributedDataParallel` keeps a model in each, see [distributed](distributed.md). |
| pipelines, sharded models (`fsdp`, tensor parallel) | Models that do not fit one device are outside of what is meant to be readable. |
| Apple's, Intel's and AMD's accelerators | Arrays are NumPy's or CuPy's. |
| forward mode as it is in PyTorch | Rules have vector-Jacobian products alone. `func.jvp`, `autograd.functional.jvp` and `autograd.forward_ad` give the other product by differentiating twice: what depends on a dual tensor requires a gradient. |
| a `memory_format` that changes something | Where elements lie is the library's choice. `channels_last` is accepted and does nothing, `contiguous_format` is heeded; into `out=` the result is copied; `as_strided` goes by the memory as it lies (`stride()`). |
| several streams of one GPU | `cuda.Stream` stands for the one that all work is done in, in order. |
| programs fetched to be run (`hub.load` of a repository) | `hub.load(folder, name, source="local")` runs what was cloned; weights are fetched (`hub.load_state_dict_from_url`), and nothing in them is run. |
| the same numbers from the same seed | NumPy draws; shapes, distributions and reproducibility are the same. |
"""
INTRO = """# Beside PyTorch, name by name

<!-- Written by docs/pytorch.py: change that, and run it. -->

What `import tinygrad_lite as torch` has of PyTorch {version}'s names, module by module: those that
are called as there with our signature (what takes more than PyTorch's counts as such), those that
are not with both, those that are only here, and those that are missing. How *values* differ says
[conventions](conventions.md#on-purpose-not-as-pytorch). {counts}

Taken everywhere, though only PyTorch's signatures show them: `out=` (the result is copied into it),
`layout=`, `pin_memory=` and `memory_format=` (without effect). `names=` is not. `...` is a default that is an
object. A name that is missing raises an `AttributeError` that says so, and what is near.

## What will not come, and why
"""


def find(package: str, place: str) -> Any:
    """The module or the class of a place."""
    if place == "Tensor":
        return importlib.import_module(package).Tensor
    return importlib.import_module(f"{package}.{place}" if place else package)


def members(package: str, place: str) -> Iterator[tuple[str, Any]]:
    """The public names of a place that are the package's own, and their values."""
    owner = find(package, place)
    listed = getattr(owner, "__all__", None) if package == "torch" or place else None
    for name in sorted({*(listed or dir(owner))}):
        value = getattr(owner, name, name)  # bfloat16 wants a package that may be missing
        elsewhere = isinstance(value, ModuleType) or (name == "Tensor" and place)
        if name.startswith("_") or value is None or elsewhere or (place and value is name):
            continue
        home = str(getattr(value, "__module__", None) or package)
        noise = inspect.isclass(value) and home.startswith("torch._C") and not place
        is_own = place == "Tensor" or home.startswith((package, "torch"))
        if is_own and not noise and not (package == "torch" and name.endswith("Storage")):
            yield name, value


def signature(value: Any) -> inspect.Signature | None:
    """How something is called, if it is; not of exceptions and enums: Python says how those are."""
    if inspect.isclass(value) and issubclass(value, BaseException | enum.Enum):
        return None
    try:
        return inspect.signature(value) if callable(value) else None
    except (TypeError, ValueError):
        return None


def record() -> str:
    """PyTorch's names and signatures, as they stand in pytorch.json."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is deprecated says so when it is asked for
        return _record()


def _record() -> str:
    import torch

    places: dict[str, dict[str, list[str]]] = {}
    for place in PLACES:
        found = places[place] = {}
        ours = dict(members("tinygrad_lite", place))
        for name, value in members("torch", place):
            internal = not place and callable(value) and not value.__doc__
            if name in ours or not internal:
                found[name] = _ways(place, name, value) if callable(value) else []
    version = torch.__version__.partition("+")[0]
    rows = [
        f"{json.dumps(place)}: {{\n"
        + ",\n".join(f"{json.dumps(n)}: {json.dumps(w)}" for n, w in found.items())
        + "\n}"
        for place, found in places.items()
    ]
    return f'{{"version": {json.dumps(version)}, "places": {{\n' + ",\n".join(rows) + "\n}}\n"


def _ways(place: str, name: str, value: Any) -> list[str]:
    """In which ways something of PyTorch's is called."""
    from tests.parity.signatures import signatures

    if place in ("linalg", "fft", "special"):  # no stubs: the documentation begins with it
        written = re.match(rf"\s*(?:{place}\.)?{name}(\(.*?\))\s*(?:->|\n)", value.__doc__ or "")
        text = re.sub(r"\b(?:bool|int|float|Tensor)\??\s+(?=\w)", "", written[1] if written else "")
        try:
            return [text_of(of_text(text))]
        except SyntaxError:  # nothing, or some words
            return []
    ways = signatures(f"{place}.{name}" if place else name, value)
    return list(dict.fromkeys(text_of(way) for way in ways))


def section(place: str, theirs: dict[str, list[str]]) -> tuple[str, int, int]:
    """A place's part of the page, how many names it has and how many are called otherwise."""
    same, only, rows = [], [], []
    ours = dict(members("tinygrad_lite", place))
    for name, value in ours.items():
        own = signature(value)
        text = f"{name}{text_of(own)}" if own else name
        if name not in theirs:
            only.append(text)
            continue
        ways = [of_text(way) for way in theirs[name]]
        told = list(differences(own, ways)) if own and ways else []
        if told:
            rows.append((text, " or ".join(theirs[name]), "; ".join(told)))
        else:
            same.append(text)
    lines = [f"\n## `torch{'.' if place else ''}{place}`\n"]
    lines += [f"{len(ours)} names.\n", "```text", *same, "```\n"]
    if rows:
        lines += ["| ours | PyTorch's | so ours |", "| --- | --- | --- |"]
        lines += [f"| `{text}` | `{way}` | {told} |" for text, way, told in rows]
        lines.append("")
    if only:
        lines += ["Only here:\n", "```text", *only, "```\n"]
    missing = [name for name in theirs if name not in ours]
    if missing:
        names = " ".join(f"`{name}`" for name in missing)
        lines.append(textwrap.fill(f"Missing: {names}", 100, break_on_hyphens=False))
    return "\n".join(lines).rstrip() + "\n", len(ours), len(rows)


def absent() -> str:
    """The reasons that an error gives, with the names that they are given for."""
    from tinygrad_lite.absent import INSTEAD, MODULES, NAMED

    reasons: dict[str, list[str]] = {}
    whole = [(f"torch.{name}", why) for names in (MODULES, NAMED) for name, why in names.items()]
    for name, why in [*whole, *INSTEAD.items()]:
        reasons.setdefault(why, []).append(f"`{name}`")
    rows = [f"| {' '.join(names)} | {why} |" for why, names in reasons.items()]
    return "\n".join(["What an error says of a name:\n", "| name | why |", "| --- | --- |", *rows])


def page() -> str:
    """The whole page."""
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    parts, names, others = [], 0, 0
    for place, theirs in recorded["places"].items():
        text, count, different = section(place, theirs)
        parts.append(text)
        names, others = names + count, others + different
    counts = f"Of {names} names {others} are called otherwise."
    intro = INTRO.format(version=recorded["version"], counts=counts)
    return intro + NEVER + "\n" + absent() + "\n" + "".join(parts)


def main() -> int:
    """Write the page; with `--check` 1 if it is not what would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="ask the PyTorch that is installed")
    parser.add_argument("--check", action="store_true", help="write nothing")
    args = parser.parse_args()
    if args.record:
        RECORD.write_text(record(), encoding="utf-8")
    if args.check:
        return int(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
