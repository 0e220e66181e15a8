"""Anomaly mode: it names the first operation whose result is not finite though its inputs are.

While it is off, an operation looks once at `watch`, and so does a backward pass.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from ..backend import capture, is_array, namespace, numpy, to_host
from ..backend.dtypes import FLOATING
from ..graph import Leaf, Node, Rule, VJPs
from .source_line import Place, place

__all__ = ["AnomalyError", "detect_anomaly", "set_detect_anomaly"]

watch: Watch | None = None  # of the whole process, as in PyTorch; None while the mode is off


class AnomalyError(RuntimeError):
    """An operation's result, or its gradient, is not finite; the message says where and how."""


class set_detect_anomaly:
    """Turn anomaly mode on or off, at once; as a `with` block, back at its end.

    In anomaly mode the first operation whose output, or whose gradient, has a NaN or an infinity
    raises `AnomalyError`, unless it was given one (in an input, or as a number such as the value
    of `masked_fill`). The message names the operation, the user's line and the layer, shapes,
    the place and the values. Other errors in a backward pass say where the operation ran.
    PyTorch's mode looks at gradients alone, and at NaN alone.

    It looks at every element, so training takes two to three times as long, and a step can't be
    captured. It holds for all threads.

    Args:
        mode: on or off.
        check_nan: False looks at no elements: only errors in backward passes say more.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        global watch
        self._before = watch
        watch = Watch(check_nan) if mode else None

    def __enter__(self) -> None:
        pass  # it is on since it was made

    def __exit__(self, *_: object) -> None:
        global watch
        watch = self._before


class detect_anomaly:
    """A `with` block in anomaly mode: see `set_detect_anomaly`."""

    def __init__(self, check_nan: bool = True) -> None:
        self._check = check_nan

    def __enter__(self) -> None:
        self._setting = set_detect_anomaly(True, self._check)

    def __exit__(self, *_: object) -> None:
        self._setting.__exit__()


@contextmanager
def watching(other: Watch) -> Iterator[None]:
    """Let another `Watch` see the operations of a `with` block, in place of the one that did."""
    global watch
    before, watch = watch, other
    try:
        yield
    finally:
        watch = before


class Watch:
    """What anomaly mode does at each operation and in each backward pass.

    Args:
        check: whether to look at the elements.
    """

    def __init__(self, check: bool) -> None:
        self.check = check
        self._places: WeakKeyDictionary[Node, Place] = WeakKeyDictionary()

    def made(self, node: Node | Leaf | None) -> None:
        """Note that the operation of a node was asked for at the line that runs now."""
        if isinstance(node, Node):
            self._places[node] = place()

    def place_of(self, node: Node) -> Place | None:
        """Where the operation of a node was asked for, if that was noted."""
        return self._places.get(node)

    def forward(self, rule: Rule, given: list[Any], out: Any, kwargs: dict[str, Any]) -> None:
        """Look at what a rule made.

        Args:
            rule: what ran.
            given: its inputs, with arrays in place of tensors.
            out: the tensor that came out.
            kwargs: the rule's arguments that are not arrays.

        Raises:
            AnomalyError: it is not finite, and everything given is.
        """
        if self.check:
            capture.forbid("anomaly mode looks at the elements, which waits for the device")
            if not _finite(out.array) and all(map(_finite, given)):
                raise AnomalyError(
                    f"{rule.__name__}: the output is not finite, though the inputs are: "
                    + _report(out.array, given)
                    + str(place())
                )
        self.made(out._node)

    def vjps(self, vjps_of: Callable[[Node], VJPs]) -> Callable[[Node], VJPs]:
        """A function that gives a node's VJPs, of which each gradient is looked at."""

        def watched(node: Node) -> VJPs:
            with self._told(node):
                vjps = vjps_of(node)
            if not isinstance(vjps, tuple):
                return partial(self._shares, node, vjps)
            return tuple(
                None if vjp is None else partial(self._share, node, i, vjp)
                for i, vjp in enumerate(vjps)
            )

        return watched

    def visits(
        self,
        roots: Iterable[tuple[Node | Leaf, Any]],
        visited: Iterable[tuple[Node | Leaf, Any, bool]],
    ) -> Iterator[tuple[Node | Leaf, Any, bool]]:
        """What a walk from `roots` yields, of which each sum of gradients is looked at.

        Raises:
            AnomalyError: a sum is not finite, though the gradients that the walk began with are,
                and no VJP made one that is not.
        """
        sound = self.check and all(_finite(grad) for _, grad in roots)
        for node, grad, owned in visited:
            if sound and not _finite(grad):
                name = node.operation if isinstance(node, Node) else "a leaf"
                raise AnomalyError(
                    f"{name}: the sum of its gradients is not finite, though all of them are: "
                    + _report(grad, ())
                    + str(self._places.get(node, "") if isinstance(node, Node) else "")
                )
            yield node, grad, owned

    def _share(self, node: Node, position: int, vjp: Callable[[Any], Any], g: Any) -> Any:
        """The gradient of one input, looked at."""
        with self._told(node):
            share = vjp(g)
        self._look(node, position, share, g)
        return share

    def _shares(
        self, node: Node, joint: Callable[..., Iterable[Any]], g: Any, wanted: tuple[bool, ...]
    ) -> Iterator[Any]:
        """The gradients of all inputs, from one function, each looked at as it comes."""
        with self._told(node):
            shares = iter(joint(g, wanted))
        for position in itertools.count():
            with self._told(node):
                share = next(shares, shares)
            if share is shares:  # the end
                return
            self._look(node, position, share, g)
            yield share

    @contextmanager
    def _told(self, node: Node) -> Iterator[None]:
        """A `with` block whose errors get a note of where the operation of a node ran."""
        try:
            yield
        except Exception as error:
            error.add_note(f"{node.operation} ran{self._places.get(node, '')}")
            raise

    def _look(self, node: Node, position: int, share: Any, g: Any) -> None:
        """Raise if the gradient of an input is not finite, though g is."""
        if self.check and not _finite(share) and _finite(g):
            raise AnomalyError(
                f"{node.operation}: its gradient for input {position} is not finite, though the "
                f"output's is: {_report(share, (g,), 'the gradient of the output')}"
                f"{self._places.get(node, '')}"
            )


