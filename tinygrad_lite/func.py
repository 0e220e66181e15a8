"""Gradients of functions, as functions: `torch.func`.

Arguments and outputs may be tensors, or dicts, lists and tuples of such; gradients have their
form. These functions may be nested, for derivatives of any order, and with `vmap`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .absent import explain as _explain
from .backend.listing import listing as _listing
from .graph import Node
from .nn import Module
from .nn.norm import _NormBase
from .nn.utils.stateless import functional_call as _stateless_call
from .tensor import Tensor, enable_grad, is_grad_enabled
from .tensor.apply import node_of
from .tensor.concatenate import stack
from .tensor.create import zeros, zeros_like
from .tensor.differentiate import run_backward
from .trees import filled, leaves, mapped
from .vectorize import stack_module_state, vmap

__all__ = [
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]

Argnums = int | tuple[int, ...]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: Any = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`nn.utils.stateless.functional_call`, with another name for the second argument."""
    given = module, parameter_and_buffer_dicts, args, kwargs
    return _stateless_call(*given, tie_weights=tie_weights, strict=strict)


class _Depth(threading.local):
    """How many of these functions are running now, nested in each other."""

    now = 0


_depth = _Depth()
_made: weakref.WeakSet[Any] = weakref.WeakSet()  # the leaves that only these functions ask for


@contextmanager
def _level() -> Iterator[None]:
    _depth.now += 1
    try:
        with enable_grad():
            yield
    finally:
        _depth.now -= 1


def _fresh(tree: Any) -> Any:
    """Tensors that only this call differentiates for, in the graph of the call around it if any."""

    def own(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(f"expected a Tensor to differentiate for, but got {type(leaf)}")
        if leaf.requires_grad:
            return leaf.view(leaf.shape)
        made = leaf.detach().requires_grad_()
        _made.add(node_of(made))
        return made

    return mapped(own, tree)


def _finished(tree: Any, recorded: bool) -> Any:
    """Results: with their graph if something may differentiate them, else without.

    Something may if it was given (`recorded`), or if a function used it without being given it,
    such as a model's parameters.
    """
    if recorded:
        return tree
    within = is_grad_enabled()
    return mapped(
        lambda x: x if not isinstance(x, Tensor) or (within and _uses_others(x)) else x.detach(),
        tree,
    )


def _uses_others(result: Tensor) -> bool:
    """Whether a result's graph ends at a tensor, still there, that was not made here."""
    seen: set[int] = set()
    left = [node_of(result)]
    while left:
        node = left.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Node):
            left.extend(node.parents)
        elif node not in _made and node.tensor() is not None:
            return True
    return False


def _recorded(*trees: Any) -> bool:
    """Whether results may be differentiated again."""
    given = (leaf for tree in trees for leaf in leaves(tree))
    asked = _depth.now > 0 or any(isinstance(x, Tensor) and x.requires_grad for x in given)
    return asked and is_grad_enabled()


def _pick(argnums: Argnums, args: tuple[Any, ...]) -> tuple[int, ...]:
    """The numbers of the arguments that derivatives are taken for, none of them negative.

    Raises:
        RuntimeError: there are not so many, or one is named twice.
    """
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for number in numbers:
        if not -len(args) <= number < len(args):
            raise RuntimeError(f"Got argnum={number}, but only {len(args)} positional inputs")
    found = tuple(number % len(args) for number in numbers)
    if len({*found}) != len(found):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return found


def _call(
    func: Callable[..., Any], picked: tuple[int, ...], args: tuple[Any, ...], kwargs: Any
) -> tuple[Any, list[Any]]:
    """The output of a function for fresh copies of the picked arguments, and these copies."""
    own = list(args)
    for number in picked:
        own[number] = _fresh(own[number])
    return func(*own, **kwargs), [own[number] for number in picked]


