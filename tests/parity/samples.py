"""PyTorch's own samples of its operations (`op_db`) on both libraries.

`python -m tests.parity.samples` runs all of them: each operation, dtype and sample as a function,
method, operator and in place. `--sets reference,apart,out` adds those that PyTorch keeps for
its references (edges, extremes, types that meet), tensors with gaps in memory, and results written
into tensors that are given.

What differs on purpose has its row in `docs/conventions.md`.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import random
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

import tinygrad_lite

from . import compare, deliberate, translate
from .call import Call, Outcome, run
from .compare import Difference
from .strided import given, still, wide
from .translate import Missing

HEADING = "## In PyTorch's own samples"

ABSENT = {
    "complex numbers": r"(complex|cdouble|cfloat|chalf|view_as_complex|view_as_real|polar|imag|"
    r"linalg\.eig|linalg\.eigvals|stft|istft)$|fft\.i?[rh]?fft[2n]?$|linalg\.ldl_",
    "sparse and jagged tensors": r"sparse\.|to_sparse|sparse_|torch\.ops\.aten\._safe_softmax",
    "kernels written as text, and of formats that are not here": r"jiterator|torch\._scaled_mm",
    "masked tensors and their functions": r"masked\.",
    "what PyTorch has since its last releases": r"nn\.functional\.linear_cross_entropy",
    "sums that compare tensors": r"hash_tensor",
    "below the public names": r"torch\.ops\.|_unsafe_masked|_chunk_cat|"
    r"native_|_native|_batch_norm|_softmax_back|_upsample|"
    r"max_pool2d_with_indices_backward|slice$|_segment_reduce",
}
"""Operations that are left out, by the beginning of their names."""

RANDOM = re.compile(
    r"(cauchy|exponential|geometric|log_normal|normal|uniform|randn|rand|randint|randn_like|"
    r"rand_like|randint_like|multinomial|bernoulli|empty\w*|new_empty\w*|svd_lowrank|pca_lowrank|"
    r"nn\.functional\.(dropout\w*|alpha_dropout|feature_alpha_dropout|rrelu|multi_head_attention\w*|"
    r"scaled_dot_product_attention|fractional_max_pool\w*))$"
)
"""What is drawn, or is left as memory was: dtypes and shapes are compared."""

TIES = re.compile(r"(topk|kthvalue|sort|msort|argsort|mode|median|nanmedian)$")
"""Of equal elements any may come: the places of what is found may differ, and so its gradient."""

UP_TO_SIGN = re.compile(r"(linalg\.eigh|linalg\.svd|svd)$")
"""Vectors may point either way, and what becomes of them differs with that."""

OTHERS = ("float16", "bfloat16", "uint8", "int32", "int8", "int16")
DTYPES = ("float32", "float64", "int64", "bool")


# Operations and their forms


def operations() -> list[Any]:
    """All of `op_db` but what is left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    left = re.compile("|".join(f"(?:{p})" for p in ABSENT.values()))
    return [op for op in op_db if not left.match(op.name)]


