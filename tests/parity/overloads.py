"""Every overload of PyTorch's stubs, called in every form that it may be called in.

`calls` makes them: of each overload a few assignments of values to its arguments are tried until
PyTorch takes one, and that is then written by position, by keyword, in part by each, under NumPy's
words for an argument, and with 0-d tensors and NumPy's numbers where a number is asked for.
`wrong_calls` puts an integer in the place of a flag, and a flag in that of an integer.
"""

from __future__ import annotations

import ast
import random
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import tinygrad_lite

from .call import Call, Given, run

WORDS = {"dim": "axis", "keepdim": "keepdims", "input": "x", "other": "x2"}
"""NumPy's words, which PyTorch takes for an argument as well."""

SKIPPED = re.compile(
    r"^\.?(_|cuda|data_ptr|map|set_|share|storage|untyped|xpu|ipu|hpu|from_file|pin_mem|record_|"
    r"register|to_|mkldnn|is_|can_|get_|cudnn|miopen|q_|fake_|quant|choose|fbgemm|sparse|rrelu|"
    r"new$|type$|requires_grad_|resolve|apply_|backward|untyped|nonzero_static|module_load|"
    r"resize_|empty|new_empty|rand|dropout|alpha_dropout|feature_|bernoulli|multinomial|normal|"
    r"poisson|exponential|cauchy|geometric|uniform|log_normal|binomial|numpy|init_num|data$|"
    r"promote_types|embedding|result_type|ctc_loss|triangular_solve)"
)
"""What draws, is of memory or devices, or is no operation."""


@dataclass(frozen=True)
class Argument:
    """Of one overload: name, annotation, whether it is by name alone, and may be left out."""

    name: str
    kind: str
    by_name: bool
    optional: bool


def overloads() -> Iterator[tuple[str, list[Argument]]]:
    """(name, arguments) of each overload that both libraries have; methods as ".name"."""
    for file, of, dot in (("_VariableFunctions.pyi", "", ""), ("__init__.pyi", "TensorBase", ".")):
        text = (Path(torch.__file__).parent / "_C" / file).read_text(encoding="utf-8")
        body: list[ast.stmt] = ast.parse(text).body
        if of:
            body = next(n.body for n in body if isinstance(n, ast.ClassDef) and n.name == of)
        owner = tinygrad_lite.Tensor if of else tinygrad_lite
        for node in body:
            if not isinstance(node, ast.FunctionDef) or SKIPPED.match(node.name):
                continue
            if hasattr(owner, node.name) and not node.args.vararg:
                yield dot + node.name, _arguments(node.args)


def _arguments(args: ast.arguments) -> list[Argument]:
    places = [*args.posonlyargs, *args.args]
    needed = len(places) - len(args.defaults)
    found = [Argument(a.arg, _kind(a), False, n >= needed) for n, a in enumerate(places)]
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return found + [Argument(a.arg, _kind(a), True, d is not None) for a, d in pairs]


def _kind(argument: ast.arg) -> str:
    return ast.unparse(argument.annotation) if argument.annotation else "Tensor"


def _floats(*shape: int) -> Given:
    values = np.cos(np.arange(np.prod(shape)) ** 2.0) * 0.4 + 0.5  # of full rank, between 0 and 1
    return Given(values.astype("float32").reshape(shape))


_SQUARE = np.array([[5, 1, 2], [1, 6, 3], [2, 3, 7]], "float32") / 8
FLOATS = [Given(_SQUARE), _floats(3), _floats(2, 3, 4), _floats(), _floats(1, 2, 4, 4)]
ORDERED = Given(np.array([1, 2, 4]))
PLACES = [Given(np.array([0, 2, 1])), Given(np.array([[0, 1, 2], [2, 1, 0], [1, 1, 0]]))]
MASKS = [Given(np.array([[True, False, True]] * 3)), Given(np.array([True, False, True]))]
STRINGS = {"reduce": ["sum", "prod"], "indexing": ["ij"], "rounding_mode": ["floor"]}


