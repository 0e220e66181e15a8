"""The base of probability distributions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from ..tensor import Size, Tensor, no_grad
from ..tensor.create import arange
from ..tensor.source_line import user_level
from . import constraints
from .utils import lazy_property

Shape = Sequence[int]


class Distribution:
    """Base class of distributions, as `torch.distributions.Distribution`.

    A sample has the shape sample_shape + batch_shape + event_shape: one event for each of a batch
    of parameters, and as many of these as are asked for.

    Args:
        batch_shape: the shape over which parameters differ.
        event_shape: the shape of one event.
        validate_args: whether parameters and values are checked, which waits for the device.

    Attributes:
        arg_constraints: what each parameter must satisfy.
        support: what samples satisfy.
        has_rsample: whether `rsample` has gradients for the parameters.
        has_enumerate_support: whether `enumerate_support` lists all values.

    Raises:
        ValueError: parameters out of their range.
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    _validate_args: bool = __debug__
    # The parameters, and how many of their last dimensions belong to one event.
    _event_dims: ClassVar[Mapping[str, int]] = {}

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions that are not told check their arguments.

        Raises:
            ValueError: neither True nor False.
        """
        if value not in (True, False):
            raise ValueError(f"validate_args must be True or False, but is {value}")
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Shape = (),
        event_shape: Shape = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()

    def _check_parameters(self) -> None:
        try:
            known = self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = "
                "{}` or initialize the distribution with `validate_args=False` to turn off "
                "validation.",
                stacklevel=user_level(),
            )
            return
        for name, constraint in known.items():
            later = isinstance(getattr(type(self), name, None), lazy_property)
            if constraints.is_dependent(constraint) or (later and name not in self.__dict__):
                continue
            value = getattr(self, name)
            if not bool(constraint.check(value).all()):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                    f"{constraint!r}, but found invalid values:\n{value}"
                )

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        """The same distribution over a larger batch shape, without copying parameters.

        Raises:
            NotImplementedError: of a class that does not say how.
        """
        if not self._event_dims and type(self).expand is Distribution.expand:
            raise NotImplementedError(f"{type(self).__name__} does not implement expand")
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.__dict__.update(self.__dict__)
        for name, dims in self._event_dims.items():
            if name in self.__dict__:
                value = self.__dict__[name]
                tail = value.shape[value.ndim - dims :]
                new.__dict__[name] = value.expand((*batch_shape, *tail))
        new._batch_shape = Size(batch_shape)
        return new

    def _get_checked_instance(self, cls: type[Distribution], _instance: Any = None) -> Any:
        """What `expand` fills: what it was given, or an object of this class that is not set up.

        Args:
            cls: whose `expand` asks: what a class below it adds is not known to it.
            _instance: what it was given.

        Raises:
            NotImplementedError: it was given nothing, and the class has a constructor of its own
                but no `expand`.
        """
        if _instance is None and type(self).__init__ is not cls.__init__:
            raise NotImplementedError(
                f"{type(self).__name__} has its own __init__, so it must define expand as well"
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    @property
    def arg_constraints(self) -> Any:
        """What each parameter must satisfy, by its name."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """What samples satisfy."""
        raise NotImplementedError

    @property
    def batch_shape(self) -> Size:
        """The shape over which parameters differ."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one event."""
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples of the shape sample_shape + batch_shape + event_shape, without gradients."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """The same as functions of the parameters, with gradients for these."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """n samples; PyTorch's old name of `sample((n,))`."""
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at a value.

        Of the shape that the value has without its event dimensions, broadcast with batch_shape.
        """
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability that a sample is at most a value."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of `cdf`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along a new first dimension.

        Args:
            expand: give them for the whole batch shape, else with dimensions of 1.
        """
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The entropy, of the batch shape."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Shape = ()) -> Size:
        """The shape of a sample."""
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        """Check a value, if arguments are checked.

        Raises:
            ValueError: no tensor, another shape, or out of the support.
        """
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        start = value.ndim - len(self._event_shape)
        if value.shape[start:] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {value.shape} vs "
                f"{self._event_shape}."
            )
        expected = self._batch_shape + self._event_shape
        for i, j in zip(reversed(value.shape), reversed(expected), strict=False):
            if i not in (1, j) and j != 1:
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs "
                    f"{expected}."
                )
        if not bool(self.support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) "
                f"to be within the support ({self.support!r}) of the distribution {self!r}, but "
                f"found invalid values:\n{value}"
            )

    def _listed(self, count: int, like: Tensor, expand: bool) -> Tensor:
        """0 … count−1 along a first dimension, before the batch shape."""
        values = arange(count, dtype=like.dtype, device=like.device)
        values = values.reshape(-1, *(1 for _ in self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values

    def __repr__(self) -> str:
        known = {k: self.__dict__[k] for k in self.arg_constraints if k in self.__dict__}
        shown = (f"{k}: {v if v.numel() == 1 else v.shape}" for k, v in known.items())
        return f"{type(self).__name__}({', '.join(shown)})"
