"""Checks of analytic gradients against central differences.

The check projects the Jacobian J of all inputs onto random directions: for an input
direction u and an output direction v, vᵀ J u is measured by a central difference along u
and computed as ⟨Jᵀ v, u⟩ by one backward pass. A wrong element anywhere shows with
probability 1. If the projections disagree, the whole Jacobian is computed both ways, to
name the element that is furthest off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..absent import explain as _explain
from ..backend import namespace, numpy, to_host
from ..tensor import Tensor, enable_grad, no_grad
from ..tensor.base import new
from ..tensor.differentiate import run_backward
from ..tensor.real import view_as_complex, view_as_real
from . import forward_ad

Function = Callable[..., Any]
Host = numpy.ndarray[Any, Any]


class GradcheckError(RuntimeError):
    """An analytic gradient that differs from the numeric one."""


def gradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    seed: int = 0,
) -> bool:
    """Check a function's gradients with respect to its float64 inputs that require one.

    Complex inputs and outputs are taken as their real and imaginary parts.

    Args:
        func: takes `inputs`, gives a tensor or several. It must be a pure function.
        inputs: tensors and other values; those that require a gradient are checked.
        eps: the step of the central difference.
        atol, rtol: |analytic − numeric| ≤ atol + rtol |numeric| must hold.
        raise_exception: raise on a mismatch, instead of returning False.
        check_backward_ad: check what a backward pass gives.
        check_forward_ad: check the tangents of `autograd.forward_ad`, too.
        seed: of the random directions.
        nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad, \
check_batched_forward_grad, fast_mode, masked: without effect.

    Raises:
        AssertionError: neither way is to be checked.
        GradcheckError: a mismatch; the message gives the worst element of the Jacobian with
            its index, and the analytic and the numeric value.
        ValueError: no input requires a gradient, or one is neither float64 nor complex128.

    Example:
        >>> x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradcheck(torch.tanh, x)
        True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True"
        )
    func, args = _of_parts(func, [inputs] if isinstance(inputs, Tensor) else list(inputs))
    checked = [i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
    if not checked:
        raise ValueError("gradcheck: expects at least one input that requires a gradient")
    for i in checked:
        if args[i].array.dtype != numpy.float64:
            raise ValueError(
                f"gradcheck: input {i} must be float64 or complex128, but is {args[i].dtype}"
            )
    rng = numpy.random.default_rng(seed)
    try:
        if check_backward_ad:
            _check(func, args, checked, eps, atol, rtol, rng)
        if check_forward_ad:
            _check_forward(func, args, checked, eps, atol, rtol, rng)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
    seed: int = 0,
) -> bool:
    """Check second derivatives: `gradcheck` of the gradients as functions of the inputs.

    The gradients for random cotangents, or for `grad_outputs`, are taken with
    `create_graph=True` and checked with respect to the inputs and to the cotangents. Other
    arguments and errors as `gradcheck`; `check_fwd_over_rev` stands for its `check_forward_ad`,
    `check_rev_over_rev` for its `check_backward_ad`.
    """
    func, args = _of_parts(func, [inputs] if isinstance(inputs, Tensor) else list(inputs))
    rng = numpy.random.default_rng(seed + 1)
    with no_grad():
        outputs = _outputs(func(*args))
    if grad_outputs is None:
        cotangents = [_like(o, rng.standard_normal(o.shape)).requires_grad_() for o in outputs]
    else:
        cotangents = [
            (view_as_real(g.detach()) if g.is_complex() else g.detach().clone()).requires_grad_()
            for g in _outputs(grad_outputs)
        ]
    where = [i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]

    def gradients(*values: Any) -> tuple[Tensor, ...]:
        own, weights = values[: len(args)], values[len(args) :]
        outs = _outputs(func(*own))
        with enable_grad():
            found = run_backward(
                outs,
                list(weights),
                inputs=[own[i] for i in where],
                create_graph=True,
                accumulate=False,
            )
        return tuple(own[i] * 0 if g is None else g for i, g in zip(where, found, strict=True))

    return gradcheck(
        gradients,
        [*args, *cotangents],
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        seed=seed,
    )


def _check(
    func: Function,
    args: list[Any],
    checked: list[int],
    eps: float,
    atol: float,
    rtol: float,
    rng: numpy.random.Generator,
) -> None:
    outputs = _outputs(func(*args))
    outputs = [o for o in outputs if o.requires_grad]
    weights = [rng.standard_normal(o.shape) for o in outputs]
    if not outputs:
        # A function without a gradient is right only if it does not move.
        weights = [numpy.ones(o.shape) for o in _outputs(func(*args))]
        gradients = [numpy.zeros(args[i].shape) for i in checked]
    else:
        gradients = _analytic(outputs, weights, [args[i] for i in checked])
    for which, gradient in zip(checked, gradients, strict=True):
        direction = rng.standard_normal(gradient.shape)
        analytic = float((gradient * direction).sum())
        numeric = _difference(func, args, which, direction * eps, weights, bool(outputs)) / (
            2 * eps
        )
        size = float(numpy.abs(gradient * direction).sum())
        if not _agree(analytic, numeric, size, gradient.size, atol, rtol):
            _report(func, args, checked, eps, atol, rtol, (which, analytic, numeric))


