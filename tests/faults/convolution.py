"""Faults of convolutions on the CPU: windows, the algorithms and which is chosen."""

from ._fault import equal, faults

B = "tinygrad_lite/backend/"
CONV = "nn/test_conv.py backend/test_kernels_conv.py -k 'not strict'"
DIRECT = "backend/test_direct.py"

FAULTS = [
    *faults(
        B + "window.py",
        "backend/test_window.py",
        ("return (n + 2 * p - d * (k - 1) - 1) // s + 1", "return (n + 2 * p - d * k) // s + 1"),
        ("first = max(0, -(-(p - i * d) // s))", "first = max(0, (p - i * d) // s)"),
        (
            "last = min(_count(along, n), (n - 1 + p - i * d) // s + 1)",
            "last = min(_count(along, n), (n - 1 + p - i * d) // s)",
        ),
        ("if first < last:\n            pixel", "if True:\n            pixel"),
        (
            "slice(j * e, j * e + t * (columns - 1) + 1, t)",
            "slice(j * e, j * e + s * (columns - 1) + 1, s)",
        ),
        ("size[1] + 2 * self.padding[1]", "size[1] + 2 * self.padding[0]"),
        ("return slice(p, p + h), slice(q, q + w)", "return slice(q, q + h), slice(p, p + w)"),
    ),
    *faults(
        B + "cpu/direct.py",
        DIRECT,
        (
            "            if empty:\n                mine[...] = 0\n            product",
            "            product",
        ),
        ("    if empty:\n        mine[...] = 0\n    if bias", "    if bias"),
        ("    if len(taps) < math.prod(window.kernel):\n        dw[...] = 0\n", ""),
        ("slice(rows.start * row, rows.stop * row)", "slice(0, (rows.stop - rows.start) * row)"),
        ("if empty and here.shape == mine.shape:", "if here.shape == mine.shape:"),
        (
            "mine += bias[start:stop].reshape(-1, 1, 1, 1)",
            "mine += bias[: stop - start].reshape(-1, 1, 1, 1)",
        ),
    ),
    *equal(
        B + "cpu/direct.py",
        "key=lambda tap: getattr(tap, out)[:2] != whole",
        "key=lambda tap: 0",
        "what is summed up is filled with zeros first if the first product does not cover it",
    ),
    *faults(
        B + "cpu/winograd.py",
        "backend/test_winograd.py backend/test_kernels_conv.py",
        ("tiles[-1] = bias[:, None]", "tiles[-1] = 0"),
        ("padded[:, :top] = padded[:, top + h :] = 0", "padded[:, :top] = 0"),
        ("                image[:, h:] = 0\n", ""),
        ("                image[:, :h, w:] = 0\n", ""),
        ("        bottom[:, :2, :, 1:] += bottom[:, m:, :, :-1]\n", ""),
        ("d[:2, :, :, 1:] += d[m:, :, :, :-1]", "d[:2, :, :, 1:] += d[:2, :, :, :-1]"),
        (
            "self.down, self.across = (-(-extent // m) for extent in self.size)",
            "self.across, self.down = (-(-extent // m) for extent in self.size)",
        ),
        (
            "return _few(fit & spread.even_inputs(tiling, loud))",
            "return _few(fit)",
            "backend/test_spread.py",
        ),
        (
            "return _few(fit & spread.even_gradients(tiling, loud))",
            "return _few(spread.even_gradients(tiling, loud))",
            "backend/test_spread.py",
        ),
        ("in (most, x, most * x *", "in (most, x, most *", "backend/test_spread.py"),
        ("others.size * SHARE <= trusted.size", "True", "backend/test_spread.py"),
        (
            "xp.conv2d_bias_gradient(g) if made[0] is None else",
            "np.sum(g, axis=(0, 2, 3)) * 2 if made[0] is None else",
            "backend/test_direct.py",
        ),
    ),
    *faults(
        B + "cpu/winograd_matrices.py",
        "backend/test_winograd.py",
        ("np.ones((m * m, 1))", "np.zeros((m * m, 1))"),
    ),
    *equal(
        B + "cpu/winograd_matrices.py",
        "np.prod(p - others)",
        "np.prod(others - p)",
        "there is an even number of factors",
    ),
    *equal(
        B + "algorithm.py",
        "small = small and max(window.padding) <= 2",
        "small = small and True",
        "more padding only makes more tiles of zeros",
    ),
    *faults(
        B + "cpu/spread.py",
        "backend/test_spread.py",
        ("SPREAD = 32 ", "SPREAD = 3200 "),
        ("ROOM = 1e6 ", "ROOM = 1 "),
        ("for k in range(1, side):", "for k in range(1, side - 1):"),
        (
            "np.maximum(np.maximum.reduce(a, None), -np.minimum.reduce(a, None))",
            "np.maximum.reduce(a, None)",
        ),
    ),
    *faults(
        B + "algorithm.py",
        "backend/test_winograd.py nn/test_conv.py",
        ('if _chosen == "im2col" or not simple:', 'if _chosen == "im2col":', CONV),
    ),
    *faults(
        B + "cpu/depthwise.py",
        "nn/test_depthwise.py",
        ("lines[..., : positions.start, :] = lines[..., positions.stop :, :] = 0\n", "pass\n"),
        (
            "        if np.isfinite(dw).all():\n            return dw",
            "        if True:\n            return dw",
        ),
    ),
    *faults(
        B + "cpu/stacked.py",
        "nn/test_depthwise.py",
        ("array[:, :low] = array[:, max(low, high) :] = 0\n", "pass\n"),
        ("j, : into.start] = self.inside[:, :, j, into.stop :] = 0", "j, : into.start] = 0"),
        ("finite.append(math.isfinite(np.vecdot(out, out).sum()))", "finite.append(True)"),
        ("stack, first * step * row, strides", "stack, first * row, strides"),
        ("max(positions.start, columns.start), columns.stop", "positions.start, columns.stop"),
        (
            "made[:, row, row * s : row * s + window.reach[0] : d]",
            "made[:, row, row : row + window.reach[0] : d]",
        ),
        ("dw[of] += sums[:, row * s : row * s", "dw[of] += sums[:, row : row"),
        ("under[:c].swapaxes(2, 3)).sum(1)", "under[:c].swapaxes(2, 3))[:, 0]"),
    ),
    *faults(
        B + "cpu/im2col.py",
        CONV,
        ("matrix[:, -1] = 0 if bias is None else bias", "matrix[:, -1] = 0"),
        (
            "return made[0][:, -1].copy() if made else",
            "return made[0][:, -1] if made else",
            "ops/test_conv_memory.py backend/test_kernels_conv.py",
        ),
        ("window.stride == (1, 1) and fits", "fits"),
        ("window.stride == (1, 1) and fits", "window.stride == (1, 1)"),
        (" and math.isfinite(np.dot(flat, flat))", "", "backend/test_kernels_conv.py"),
        ("        padded[...] = 0\n        for", "        for"),
        (
            "yield start, min(start + step, last)",
            "yield start, start + step",
            "backend/test_kernels_conv.py",
        ),
    ),
    *faults(
        B + "cpu/border.py",
        CONV,
        ("mine[:, p : p + h, :q] = mine[:, p : p + h, q + w :] = 0", "mine[:, p : p + h, :q] = 0"),
    ),
    *faults(
        B + "cpu/strips.py",
        "backend/test_kernels_conv.py ops/test_conv_memory.py",
        (" and bool(np.isfinite(weight.sum()))", "", "backend/test_kernels_conv.py"),
        ("1 < kh > p", "True", "backend/test_kernels_conv.py"),
        ("window.stride[0] == window.dilation[0] == 1", "True", "backend/test_kernels_conv.py"),
        ("rows = np.zeros((height + 2", "rows = np.ones((height + 2"),
        ("strips[start:stop, -1] = 1", "strips[start:stop, -1] = 0"),
        ("(window.stride[0] * row, length", "(row, length"),
        ("(row, e * column, pixel, t * column, element)", "(row, column, pixel, column, element)"),
        ("made[0][:, 0, -1].copy() if made", "made[0][:, 0, -1] if made"),
        ("matrix = np.zeros(", "matrix = np.ones("),
        ("best % 2 == 0 and ", ""),
    ),
    *faults(
        B + "cpu/conv.py",
        CONV,
        ("and few and window.dilation[0] == 1", "and few", "backend/test_kernels_conv.py"),
        ("few = _lines(window, shape) <=", "few = True or", "backend/test_kernels_conv.py"),
    ),
    *faults(
        B + "plain/conv.py",
        "nn/test_conv.py",
        (
            "padded[:, rows, cols] += columns[:, i, j]",
            "padded[:, rows, cols] = columns[:, i, j]",
            "backend/test_kernels_conv.py",
        ),
        ("return xp.sum(g, axis=(0, 2, 3))", "return xp.sum(g, axis=(0, 2))[..., 0]"),
    ),
]
