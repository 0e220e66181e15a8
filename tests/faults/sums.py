"""Faults of sums, running products, counts, special functions and strides of one's own."""

from ._fault import equal, faults

B = "tinygrad_lite/backend/"
SUMS = "backend/test_sums.py"
SPECIAL = "ops/test_special_cases.py"
STRIDED = "tensor/test_strided.py"

FAULTS = [
    *faults(
        B + "cpu/sums.py",
        SUMS,
        ("if not 2 * PART <= a.shape[1] <= PIECE:", "if True:"),
        ("size = _fine(length) if a.flags.c_contiguous and length >= PART else 0", "size = 0"),
        (
            "(RUN, *range(RUN + 1, 2 * RUN + 1)) if length % n == 0), 0)",
            "(RUN, *range(RUN + 1, 2 * RUN + 1)) if length % n == 0), RUN)",
        ),
        ("rows, length - whole) if whole < length else", "rows, length - whole) if False else"),
        ("dtype = None if y is view else WIDE_SUM", "dtype = None"),
        ("    if y.dtype != a.dtype:\n        y = y.astype(a.dtype)\n", ""),
        ("y.transpose(sorted(range(len(kept)), key=kept.__getitem__))", "y"),
        (
            "np.add.accumulate(a, axis, np.float64).astype(np.float32)",
            "np.add.accumulate(a, axis)",
            "backend/test_rounding.py",
        ),
        (
            "_ones(len(a), WIDE_SUM).dot(a).astype(a.dtype, copy=False)",
            "_ones(len(a), a.dtype).dot(a)",
            "backend/test_rounding.py",
        ),
    ),
    *faults(
        B + "plain/sums.py",
        "backend/test_rounding.py",
        ('a.cumprod(axis=axis, dtype="float64").astype("float32")', "a.cumprod(axis=axis)"),
        ('a.cumsum(axis=axis, dtype="float64").astype("float32")', "a.cumsum(axis=axis)"),
    ),
    *faults(
        B + "cpu/loss.py",
        "backend/test_kernels_loss.py",
        ("least >= -WIDE_SAFE and most", "most"),
        ("most <= WIDE_SAFE)", "True)"),
        ("wide -= np.vecdot(wide, p)[..., None]", "wide -= np.vecdot(wide, wide)[..., None]"),
        ("np.subtract(pairs[of, ::-1], pairs[of],", "np.subtract(pairs[of], pairs[of, ::-1],"),
        ("if (length == 2 or _is_short(x)) and", "if _is_short(x) and"),
    ),
    *faults(
        "tinygrad_lite/ops/reduce.py",
        SPECIAL,
        ("alone = tails(xp.where(zeros == 1,", "alone = tails(xp.where(zeros >= 1,"),
        ("        if x.shape[axis] == 1:\n            return g\n        zeros", "        zeros"),
        ("tails(xp.where(zeros > 0, 0.0, g * y))", "tails(g * y)"),
    ),
    *faults(
        "tinygrad_lite/tensor/space.py",
        "backend/test_rounding.py",
        ('to_dtype(x, as_dtype("float64")) if wide else x', "x"),
    ),
    *faults(
        "tinygrad_lite/tensor/create.py",
        "tensor/test_create.py",
        ("count = -((start - end) // step) if exactly else", "count ="),
        (
            'exact = "int64" if dtype.kind in "iu" else "float64"',
            'exact = "int64" if dtype.kind in "iu" else dtype',
        ),
        ("        start, step = int(start), int(step)\n", "        pass\n"),
        ("    if step != 1 or start != 0:\n", "    if step != 1:\n"),
        ("if count * 8 >= 2**63:", "if count >= 2**63:"),
    ),
    *faults(
        B + "plain/strided.py",
        STRIDED,
        ("xp.reshape(x, (-1,))[offset:]", "xp.reshape(x, (-1,))"),
        ('xp.zeros((), dtype="int64") + offset', 'xp.zeros((), dtype="int64")'),
        ("    strides[axis] *= step\n", ""),
        ("(shape[axis] - size) // step + 1", "(shape[axis] - size) // step"),
    ),
    *faults(
        B + "cpu/strided.py",
        STRIDED,
        ("start = offset * item if line.size else 0", "start = offset * item"),
        ("    y.flags.writeable = x.flags.writeable\n", ""),
        ("start = x.ctypes.data - owner.ctypes.data if x.size else 0", "start = 0"),
    ),
    *faults(
        B + "plain/special.py",
        SPECIAL,
        ("xp.where(fraction == 0, xp.nan, math.pi", "xp.where(fraction == 5, xp.nan, math.pi"),
        ("(1 - 2 * xp.remainder(s, 2)) * below", "below"),
        ("sign = (-1) ** (n + 1)", "sign = (-1) ** n"),
        ("xp.where(wide < 0, -y, y), x.dtype)", "y, x.dtype)"),
        ("2 * xp.exp(size * size) - y, y)", "y, y)"),
        ("    for _ in range(2):\n        tail", "    for _ in range(1):\n        tail"),
        ("finite = xp.minimum(size, 30.0)", "finite = size"),
    ),
    *equal(
        "tinygrad_lite/ops/reduce.py",
        "first = (x == 0) & (zeros == 1)",
        "first = x == 0",
        "behind the first 0 what takes the place of `usual` is a sum of zeros, as before",
    ),
    *equal(
        B + "cpu/sums.py",
        "y = _over(y.reshape(*lead, size, *rest), k, WIDE_SUM)",
        "y = _over(y.reshape(*lead, size, *rest), k)",
        "so few terms that the dtype counts are float64 already",
    ),
]
