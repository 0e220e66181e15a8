"""How something is called, and what one way of calling it says that another does not take.

Of Python's own signatures and of text such as `(input, dim=None, *, keepdim=False)`; without
PyTorch, for `docs/pytorch.py` has need of it where there is none.
"""

from __future__ import annotations

import ast
import enum
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

EMPTY = inspect.Parameter.empty
UNKNOWN = object()  # a default that cannot be compared
BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
BY_PLACE = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
OPEN = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

# What has no meaning here: memory given for results, layouts, compilers, named dimensions.
NOT_HERE = frozenset(
    "out out_dtype layout pin_memory memory_format names orig_func pickle_module "
    "pickle_protocol _use_new_zipfile_serialization _disable_byteorder_record mmap".split()
)


def of_arguments(args: ast.arguments) -> inspect.Signature:
    out = []
    places = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(places) - len(args.defaults)) + list(args.defaults)
    for arg, default in zip(places, defaults, strict=True):
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        if arg in args.posonlyargs:
            kind = inspect.Parameter.POSITIONAL_ONLY
        out.append(inspect.Parameter(arg.arg, kind, default=_literal(default)))
    if args.vararg:
        out.append(inspect.Parameter(args.vararg.arg, inspect.Parameter.VAR_POSITIONAL))
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        out.append(
            inspect.Parameter(arg.arg, inspect.Parameter.KEYWORD_ONLY, default=_literal(default))
        )
    return inspect.Signature(out)


def _literal(node: ast.expr | None) -> Any:
    if node is None:
        return EMPTY
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return UNKNOWN
    return UNKNOWN if value is ... else value


def of_text(text: str) -> inspect.Signature:
    """What `text_of` wrote."""
    node = ast.parse(f"def f{text}: ...").body[0]
    assert isinstance(node, ast.FunctionDef)
    return of_arguments(node.args)


def text_of(signature: inspect.Signature) -> str:
    """A signature without types; `...` for a default that is no literal."""
    own = [
        p.replace(annotation=EMPTY, default=_shown(p.default))
        for p in signature.parameters.values()
    ]
    return str(inspect.Signature(own))


class _Bare(str):
    def __repr__(self) -> str:
        return str(self)


def _shown(default: Any) -> Any:
    if default is EMPTY or default is None:
        return default
    if isinstance(default, enum.Enum):
        default = default.value
    try:
        ast.literal_eval(repr(default))
    except (ValueError, SyntaxError):
        return _Bare("...")
    return default


def differences(mine: inspect.Signature, ways: Sequence[inspect.Signature]) -> Iterator[str]:
    """What a way of calling PyTorch's version says that ours does not take.

    Of several ways (`sum(x)`, `sum(x, dim)`), ours may follow any: in the name of a position and in
    a default; every keyword of each must be taken.
    """
    ways = [w for w in ways if not _deprecated(w)]
    own = mine.parameters
    open_places = any(p.kind == OPEN[0] for p in own.values())
    open_names = any(p.kind == OPEN[1] for p in own.values())
    places = [p.name for p in own.values() if p.kind in BY_PLACE]
    kept = [[p for p in w.parameters.values() if not _absent(p, own)] for w in ways]
    by_place = [[p.name for p in way if p.kind in BY_PLACE] for way in kept]
    for n in range(max(map(len, by_place), default=0)):
        names = {way[n] for way in by_place if len(way) > n}
        if n >= len(places):
            if not open_places:
                yield f"takes no {' or '.join(sorted(names))} by position {n}"
        elif places[n] not in names and not (n == 0 and names & {"self", "input", "cls"}):
            yield f"position {n} is {places[n]}, not {' or '.join(sorted(names))}"
    most = max((len(names) for names in by_place), default=len(places))
    alone = {p.name for way in kept for p in way if p.kind == inspect.Parameter.KEYWORD_ONLY}
    for n, name in enumerate(places[most:], most):
        if name in alone and not any(p.kind == OPEN[0] for way in kept for p in way):
            yield f"takes {name} by position {n}, not by keyword alone"
    defaults: dict[str, list[Any]] = {}
    for way in kept:
        for p in way:
            if p.kind in BY_NAME and p.name not in ("self", "cls"):
                defaults.setdefault(p.name, []).append(p.default)
    for name, found in defaults.items():
        same = own.get(name)
        if same is None or same.kind not in BY_NAME:
            if not open_names:
                yield f"takes no {name}="
        elif not any(d is UNKNOWN or _equal(same.default, d) for d in found):
            yield f"{name}={_text(same.default)}, not {_text(found[0])}"


def _absent(p: inspect.Parameter, own: Any) -> bool:
    return p.name in NOT_HERE and p.name not in own


def _deprecated(way: inspect.Signature) -> bool:
    """`add(x, alpha, y)`: a factor between tensors, as in the first versions of PyTorch."""
    places = [p.name for p in way.parameters.values() if p.kind in BY_PLACE]
    return bool({"alpha", "beta", "value"} & set(places[:-1]))


def _equal(a: Any, b: Any) -> bool:
    if a is not EMPTY and (b is EMPTY or b is None or b == ()):
        return True  # None says "as usual"
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    return _text(a) == _text(b) or (numbers and a == b)


def _text(value: Any) -> str:
    if value is EMPTY:
        return "(needed)"
    if isinstance(value, enum.Enum):
        return str(value.value)
    if callable(value):
        return str(getattr(value, "__name__", value))
    return repr(value).removeprefix("torch.")
