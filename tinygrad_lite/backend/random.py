"""Seeds and generators. Draws happen on the host, so CPU and GPU runs see the same numbers."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..absent import lacks
from .states import entries, integer

__all__ = [
    "Generator",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

HostArray = np.ndarray[Any, Any]

shown: Callable[[HostArray], Any] = np.asarray
"""Makes what users see of an array; the tensor room puts here what makes tensors."""
placed: Callable[[Any], Any] = str
"""Makes what users see of a device's name, and refuses one without draws; likewise."""

_BYTES = struct.Struct("<8sQ16s16sII")
"""A state as bytes: the generator's name, the seed, PCG64's state and increment, a spare half."""


DEFAULT_SEED = 67280421310721


@lacks("get_offset set_offset")
class Generator:
    """A source of random numbers with a state that can be saved, as `torch.Generator`.

    The numbers come from NumPy's PCG64, so they differ from PyTorch's for the same seed.

    Args:
        seed: an integer; default: `DEFAULT_SEED`, PyTorch's. (There a device is the first argument.
            One is accepted here, and counts as None: draws are made on the host.)
        device: accepted for PyTorch's sake, without effect.

    Raises:
        RuntimeError: no device, one that can't be used here, or "meta".
        TypeError: neither a device nor its name.
    """

    __module__ = "tinygrad_lite"  # as users import it, and types print

    def __init__(self, seed: Any = None, *, device: Any = None) -> None:
        given = device if device is not None else seed
        numbered = given is None or isinstance(given, int | np.integer)
        self._place = "cpu" if numbered else str(placed(given))
        if seed is None or not isinstance(seed, int | np.integer):
            self.manual_seed(DEFAULT_SEED)
        else:
            self.manual_seed(int(seed))

    def seed(self) -> int:
        """Start from a seed that the operating system gives, and return it."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed` (an integer; negative ones count modulo 2⁶⁴).

        Raises:
            RuntimeError: not an integer.
            ValueError: one of more than 64 bits.
        """
        if not isinstance(seed, int | np.integer):
            raise RuntimeError(f"manual_seed: expected an integer, but got {seed!r}")
        given = int(seed)
        if not -(2**63) <= given < 2**64:
            raise ValueError(f"manual_seed: {given} does not fit 64 bits")
        self._seed = given % 2**64
        self._numpy: np.random.Generator | None = None
        return self

    @property
    def numpy(self) -> np.random.Generator:
        """The NumPy generator that draws, made at its first use: numpy.random loads slowly."""
        if self._numpy is None:
            self._numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self._numpy

    @property
    def device(self) -> Any:
        """The device that was given, or the CPU; the draws are made on the host in any case."""
        return placed(self._place)

    def clone_state(self) -> Generator:
        """Another generator, in the same state."""
        other = Generator(device=self._place)
        return other.set_state(self.get_state())

    def graphsafe_get_state(self) -> Generator:
        """`clone_state`: the state as a generator of its own."""
        return self.clone_state()

    def graphsafe_set_state(self, state: Generator) -> Generator:
        """Go on from the state of another generator."""
        return self.set_state(state.get_state())

    def initial_seed(self) -> int:
        """The seed that this generator was last started from."""
        return self._seed

    @property
    def state(self) -> dict[str, Any]:
        """The state as plain numbers and strings (JSON can hold it); it can be set, too.

        Raises:
            TypeError, KeyError, ValueError: it is not one of NumPy's PCG64. Nothing has changed.
        """
        return dict(self.numpy.bit_generator.state)

    @state.setter
    def state(self, state: Any) -> None:
        self.numpy.bit_generator.state = _checked(state)

    def get_state(self) -> Any:
        """The state, the seed included, as a tensor of 56 bytes (uint8, on the CPU)."""
        now = self.state
        inner = (now["state"][key].to_bytes(16, "little") for key in ("state", "inc"))
        spare = (now["has_uint32"], now["uinteger"])
        content = _BYTES.pack(b"PCG64", self._seed, *inner, *spare)
        return shown(np.frombuffer(content, np.uint8).copy())

    def set_state(self, new_state: Any) -> Generator:
        """Go on from a state that `get_state` gave, or from a dict as `state` has.

        Raises:
            TypeError: neither a tensor of bytes nor a dict.
            RuntimeError: the bytes are not of such a state, but of PyTorch's, say.
            KeyError, ValueError: a dict of something else. Nothing has changed in any case.
        """
        if isinstance(new_state, Mapping):
            self.state = new_state
            return self
        if str(getattr(new_state, "dtype", "")).rpartition(".")[2] != "uint8":
            kind = type(new_state).__name__
            raise TypeError(f"set_state: RNG state must be a torch.ByteTensor, but got {kind}")
        content = bytes(new_state.tolist()) if new_state.ndim == 1 else b""
        if len(content) != _BYTES.size or not content.startswith(b"PCG64\0"):
            raise RuntimeError(
                f"set_state: expected the {_BYTES.size} bytes that get_state gives, but got a "
                f"state of shape {tuple(new_state.shape)} of another generator than NumPy's"
            )
        _, seed, state, inc, has, spare = _BYTES.unpack(content)
        numbers = {key: int.from_bytes(x, "little") for key, x in (("state", state), ("inc", inc))}
        try:
            self.state = {
                "bit_generator": "PCG64",
                "state": numbers,
                "has_uint32": has,
                "uinteger": spare,
            }
        except ValueError as error:
            raise RuntimeError(f"set_state: {error}") from None
        self._seed = seed
        return self


