"""Calls around a spectrum: functions of the library and of arrays, complex ones among them.

Each is run on both libraries by `test_complex.py`. A name that ends with a plus is of what this
library refuses where PyTorch answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Case = tuple[str, Callable[..., Any], tuple[Array, ...]]

rng = np.random.default_rng(0)


def real(*shape: int) -> Array:
    return np.asarray(rng.normal(size=shape), dtype="float32")


def numbers(*shape: int) -> Array:
    return np.asarray(rng.normal(size=shape) + 1j * rng.normal(size=shape), dtype="complex64")


Z, W, X = numbers(3, 4), numbers(3, 4), real(3, 4)
SQUARE, ROW = numbers(4, 4), numbers(4)
MASK = [True, False, True, False]


def transforms() -> Iterator[Case]:
    def call(m: Any, x: Any, name: str, words: dict[str, Any]) -> Any:
        return getattr(m.fft, name)(x, **words)

    lines = [{}, *({"n": n, "dim": 1} for n in (1, 4, 5, 6, 7, 9))]
    lines += [{"norm": norm} for norm in ("ortho", "forward", "x")]
    lines += [{"n": 0}, {"dim": 5}, {"n": 5, "dim": 0, "norm": "ortho"}]
    several: list[dict[str, Any]] = [{}, {"s": (4, 5)}, {"s": (5, 4), "dim": (0, 2)}, {"dim": (0,)}]
    several += [{"s": (3, -1), "dim": (1, 2)}, {"norm": "ortho"}, {"norm": "forward"}, {"s": (3,)}]
    several += [{"s": (3, 3), "dim": (0, 0)}, {"s": (0, 3)}, {"dim": ()}, {"s": (2, 2, 2, 2)}]
    given = [real(2, 6, 3), real(2, 7, 4), numbers(2, 6, 3), numbers(2, 7, 4)]
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
        for x in given:
            for words in lines:
                yield f"{name} {words}", partial(call, name=name, words=words), (x,)
            for words in several:
                for form in ("2", "n"):
                    which = partial(call, name=name + form, words=words)
                    yield f"{name}{form} {words}", which, (x,)
        for other in ("half", "double", "long"):
            which = partial(lambda m, x, name, to: call(m, getattr(x, to)(), name, {}), name=name)
            yield f"{name} of {other}", partial(which, to=other), (real(4),)
        for x in (real(), real(0), real(1)):
            yield f"{name} of {x.shape}", partial(call, name=name, words={}), (x,)


def frames() -> Iterator[Case]:
    def call(m: Any, x: Any, w: Any = None, **words: Any) -> Any:
        return m.stft(x, 16, window=w, **words)

    def back(m: Any, x: Any, **words: Any) -> Any:
        width = words.get("win_length", 16)
        return m.istft(x, 16, window=m.hann_window(width + 2)[1:-1], **words)

    for words in (
        *({"return_complex": True}, {"return_complex": False}, {}),
        *({"return_complex": True, "pad_mode": p} for p in ("constant", "replicate", "circular")),
        {"return_complex": True, "hop_length": 5, "center": False},
        {"return_complex": True, "normalized": True, "onesided": False},
        *({"return_complex": True, "win_length": 10}, {"return_complex": True, "win_length": 20}),
        *({"return_complex": True, "hop_length": 0}, {"return_complex": True, "onesided": True}),
    ):
        for x in (real(2, 50), real(50), numbers(2, 50), real(7)):
            yield f"stft {words}", partial(call, **words), (x,)
        yield f"stft with a window {words}", partial(call, **words), (real(50), real(16))
    for words in (
        *({}, {"length": 50}, {"length": 20}, {"center": False}, {"normalized": True}),
        *({"onesided": True}, {"onesided": False}, {"return_complex": True}, {"hop_length": 5}),
        *({"hop_length": 17}, {"win_length": 10}),
    ):
        for x in (numbers(2, 9, 11), numbers(16, 11), real(9, 11)):
            yield f"istft {words}", partial(back, **words), (x,)


TWO: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add": lambda m, a, b: a + b,
    "sub": lambda m, a, b: a - b,
    "mul": lambda m, a, b: a * b,
    "div": lambda m, a, b: a / b,
    "eq": lambda m, a, b: a == b,
    "lt": lambda m, a, b: a < b,
    "where": lambda m, a, b: m.where(m.tensor(True), a, b),
    "floor_divide": lambda m, a, b: a // b,
    "maximum": lambda m, a, b: m.maximum(a, b),
    "atan2": lambda m, a, b: m.atan2(a, b),
}


def operands() -> Iterator[Case]:
    for name, function in TWO.items():
        for a, b in ((Z, W), (Z, ROW), (Z, numbers()), (X, numbers()), (Z, real())):
            if name != "where" or a.dtype == b.dtype:  # whose gradient is PyTorch's fault there
                yield f"{name} {a.dtype} {b.dtype} {b.shape}", function, (a, b)
        for number in (2.5, 2.5 - 1j, 2):
            if name == "lt" or name == "where":
                continue
            own = partial(lambda m, a, f, n: f(m, a, n), f=function, n=number)
            yield f"{name} {number}", own, (Z,)
            yield f"{name} {number} of reals", own, (X,)
    for name in ("add", "sub", "mul", "div"):
        function = TWO[name]
        for to in ("double", "long", "half", "bfloat16"):
            mixed = partial(lambda m, a, b, f, to: f(m, getattr(a, to)(), b), f=function, to=to)
            yield f"{name} of {to}", mixed, (X * 3, Z)
    for n in (0, 1, 2, 3, -1, -2, 0.5, 2.5, 1j):
        yield f"to the power {n}", partial(lambda m, a, n: a**n, n=n), (Z,)
    kinds = ("float32", "float64", "int64", "bool", "bfloat16", "complex64", "complex128")
    for kind in kinds:
        for other in ("complex64", "complex128"):
            yield f"promote {kind} {other}", partial(_promoted, kinds=(kind, other)), ()


def _promoted(m: Any, kinds: tuple[str, str]) -> Any:
    a, b = (getattr(m, kind) for kind in kinds)
    some, one = ([m.ones(s, dtype=d) for d in (a, b)] for s in ((2,), ()))
    found = [m.promote_types(a, b), m.result_type(some[0], one[1]), m.result_type(one[0], some[1])]
    found += [m.result_type(one[0], one[1]), m.result_type(some[0], 1j), m.result_type(one[1], 2.0)]
    return [str(d) for d in found] + [m.can_cast(a, b), m.can_cast(b, a)]


PLAIN = """neg reciprocal square exp sin cos tan sinh cosh tanh sigmoid sqrt log abs angle conj sgn
isnan isinf isfinite clone contiguous adjoint sum mean t isreal ravel flatten squeeze tolist
is_complex is_floating_point numel H mH T mT real imag trace tril triu diag diag_embed nonzero
unique view_as_real cfloat cdouble type element_size norm is_nonzero item prod
sort argsort argmax argmin max min amax amin median mode floor ceil round trunc frac sign relu
cummax_0 cummin_0 topk_1 kthvalue_1 msort histc quantile_05 bincount erf lgamma softmax_0
nanmedian aminmax signbit nansum isposinf abs_ floor_ clamp_01 """.split()
REFUSED = """std var det inverse cumprod_0 asin acos atan asinh acosh atanh log2
log10 log1p expm1 exp2 pinverse qr matrix_exp corrcoef sinc""".split()
_ARGUMENTS = {"0": (0,), "1": (1,), "05": (0.5,), "01": (0, 1)}


def _called(m: Any, a: Any, name: str) -> Any:
    bare, _, code = name.rpartition("_") if name[-1].isdigit() and "_" in name else (name, "", "")
    if bare == "square" or bare == "view_as_real" or bare == "msort":
        return getattr(m, bare)(a)
    found = getattr(a.clone() if name.endswith("_") else a, bare)
    return found(*_ARGUMENTS.get(code, ())) if callable(found) else found


def methods() -> Iterator[Case]:
    for name in PLAIN + [f"{name}+" for name in REFUSED]:
        for x in (SQUARE, ROW, numbers()):
            bare = name.removesuffix("+")
            if bare not in REFUSED or x is SQUARE:
                yield name, partial(_called, name=bare), (x,)


def _assigned(m: Any, a: Any, b: Any) -> Any:
    y = a.clone()
    y.real.mul_(2)
    y.imag[0] = b.real[0]
    y[1] = b[0] * 2
    y[:, 2] = 1j
    y[m.tensor([0, 2]), 1] = b[0, :2]
    y.real = b.imag
    m.view_as_real(y)[1].add_(1)
    return y * y


def _paired(m: Any, a: Any, b: Any) -> Any:
    y = a.clone()
    v = m.view_as_complex(y)
    v *= 1j
    v[0] = b[0]
    return y * y


F: dict[str, Callable[[Any, Any], Any]] = {
    "reshape": lambda m, a: a.reshape(4, 3),
    "view": lambda m, a: a.view(2, 6),
    "permute": lambda m, a: a.permute(1, 0),
    "an index": lambda m, a: a[1],
    "a slice": lambda m, a: a[:, 1:3],
    "places": lambda m, a: a[[0, 2, 0]],
    "a mask": lambda m, a: a[m.tensor([True, False, True])],
    "expand": lambda m, a: a[:1].expand(5, 4),
    "flip": lambda m, a: a.flip(0, 1),
    "roll": lambda m, a: a.roll(1, 0),
    "pad": lambda m, a: m.nn.functional.pad(a, (1, 2)),
    "pad reflected": lambda m, a: m.nn.functional.pad(a[None], (1, 2), mode="reflect"),
    "unsqueeze": lambda m, a: a.unsqueeze(1),
    "split": lambda m, a: a.split(2, 1),
    "chunk": lambda m, a: a.chunk(2, 0),
    "unbind": lambda m, a: a.unbind(0),
    "repeat": lambda m, a: a.repeat(2, 2),
    "masked_fill": lambda m, a: a.masked_fill(m.tensor(MASK), 2 + 1j),
    "masked_select": lambda m, a: a.masked_select(m.tensor(MASK)),
    "index_select": lambda m, a: a.index_select(1, m.tensor([0, 0, 3])),
    "gather": lambda m, a: a.gather(1, m.tensor([[0, 1], [1, 1], [2, 3]])),
    "unfold": lambda m, a: a.unfold(1, 2, 1),
    "diagonal": lambda m, a: a.diagonal(),
    "as_strided": lambda m, a: a.as_strided((2, 2), (1, 2)),
    "index_add": lambda m, a: a.index_add(0, m.tensor([0, 0]), a[:2], alpha=2),
    "index_put": lambda m, a: a.index_put((m.tensor([0, 0]),), a[1:], accumulate=True),
    "to complex128": lambda m, a: a.to(m.complex128),
    "to float64": lambda m, a: a.to(m.float64),
    "to int64": lambda m, a: a.to(m.int64),
    "to bool": lambda m, a: a.to(m.bool),
    "full_like": lambda m, a: m.full_like(a, 1 + 2j),
    "new_tensor": lambda m, a: a.new_tensor([1j, 2]),
    "both parts": lambda m, a: a.real * a.imag,
    "sum of a dimension": lambda m, a: a.sum(0, keepdim=True),
    "mean of a dimension": lambda m, a: a.mean(1),
    "sum in complex128": lambda m, a: a.sum(dtype=m.complex128),
    "cumsum": lambda m, a: a.cumsum(1),
    "norms": lambda m, a: [a.norm(p) for p in (1, 2, 3, float("inf"))],
    "matrix_norm": lambda m, a: m.linalg.matrix_norm(a),
    "normalize": lambda m, a: m.nn.functional.normalize(a),
    "add with alpha": lambda m, a: m.add(a, a, alpha=2j),
    "addcmul": lambda m, a: m.addcmul(a, a, a, value=2j),
    "addcdiv": lambda m, a: m.addcdiv(a, a, a + 2, value=2),
    "float_power": lambda m, a: m.float_power(a, 2),
    "cov": lambda m, a: m.cov(a),
    "cat with reals": lambda m, a: m.cat([a, a.detach().real]),
    "meshgrid": lambda m, a: m.meshgrid(a[0], a[1], indexing="ij"),
    "polar": lambda m, a: m.polar(a.abs(), a.angle()),
    "complex": lambda m, a: m.complex(a.real, a.imag),
    "allclose": lambda m, a: (m.allclose(a, a), m.isclose(a, a + 1e-9), m.equal(a, a)),
    "as numbers": lambda m, a: (complex(a[0, 0]), a[0, 0].item(), 1j in a, bool(a[0, 0])),
    "as a float": lambda m, a: float(a[0, 0]),
    "mul_": lambda m, a: a.clone().mul_(2j).add_(a).div_(a + 3).neg_().exp_(),
    "zero_": lambda m, a: a.clone().zero_(),
    "fill_": lambda m, a: a.clone().fill_(2j),
    "conj_physical_": lambda m, a: a.clone().conj_physical_(),
    "reals take no complex": lambda m, a: a.real.clone().add_(a),
    "reals take no number": lambda m, a: a.real.clone().mul_(1j),
    "fill_ of reals": lambda m, a: a.real.clone().fill_(2j),
    "copy_ of reals": lambda m, a: m.zeros(3, 4).copy_(a),
    "copy_": lambda m, a: m.zeros(3, 4, dtype=m.cfloat).copy_(a.real),
    "backward": lambda m, a: (a * a).sum().backward(),
    "backward with a complex gradient": lambda m, a: a.abs().sum().backward(m.tensor(1j)),
    "backward with a real gradient": lambda m, a: (a * a).sum().backward(m.tensor(1.0)),
    "view_as_complex of no pairs": lambda m, a: m.view_as_complex(m.view_as_real(a)[..., :1]),
    "view_as_complex of turned": lambda m, a: m.view_as_complex(m.view_as_real(a).mT[..., :2]),
    "cdist": lambda m, a: m.cdist(a, a),
    "isin": lambda m, a: m.isin(a, a[0]),
    "searchsorted": lambda m, a: m.searchsorted(m.tensor([0.0, 1.0]), a),
    "cosine_similarity": lambda m, a: m.cosine_similarity(a, a * 2),
    "heaviside": lambda m, a: m.heaviside(a, a),
    "a loss": lambda m, a: m.nn.functional.mse_loss(a, a * 2),
    "relu": lambda m, a: m.nn.functional.relu(a),
    "softmax": lambda m, a: a.softmax(0),
    "max_pool1d": lambda m, a: m.nn.functional.max_pool1d(a, 2),
    "layer_norm": lambda m, a: m.nn.functional.layer_norm(a, (4,)),
    "conv2d+": lambda m, a: m.nn.functional.conv2d(a[None, None], a[None, None, :2, :2]),
    "solve+": lambda m, a: m.linalg.solve(a[:, :3], a[:, 0]),
    "lerp+": lambda m, a: a.lerp(a.flip(0), 0.3),
}

G: dict[str, tuple[Callable[..., Any], tuple[Array, ...]]] = {
    "matmul": (lambda m, a, b: a @ b, (Z, numbers(4, 2))),
    "matmul of a batch": (lambda m, a, b: a @ b, (numbers(2, 3, 4), numbers(4, 2))),
    "matmul with reals": (lambda m, a, b: a @ b, (X, numbers(4, 2))),
    "bmm": (lambda m, a, b: m.bmm(a, b), (numbers(2, 3, 4), numbers(2, 4, 2))),
    "a large product": (lambda m, a, b: a @ b, (numbers(70, 80), numbers(80, 90))),
    "linear": (lambda m, *a: m.nn.functional.linear(*a), (Z, numbers(2, 4), numbers(2))),
    "einsum": (
        lambda m, a, b: m.einsum("bix,iox->box", a, b),
        (numbers(2, 3, 4), numbers(3, 5, 4)),
    ),
    "tensordot": (lambda m, a, b: m.tensordot(a, b, 1), (Z, numbers(4, 2))),
    "dot": (lambda m, a, b: m.dot(a, b), (ROW, numbers(4))),
    "vdot": (lambda m, a, b: m.vdot(a, b), (ROW, numbers(4))),
    "vecdot": (lambda m, a, b: m.linalg.vecdot(a, b), (Z, W)),
    "outer": (lambda m, a, b: m.outer(a, b), (ROW, numbers(3))),
    "addmm": (
        lambda m, a, b, c: m.addmm(c, a, b, beta=2j, alpha=1.5),
        (Z, numbers(4, 2), numbers(3, 2)),
    ),
    "views changed": (_assigned, (Z, W)),
    "pairs changed": (_paired, (real(3, 4, 2), numbers(3, 4))),
    "complex of reals": (lambda m, a, b: m.complex(a, b), (X, real(4))),
    "polar of reals": (lambda m, a, b: m.polar(a, b), (abs(X), real(3, 4))),
    "complex of two dtypes": (lambda m, a, b: m.complex(a, b.double()), (X, X)),
    "view_as_complex": (lambda m, a: m.view_as_complex(a), (real(3, 4, 2),)),
    "view_as_complex of integers": (lambda m, a: m.view_as_complex(a.long()), (real(3, 2),)),
    "imag of reals": (lambda m, a: a.imag, (X,)),
    "real of reals": (lambda m, a: a.real * 2, (X,)),
    "view_as_real of reals": (lambda m, a: m.view_as_real(a), (X,)),
    "tensors": (
        lambda m: [m.tensor([1 + 2j, 3]), m.tensor(1j), m.tensor([True, 1j]), m.full((2,), 1j)],
        (),
    ),
    "filled": (
        lambda m: [getattr(m, n)(2, dtype=m.cfloat) for n in ("zeros", "ones", "eye")],
        (),
    ),
    "a real tensor of a complex number": (lambda m: m.tensor([1j], dtype=m.float32), ()),
    "reals full of a complex number": (lambda m: m.full((2,), 1j, dtype=m.float32), ()),
    "finfo": (lambda m: (m.finfo(m.cfloat).eps, m.finfo(m.cdouble).bits), ()),
    "many numbers": (lambda m, a: (a.sum(0), a.mean(0), a.cumsum(0)), (numbers(5000, 3),)),
}


def others() -> Iterator[Case]:
    for name, function in F.items():
        yield name, function, (Z,)
    for name, (function, given) in G.items():
        yield name, function, given
