"""Faults of the rules, `ops/`."""

from ._fault import equal, faults, row

OPS = "tinygrad_lite/ops/"
TIES = "tensor/test_conventions.py"

FAULTS = [
    *faults(
        OPS + "elementwise.py",
        TIES,
        (
            "xp.minus(a, b), (lambda g: g, lambda g: -g)",
            "xp.minus(a, b), (lambda g: g, lambda g: g)",
            row("sub"),
        ),
        ("lambda g: -g * a / (b * b)", "lambda g: -g * a / b", row("div")),
        ("if n != 0 else xp.zeros_like(g)", "if True else xp.zeros_like(g)"),
        ("xp.where((a == 0) & (b >= 0), 0.0,", "xp.where(b != b, 0.0,"),
        ("return y, (lambda g: g * y,)", "return y, (lambda g: g * x,)", row("exp")),
        ("(lambda g: g / (y * 2),)", "(lambda g: g / y,)", row("sqrt")),
        ("(lambda g: -g * xp.sin(x),)", "(lambda g: g * xp.sin(x),)", row("cos")),
        ("g * (1 - y * y)", "g * (1 - y)", row("tanh")),
        ("(lambda g: g * (y * (1 - y)),)", "(lambda g: g * y,)", row("sigmoid")),
        ("(lambda g: g * xp.sign(x),)", "(lambda g: g * xp.where(x < 0, -1.0, 1.0),)"),
        (
            "xp.maximum(a, b), (\n        lambda g: xp.where(a == b, g * 0.5,",
            "xp.maximum(a, b), (\n        lambda g: xp.where(a == b, g,",
        ),
        ("inside & (x <= max)", "inside & (x < max)"),
        (
            "        lambda g: xp.where(condition, 0.0, g),",
            "        lambda g: xp.where(condition, g, 0.0),",
            row("where"),
        ),
        (
            "own = (a >= b) | (b != b)",
            "own = a >= b",
            "ops/test_special_cases.py",
        ),
        ("(lambda g: xp.astype(g, own),)", "(lambda g: g,)", "ops/test_table.py -k cast"),
        ("(lambda g: xp.to_device(g, home),)", "(lambda g: g,)", "ops/test_table.py -k device"),
    ),
    *faults(
        OPS + "reduce.py",
        TIES,
        (
            "_spread(xp, g, axis, keepdims) / n, shape)",
            "_spread(xp, g, axis, keepdims), shape)",
            row("mean"),
        ),
        ("keepdims=keepdims) - rest) / free", "keepdims=keepdims)) / free", "backend/test_sums.py"),
        ("(ties / xp.sum(ties, axis=axis, keepdims=True))", "ties"),
        (
            "free = max(_count(x.shape, axis) - correction, 0)\n    y = ",
            "free = max(_count(x.shape, axis) - 1, 0)\n    y = ",
            "backend/test_sums.py " + row("var"),
        ),
        ("(t * (2 / free) if free else", "(t * (2 / (free + 1)) if free else", row("var")),
        ("flat = square == 0\n", "flat = square < 0\n"),
        ("m = xp.where(abs(m) == xp.inf, 0.0, m)", "m = m * 1"),
        ("finite = xp.where(y == -xp.inf, 0.0, y)", "finite = y"),
        ("(x / xp.where(y == 0, 1.0, y))", "(x / y)"),
        (
            "lambda g: xp.flip(xp.cumsum(xp.flip(g, axis), axis=axis), axis),",
            "lambda g: xp.cumsum(g, axis=axis),",
            row("cumsum"),
        ),
        ("(n or math.nan)\n    return y, (lambda", "(n or 1)\n    return y, (lambda"),
    ),
    *faults(
        OPS + "linalg.py",
        row("matmul", "bmm", "baddbmm"),
        (
            "return xp.matmul(xp.swapaxes(a, -1, -2), g)",
            "return xp.matmul(xp.swapaxes(a, 0, 1), g)",
        ),
        (
            "back = tuple(sorted(range(x.ndim), key=order.__getitem__))",
            "back = order",
            row("diagonal"),
        ),
        (
            "bias is not None and bias.shape != weight.shape[:1]",
            "bias is None",
            "tensor/test_bad_input.py nn/test_layers.py",
        ),
    ),
    *equal(
        OPS + "reduce.py",
        "xp.where(zeros > 0, 0.0, usual)",
        "usual",
        "from a first 0 on every product, and so every sum of them, is 0 anyway",
    ),
    *equal(
        OPS + "linalg.py",
        "if b.ndim == 2 < a.ndim:",
        "if False:",
        "the walk sums over the batch; one product only takes less time",
    ),
    *faults(
        OPS + "shape.py",
        "tensor/test_places.py",
        ("xp.transpose(g, back)", "xp.transpose(g, axes)", row("permute", "movedim")),
        ("accumulate(sizes)", "accumulate((sizes[0],) * len(sizes))", row("cat")),
        ("return xp.where(mask == 0, g, 0.0)", "return g", row("__setitem__")),
        (
            "        ties = xp.astype(x == y, g.dtype)\n        ties = ties + xp.scatter(",
            "        ties = xp.scatter(",
            "tensor/test_places.py tensor/test_index.py",
        ),
        ("(lambda g: xp.flip(g, axis),)", "(lambda g: g,)", row("flip")),
        ("zeros = (x == 0) + xp.scatter(", "zeros = xp.scatter("),
        (
            "(1,) * (len(shape) - part.ndim) + part.shape",
            "part.shape",
            "tensor/test_places.py",
        ),
        (
            "lambda g: xp.scatter_along(g, index, axis=axis, shape=shape),",
            "lambda g: xp.scatter_along(g, index, axis=0, shape=shape),",
            row("gather", "sort", "max"),
        ),
    ),
    *faults(
        OPS + "activation.py",
        "ops/test_special_cases.py",
        (
            "positive = x > 0\n    return xp.where(positive, x, x * negative_slope)",
            "positive = x >= 0\n    return xp.where(positive, x, x * negative_slope)",
        ),
        ("xp.erf(x * 0.7071067811865476)", "xp.erf(x * 0.7)", row("gelu")),
        ("(x * (1 - s) + 1)", "(x * (1 - s))", row("silu")),
        (
            "linear = x * beta > threshold",
            "linear = x > threshold",
            "nn/test_activation.py " + TIES,
        ),
        ("z = xp.minimum(xp.maximum(x, -12.0), 12.0)", "z = x", "nn/test_activation.py " + TIES),
        (
            "outside = (x <= min_val) | (x >= max_val)",
            "outside = (x < min_val) | (x > max_val)",
            "nn/test_activation.py ops/test_special_cases.py " + TIES,
        ),
        ("(lambda g: g * sigma(xp, -x),)", "(lambda g: g * sigma(xp, x),)", row("log_sigmoid")),
    ),
    *faults(
        OPS + "analytic.py",
        TIES,
        (
            "return xp.log2(x), (lambda g: g / (x * LN_2),)",
            "return xp.log2(x), (lambda g: g / x,)",
            row("log2"),
        ),
        ("return xp.where(whole == 0, xp.inf, whole)", "return whole", "ops/test_special_cases.py"),
        (
            "return a * log(b == b)",
            "return a * log(a == 0)",
            "ops/test_special_cases.py",
        ),
        ("b - (b - a) * (1 - w))", "a + w * (b - a))", "ops/test_special_cases.py"),
        ("xp.where(x == y, 0.0, x - y)", "x - y", "ops/test_special_cases.py"),
        ("xp.where((x < 0) | (x > 1), xp.nan, slope)", "slope", "ops/test_special_cases.py"),
        (
            "g * xp.where(a == 0, 0.0, y / xp.where(a == 0, 1.0, a))",
            "g * xp.where(a == 0, 0.0, 1.0)",
            row("copysign"),
        ),
    ),
    *faults(
        OPS + "loss.py",
        TIES,
        (
            "g - xp.sum(g * y, axis=axis, keepdims=True)",
            "g - xp.sum(g, axis=axis, keepdims=True)",
            row("softmax"),
        ),
        (
            "return x.shape[1] / math.prod(x.shape)",
            "return 1 / math.prod(x.shape)",
            row("rule:cross_entropy", "cross_entropy"),
        ),
        ("        g = g * _share(x, reduction)\n", "", row("rule:cross_entropy_probabilities")),
        (
            "return c * (e - c * 0.5), (lambda g: g * c, lambda g: -g * c)",
            "return c * (e - c * 0.5), (lambda g: g * c, lambda g: g * c)",
            row("huber_loss", "smooth_l1_loss"),
        ),
        (
            "xp.where(x == 0, -100.0, xp.maximum(log_p, -100.0))",
            "xp.where(x == 0, -1000.0, xp.maximum(log_p, -1000.0))",
            "nn/test_loss.py nn/test_losses.py " + TIES,
        ),
        (
            "log = xp.log(xp.where(x == 0, 1.0, x))",
            "log = xp.log(x)",
            "nn/test_loss.py nn/test_losses.py " + TIES,
        ),
        (
            "(1 - t) * x - (1 + (p - 1) * t) * log, (",
            "(1 - t) * x - p * t * log, (",
            "nn/test_loss.py nn/test_losses.py",
        ),
    ),
    *faults(
        OPS + "norm.py",
        "nn/test_norm.py nn/test_joined.py",
        ("of_x(xp.relu_gradient(g, y), None)", "of_x(g, None)"),
        ("_as(weight, 1),", "_as(weight, 2),"),
        ("tuple(range(x.ndim - len(shape), x.ndim)), eps)", "tuple(range(len(shape))), eps)"),
        (
            "x = x if shift is None else x + _per_channel(xp, shift, x.ndim)",
            "x = x if shift is None else x * _per_channel(xp, shift, x.ndim)",
            "nn/test_joined.py nn/test_norm.py",
        ),
    ),
    *faults(
        OPS + "conv.py",
        "nn/test_conv_errors.py nn/test_conv.py",
        ("if channels % groups or out % groups:", "if channels % groups:"),
        ('(groups if name == "conv2d" else 1)', "groups"),
        ("reach[0] > padded[0] or", "window.kernel[0] > padded[0] or"),
    ),
    *faults(
        OPS + "pool.py",
        "nn/test_pooling.py",
        ("any(p > k // 2 for p, k", "any(p > k for p, k"),
        (
            "(lambda h: xp.max_pool2d_pick(h, index, pool), None)",
            "(lambda h: xp.max_pool2d(h, pool, False)[0], None)",
        ),
    ),
    *faults(
        OPS + "recurrence.py",
        "nn/test_recurrence.py nn/test_beside.py::test_gives_what_was_recorded",
        (
            "factors[:, size : 2 * size] = before * f * (1 - f)",
            "factors[:, size : 2 * size] = cells * f * (1 - f)",
        ),
        ("            dc[:n] *= f[start:end]\n", ""),
        ("to_gate, to_reset = (before - new) * z", "to_gate, to_reset = (before + new) * z"),
        (
            "slope = xp.astype(states > 0, g.dtype) if relu",
            "slope = xp.astype(states >= 0, g.dtype) if relu",
        ),
        ("before[start:end] = running[:n]", "before[start:end] = first[:n]"),
        ("(outputs[::-1] if reverse else outputs)", "outputs"),
    ),
    *faults(
        OPS + "attention.py",
        "nn/test_attention.py",
        ("shrink = xp.exp(m - safe)", "shrink = xp.exp(safe - m)"),
        ("                ds *= scale\n", ""),
        ("nowhere = total == 0", "nowhere = total < 0"),
        ("return xp.arange(*columns) > xp", "return xp.arange(*columns) >= xp"),
    ),
    *faults(
        OPS + "rounding.py",
        "tensor/test_numbers.py",
        ("y = y + ((y < 0) & (y * b != a))", "y = y + (y < 0)", "ops/test_special_cases.py"),
        (
            "xp.rint(x / scale) * scale",
            "xp.rint(x * scale) / scale",
            "ops/test_special_cases.py",
        ),
        (
            "lambda g: -g * xp.floor_divide(a, b))",
            "lambda g: -g * xp.trunc(a / b))",
            row("remainder"),
        ),
    ),
    *faults(
        OPS + "embedding.py",
        "nn/test_embedding.py nn/test_layers.py nn/test_beside.py::test_gives_what_was_recorded",
        ("xp.astype(xp.expand_dims(index != padding, -1), g.dtype)", "1"),
        ("            g = g / counts[index]\n", ""),
    ),
]
