"""Jacobians, Hessians and their products with vectors: `torch.autograd.functional`.

Everywhere `func` takes tensors and returns a tensor or a tuple of them, `inputs` and `v` are a
tensor or a tuple, and results have the forms of these. `create_graph` lets results be
differentiated again; `strict` raises where a result does not depend on an input at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..absent import explain as _explain
from ..tensor import Tensor, enable_grad, is_grad_enabled, set_grad_enabled
from ..tensor.concatenate import stack
from ..tensor.create import zeros, zeros_like
from ..tensor.differentiate import run_backward

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Many = tuple[Tensor, ...]


def _as_tuple(given: Any, what: str, name: str) -> tuple[bool, Many]:
    """Whether a tuple was given, and the tensors.

    Raises:
        TypeError: something else is in it.
    """
    many = isinstance(given, tuple)
    found = given if many else (given,)
    for i, part in enumerate(found):
        if not isinstance(part, Tensor):
            where = f"the value at index {i}" if many else f"the given {what}"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but "
                f"{where} has type {type(part)}."
            )
    return many, found


def _own(tensors: Many, create_graph: bool, need_graph: bool) -> Many:
    """Tensors for this call alone; with `create_graph` they stay in the caller's graph."""
    return tuple(
        t.view(t.shape)
        if create_graph and t.requires_grad
        else t.detach().requires_grad_(need_graph)
        for t in tensors
    )


def _gradients(
    outputs: Many, inputs: Many, weights: Any, create_graph: bool, retain: bool = False
) -> list[Tensor | None]:
    """d(Σ weights · outputs)/dinputs; outputs that need no gradient do not count."""
    kept = [i for i, out in enumerate(outputs) if out.requires_grad]
    if not kept:
        return [None] * len(inputs)
    seeds = [None if weights is None else weights[i] for i in kept]
    found = run_backward(
        [outputs[i] for i in kept],
        seeds,
        inputs=list(inputs),
        retain_graph=True if retain else None,
        create_graph=create_graph,
        accumulate=False,
    )
    return [None if g is None else _alike(g, t) for g, t in zip(found, inputs, strict=True)]


def _alike(made: Tensor, like: Tensor) -> Tensor:
    """A result in the class that a program derived from `Tensor`, if what it is of has one."""
    return made.as_subclass(type(like)) if type(like)._foreign else made


def _filled(
    found: list[Tensor | None], like: Many, strict: bool, create_graph: bool, what: str
) -> Many:
    """Zeros for gradients that are not there.

    Raises:
        RuntimeError: in strict mode, one that is not there, or that depends on nothing.
    """
    for i, one in enumerate(found):
        if strict and (one is None or (create_graph and not one.requires_grad)):
            also = "" if one is None else " when create_graph=True"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {i}. This is "
                f"not allowed in strict mode{also}."
            )
    return tuple(
        _alike(zeros_like(t), t) if g is None else g for g, t in zip(found, like, strict=True)
    )


def _need_gradients(tensors: Any, what: str, strict: bool) -> None:
    for i, tensor in enumerate(tensors if strict else ()):
        if tensor is None or not tensor.requires_grad:
            raise RuntimeError(
                f"{what} {i} of the user-provided function does not depend on the inputs. This is "
                "not allowed in strict mode."
            )


def _recorded(slopes: list[Tensor | None], inputs: Many, seeds: Any) -> tuple[Many, Many, Any]:
    """What of gradients can be differentiated again, for what, and with which weights."""
    there = [(i, slope) for i, slope in enumerate(slopes) if slope is not None]
    there = [(i, slope) for i, slope in there if slope.requires_grad]
    weights = None if seeds is None else tuple(seeds[i] for i, _ in there)
    return tuple(slope for _, slope in there), inputs, weights


def _vector(v: Any, like: Many, many: bool, create_graph: bool, name: str, of: str) -> Any:
    """The vector of a product, checked; None for a single element.

    Raises:
        RuntimeError: another number of tensors or other shapes, or None where it says nothing.
    """
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if {of} a single Tensor with a single element."
            )
        return None
    found = _own(_as_tuple(v, "v", name)[1], create_graph, False)
    if len(found) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(found)}."
            if many
            else "The given v should contain a single Tensor."
        )
    for i, (a, b) in enumerate(zip(found, like, strict=True)):
        if a.shape != b.shape:
            entry = f"Entry {i} in " if many else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {b.shape} but got {a.shape}.")
    return found


def _result(found: Any, many: bool, create_graph: bool) -> Any:
    out = tuple(found) if create_graph else tuple(t.detach() for t in found)
    return out if many else out[0]


