"""`vmap`: a function of one sample applied to a batch; `stack_module_state` for ensembles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from .backend import random
from .nn import Module
from .tensor import Tensor
from .tensor.arguments import rename
from .tensor.closeness import equal
from .tensor.concatenate import stack
from .trees import filled, leaves

__all__ = ["stack_module_state", "vmap"]


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that applies `func` to each slice of its arguments, and stacks the results.

    The slices are taken one after another: this gives what PyTorch's `vmap` gives, and not its
    speed. `func` may do what it could not there (look at values, draw a number for each slice).

    Args:
        func: returns tensors, or dicts, lists and tuples of such.
        in_dims: the dim of each positional argument that is taken apart, None for one that every
            call gets whole; one number for all, or the arguments' form. Keyword arguments are
            taken apart along 0.
        out_dims: where the new dim of each output is; one number for all, or the outputs' form.
        randomness: "same" for the same draws in each call; "different" and, as it is here, "error"
            for others in each.
        chunk_size: without effect.

    Raises:
        ValueError: a chunk_size below 1.

    Raises (when called):
        ValueError: nothing to take apart, dims of different sizes or out of range, or `in_dims` of
            another form; an output without a dim that differs between the calls.
        RuntimeError: another `randomness`, or an argument that every call gets whole was changed in
            place.

    Example:
        >>> x = torch.arange(6.0).reshape(2, 3)
        >>> torch.vmap(torch.dot)(x, x)
        tensor([ 5., 50.])
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        if randomness not in ("error", "different", "same"):
            raise RuntimeError(
                "vmap: Only allowed values for randomness are 'error', 'different', or 'same'. "
                f"Got {randomness}"
            )
        given, dims = leaves((args, kwargs)), _dims(args, in_dims) + [0] * len(leaves(kwargs))
        apart = [
            dim is not None and isinstance(x, Tensor) for x, dim in zip(given, dims, strict=True)
        ]
        for x, dim, is_apart in zip(given, dims, apart, strict=True):
            if is_apart and not -x.ndim <= dim < x.ndim:
                raise ValueError(
                    f"vmap: Got in_dim={dim} for some input, but that input is a Tensor of "
                    f"dimensionality {x.ndim} so expected in_dim to satisfy "
                    f"-{x.ndim} <= in_dim < {x.ndim}"
                )
        sizes = {
            x.shape[dim] for x, dim, is_apart in zip(given, dims, apart, strict=True) if is_apart
        }
        if len(sizes) != 1:
            raise ValueError(
                "vmap: at least one argument must be a tensor that in_dims takes apart"
                if not sizes
                else "vmap: Expected all tensors to have the same size in the mapped dimension, "
                f"got sizes {sorted(sizes)} for the mapped dimension"
            )
        pieces = [
            x.unbind(dim) if is_apart else None
            for x, dim, is_apart in zip(given, dims, apart, strict=True)
        ]
        whole = [
            x for x, piece in zip(given, pieces, strict=True) if not piece and isinstance(x, Tensor)
        ]
        versions = [x._version for x in whole]
        results, state = [], random.get_rng_state() if randomness == "same" else None
        for i in range(sizes.pop()):
            if state is not None:
                random.set_rng_state(state)
            own = [x if p is None else p[i] for x, p in zip(given, pieces, strict=True)]
            a, k = filled((args, kwargs), own)
            results.append(func(*a, **k))
            if versions != [x._version for x in whole]:  # the next call would find it changed
                raise RuntimeError(
                    "vmap: inplace arithmetic is not possible on an argument that every call gets "
                    "whole (in_dims None)"
                )
        return _stacked(results, out_dims)

    return batched


def _dims(args: tuple[Any, ...], in_dims: Any) -> list[Any]:
    """The dim of each leaf of the arguments.

    Raises:
        ValueError: `in_dims` is of another form.
    """
    if isinstance(in_dims, tuple):
        in_dims = list(in_dims)
    return _spread(args, in_dims, f"in_dims {in_dims}", "the inputs")


def _out_dims(output: Any, out_dims: Any) -> list[Any]:
    """The dim of each leaf of an output; of a single tensor's a tuple may hold it.

    Raises:
        ValueError: `out_dims` has something else than ints and None, or is of another form.
    """
    if not all(dim is None or type(dim) is int for dim in leaves(out_dims)):
        raise ValueError(
            f"vmap: `out_dims` must be an int, None or a python collection of ints representing "
            f"where in the outputs the vmapped dimension should appear, but is {out_dims!r}"
        )
    if isinstance(output, Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1:
        return [*out_dims]
    return _spread(output, out_dims, f"out_dims {out_dims}", "`outputs`")


def _spread(tree: Any, dims: Any, title: str, of: str) -> list[Any]:
    """The dim of each leaf of a tree, of which `dims` may name those of whole branches."""
    if dims is None or isinstance(dims, int):
        return [dims] * len(leaves(tree))
    parts, named = tree, isinstance(tree, dict) and isinstance(dims, dict)
    if named and tree.keys() == dims.keys():
        parts, dims = list(tree.values()), [dims[key] for key in tree]
    fits = isinstance(parts, list | tuple) and isinstance(dims, list | tuple)
    if not fits or len(parts) != len(dims):
        raise ValueError(
            f"vmap: {title.split()[0]} is not compatible with the structure of {of}: {title} "
            f"for {type(tree).__name__}"
        )
    return [d for part, own in zip(parts, dims, strict=True) for d in _spread(part, own, title, of)]


def _stacked(results: list[Any], out_dims: Any) -> Any:
    """The calls' outputs, each stacked along its own dim.

    Raises:
        ValueError: an output that is no tensor, one without a dim that is not the same in every
            call, or no call at all, whose output's form none knows.
    """
    if not results:
        raise ValueError("vmap: the mapped dimension has no elements, so the output is not known")
    columns = list(zip(*map(leaves, results), strict=True))
    dims = _out_dims(results[0], out_dims)
    for output in columns:
        if not isinstance(output[0], Tensor):
            raise ValueError(
                f"vmap: `func` must only return Tensors, got type {type(output[0])}. Did you mean "
                "to set out_dims= to None for output?"
            )
    for output, dim in zip(columns, dims, strict=True):
        if dim is None and not all(t is output[0] or equal(t, output[0]) for t in output[1:]):
            raise ValueError("vmap: `func` can not return a BatchedTensor when out_dim is None")
    try:
        whole = [
            output[0] if dim is None else stack(output, dim)
            for output, dim in zip(columns, dims, strict=True)
        ]
    except Exception as error:
        rename(error, "vmap")
        raise
    return filled(results[0], whole)


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers of models of one kind, stacked along a new first dim.

    Returns:
        (parameters, buffers), by name; parameters are leaves that require a gradient as theirs do.

    Raises:
        RuntimeError: no models, some in training and some not, or of different classes.
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be in the same mode.")
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def together(states: list[dict[str, Tensor]]) -> dict[str, Any]:
        return {
            name: stack([state[name] for state in states])
            .detach()
            .requires_grad_(one.requires_grad)
            for name, one in states[0].items()
        }

    return (
        together([dict(model.named_parameters()) for model in models]),
        together([dict(model.named_buffers()) for model in models]),
    )
