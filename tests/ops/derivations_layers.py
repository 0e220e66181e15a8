"""The results D27 to D39 of `docs/derivations.md`; `test_derivations.py` runs them."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np

from tests.ops.derivations_plain import EPS, Patches, batch_norm, normalise, sigma
from tests.ops.derivations_tools import Array, Library, Rng, agree, draw, vjp
from tinygrad_lite.backend.plain.pool import Pool
from tinygrad_lite.backend.window import Window
from tinygrad_lite.ops import conv, norm, pool
from tinygrad_lite.tensor import Tensor, apply
from tinygrad_lite.tensor.create import as_tensor

# As the library has it; and from elementary operations, which the engine differentiates.
BATCH_NORMS: list[Library] = [partial(apply, norm.batch_norm, eps=EPS), batch_norm]
# With an input that needs no gradient, the library sums up for γ and β alone.
FIXED_INPUT: Library = lambda x, gamma, beta: BATCH_NORMS[0](x.detach(), gamma, beta)  # noqa: E731
PATCHES = Patches((2, 5, 4), kernel=3, stride=2, padding=1)
DENSE = Patches((2, 4, 3), kernel=3, stride=1, padding=1)


def window(patches: Patches) -> Window:
    return Window(*((n, n) for n in (patches.kernel, patches.stride, patches.padding)))


def conv2d(patches: Patches) -> Library:
    def one_image(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        y = apply(conv.conv2d, x.unsqueeze(0), weight, bias, window=window(patches), groups=1)
        return y.squeeze(0)

    return one_image


def test_d27_batch_norm_by_gamma(rng: Rng) -> None:
    x, gamma, beta, g = draw(rng, (5, 3), 3, 3, (5, 3))
    for library in *BATCH_NORMS, FIXED_INPUT:
        agree((g * normalise(x)).sum(0), library, batch_norm, x, gamma, beta, wrt=1, g=g)


def test_d28_batch_norm_by_beta(rng: Rng) -> None:
    x, gamma, beta, g = draw(rng, (5, 3), 3, 3, (5, 3))
    for library in *BATCH_NORMS, FIXED_INPUT:
        agree(g.sum(0), library, batch_norm, x, gamma, beta, wrt=2, g=g)


def test_d29_mean(rng: Rng) -> None:
    (x,) = draw(rng, (5, 3))
    written = np.einsum("ij,r->irj", np.eye(3), np.ones(5) / 5)
    agree(written, partial(Tensor.mean, dim=0), partial(np.mean, axis=0), x)


def test_d30_variance(rng: Rng) -> None:
    (x,) = draw(rng, (5, 3))
    written = np.einsum("ri,ij->irj", 2 / 5 * (x - x.mean(0)), np.eye(3))
    agree(written, partial(Tensor.var, dim=0, correction=0), partial(np.var, axis=0), x)


def test_d31_normalised(rng: Rng) -> None:
    (x,) = draw(rng, (5, 3))
    n = normalise(x)
    slope = (5 * np.eye(5)[:, :, None] - 1 - n[:, None] * n[None]) / (5 * sigma(x))
    written = np.einsum("sri,ij->sirj", slope, np.eye(3))
    for library in BATCH_NORMS:
        bare = lambda x, f=library: f(x, as_tensor(np.ones(3)), as_tensor(np.zeros(3)))  # noqa: E731
        agree(written, bare, normalise, x)


def test_d32_batch_norm_by_input(rng: Rng) -> None:
    x, gamma, beta, g = draw(rng, (8, 3), 3, 3, (8, 3))
    n = normalise(x)
    written = gamma / (8 * sigma(x)) * (8 * g - g.sum(0) - n * (g * n).sum(0))
    for library in BATCH_NORMS:
        agree(written, library, batch_norm, x, gamma, beta, g=g)

    def images(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:  # a column: B·H·W pixels
        y = BATCH_NORMS[0](x.reshape(2, 2, 2, 3).permute(0, 3, 1, 2), gamma, beta)
        return y.permute(0, 2, 3, 1).reshape(8, 3)

    agree(written, images, batch_norm, x, gamma, beta, g=g)


def test_d33_batch_norm_orthogonal(rng: Rng) -> None:
    x, gamma, beta, g = draw(rng, (5, 3), 3, 3, (5, 3))
    n, s = normalise(x), sigma(x)
    stretch = EPS / s**2 * gamma / s * (g * n).sum(0)
    # The derivatives along c 1 and along c x̂, for a number c of each feature.
    for (along, written), f in product([(np.ones((5, 3)), np.zeros(3)), (n, stretch)], BATCH_NORMS):

        def library(c: Tensor, along: Array = along, f: Library = f) -> Tensor:
            return f(as_tensor(x) + c * as_tensor(along), as_tensor(gamma), as_tensor(beta))

        def plain(c: Array, along: Array = along) -> Array:
            return batch_norm(x + c * along, gamma, beta)

        agree(written, library, plain, np.zeros(3), g=g)


def test_d34_batch_norm_evaluation(rng: Rng) -> None:
    x, gamma, beta, mean, var, g = draw(rng, (5, 3), 3, 3, 3, 3, (5, 3))
    stored = mean, var**2

    def library(x: Tensor) -> Tensor:
        constants = map(as_tensor, (*stored, gamma, beta))
        return apply(norm.batch_norm_eval, x, *constants, eps=EPS)

    sigma = np.sqrt(stored[1] + EPS)
    agree(gamma / sigma * g, library, lambda x: gamma * (x - mean) / sigma + beta, x, g=g)


def test_d35_unfold(rng: Rng) -> None:
    x, g = draw(rng, PATCHES.shape, PATCHES.size)

    def library(x: Tensor) -> Tensor:
        return apply(conv.unfold, x.unsqueeze(0), window=window(PATCHES)).squeeze(0)

    agree(PATCHES.fold(g), library, PATCHES.unfold, x, g=g)
    copies = np.zeros(PATCHES.size + PATCHES.shape)
    for place, pixel in PATCHES.sees.items():
        copies[place + pixel] = 1
    agree(copies, library, PATCHES.unfold, x)
    refold = partial(apply, conv.fold, shape=(1, *PATCHES.shape), window=window(PATCHES))
    np.testing.assert_allclose(refold(as_tensor(g[None])).numpy()[0], PATCHES.fold(g))


def test_d36_convolution_by_weight(rng: Rng) -> None:
    for patches in PATCHES, DENSE:
        x, w, b, g = draw(rng, patches.shape, (3, 2, 3, 3), 3, (3, *patches.out))
        flat = g.reshape(3, -1)
        written = (flat @ patches.unfold(x).T).reshape(w.shape)
        agree(written, conv2d(patches), patches.convolve, x, w, b, wrt=1, g=g)
        ones = np.ones(patches.size[1])
        agree(flat @ ones, conv2d(patches), patches.convolve, x, w, b, wrt=2, g=g)


def test_d37_convolution_by_input(rng: Rng) -> None:
    for patches in PATCHES, DENSE:
        x, w, b, g = draw(rng, patches.shape, (3, 2, 3, 3), 3, (3, *patches.out))
        written = patches.fold(w.reshape(3, -1).T @ g.reshape(3, -1))
        agree(written, conv2d(patches), patches.convolve, x, w, b, g=g)


def test_d38_convolution_flipped(rng: Rng) -> None:
    x, w, b, g = draw(rng, DENSE.shape, (3, 2, 3, 3), 3, (3, *DENSE.out))
    written, border = np.zeros(DENSE.shape), DENSE.padding
    for (c, i, j), u, v in product(np.ndindex(DENSE.shape), range(3), range(3)):
        p, q = i - u + border, j - v + border
        if 0 <= p < g.shape[1] and 0 <= q < g.shape[2]:
            written[c, i, j] += w[:, c, u, v] @ g[:, p, q]
    agree(written, conv2d(DENSE), DENSE.convolve, x, w, b, g=g)


def test_d39_max_pooling(rng: Rng) -> None:
    (g,) = draw(rng, (2, *PATCHES.out))
    x = rng.permutation(40).reshape(PATCHES.shape) / 4.0
    size = Pool(*window(PATCHES)[:3])

    def library(x: Tensor) -> Tensor:
        return apply(pool.max_pool2d, x.unsqueeze(0), pool=size).squeeze(0)

    def written(x: Array) -> Array:
        gradient = np.zeros(x.shape)
        for winners, share in zip(PATCHES.winners(x), g.reshape(2, -1), strict=True):
            for pixel, g_n in zip(winners, share, strict=True):
                gradient[pixel] += g_n
        return gradient

    agree(written(x), library, PATCHES.max_pool, x, g=g)
    tied = np.zeros(PATCHES.shape)
    np.testing.assert_allclose(vjp(library, tied, wrt=0, g=g), written(tied))


__all__ = [name for name in dir() if name.startswith("test_")]