OUTPUTS = "outputs of the user-provided function"


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """vᵀ J for the Jacobian J of a function.

    Returns:
        The function's outputs, and for each input vᵀ J, of its shape.

    Raises:
        TypeError: something else than tensors.
        RuntimeError: a v that does not have the outputs' shapes; what `strict` raises.
    """
    with enable_grad():
        many, own = _as_tuple(inputs, "inputs", "vjp")
        own = _own(own, create_graph, True)
        many_out, outputs = _as_tuple(func(*own), OUTPUTS, "vjp")
        _need_gradients(outputs, "Output", strict)
        of = "the user-provided function returns"
        seeds = _vector(v, outputs, many_out, create_graph, "vjp", of)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(outputs, own, seeds, create_graph)
        what = "jacobian" if create_graph else "output"
        grads = _filled(found, own, strict, create_graph, what)
    return _result(outputs, many_out, create_graph), _result(grads, many, create_graph)


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """J v for the Jacobian J of a function: uᵀ J is linear in u, and its gradient for v is J v.

    Returns:
        The function's outputs, and for each output J v, of its shape.

    Raises:
        TypeError: something else than tensors.
        RuntimeError: a v that does not have the inputs' shapes; what `strict` raises.
    """
    with enable_grad():
        many, own = _as_tuple(inputs, "inputs", "jvp")
        own = _own(own, create_graph, True)
        of = "the input to the user-provided function is"
        seeds = _vector(v, own, many, create_graph, "jvp", of)
        many_out, outputs = _as_tuple(func(*own), OUTPUTS, "jvp")
        _need_gradients(outputs, "Output", strict)
        dummies = tuple(_alike(zeros_like(out), out).requires_grad_() for out in outputs)
        slopes = _gradients(outputs, own, dummies, True)
        _need_gradients(slopes, "The gradient with respect to input", strict)
        found = _gradients(*_recorded(slopes, dummies, seeds), create_graph)
        tangents = _filled(found, outputs, strict, create_graph, "jacobian")
    return _result(outputs, many_out, create_graph), _result(tangents, many_out, create_graph)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian: for each output and input a tensor of the shape output.shape + input.shape.

    It takes a backward pass for each element of the outputs, whatever `vectorize` and `strategy`
    say.

    Returns:
        One tensor; a tuple over inputs, or over outputs, if these are tuples; or over outputs, of
        tuples over inputs.

    Raises:
        TypeError: something else than tensors.
        RuntimeError: what `strict` raises, and `strict` with `vectorize` or with "forward-mode".
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            'Otherwise, prefer to use "reverse-mode".'
        )
    if strict and (vectorize or strategy == "forward-mode"):
        other = "vectorize=True" if strategy == "reverse-mode" else 'strategy="forward-mode"'
        instead = "vectorize=False" if strategy == "reverse-mode" else 'strategy="reverse-mode"'
        raise RuntimeError(
            f"torch.autograd.functional.jacobian: `strict=True` and `{other}` are not supported "
            f"together. Please either set `strict=False` or `{instead}`."
        )
    with enable_grad():
        many, own = _as_tuple(inputs, "inputs", "jacobian")
        own = _own(own, create_graph, True)
        many_out, outputs = _as_tuple(func(*own), OUTPUTS, "jacobian")
        _need_gradients(outputs, "Output", strict)
        rows = [_rows(out, own, create_graph, strict) for out in outputs]
    found = [_result(row, many, create_graph) for row in rows]
    return tuple(found) if many_out else found[0]


def _rows(out: Tensor, inputs: Many, create_graph: bool, strict: bool) -> list[Tensor]:
    """Of one output, the Jacobian for each input."""
    flat = out.reshape(-1)
    lines: list[list[Tensor]] = [[] for _ in inputs]
    for j in range(out.numel()):
        found = _gradients((flat[j],), inputs, None, create_graph, retain=True)
        whole = _filled(found, inputs, strict, create_graph, "jacobian")
        for line, one in zip(lines, whole, strict=True):
            line.append(one)
    shapes = [(*out.shape, *t.shape) for t in inputs]
    return [
        _alike(
            stack(line, 0).reshape(shape) if line else zeros(shape, dtype=t.dtype, device=t.device),
            t,
        )
        for line, shape, t in zip(lines, shapes, inputs, strict=True)
    ]


def _scalar(func: Callable[..., Any], name: str, strict: bool) -> Callable[..., Tensor]:
    """A function that is checked to return a single element.

    Raises:
        RuntimeError: it does not.
    """

    def single(*inputs: Tensor) -> Tensor:
        many, (out, *_) = _as_tuple(func(*inputs), OUTPUTS, name)
        _need_gradients((out,), "Output", strict)
        if many:
            raise RuntimeError(f"The function given to {name} should return a single Tensor")
        if out.numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {name} should contain a single "
                "element"
            )
        return out.squeeze()

    return single


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function that returns a single element.

    Returns:
        A tensor of the shape input.shape + input.shape, or a tuple of tuples of such.

    Raises:
        TypeError: something else than tensors.
        RuntimeError: a function that returns more; what `strict` raises.
    """
    many, given = _as_tuple(inputs, "inputs", "hessian")
    single = _scalar(func, "hessian", strict)

    def slope(*own: Tensor) -> Any:
        found = jacobian(single, own, create_graph=True)
        _need_gradients(found, "The jacobian with respect to input", strict)
        return found

    found = jacobian(slope, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if many else found[0][0]


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """vᵀ H for the Hessian H of a function that returns a single element.

    Returns:
        The function's output, and for each input vᵀ H, of its shape.

    Raises: as `hessian`, and for a v that does not have the inputs' shapes.
    """
    return _times_hessian("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """H v, which is vᵀ H, because H is symmetric; everything else as `vhp`."""
    return _times_hessian("hvp", func, inputs, v, create_graph, strict)


def _times_hessian(
    name: str, func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[Any, Any]:
    with enable_grad():
        many, own = _as_tuple(inputs, "inputs", name)
        own = _own(own, create_graph, True)
        of = "the input to the user-provided function is"
        seeds = _vector(v, own, many, create_graph, name, of)
        value: list[Tensor] = []

        def kept(*given: Tensor) -> Any:
            out = func(*given)
            value.append(out)
            return out

        out = _scalar(kept, name, strict)(*own)
        slopes = _gradients((out,), own, None, True)
        _need_gradients(slopes, "The jacobian with respect to input", strict)
        again = _recorded(slopes, own, seeds)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(*again, create_graph)
        product = _filled(found, own, strict, create_graph, "jacobian")
    return _result(value, False, create_graph), _result(product, many, create_graph)


_explain(__name__)
