"""Winograd's minimal filtering for 3×3 convolutions of stride 1 on NumPy.

F(m×m, 3×3) computes an m×m tile of outputs from an a×a tile of inputs, a = m + 2, with a²
instead of 9m² multiplications for each pair of channels (Lavin & Gray 2016, "Fast algorithms
for convolutional neural networks"):

    U = (G ⊗ G) w,   V = (Bᵀ ⊗ Bᵀ) x,   M = Σ_c U V,   y = (Aᵀ ⊗ Aᵀ) M,

tiles and kernels written as vectors. Each transform is one small matrix product; the sum over
channels is a batch of a² large ones. The gradients are the same products transposed:

    dM = (A ⊗ A) g,   dU = dM Vᵀ,   dw = (Gᵀ ⊗ Gᵀ) dU,   dV = Uᵀ dM,   dx = (B ⊗ B) dV,

where neighbouring tiles of dx overlap and add up. F(4×4) saves more multiplications, F(2×2)
has the smaller transforms and the smaller rounding error.

Memory: images are (C, H, W, N); transformed tiles (a², C, T) with T = tiles · N.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .threads import parallel
from .workspace import scratch

CHUNK = 1 << 20  # bytes of tiles that a transform works on at a time


class Transform(NamedTuple):
    """The matrices of F(m×m, 3×3), each the Kronecker product of its 1-D form with itself."""

    m: int
    input: Any  # Bᵀ ⊗ Bᵀ, (a², a²)
    kernel: Any  # G ⊗ G, (a², 9)
    output: Any  # Aᵀ ⊗ Aᵀ, (m², a²)


def _transform(m: int, bt: list[list[int]], g: list[list[float]], at: list[list[int]]) -> Transform:
    return Transform(m, *(np.kron(x, x).astype(np.float64) for x in map(np.array, (bt, g, at))))


TRANSFORMS = {
    2: _transform(
        2,
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    4: _transform(
        4,
        [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ],
        [
            [1 / 4, 0, 0],
            [-1 / 6, -1 / 6, -1 / 6],
            [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6],
            [1 / 24, -1 / 12, 1 / 6],
            [0, 0, 1],
        ],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}


class Tiling:
    """How F(m×m, 3×3) cuts an image into tiles.

    Args:
        m: 2 or 4.
        size: (H, W) of the output.
        batch: N.
        dtype: of the image.
    """

    def __init__(self, m: int, size: tuple[int, int], batch: int, dtype: Any) -> None:
        self.m, self.a, self.n, self.dtype = m, m + 2, batch, dtype
        self.size = size
        self.down, self.across = -(-size[0] // m), -(-size[1] // m)
        self.tiles = self.down * self.across * batch
        self.full = (self.down * m, self.across * m)  # the output, rounded up to whole tiles
        matrices = TRANSFORMS[m][1:]
        self.input, self.kernel, self.output = (x.astype(dtype) for x in matrices)

    def corner(self, u: int, v: int) -> tuple[slice, slice]:
        """Where element (u, v) of every tile lies in an image."""
        m = self.m
        return slice(u, u + m * (self.down - 1) + 1, m), slice(v, v + m * (self.across - 1) + 1, m)

    def chunks(self, first: int, last: int) -> list[tuple[int, int]]:
        """Ranges of channels whose tiles fit a chunk."""
        each = self.a**2 * self.tiles * np.dtype(self.dtype).itemsize
        step = max(1, min(last - first, CHUNK // each))
        return [(p, min(p + step, last)) for p in range(first, last, step)]

    def buffer(self, name: str, side: int, channels: int) -> Any:
        """Scratch tiles (side, side, channels, down, across, N)."""
        shape = (side, side, channels, self.down, self.across, self.n)
        return scratch(name, shape, self.dtype)

    def image(self, channels: int, size: tuple[int, int]) -> Any:
        """Scratch images (channels, H, W, N)."""
        return scratch("winograd image", (channels, *size, self.n), self.dtype)

    def transform_kernel(self, weight: Any) -> Any:
        """U (a², M, C) of a weight (M, C, 3, 3)."""
        m, c = weight.shape[:2]
        out = scratch("winograd U", (self.a**2, m * c), self.dtype)
        columns = np.ascontiguousarray(weight).reshape(m * c, 9).T

        def part(p: int, q: int) -> None:
            np.matmul(self.kernel, columns[:, p:q], out=out[:, p:q])

        parallel(part, m * c, least=4096)
        return out.reshape(self.a**2, m, c)

    def transform_input(self, x: Any, padding: tuple[int, int]) -> Any:
        """V (a², C, T) of an image x (N, C, H, W) with zeros around it."""
        c, (top, left) = x.shape[1], padding
        h, w = x.shape[2:]
        image = x.transpose(1, 2, 3, 0)
        out = scratch("winograd V", (self.a**2, c, self.tiles), self.dtype)
        high, wide = self.full[0] + 2, self.full[1] + 2

        def part(first: int, last: int) -> None:
            for p, q in self.chunks(first, last):
                padded = self.image(q - p, (high, wide))
                padded[:, :top] = padded[:, top + h :] = 0
                padded[:, top : top + h, :left] = padded[:, top : top + h, left + w :] = 0
                padded[:, top : top + h, left : left + w] = image[p:q]
                d = self.buffer("winograd tiles", self.a, q - p)
                for u in range(self.a):
                    for v in range(self.a):
                        d[u, v] = padded[:, *self.corner(u, v)]
                np.matmul(
                    self.input, d.reshape(self.a**2, -1), out=out[:, p:q].reshape(self.a**2, -1)
                )

        parallel(part, c)
        return out

    def products(self, a: Any, b: Any, out: Any) -> Any:
        """The a² products of two batches of matrices."""

        def part(p: int, q: int) -> None:
            np.matmul(a[p:q], b[p:q], out=out[p:q])

        parallel(part, self.a**2)
        return out

    def to_output(self, tiles: Any, bias: Any) -> Any:
        """The output (M, H, W, N) of M (a², M, T)."""
        channels, (h, w), m = tiles.shape[1], self.size, self.m
        y = np.empty((channels, h, w, self.n), self.dtype)

        def part(first: int, last: int) -> None:
            for p, q in self.chunks(first, last):
                t = self.buffer("winograd tiles", m, q - p)
                np.matmul(
                    self.output, tiles[:, p:q].reshape(self.a**2, -1), out=t.reshape(m * m, -1)
                )
                if bias is not None:
                    t += bias[p:q].reshape(-1, 1, 1, 1)
                whole = (h, w) == self.full
                image = y[p:q] if whole else self.image(q - p, self.full)
                for u in range(m):
                    for v in range(m):
                        image[:, *self.corner(u, v)] = t[u, v]
                if not whole:
                    y[p:q] = image[:, :h, :w]

        parallel(part, channels)
        return y

    def transform_gradient(self, g: Any) -> Any:
        """dM (a², M, T) of a gradient g (N, M, H, W)."""
        channels, (h, w), m = g.shape[1], self.size, self.m
        rows = g.transpose(1, 2, 3, 0)
        out = scratch("winograd M", (self.a**2, channels, self.tiles), self.dtype)
        transposed = np.ascontiguousarray(self.output.T)

        def part(first: int, last: int) -> None:
            for p, q in self.chunks(first, last):
                image = rows[p:q]
                if (h, w) != self.full:
                    image = self.image(q - p, self.full)
                    image[:, h:] = 0
                    image[:, :h, w:] = 0
                    image[:, :h, :w] = rows[p:q]
                t = self.buffer("winograd tiles", m, q - p)
                for u in range(m):
                    for v in range(m):
                        t[u, v] = image[:, *self.corner(u, v)]
                np.matmul(transposed, t.reshape(m * m, -1), out=out[:, p:q].reshape(self.a**2, -1))

        parallel(part, channels)
        return out

    def to_input(self, tiles: Any, size: tuple[int, int], padding: tuple[int, int]) -> Any:
        """The gradient (C, H, W, N) of the input from dV (a², C, T): tiles added where they lay."""
        channels, (h, w), (top, left) = tiles.shape[1], size, padding
        dx = np.empty((channels, h, w, self.n), self.dtype)
        transposed = np.ascontiguousarray(self.input.T)
        high, wide = self.full[0] + 2, self.full[1] + 2

        def part(first: int, last: int) -> None:
            for p, q in self.chunks(first, last):
                d = self.buffer("winograd tiles", self.a, q - p)
                flat = tiles[:, p:q].reshape(self.a**2, -1)
                np.matmul(transposed, flat, out=d.reshape(self.a**2, -1))
                padded = self.image(q - p, (high, wide))
                padded[...] = 0
                for u in range(self.a):
                    for v in range(self.a):
                        padded[:, *self.corner(u, v)] += d[u, v]
                dx[p:q] = padded[:, top : top + h, left : left + w]

        parallel(part, channels)
        return dx


def convolve(x: Any, weight: Any, bias: Any, padding: tuple[int, int], m: int) -> Any:
    """The output (M, OH, OW, N) for x (N, C, H, W), weight (M, C, 3, 3), bias (M) or None."""
    tiling = _tiling(x.shape, padding, m, x.dtype)
    u = tiling.transform_kernel(weight)
    v = tiling.transform_input(x, padding)
    shape = (tiling.a**2, weight.shape[0], tiling.tiles)
    return tiling.to_output(tiling.products(u, v, scratch("winograd M", shape, x.dtype)), bias)


def weight_gradient(
    g: Any, x: Any, shape: tuple[int, ...], padding: tuple[int, int], m: int
) -> Any:
    """The gradient (M, C, 3, 3) of the weight for g (N, M, OH, OW) and x (N, C, H, W)."""
    tiling = _tiling(x.shape, padding, m, g.dtype)
    dm = tiling.transform_gradient(g)
    v = tiling.transform_input(x, padding)
    du = scratch("winograd U", (tiling.a**2, *shape[:2]), g.dtype)
    tiling.products(dm, v.swapaxes(1, 2), du)
    dw = np.empty(shape, g.dtype)
    rows, columns = dw.reshape(-1, 9), du.reshape(tiling.a**2, -1).T

    def part(p: int, q: int) -> None:
        np.matmul(columns[p:q], tiling.kernel, out=rows[p:q])

    parallel(part, len(rows), least=4096)
    return dw


def input_gradient(
    g: Any, weight: Any, shape: tuple[int, ...], padding: tuple[int, int], m: int
) -> Any:
    """The gradient (C, H, W, N) of the input for g (N, M, OH, OW), weight (M, C, 3, 3)."""
    tiling = _tiling(shape, padding, m, g.dtype)
    dm = tiling.transform_gradient(g)
    u = tiling.transform_kernel(weight)
    dv = scratch("winograd V", (tiling.a**2, weight.shape[1], tiling.tiles), g.dtype)
    tiling.products(u.swapaxes(1, 2), dm, dv)
    return tiling.to_input(dv, (shape[2], shape[3]), padding)


def _tiling(shape: tuple[int, ...], padding: tuple[int, int], m: int, dtype: Any) -> Tiling:
    n, _, h, w = shape
    return Tiling(m, (h + 2 * padding[0] - 2, w + 2 * padding[1] - 2), n, dtype)
