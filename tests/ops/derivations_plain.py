"""The functions that `docs/derivations.md` differentiates, in NumPy, from their definitions."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tests.ops.derivations_tools import Array

EPS = 0.1  # large, so that a formula that forgets it fails


def softmax(z: Array) -> Array:
    """Over the last axis."""
    e = np.exp(z)
    return e / e.sum(-1, keepdims=True)


def log_softmax(z: Array) -> Array:
    """Over the last axis."""
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def cross_entropy(z: Array, t: Array) -> Array:
    """−Σ t ln softmax(z), for each row of scores and of targets."""
    return -(t * log_softmax(z)).sum(-1)


def relu(x: Array) -> Array:
    """max(0, x)."""
    return np.maximum(x, 0)


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """W x + b for each row x."""
    return np.asarray(x @ weight.T + bias)


# These three work on arrays and on tensors alike.
def sigma(x: Any) -> Any:
    """√(v + ε) of each column."""
    return (((x - x.mean(0)) ** 2).mean(0) + EPS) ** 0.5


def normalise(x: Any) -> Any:
    """x̂ of each column."""
    return (x - x.mean(0)) / sigma(x)


def batch_norm(x: Any, gamma: Any, beta: Any) -> Any:
    """γ x̂ + β."""
    return gamma * normalise(x) + beta


class Patches:
    """Where each tap k of a window sees which pixel m from position n: φ(k, n) of the text."""

    def __init__(self, shape: tuple[int, int, int], kernel: int, stride: int, padding: int) -> None:
        channels, height, width = self.shape = shape
        self.kernel, self.stride, self.padding = kernel, stride, padding
        self.out = tuple((n + 2 * padding - kernel) // stride + 1 for n in (height, width))
        taps = list(product(range(channels), range(kernel), range(kernel)))
        positions = list(product(*map(range, self.out)))
        self.size = len(taps), len(positions)
        self.sees = {
            (k, n): (c, p * stride + u - padding, q * stride + v - padding)
            for k, (c, u, v) in enumerate(taps)
            for n, (p, q) in enumerate(positions)
            if 0 <= p * stride + u - padding < height and 0 <= q * stride + v - padding < width
        }

    def unfold(self, x: Array) -> Array:
        """C: column n holds what position n sees."""
        columns = np.zeros(self.size)
        for place, pixel in self.sees.items():
            columns[place] = x[pixel]
        return columns

    def fold(self, columns: Array) -> Array:
        """Every entry added up where it came from."""
        x = np.zeros(self.shape)
        for place, pixel in self.sees.items():
            x[pixel] += columns[place]
        return x

    def convolve(self, x: Array, weight: Array, bias: Array) -> Array:
        """One image with kernels (M, C, k, k): the sum over taps, term by term."""
        y = np.zeros((len(weight), self.size[1])) + bias[:, None]
        flat = weight.reshape(len(weight), -1)
        for (k, n), pixel in self.sees.items():
            y[:, n] += flat[:, k] * x[pixel]
        return y.reshape(-1, *self.out)

    def winners(self, x: Array) -> list[list[tuple[int, int, int]]]:
        """For each channel w(n), the first largest pixel of each window."""
        found: list[list[tuple[int, int, int]]] = []
        for channel in range(self.shape[0]):
            seen: list[list[tuple[int, int, int]]] = [[] for _ in range(self.size[1])]
            for (_, n), pixel in self.sees.items():
                if pixel[0] == channel:
                    seen[n].append(pixel)
            found.append([max(pixels, key=x.__getitem__) for pixels in seen])
        return found

    def max_pool(self, x: Array) -> Array:
        """The largest pixel of each window."""
        return np.array([[x[w] for w in ws] for ws in self.winners(x)]).reshape(-1, *self.out)