def _checked(state: Any) -> dict[str, Any]:
    """A copy of a generator's state, all of it checked."""
    owner, inner = "Generator", "Generator: state"
    entries(owner, state, ["bit_generator", "state", "has_uint32", "uinteger"])
    if state["bit_generator"] != "PCG64":
        raise ValueError("Generator: the state is of another generator than PCG64")
    entries(inner, state["state"], ["state", "inc"])
    numbers = {key: _bits(inner, key, state["state"][key], 128) for key in ("state", "inc")}
    if numbers["inc"] % 2 == 0:
        raise ValueError("Generator: state: inc must be odd")
    return {
        "bit_generator": "PCG64",
        "state": numbers,
        "has_uint32": _bits(owner, "has_uint32", state["has_uint32"], 1),
        "uinteger": _bits(owner, "uinteger", state["uinteger"], 32),
    }


def _bits(owner: str, key: str, value: Any, bits: int) -> int:
    """An integer of so many bits."""
    return integer(owner, key, value, 0, 2**bits - 1)


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: Any) -> Generator:
    """Seed the default generator; the same seed gives the same numbers on every device.

    Raises:
        TypeError, ValueError: what Python makes no integer of, or one of more than 64 bits.
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Start the default generator from a seed that the operating system gives; return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """The default generator's state for a checkpoint, a tensor of bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Put the default generator into a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)


def _draws(generator: Generator | None) -> np.random.Generator:
    return (generator or default_generator).numpy


def normal(shape: tuple[int, ...], dtype: Any, generator: Generator | None = None) -> HostArray:
    """Standard normal numbers, in an array of a shape and dtype.

    Those of float64 are drawn as such, all others as float32 and then rounded. Complex numbers have
    variance 1: their real and imaginary parts 1/2 each.
    """
    if np.dtype(dtype).kind == "c":
        own = np.finfo(dtype).dtype
        parts = normal((*shape, 2), own, generator) * own.type(0.5**0.5)
        return _paired(parts, dtype)
    drawn = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    return np.asarray(_draws(generator).standard_normal(shape, dtype=drawn)).astype(
        dtype, copy=False
    )


def _paired(parts: HostArray, dtype: Any) -> HostArray:
    """Parts (…, 2) as complex numbers (…)."""
    made: HostArray = parts.view(dtype)[..., 0]
    return made