def forms(op: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The ways to write an operation: (name, PyTorch's callable)."""
    named = {
        "function": op.op,
        "method": op.method_variant,
        "in place": op.inplace_variant,
        "operator": op.operator_variant,
        "operator in place": op.inplace_operator_variant,
    }
    for alias in op.aliases:
        named[f"alias {alias.name}"] = alias.op
        named[f"method alias {alias.name}"] = alias.method_variant
        named[f"in place alias {alias.name}"] = alias.inplace_variant
    yield from ((k, v) for k, v in named.items() if v is not None)


def allows(form: str, sample: Any) -> bool:
    """Whether a sample can be written in this form."""
    needs_tensor = form.startswith(("method", "in place", "operator"))
    if needs_tensor and not isinstance(sample.input, torch.Tensor):
        return False
    if "in place" in form and sample.broadcasts_input:
        return False
    return not (form.startswith("operator") and (sample.kwargs or len(sample.args) > 1))


def _ours(argument: Any) -> Any:
    if isinstance(argument, list | tuple) and not isinstance(argument, torch.Size):
        return type(argument)(_ours(v) for v in argument)
    if isinstance(argument, dict):
        return {k: _ours(v) for k, v in argument.items()}
    return translate.value(argument)


def spoken(theirs: Callable[..., Any], form: str) -> Callable[..., Any]:
    """What a call of this form does in the library whose module it is given first."""

    def function(module: Any, *args: Any, **kwargs: Any) -> Any:
        if "in place" in form:
            args = (args[0].clone(), *args[1:])
        if module is torch:
            return theirs(*args, **kwargs)
        return translate.function(theirs)(*_ours(args), **_ours(kwargs))

    return function


OUTS = {
    "out": lambda module, t: module.empty_like(t, memory_format=module.contiguous_format),
    "out of nothing": lambda module, t: module.empty(0, dtype=t.dtype),
    "out with gaps": lambda module, t: module.empty((*t.shape, 2), dtype=t.dtype)[..., 0],
    "out turned": lambda module, t: module.empty(tuple(t.shape)[::-1], dtype=t.dtype).permute(
        tuple(range(t.ndim))[::-1]
    ),
    "out of float64": lambda module, t: module.empty(t.shape, dtype=module.float64),
}


def into(theirs: Callable[..., Any], form: str) -> Callable[..., Any]:
    """A call with `out=`, and the tensors that were given for it."""
    plain, make = spoken(theirs, ""), OUTS[form]

    def function(module: Any, *args: Any, **kwargs: Any) -> Any:
        found = plain(module, *args, **kwargs)
        several = isinstance(found, list | tuple)
        parts = list(found) if several else [found]
        if not all(isinstance(t, torch.Tensor | tinygrad_lite.Tensor) for t in parts):
            return found
        outs = [make(module, t) for t in parts]
        result = plain(module, *args, **kwargs, out=tuple(outs) if several else outs[0])
        if result is not None:  # as PyTorch's `unbind_copy` gives
            same = zip(result if several else [result], outs, strict=True)
            assert all(r is o for r, o in same)
        # What is rounded in the narrower dtype is compared in that.
        return [
            o.to(t.dtype) if o.is_floating_point() else o for o, t in zip(outs, parts, strict=True)
        ]

    return function


SETS = ("samples", "reference", "apart", "out")


def samples(op: Any, dtype: str, which: str) -> Iterator[Any]:
    """PyTorch's samples of an operation, the same ones every time."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        random.seed(0), np.random.seed(0), torch.manual_seed(0)  # noqa: NPY002
        kind = getattr(torch, dtype)
        needs = op.supports_autograd and kind.is_floating_point and which != "out"
        if which == "reference":
            if op.reference_inputs_func is not None:
                make, device = op.reference_inputs_func, torch.device("cpu")
                try:
                    yield from [*make(op, device, kind, needs)]
                except ValueError:  # some give a gradient to integers
                    yield from make(op, device, kind, False)
            return
        # Not `op.sample_inputs`, which seeds every generator there is for each sample.
        for sample in op.sample_inputs_func(op, torch.device("cpu"), kind, needs):
            yield sample.noncontiguous() if which == "apart" else sample
    finally:
        random.setstate(states[0]), np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


def spread(items: list[Any], count: int, first: int = 0) -> list[Any]:
    """`count` of the items, as far apart as they can be."""
    n = len(items)
    return items if n <= count else [items[(first + i * n // count) % n] for i in range(count)]


@dataclass(frozen=True)
class Case:
    """One call of an operation, and where it comes from."""

    op: Any
    form: str
    dtype: str
    call: Call

    def __repr__(self) -> str:
        return f"{self.op.full_name} [{self.form}] {self.call!r}"


def cases(
    op: Any,
    dtype: str,
    which: str = "samples",
    count: int = 10**9,
    first: int = 0,
    big: int = 10**5,
) -> Iterator[Case]:
    """The calls of an operation in one dtype; of each sample in all forms."""
    if getattr(torch, dtype) not in op.supported_dtypes("cpu"):
        return
    if which == "out" and not op.supports_out:
        return
    kept = [s for s in samples(op, dtype, which) if _size(s) <= big]
    if op.name.startswith("__r"):  # Python asks a tensor alone
        kept = [s for s in kept if isinstance(s.input, torch.Tensor)]
    for sample in spread(kept, count, first):
        try:
            args = given((sample.input, *sample.args))
            words = given(dict(sample.kwargs))
        except Missing:
            continue
        if which == "out":
            for form in OUTS:
                call = Call(op.full_name, still(args), still(words), into(op.op, form))
                yield Case(op, form, dtype, call)
            continue
        for form, theirs in forms(op):
            if allows(form, sample):
                yield Case(op, form, dtype, Call(op.full_name, args, words, spoken(theirs, form)))


def _size(sample: Any) -> int:
    return sample.input.numel() if isinstance(sample.input, torch.Tensor) else 0


# Comparing


def differences(case: Case) -> list[Difference]:
    """What differs between the two libraries, whether it has a row or not."""
    call, half = case.call, case.dtype in ("float16", "bfloat16")
    theirs, ours = run("torch", call), run("ours", call)
    if isinstance(ours.error, Missing) or any("complex" in d for d in theirs.dtypes):
        return []
    if half and theirs.error is not None and "not implemented for" in str(theirs.error):
        return []
    if half or not ours.second:
        ours.second = theirs.second = []
    for out in (ours, theirs):
        _only_what_is_said(case.op.name, out)
    if not isinstance(ours.gradients, Exception) and not isinstance(theirs.gradients, Exception):
        ours.gradients = _but_noise(ours.gradients, theirs.gradients, theirs.cotangents)

    @cache
    def exact() -> Outcome:
        again = Call(call.name, wide(call.args), wide(call.kwargs), call.function)
        return run("torch", again, cotangents=theirs.cotangents)

    with np.errstate(all="ignore"):
        found = list(compare.differences(ours, theirs, exact))
    return [d for d in found if not (half and "not implemented for" in d.text)]


def _only_what_is_said(name: str, out: Outcome) -> None:
    """Blank what an operation leaves open: what is drawn, which of equal elements, a sign."""
    if RANDOM.match(name):
        out.results, out.after = [_blank(r) for r in out.results], []
    elif TIES.match(name):  # places come second, but those of `argsort`
        first = int(name != "argsort")
        out.results = [
            _blank(r) if d == "int64" and n >= first else r
            for n, (r, d) in enumerate(zip(out.results, out.dtypes, strict=True))
        ]
    elif UP_TO_SIGN.match(name):
        out.results = [np.abs(r) for r in out.results]
    else:
        return
    if not (TIES.match(name) and "float64" in out.dtypes):
        out.gradients, out.second = [], []


def _blank(value: Any) -> Any:
    return np.zeros_like(value) if isinstance(value, np.ndarray) else value


def _but_noise(ours: list[Any], theirs: list[Any], cotangents: list[Any]) -> list[Any]:
    """Our gradients, with PyTorch's in place of those that are within 32 roundings of them.

    Roundings of what was given to differentiate: sums of it may cancel. (What is hidden so in
    float32 shows in float64.)
    """
    if len(ours) != len(theirs):
        return ours
    most = max((float(np.abs(c).max()) for c in cotangents if c.size), default=0.0)
    out = []
    for a, b in zip(ours, theirs, strict=True):
        small = a is not None and b is not None and a.shape == b.shape and a.dtype.kind == "f"
        bound = 32 * most * float(np.finfo(a.dtype).eps) if small else 0.0
        out.append(np.where(np.abs(a - b) < bound, b, a) if small else a)
    return out


def known_as(op: Any) -> set[str]:
    """The names by which a row of `docs/conventions.md` may call an operation."""
    found = {op.name, op.full_name, *(a.name for a in op.aliases)}
    for word in {n.rsplit(".", 1)[-1] for n in found if n != op.full_name or n == op.name}:
        found |= {word, f".{word}", f"{word}_", f".{word}_", f"operator.{word}"}
        found |= {f"operator.i{word}", f"{word} at the top", f"nn.functional.{word}"}
        found |= {f"special.{word}", f"linalg.{word}"}
    return found


def excused(case: Case, one: Difference) -> bool:
    """Whether a row says why; every operation takes every `out=`, PyTorch's some alone."""
    if one.kind == "accepts" and case.form.startswith("out"):
        return True
    pages = [deliberate.HEADING, HEADING]
    if case.dtype in ("float16", "bfloat16"):
        pages.append(deliberate.IN_HALVES)
    return any(
        deliberate.excused(name, one.kind, one.text, page)
        for name in known_as(case.op)
        for page in pages
    )


def unexcused(tried: Iterable[Case]) -> Iterator[tuple[Case, Difference]]:
    """What differs and has no row."""
    loose = compare.TOLERANCE["float32"]
    for case in tried:
        compare.TOLERANCE["float32"] = 1.6e-2 if case.dtype == "bfloat16" else loose
        try:
            found = differences(case)
        finally:
            compare.TOLERANCE["float32"] = loose
        yield from ((case, one) for one in found if not excused(case, one))


def rotated(number: int, op: Any, count: int = 2) -> Iterator[Case]:
    """Some cases of an operation: of each usual dtype a few, another dtype, gaps and `out=`."""
    for n, dtype in enumerate((*DTYPES, OTHERS[number % len(OTHERS)])):
        yield from cases(op, dtype, count=count, first=n, big=5000)
    yield from cases(op, "float32", "apart", 1, number, big=5000)
    yield from cases(op, "float32", "out", 1, number, big=5000)


def needed(name: str, kind: str, message: str) -> bool:
    """Whether a sample of an operation differs as a row says."""
    dtypes = "float32", "int8", *DTYPES[1:], *OTHERS
    known = [op for op in operations() if name in (op.name, op.full_name)]
    return any(
        d.kind == kind and message in d.text
        for dtype, which, op in itertools.product(dtypes, SETS, known)
        for case in cases(op, dtype, which, 400 if which == "reference" else 40, big=20_000)
        for d in differences(case)
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.samples", description=__doc__)
    parser.add_argument("--only", default="", help="operations, by commas")
    parser.add_argument("--sets", default="samples", help=f"of {', '.join(SETS)}")
    parser.add_argument("--dtypes", default=",".join((*DTYPES, *OTHERS)))
    parser.add_argument("--count", type=int, default=10**9, help="samples of each dtype")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each operation and set")
    parser.add_argument("--forms", default="", help="beginnings of forms, by commas")
    parser.add_argument("--big", type=int, default=10**5, help="leave out inputs of more elements")
    parser.add_argument("--part", default="0/1", help="1/3 is the second third of the operations")
    parser.add_argument("--show", type=int, default=1)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    totals: collections.Counter[str] = collections.Counter()
    words = [w for w in args.only.split(",") if w]
    start, parts = map(int, args.part.split("/"))
    for op in operations()[start::parts]:
        if words and op.name not in words and op.full_name not in words:
            continue
        kinds: dict[tuple[str, str, str], list[tuple[Case, Difference]]] = {}
        for which in args.sets.split(","):
            until = time.monotonic() + args.seconds
            for dtype in args.dtypes.split(","):
                for case in cases(op, dtype, which, args.count, big=args.big):
                    if args.forms and not case.form.startswith(tuple(args.forms.split(","))):
                        continue
                    if time.monotonic() > until:
                        totals["left for want of time"] += 1
                        continue
                    totals["calls"] += 1
                    for _, one in unexcused([case]):
                        text = re.sub(r"[\d.e+-]+", "", one.text)[:40]
                        kind = case.form, one.kind, text if "[" not in text else ""
                        kinds.setdefault(kind, []).append((case, one))
        totals["operations"] += 1
        for (form, kind, _), found in kinds.items():
            totals["differences"] += len(found)
            dtypes = ",".join(sorted({c.dtype for c, _ in found}))
            print(f"{op.full_name} [{form}] {kind}: {len(found)} ({dtypes})")
            for case, one in sorted(found, key=lambda f: len(repr(f[0])))[: args.show]:
                print(f"    {case.call!r}"[:400])
                print(f"        {one.text}"[:300], flush=True)
    print(dict(totals))


if __name__ == "__main__":
    main()