def _split(output: Any, has_aux: bool) -> tuple[Any, Any]:
    """The output and, with `has_aux`, the auxiliary value beside it.

    Raises:
        RuntimeError: with `has_aux` the function has not returned a pair.
    """
    if not has_aux:
        return output, None
    if not isinstance(output, tuple) or len(output) != 2:
        raise RuntimeError(
            "output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return output


def _gradients(outputs: list[Any], inputs: list[Any], weights: Any) -> list[Any]:
    """d(Σ weights · outputs)/dinputs, recorded; zeros where an output does not depend on one."""
    kept = [i for i, out in enumerate(outputs) if out.requires_grad]
    if not kept:
        return [zeros_like(t) for t in inputs]
    found = run_backward(
        [outputs[i] for i in kept],
        [None if weights is None else weights[i] for i in kept],
        inputs=inputs,
        retain_graph=True,
        create_graph=True,
        accumulate=False,
    )
    return [zeros_like(t) if g is None else g for t, g in zip(inputs, found, strict=True)]


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives (the gradient of `func`, its value), the value last.

    Args:
        func: returns one tensor of one element, with `has_aux` beside something else.
        argnums: for which arguments; a tuple gives a tuple.
        has_aux: `func` returns (output, aux); the result is (gradient, (output, aux)).

    Raises (when called):
        RuntimeError: an output that is no scalar.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        recorded = _recorded(args, kwargs)
        with _level():
            picked = _pick(argnums, args)
            output, own = _call(func, picked, args, kwargs)
            output, aux = _split(output, has_aux)
            if not isinstance(output, Tensor):
                raise RuntimeError(
                    f"Expected f(*args) to return a tensor, got unexpected {type(output)}"
                )
            if output.ndim != 0:
                raise RuntimeError(
                    "Expected f(*args) to return a scalar tensor, got tensor with "
                    f"{output.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            slopes = filled(own, _gradients([output], leaves(own), None))
        slopes, output, aux = (_finished(x, recorded) for x in (slopes, output, aux))
        first = slopes[0] if isinstance(argnums, int) else tuple(slopes)
        return first, (output, aux) if has_aux else output

    return wrapper


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives the gradient of `func`, with `has_aux` beside what it returns.

    Arguments and errors as `grad_and_value`.

    Example:
        >>> cube = lambda x: x**3
        >>> torch.func.grad(torch.func.grad(cube))(torch.tensor(2.0)).item()
        12.0
    """
    both = grad_and_value(func, argnums, has_aux)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        slopes, value = both(*args, **kwargs)
        return (slopes, value[1]) if has_aux else slopes

    return wrapper


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The output of a function at some arguments, and the function v ↦ vᵀ J there.

    Returns:
        (output, products), and aux with `has_aux`; `products(v)` is a tuple over the arguments.
    """
    recorded = _recorded(primals)
    with _level():
        output, own = _call(func, tuple(range(len(primals))), primals, {})
        output, aux = _split(output, has_aux)

    def products(cotangents: Any, retain_graph: bool = True, create_graph: bool = True) -> Any:
        weights = leaves(cotangents)
        outputs, inputs = leaves(output), leaves(own)
        if [w.shape for w in weights] != [o.shape for o in outputs]:
            raise RuntimeError(
                f"expected cotangents of the output's form, {[tuple(o.shape) for o in outputs]}, "
                f"but got {[tuple(w.shape) for w in weights]}"
            )
        again = recorded or _recorded(cotangents)
        with _level():
            found = filled(own, _gradients(outputs, inputs, weights))
        return tuple(_finished(found, again))

    shown = _finished(output, recorded)
    return (shown, products, _finished(aux, recorded)) if has_aux else (shown, products)


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """The output of a function at `primals` (a tuple), and J v for `tangents` v of their form.

    Args:
        func, primals, tangents: as said.
        strict: refuse an output that does not depend on them, whose J v is 0.
        has_aux: `func` returns (output, aux); aux is the last of the result.

    Raises:
        RuntimeError: tangents of another form, or as `strict` says.
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple) or not primals:
        raise RuntimeError("jvp: expected primals and tangents to be tuples that are not empty")
    weights = leaves(tangents)
    if [w.shape for w in weights] != [p.shape for p in leaves(primals)]:
        raise RuntimeError("jvp: expected tangents of the primals' form")
    recorded = _recorded(primals, tangents)
    with _level():
        output, own = _call(func, tuple(range(len(primals))), primals, {})
        output, aux = _split(output, has_aux)
        outputs = leaves(output)
        for out in outputs:
            if not isinstance(out, Tensor):
                raise RuntimeError(f"jvp: expected f to return Tensors, but got {type(out)}")
        if strict and not all(out.requires_grad for out in outputs):
            raise RuntimeError(
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the "
                "inputs. This is not allowed with strict=True."
            )
        dummies = [zeros_like(out).requires_grad_() for out in outputs]
        slopes = _gradients(outputs, leaves(own), dummies)
        found = filled(output, _gradients(slopes, dummies, weights))
    shown = tuple(_finished(x, recorded) for x in (output, found))
    return (*shown, _finished(aux, recorded)) if has_aux else shown


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that gives the Jacobian, of the shape output.shape + argument.shape.

    It takes a backward pass for each element of the output, whatever `chunk_size` says.

    Args:
        func: returns tensors, with `has_aux` beside something else.
        argnums: for which arguments; a tuple gives a tuple.
        has_aux: `func` returns (output, aux), and the result has aux too.
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        recorded = _recorded(args, kwargs)
        with _level():
            picked = _pick(argnums, args)
            output, own = _call(func, picked, args, kwargs)
            output, aux = _split(output, has_aux)
            inputs = leaves(own)
            _need_real(inputs)

            def one(out: Tensor) -> Any:
                rows = [_gradients([x], inputs, None) for x in out.reshape(-1)]
                shapes = [(*out.shape, *t.shape) for t in inputs]
                if not rows:
                    whole = [zeros(s, dtype=t.dtype) for s, t in zip(shapes, inputs, strict=True)]
                else:
                    columns = zip(*rows, strict=True)
                    whole = [stack(c).reshape(s) for c, s in zip(columns, shapes, strict=True)]
                found = filled(own, whole)
                return found[0] if isinstance(argnums, int) else tuple(found)

            found = mapped(one, output)
        found = _finished(found, recorded)
        return (found, _finished(aux, recorded)) if has_aux else found

    return wrapper


def _need_real(inputs: list[Tensor]) -> None:
    """Say that a Jacobian is of real inputs: of complex ones a derivative is two.

    Raises:
        RuntimeError: one is complex.
    """
    for i, x in enumerate(inputs):
        if x.is_complex():
            raise RuntimeError(
                "jacrev: Expected all inputs to be real but received complex tensor at flattened "
                f"input idx: {i}"
            )


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """The same as `jacrev`: there is no forward mode; `randomness` has no effect."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives the second derivatives, the Jacobian of the Jacobian."""
    return jacrev(jacrev(func, argnums), argnums)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The output of a function at `primals`, and a function of tangents v that gives J v."""

    def slopes(*tangents: Any) -> Any:
        return jvp(func, primals, tangents)[1]

    return func(*primals), slopes


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """The function itself: no compiler wants it without changes in place.

    Args:
        func: the function.
        remove: without effect.
    """
    return func


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let every batch norm in a module use its batch's statistics and keep none; the module.

    `vmap` could not say whose running statistics they are.
    """
    for module in root.modules():
        if isinstance(module, _NormBase):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
    return root


def __dir__() -> list[str]:
    return _listing(globals())


_explain(__name__)