def uniform(
    shape: tuple[int, ...],
    dtype: Any,
    generator: Generator | None = None,
    low: float = 0.0,
    high: float = 1.0,
) -> HostArray:
    """Numbers uniform on [low, high), in an array of a shape and dtype.

    Those of float64 are drawn as such, all others as float32. One that is rounded up to `high`
    becomes `low`. Of complex numbers both parts are drawn so.
    """
    if np.dtype(dtype).kind == "c":
        return _paired(uniform((*shape, 2), np.finfo(dtype).dtype, generator, low, high), dtype)
    drawn = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    y: HostArray = np.asarray(_draws(generator).random(shape, dtype=drawn))
    if low == 0.0 and high == 1.0 and y.dtype == dtype:
        return y
    y = np.asarray(np.multiply(y, high - low) + low, dtype)
    return np.where(y >= high, np.asarray(low, dtype), y) if low < high else y


def integers(
    low: int, high: int, shape: tuple[int, ...], dtype: Any, generator: Generator | None = None
) -> HostArray:
    """Integers uniform on [low, high), in an array of a shape and dtype."""
    return np.asarray(_draws(generator).integers(low, high, shape)).astype(dtype, copy=False)


def permutation(n: int, generator: Generator | None = None) -> HostArray:
    """A random order of 0 … n−1, int64."""
    return _draws(generator).permutation(n).astype(np.int64, copy=False)


def weighted(
    weights: HostArray, count: int, replacement: bool, generator: Generator | None = None
) -> HostArray:
    """Draws of 0 … n−1 with given weights w (n,), int64 (count,).

    With replacement, a uniform draw is looked up among the running sums of the weights. Without it,
    each i gets a random time, exponential with rate wᵢ, and the `count` earliest are taken
    (Efraimidis, Spirakis, "Weighted random sampling with a reservoir", 2006).

    Raises:
        RuntimeError: weights that are negative, not finite or all 0, or too few that are not 0.
    """
    w = np.asarray(weights, np.float64)
    positive = int(np.count_nonzero(w))
    if not np.isfinite(w).all() or (w < 0).any() or positive == 0:
        raise RuntimeError("weighted draws: weights must be finite, not negative, and not all 0")
    draws = _draws(generator)
    if replacement:
        sums = np.cumsum(w)
        found = np.searchsorted(sums, draws.random(count) * sums[-1], side="right")
        return np.asarray(np.minimum(found, np.flatnonzero(w)[-1]), np.int64)
    if count > positive:
        raise RuntimeError(
            f"weighted draws: {count} without replacement, but only {positive} weights are not 0"
        )
    with np.errstate(divide="ignore"):
        times = draws.standard_exponential(len(w)) / w
    return np.asarray(np.argsort(times, kind="stable")[:count], np.int64)


def gamma(alpha: HostArray, generator: Generator | None = None) -> HostArray:
    """A draw of the gamma distribution with rate 1 for each element α, in the dtype of `alpha`."""
    return np.asarray(_draws(generator).standard_gamma(alpha)).astype(alpha.dtype, copy=False)


def poisson(rate: HostArray, generator: Generator | None = None) -> HostArray:
    """A draw of the Poisson distribution for each element of `rate`, in its dtype.

    NumPy counts in int64. Beyond 2⁵³ a count has no digits of its own: it is the nearest number
    to a normal draw of that mean and variance.
    """
    draws, large = _draws(generator), rate > 2.0**53
    drawn = np.asarray(draws.poisson(np.where(large, 0, rate))).astype(rate.dtype, copy=False)
    if large.any():
        wide = np.asarray(rate, np.float64)
        normal = (wide + np.sqrt(wide) * draws.standard_normal(rate.shape)).astype(rate.dtype)
        drawn = np.where(large, normal, drawn)
    return drawn


def binomial(count: HostArray, chance: HostArray, generator: Generator | None = None) -> HostArray:
    """A draw of the binomial distribution for each n and p, in p's dtype."""
    p = np.asarray(chance, np.float64)
    drawn = _draws(generator).binomial(np.asarray(count, np.int64), p)
    return np.asarray(drawn).astype(chance.dtype, copy=False)


def von_mises(concentration: HostArray, generator: Generator | None = None) -> HostArray:
    """A draw around 0 of von Mises' distribution for each κ, in its dtype."""
    wide = np.asarray(concentration, np.float64)
    drawn = _draws(generator).vonmises(0.0, wide)
    return np.asarray(drawn).astype(concentration.dtype, copy=False)
