"""Settings: whether operations are recorded, and the dtype of Python floats."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ..absent import lacks
from ..backend import DType, numpy
from ..backend.dtypes import FLOATING, as_dtype
from ..graph import InferenceStorage, Storage, mode
from .element import dtype, dtype_of

F = TypeVar("F", bound=Callable[..., Any])

State = tuple[bool, type[Storage]]  # of a thread: `mode.grad` and `mode.storage`

_default_dtype: DType = numpy.dtype("float32")


class Nothing:
    """A setting, or a `with` block, without effect."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class _Block:
    """A `with` block, or decorator of functions and generators, with recording on or off.

    It may be nested, be used several times, and decorate without parentheses (`@no_grad`).
    """

    enabled: bool

    def __new__(cls, *args: Any) -> Any:
        """The block; or the decorated function, if it decorates without parentheses."""
        block = super().__new__(cls)
        if not (args and callable(args[0])):
            return block
        block.__init__()  # type: ignore[misc]
        return block(args[0])

    def __init__(self) -> None:
        self._before: list[State] = []

    def _inside(self) -> State:
        """The state in the block."""
        return self.enabled, mode.storage

    def __enter__(self) -> None:
        self._before.append(_set(self._inside()))

    def __exit__(self, *_: object) -> None:
        _set(self._before.pop())

    def __call__(self, function: F) -> F:
        """A function, or generator function, that runs in this mode."""
        decorate = _generator if inspect.isgeneratorfunction(function) else _function
        return cast(F, decorate(self._inside, function))


def _set(state: State) -> State:
    """Give this thread another state; returns the one before."""
    before = mode.grad, mode.storage
    mode.grad, mode.storage = state
    return before


def _function(inside: Callable[[], State], function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that runs in the mode that `inside` says when it is called."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        before = _set(inside())
        try:
            return function(*args, **kwargs)
        finally:
            _set(before)

    return run


def _generator(inside: Callable[[], State], function: Callable[..., Any]) -> Callable[..., Any]:
    """A generator that runs in its mode, while the code between its values runs in its own."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        inner = function(*args, **kwargs)
        within = _function(inside, lambda resume, *given: resume(*given))
        resume: tuple[Any, ...] = (inner.send, None)
        while True:
            try:
                value = within(*resume)
            except StopIteration as end:
                return end.value
            try:
                resume = inner.send, (yield value)
            except GeneratorExit:
                within(inner.close)
                raise
            except BaseException as error:
                resume = inner.throw, error

    return run


@lacks("clone prev")
class no_grad(_Block):
    """Operations inside are not recorded: no gradients, and nothing is kept for them.

    Example:
        >>> w = torch.tensor(1.0, requires_grad=True)
        >>> with torch.no_grad():
        ...     y = w * 2
        >>> y.requires_grad
        False
    """

    enabled = False


class enable_grad(_Block):
    """Operations inside are recorded, also within `no_grad`.

    Example:
        >>> w = torch.tensor(1.0, requires_grad=True)
        >>> with torch.no_grad(), torch.enable_grad():
        ...     y = w * 2
        >>> y.requires_grad
        True
    """

    enabled = True


class set_grad_enabled(_Block):
    """Turn recording on or off at once; as a `with` block or a decorator, back at the end.

    Args:
        mode: whether to record.

    Example:
        >>> w = torch.tensor(1.0, requires_grad=True)
        >>> training = False
        >>> with torch.set_grad_enabled(training):
        ...     y = w * 2
        >>> y.requires_grad
        False
    """

    def __new__(cls, mode: bool) -> Any:
        """The block."""
        return object.__new__(cls)

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.enabled = bool(mode)
        self._outside = _set(self._inside())

    def __enter__(self) -> None:
        before = _set(self._inside())
        self._before.append(before if self._before else self._outside)

    def __call__(self, function: F) -> F:
        """A function that runs in this mode; that it was set at once is taken back."""
        _set(self._outside)
        return super().__call__(function)


class inference_mode(_Block):
    """`no_grad` that marks what is made inside: its `is_inference()` is True, also of its views.

    Args:
        mode: False for a block in which operations are recorded, within any other.

    Example:
        >>> with torch.inference_mode():
        ...     y = torch.ones(2)
        >>> y.is_inference(), (y + 1).is_inference()
        (True, False)
    """

    def __new__(cls, mode: Any = True) -> Any:
        """The block; or the decorated function."""
        return super().__new__(cls, mode)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self._active = bool(mode)

    def _inside(self) -> State:
        return not self._active, InferenceStorage if self._active else Storage


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in an `inference_mode` block."""
    return mode.storage is InferenceStorage


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread."""
    return mode.grad


def default_dtype() -> DType:
    """NumPy's dtype that Python floats become, float32 unless changed."""
    return _default_dtype


def default_or(dtype: Any) -> DType:
    """NumPy's dtype of what stands for one, or the default one for None."""
    return _default_dtype if dtype is None else as_dtype(dtype)


def get_default_dtype() -> dtype:
    """The dtype that Python floats become, float32 unless changed."""
    return dtype_of(_default_dtype)


def set_default_dtype(d: Any) -> None:
    """Set the dtype that Python floats become.

    Raises:
        TypeError: not a floating-point dtype.
    """
    global _default_dtype
    found = as_dtype(d)
    if d is None or found.kind not in FLOATING:
        raise TypeError(f"only floating-point types are supported as the default, not {d}")
    _default_dtype = found