def _check_forward(
    func: Function,
    args: list[Any],
    checked: list[int],
    eps: float,
    atol: float,
    rtol: float,
    rng: numpy.random.Generator,
) -> None:
    """Compare tangents with differences, along a random direction of each input."""
    weights = [rng.standard_normal(o.shape) for o in _outputs(func(*args))]
    for which in checked:
        direction = rng.standard_normal(args[which].shape)
        with forward_ad.dual_level():
            moved = list(args)
            moved[which] = forward_ad.make_dual(args[which], _like(args[which], direction))
            tangents = [forward_ad.unpack_dual(o).tangent for o in _outputs(func(*moved))]
        terms = [
            numpy.zeros(()) if t is None else to_host(t.detach().array) * w
            for t, w in zip(tangents, weights, strict=True)
        ]
        analytic = float(sum(term.sum() for term in terms))
        numeric = _difference(func, args, which, direction * eps, weights, False) / (2 * eps)
        size = sum(float(numpy.abs(term).sum()) for term in terms)
        if not _agree(analytic, numeric, size, direction.size, atol, rtol):
            raise GradcheckError(
                f"gradcheck: the tangent for a random direction of input {which}, projected: "
                f"analytic {analytic:.8g}, numeric {numeric:.8g}"
            )


def _agree(
    analytic: float, numeric: float, size: float, count: int, atol: float, rtol: float
) -> bool:
    """Whether a projection is the same both ways; False of NaN.

    Args:
        analytic, numeric: the projection.
        size: the sum of the absolute values of its terms: those that cancel bound how well it can
            be known.
        count: how many elements the direction has.
        atol, rtol: as of `gradcheck`.
    """
    scale = max(abs(numeric), size * 1e-2)
    return bool(abs(analytic - numeric) <= atol * max(1, count**0.5) + rtol * scale)


def _report(
    func: Function,
    args: list[Any],
    checked: list[int],
    eps: float,
    atol: float,
    rtol: float,
    projection: tuple[int, float, float],
) -> None:
    """Raise with the worst element of the full Jacobian."""
    worst: tuple[float, str] = (0.0, "")
    outputs = [o for o in _outputs(func(*args)) if o.requires_grad]
    for o, output in enumerate(outputs):
        for position in numpy.ndindex(*output.shape):
            unit = [numpy.zeros(x.shape) for x in outputs]
            unit[o][position] = 1
            rows = _analytic(outputs, unit, [args[i] for i in checked])
            for which, row in zip(checked, rows, strict=True):
                for index in numpy.ndindex(*row.shape):
                    step = numpy.zeros(row.shape)
                    step[index] = eps
                    numeric = _difference(func, args, which, step, unit, True) / (2 * eps)
                    excess = float(abs(row[index] - numeric) - atol - rtol * abs(numeric))
                    if not excess <= worst[0]:
                        worst = (
                            excess,
                            f"output {o}{list(position)} with respect to input "
                            f"{which}{list(index)}: analytic {row[index]:.8g}, numeric "
                            f"{numeric:.8g}",
                        )
    which, analytic, numeric = projection
    raise GradcheckError(
        "gradcheck: "
        + (
            worst[1]
            or f"a random projection of the Jacobian for input {which}: analytic {analytic:.8g}, "
            f"numeric {numeric:.8g}"
        )
    )


def _analytic(outputs: list[Tensor], weights: list[Host], inputs: list[Tensor]) -> list[Host]:
    cotangents = [_like(o, w) for o, w in zip(outputs, weights, strict=True)]
    found = run_backward(outputs, cotangents, inputs=inputs, retain_graph=True, accumulate=False)
    return [
        numpy.zeros(t.shape) if g is None else to_host(g.array)
        for t, g in zip(inputs, found, strict=True)
    ]


def _difference(
    func: Function, args: list[Any], which: int, step: Any, weights: list[Any], only_graph: bool
) -> float:
    """⟨weights, f(x + step) − f(x − step)⟩.

    x itself is moved, and put back: the function may have it from elsewhere, as a layer's weight.
    """
    total, x = 0.0, args[which]
    kept, storage = x.detach().clone(), x._storage
    version = storage.version
    try:
        for sign in (1, -1):
            x.detach().copy_(_like(x, to_host(kept.array) + sign * step))
            outputs = [o for o in _outputs(func(*args)) if o.requires_grad or not only_graph]
            for output, weight in zip(outputs, weights, strict=True):
                total += sign * float((to_host(output.array) * weight).sum())
    finally:
        x.detach().copy_(kept)
        storage.version = version
    return total


def _of_parts(func: Function, args: list[Any]) -> tuple[Function, list[Any]]:
    """A function of complex tensors as one of real tensors (…, 2), and its arguments."""
    complexes = [isinstance(a, Tensor) and a.is_complex() for a in args]

    def parts(*values: Any) -> list[Tensor]:
        own = [view_as_complex(v) if c else v for v, c in zip(values, complexes, strict=True)]
        return [view_as_real(o) if o.is_complex() else o for o in _outputs(func(*own))]

    if True in complexes:
        args = [
            view_as_real(a.detach()).requires_grad_(a.requires_grad) if c else a
            for a, c in zip(args, complexes, strict=True)
        ]
    return parts, args


def _outputs(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else list(value)


def _like(tensor: Tensor, array: Host) -> Tensor:
    return new(namespace(tensor.array).asarray(numpy.asarray(array, dtype=tensor.array.dtype)))


_explain(__name__)
