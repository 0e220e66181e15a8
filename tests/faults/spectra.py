"""Faults of complex tensors and of transforms."""

from ._fault import equal, faults

HERE = "tinygrad_lite/"
OWN = "ops/test_complex.py ops/test_fourier.py tensor/test_complex_tensors.py"

FAULTS = [
    *faults(
        HERE + "tensor/complex.py",
        OWN,
        ('if "c" not in kinds:', "if True:"),
        ('_conjugated(xp, vjps, real, form == "analytic")', "_conjugated(xp, vjps, real, False)"),
        ("return xp.conj(g) if analytic else g\n\n    def found", "return g\n\n    def found"),
        ("if form is None:", "if False:"),
    ),
    *equal(
        HERE + "tensor/complex.py",
        "return xp.real(g) if is_real else",
        "return",
        "the walk casts a gradient to its input's dtype, which takes the real part too",
    ),
    *faults(
        HERE + "ops/complex.py",
        OWN,
        ("(lambda g: xp.conj(g),)", "(lambda g: g,)"),
        ("xp.complex_of(g, xp.zeros_like(g))", "xp.complex_of(g, g)"),
        ("xp.complex_of(xp.zeros_like(g), g)", "xp.complex_of(g, xp.zeros_like(g))"),
        ("(g - y * along) / own", "g / own"),
        ("xp.where(size == 0, 0.0, (g", "xp.where(size < 0, 0.0, (g"),
        ("xp.real(xp.conj(g) * xp.sgn(z))", "xp.real(g * xp.sgn(z))"),
    ),
    *faults(
        HERE + "ops/fourier.py",
        OWN,
        ("not forward, OTHER[norm]", "not forward, norm"),
        ("g, n, axis, OTHER[norm], inner / 2", "g, n, axis, OTHER[norm], inner"),
        ("OTHER[norm], inner * 2", "OTHER[norm], inner"),
    ),
    *faults(
        HERE + "backend/plain/fourier.py",
        OWN,
        ("slice(1, (n + 1) // 2)", "slice(1, n // 2)"),
        ("slice(1, (n + 1) // 2)", "slice(1, n // 2 + 1)"),
        ("        z = xp.copy(z)\n", ""),
    ),
    *faults(
        HERE + "tensor/fourier.py",
        OWN,
        ("[*rest, n // 2 + 1]", "[*rest, n]"),
        ("[*sizes[:-1], 2 * (sizes[-1] - 1)]", "[*sizes[:-1], 2 * sizes[-1] - 1]"),
        ("norm=scale if forward else ops.OTHER[scale]", "norm=scale"),
        ("    if is_half(dtype):", "    if False:"),
    ),
    *faults(
        HERE + "tensor/spectrum.py",
        "parity/test_complex.py ops/test_complex.py ops/test_fourier.py",
        ("left = (n_fft - length) // 2", "left = 0"),
        ("(weights * weights)", "weights"),
        ("start = n_fft // 2 if center else 0", "start = 0"),
        ("(n_fft // 2, n_fft // 2), pad_mode)", "(n_fft // 2, n_fft // 2))"),
    ),
    *faults(
        HERE + "tensor/inplace.py",
        OWN,
        ('if "c" in kinds:', "if False:"),
        ("called(old - hole + parts", "called(old + parts"),
    ),
    *faults(
        HERE + "optim/_parts.py",
        "optim/test_complex_parameters.py",
        ("if not optimizer._of_parts:", "if False:"),
        ("namespace(a).view_as_real(a)", "a"),
    ),
    *faults(
        HERE + "files/torch_pickles.py",
        "test_torch_files.py",
        ('made.conj() if notes.get("conj") is True else made', "made"),
    ),
    *faults(
        HERE + "files/torch_pickles.py",
        "test_torch_files_arrays.py",
        ("self._left -= array.nbytes", "self._left -= 0"),
        ('array.copy(order="K")', "array"),
        ("if id(call) not in self._made:", "if True:"),
    ),
    *faults(
        HERE + "files/arrays.py",
        "test_torch_files_arrays.py",
        ("len(data) != dtype.itemsize", "False"),
    ),
    *faults(
        HERE + "tensor/statistics.py",
        "parity/test_complex.py",
        ("centred.matmul(right.conj().t())", "centred.matmul(right.t())"),
    ),
]
