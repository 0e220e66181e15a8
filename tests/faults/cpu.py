"""Faults of the kernels on the CPU: the plain forms, the fast ones, threads and their memory."""

from ._fault import equal, faults

B = "tinygrad_lite/backend/"
POOL = "backend/test_kernels_pool.py nn/test_pooling.py -k 'not strict'"
NORM = "backend/test_kernels_norm.py nn/test_norm.py nn/test_running_statistics.py nn/test_norm_modules.py nn/test_joined.py -k 'not strict'"

FAULTS = [
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
        ("if not self.complete and self.failed is not None:", "if False:"),
        (
            "            finally:  # also if another interrupt came out of that\n",
            "            else:\n",
        ),
        ("others = allowed - {here} if len(allowed) > workers else allowed", "others = allowed"),
        (
            "            del errors  # its traceback leads here, and would lead back to it",
            "            pass",
        ),
    ),
    *equal(
        B + "cpu/threads.py",
        "        self.errors.append(error)\n        self.stop = True",
        "        self.errors.append(error)",
        "another piece may still run before the error comes out",
    ),
    *faults(
        B + "cpu/beside.py",
        "backend/test_beside.py",
        ("        if next(self._turn):\n            return\n", ""),
        ("        while not job.ended:\n", "        while False:\n"),
        ("            jobs.finish()\n", ""),
        ("failed=crew.stop", "failed=None"),
        ("            if self._crew.stopped:\n                raise _Stopped\n", ""),
    ),
    *faults(
        B + "cpu/workspace.py",
        "backend/test_threads.py backend/test_threads_results.py",
        ("elif getrefcount(held) > _UNUSED:", "elif False:"),
        ("if held is None or held.nbytes < count:", "if True:"),
        ("_local = threading.local()", "_local = type('', (), {})()"),
    ),
    *faults(
        B + "cpu/scatter.py",
        "backend/test_scatter_rows.py",
        ("few = len(y) <= 1 << 16 ", "few = True "),
        ("more = counts > k\n", "more = counts > k + 1\n"),
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
        ("(squares < least * total).any()", "False"),
        ("    squares -= total\n", ""),
        ("    least = LOST * math.sqrt(n)\n", "    least = 2.0**-40\n"),
        ("    a -= b\n", "    a += b\n"),
        ("axis, WIDE, whole=True)", "axis, WIDE)"),
        (
            "if x.size <= WIDE or n <= (ROW if _fastest(x) in axis else FEW):",
            "if x.size <= WIDE:",
        ),
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
            "y = xp.library.sum(a, axis=axis, dtype=wider, keepdims=keepdims)",
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
        ("slope, level = moment[of] * r * r / m,", "slope, level = moment[of] * r / m,"),
        ("level - rounded * slope)[", "level)["),
        ("np.copyto(out, out > (0 if bias is None", "np.copyto(out, out >= (0 if bias is None"),
        ("weights += sums[start][0]", "weights = sums[start][0]"),
        ("b -= mean * a", "b -= a"),
        ("if bias is not None:\n        shift =", "if False:\n        shift ="),
    ),
    *faults(
        B + "plain/norm.py",
        NORM,
        ("running_var += momentum * correction * var", "running_var += momentum * var"),
        ("(mean if shift is None else mean + shift)", "mean"),
        ("inner = h - _column(level) - t", "inner = h - t"),
        ("moment = moment - rounded * total", "pass"),
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
        B + "cpu/library.py",
        "backend/test_library.py",
        ("strides.append(stride if n == wanted else 0)", "strides.append(stride)"),
        ("not a.flags.c_contiguous or ", ""),
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
