"""Faults of the kernels on the CPU: the plain forms, the fast ones, threads and their memory."""

from ._fault import equal, faults

B = "tinygrad_lite/backend/"
CONV = "nn/test_conv.py backend/test_kernels_conv.py -k 'not strict'"
DIRECT = "backend/test_direct.py"
POOL = "backend/test_kernels_pool.py nn/test_pooling.py -k 'not strict'"
NORM = "backend/test_kernels_norm.py nn/test_norm.py nn/test_running_statistics.py nn/test_norm_modules.py nn/test_joined.py -k 'not strict'"

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
        B + "cpu/threads.py",
        "backend/test_threads.py backend/test_threads_results.py",
        ("pairwise(count * i // threads for i", "pairwise(count // threads * i for i"),
        (
            "while any(a and not b for a, b in zip(self.started, self.ended, strict=True)):",
            "while False:",
        ),
        ("hold_blas(get_num_threads())  # another thread may have set it since", "hold_blas(1)"),
        ("        with pool.turn:\n", "        with threading.Lock():\n"),
        ("                raise errors[0]\n", "                pass\n"),
        ("others = allowed - {here} if len(allowed) > workers else allowed", "others = allowed"),
        (
            "            del errors  # its traceback leads here, and would lead back to it",
            "            pass",
        ),
    ),
    *equal(
        B + "cpu/threads.py",
        "            self.errors.append(error)\n            self.stop = True",
        "            self.errors.append(error)",
        "another piece may still run before the error comes out",
    ),
    *faults(
        B + "cpu/workspace.py",
        "backend/test_threads.py backend/test_threads_results.py",
        ("elif getrefcount(held) > _UNUSED:", "elif False:"),
        ("if held is None or held.nbytes < count:", "if True:"),
        ("_local = threading.local()", "_local = type('', (), {})()"),
    ),
    *faults(
        B + "cpu/sums.py",
        "backend/test_sums.py",
        ("RUN = 32 ", "RUN = 1 << 40 "),
        (
            "return y if whole == rows else y + _over(a[(*before, slice(whole, None))], k)",
            "return y",
        ),
        ("    if rest is not None:\n        total += rest\n", ""),
        (
            "np.dot(a.reshape(-1, size), ones[:size])",
            "np.dot(a.reshape(-1, size), ones[:size] / 2)",
        ),
        ("size = _divisor(length) if a.flags.c_contiguous else 0", "size = PART"),
        ("    wide[..., 0] += last\n", ""),
        ("total = _add(parts, 1, np.float64)", "total = _add(parts, 1, np.float32)"),
    ),
    *faults(
        B + "cpu/sums.py",
        "backend/test_rounding.py",
        ("if RUN < a.size <= FREE:", "if False:"),
        ("first = _first(rows) if k and inner <= SHORT and one_piece else 1", "first = 1"),
    ),
    *faults(
        B + "cpu/deviations.py",
        "backend/test_rounding.py",
        ("        np.add(middle, first_of_all, out=middle)\n", ""),
        ("np.multiply(middle, total, out=total)", "total[...] = 0"),
        (
            "others = tuple(slice(int(axis == (k,)), None)",
            "others = tuple(slice(int(k in axis), None)",
        ),
        ("if n < FEW:", "if False:"),
    ),
    *equal(
        B + "cpu/sums.py",
        "and last == size * stride:",
        "and True:",
        "axes that are no neighbours in memory are joined by a copy",
    ),
    *faults(
        B + "plain/sums.py",
        "backend/test_sums.py",
        (
            'y = xp.library.sum(a, axis=axis, dtype="float64", keepdims=keepdims)',
            "y = xp.library.sum(a, axis=axis, keepdims=keepdims)",
        ),
    ),
    *faults(
        B + "cpu/pool.py",
        POOL,
        ("if np.isnan(best.max(initial=-np.inf)):", "if False:"),
        ("if np.isnan(y.max(initial=-np.inf)):", "if False:"),
        ("if not bare or height * kh > size[0] or", "if height * kh > size[0] or"),
        ("height * kh > size[0] or width * kw > size[1]", "False"),
        (
            "    if height * kh < h or width * kw < w:\n        a = a[",
            "    if False:\n        a = a[",
        ),
        (
            "last = min(count, max(first, (w - 1 + p - phase) // s + 1))",
            "last = min(count, max(first, (w - 1 + p - phase) // s))",
        ),
        ("row = np.minimum.reduce(reached, axis=0)", "row = np.maximum.reduce(reached, axis=0)"),
        ("np.logical_and(not_yet, differs, out=not_yet)", "np.copyto(not_yet, differs)"),
        (
            "rest = [tap for tap in taps if tap not in whole[:2]]",
            "rest = [tap for tap in taps if tap not in whole]",
        ),
        ("few = pool.kernel[0] * pool.kernel[1] < 256", "few = True"),
        ("np.greater(tap, best, out=better)", "np.greater_equal(tap, best, out=better)"),
        ("if disjoint and math.isfinite(np.dot(g.reshape(-1), g.reshape(-1))):", "if disjoint:"),
        ("or kh > s or kw > t or", "or"),
    ),
    *faults(
        B + "plain/pool.py",
        "nn/test_pooling.py backend/test_kernels_pool.py",
        ("return count - 1 if (count - 1) * s >= n + p else count", "return count"),
        ("better = (seen > best) | (seen != seen)", "better = (seen >= best) | (seen != seen)"),
        ("better = (seen > best) | (seen != seen)", "better = seen > best"),
        ("-(-(i + 1) * n // count))", "(i + 1) * n // count)"),
        ("low, high = (-p, n + p) if self.include_pad else (0, n)", "low, high = -p, n + p"),
        ("row * size[1] + column", "row * size[0] + column"),
    ),
    *faults(
        B + "cpu/norm.py",
        NORM,
        (
            "if (mean * mean > FAR * var).any():",
            "if False:",
            "backend/test_sums.py backend/test_kernels_norm.py",
        ),
        ("(moment[of] * r * r / -m)", "(moment[of] * r / -m)"),
        ("np.copyto(out, out > (0 if bias is None", "np.copyto(out, out >= (0 if bias is None"),
        ("weights += sums[start][0]", "weights = sums[start][0]"),
        ("if bias is not None:\n        shift =", "if False:\n        shift ="),
    ),
    *faults(
        B + "plain/norm.py",
        NORM,
        ("running_var += momentum * correction * var", "running_var += momentum * var"),
        ("(mean if shift is None else mean + shift)", "mean"),
        ("inner = h - _column(total / m) - t", "inner = h - t"),
    ),
    *faults(
        B + "cpu/elementwise.py",
        "backend/test_kernels_elementwise.py",
        ("np.copyto(c[of], a[of] != 0)", "np.copyto(c[of], a[of] > 0)"),
        ("small[y == 0] = 0", "small[y >= 0] = 0"),
        (
            "of = slice(start, min(start + BLOCK, last))\n            np.maximum",
            "of = slice(start, start + BLOCK)\n            np.maximum",
        ),
    ),
    *faults(
        B + "plain/elementwise.py",
        "tensor/test_conventions.py",
        (
            "return xp.where(y != 0, g, 0.0)",
            "return xp.where(y >= 0, g, 0.0)",
            "backend/test_kernels_elementwise.py",
        ),
        (
            "return xp.where(size <= 0.46875, near, y)",
            "return xp.where(size <= 4.0, near, y)",
            "ops/test_special_cases.py",
        ),
        ("1 - 2 * (b & 1)", "1", "ops/test_special_cases.py"),
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
        B + "cpu/library.py",
        "backend/test_library.py",
        ("strides.append(stride if n == wanted else 0)", "strides.append(stride)"),
        ("not a.flags.c_contiguous or ", ""),
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
    *faults(
        B + "plain/loss.py",
        "nn/test_loss.py ops/test_gradient.py -k 'cross_entropy or range or label'",
        ("p * xp.sum(target, axis=1, keepdims=True)", "p * 1"),
        ('int(xp.amax(x.view(f"u{x.dtype.itemsize}"))) < n', "int(xp.amax(x)) < n"),
    ),
    *faults(
        B + "plain/scatter.py",
        "tensor/test_index.py nn/test_embedding.py nn/test_layers.py",
        ("        xp.add.at(y, index, wide(g))\n", "        y[index] = wide(g)\n"),
        (
            "places[axis] = index",
            "places[0] = index",
            "ops/test_gradient.py -k 'cpu-gather] or cpu-sort] or cpu-rule:scatter'",
        ),
    ),
    *faults(
        B + "cpu/optim.py",
        "backend/test_optim_kernels.py optim/test_optimizer.py -k 'not strict'",
        ("if first < end <= last:", "if first <= end <= last:"),
        ("if memory in self.memory:", "if False:", "backend/test_optim_kernels.py"),
        ("axpby(1 - dampening, d, momentum, b)", "axpby(1, d, momentum, b)"),
        ("v = np.maximum(largest, v, out=largest)", "v = np.maximum(largest, v)"),
        ("param.size <= BLOCK", "True"),
        ("            if size > SHORT:", "            if False:", "optim/test_again.py"),
        ("kept[:1] + kept[2:]", "kept[:1]", "optim/test_again.py"),
        ("or _overlap(changed)", "", "optim/test_again.py"),
        ("end > start for", "end < start for", "optim/test_again.py"),
    ),
    *faults(
        B + "plain/optim.py",
        "optim/test_recorded.py backend/test_optim_kernels.py",
        (
            "return lr * root / (1 - beta1**step), eps * root",
            "return lr * root / (1 - beta1**step), eps",
        ),
        (
            "d = momentum * buffer + d if nesterov else buffer",
            "d = momentum * buffer if nesterov else buffer",
        ),
        ("v = square_avg - grad_avg * grad_avg", "v = square_avg"),
        ("    d = -grad if maximize else grad\n", "    d = grad\n"),
    ),
    *faults(
        B + "cpu/blas.py",
        "backend/test_blas.py backend/test_optim_kernels.py",
        (
            "return found if whole == length else [*found, (b[:, whole:], out[:, whole:])]",
            "return found",
        ),
        (
            "function(y.size, a, _address(x), 1, b, _address(y), 1)",
            "function(y.size, a, _address(x), 1, 1, _address(y), 1)",
        ),
    ),
    *faults(
        B + "flat.py",
        "backend/test_kernels_elementwise.py backend/test_optim_kernels.py optim/test_optimizer.py -k 'not strict'",
        ("if a.shape != shape or not turned.flags.c_contiguous:", "if a.shape != shape:"),
    ),
    *faults(
        B + "random.py",
        "data/test_loader.py nn/test_random_layers.py test_states.py tensor/test_numbers.py test_checkpoint.py",
        ("self.numpy.bit_generator.state = _checked(state)", "_checked(state)"),
        (
            "        self._numpy: np.random.Generator | None = None\n        return self",
            "        self._numpy = getattr(self, '_numpy', None)\n        return self",
        ),
    ),
]
FAULTS += equal(
    B + "cpu/norm.py",
    "for start in sorted(sums):  # always in one order",
    "for start in sums:",
    "the order of sums changes in their last bits, and only with more than one thread",
)