def _values(argument: Argument) -> list[Any]:
    """What is tried for an argument."""
    name, kind = argument.name, argument.kind
    if name in ("boundaries", "reduction"):
        return [ORDERED] if name == "boundaries" else [0, 1, 2]
    if re.search(r"_dtype", kind):
        return [np.dtype("float32"), np.dtype("float64")]
    if re.search(r"(tuple|list|Sequence)\[Tensor", kind):
        return [[FLOATS[0], FLOATS[0]], [FLOATS[1], FLOATS[1]]]
    if re.search(r"Sequence\[.*int|_size", kind):
        return [[0], [0, 1], [1, 0], [3], [-1], [9], [2, 2]]
    if re.search(r"Number|_complex", kind) and "Tensor" not in kind:
        return [2, 0.5, 1]
    if "Tensor" in kind:
        if re.search(r"ind(ex|ices)|repeats|target", name):
            return PLACES
        if name in ("weight", "input1", "input2", "anchor", "positive", "negative"):
            return FLOATS[:3]
        return [*MASKS, *FLOATS[:1]] if "mask" in name else [*FLOATS, *PLACES, *MASKS]
    if "int" in kind and "bool" not in kind:
        return [1, 0, 2, 3]
    if "bool" in kind:
        return [True, False]
    if "str" in kind:
        return STRINGS.get(name, ["left", "L", "none"])
    return [0.5, 2.0] if "float" in kind else []


def _assignment(name: str, arguments: list[Argument]) -> dict[str, Any] | None:
    """Values that PyTorch takes, none of them None; None if none of those tried is."""
    source = random.Random(zlib.crc32(repr((name, arguments)).encode()))
    for _ in range(40):
        given: dict[str, Any] = {}
        for argument in arguments:
            found = _values(argument)
            skipped = argument.optional and source.random() < 0.4
            if found and not skipped and argument.name not in ("out", "pin_memory"):
                given[argument.name] = source.choice(found)
        if name.startswith("."):
            given = {"self": source.choice([*FLOATS, *PLACES, *MASKS]), **given}
        outcome = run("torch", _call(name, given, 1 if name.startswith(".") else 0))
        if outcome.error is None and "complex" not in " ".join(outcome.dtypes):
            return given
    return None


def _call(name: str, given: dict[str, Any], placed: int) -> Call:
    """A call with the first so many arguments by position."""
    words = [*given]
    keywords = {word: given[word] for word in words[placed:]}
    return Call(name, tuple(given[word] for word in words[:placed]), keywords)


def assignments() -> Iterator[tuple[str, list[Argument], dict[str, Any]]]:
    """(name, arguments, values) of each overload that PyTorch took a call of."""
    for name, arguments in overloads():
        own = [a for a in arguments if not (name.startswith(".") and a.name == "self")]
        given = _assignment(name, own)
        if given is not None:
            yield name, own, given


def calls(name: str, arguments: list[Argument], given: dict[str, Any]) -> Iterator[Call]:
    """The forms of a call."""
    least = int(name.startswith("."))
    order = ["self"] * least + [a.name for a in arguments if not a.by_name]
    leading = next((n for n, word in enumerate(order) if word not in given), len(order))
    given = {w: given[w] for w in (*order, *given) if w in given}
    for placed in range(least, leading + 1):
        yield _call(name, given, placed)
    for word, other in WORDS.items():
        if word in given:
            yield _call(name, {other if w == word else w: v for w, v in given.items()}, least)
    for word, value in given.items():
        if type(value) in (int, float):
            for number in (np.array(value)[()], Given(np.array(value))):
                yield _call(name, {**given, word: number}, leading)


def wrong_calls(name: str, arguments: list[Argument], given: dict[str, Any]) -> Iterator[Call]:
    """Calls with an integer for a flag, or a flag for an integer."""
    least = int(name.startswith("."))
    for argument in arguments:
        value = given.get(argument.name)
        if isinstance(value, bool) or type(value) is int:
            wrong = int(value) if isinstance(value, bool) else True
            yield _call(name, {**given, argument.name: wrong}, least)