def _finite(value: Any) -> bool:
    """Whether an array, tensor, number, or collection of them has no NaN and no infinity."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    array = getattr(value, "array", value)  # a tensor's
    if not is_array(array) or array.dtype.kind not in FLOATING:
        return True
    if array.dtype.kind == "V":
        array = array.astype("float32")
    found = namespace(array).isfinite(array).all()
    return bool(to_host(found) if is_array(found) else found)


def _report(bad: Any, given: Iterable[Any], what: str = "input") -> str:
    """The first element that is not finite, how many are not, and what the inputs hold there."""
    if isinstance(bad, dict):  # the gradients of several outputs
        bad = next(part for part in bad.values() if not _finite(part))
    array = _host(bad)
    places = numpy.argwhere(~numpy.isfinite(array))
    place = tuple(places[0].tolist())
    text = (
        f"{array[place].item()} at {place}, {len(places):,} of {array.size:,} elements of "
        f"{array.dtype} {tuple(array.shape)}"
    )
    hosts = [_host(a) for a in given if is_array(getattr(a, "array", a))]
    for i, host in enumerate(hosts):
        name = what if len(hosts) == 1 else f"{what} {i}"
        text += f"\n  {name}: {host.dtype} {tuple(host.shape)}"
        if host.size:
            text += f" from {host.min().item():.6g} to {host.max().item():.6g}"
        if host.size > 1 and host.shape == array.shape:
            text += f", {host[place].item():.6g} at {place}"
    return text


def _host(value: Any) -> Any:
    """Elements in host memory, in a dtype that NumPy can calculate with."""
    array = to_host(getattr(value, "array", value))
    return array.astype("float32") if array.dtype.kind == "V" else array
