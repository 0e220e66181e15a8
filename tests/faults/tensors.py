"""Faults of tensors: dtypes, indices, in-place changes, order, views."""

from ._fault import equal, faults, row

T = "tinygrad_lite/tensor/"
KINDS = "tensor/test_conventions.py tensor/test_numbers.py"

FAULTS = [
    *faults(  # dtype promotion
        T + "promote.py",
        KINDS + " tensor/test_places.py",
        ("if (a.ndim == 0) != (b.ndim == 0):", "if False:"),
        (
            "return _led(second, first) if a.ndim == 0 else _led(first, second)",
            "return _led(first, second) if a.ndim == 0 else _led(second, first)",
        ),
        ("    if rank >= its:\n", "    if rank > its:\n"),
        ("if rank != its and rank + its != 5:", "if False:"),
        ('"i": 1, "u": 1,', '"i": 1, "u": 0,', KINDS + " tensor/test_edges.py"),
        ('if own == "b" and kind is int:', "if False:"),
        ("rank != its and rank + its != 5", "rank != its", "parity/test_complex.py"),
        ("number >> (bits - 1)", "number >> bits"),
        ("number &= 2**bits - 1", "number &= 2**bits"),
        ("fits = low <= value <= limits.max", "fits = low <= value", "tensor"),
        ('if name == "sub" and (kind is bool or own == "b"):', "if False:"),
        (
            "return a if rank > its else b",
            "return a",
            "tensor/test_numbers.py tensor/test_index.py tensor/test_create.py tensor/test_order.py data/test_loader.py tensor/test_conventions.py",
        ),
    ),
    *faults(
        "tinygrad_lite/backend/dtypes.py",
        "tensor/test_half.py -k 'meet or dtype'",
        ("if a.itemsize == b.itemsize == 2:", "if False:"),
        (
            "return dtype.itemsize == 2 and dtype.kind in FLOATING",
            'return dtype.itemsize == 2 and dtype.kind == "f"',
            "tensor/test_half.py",
        ),
    ),
    *faults(  # what users see of dtypes
        T + "element.py",
        "tensor/test_dtypes.py tensor/test_beside.py",
        ("return hash(self.dtype)", "return id(self)"),
        ("return bool(self.dtype == other)", "return False"),
        ("not isinstance(other, numpy.dtype | type | str)", "other is NotImplemented"),
        ("return self.name == other", "raise"),
        ("return _named, (self.name,)", "return _made, (self.name, self._numpy)"),
        ('f"float{4 * self.itemsize}"', 'f"float{8 * self.itemsize}"'),
        ('kind not in "buq"', 'kind not in "bq"'),
        ('if not found.isnative and found.kind in "biufc":', "if False:"),
        ('return self.setdefault(found, BY_NAME["bfloat16"])', 'return BY_NAME["float16"]'),
    ),
    *faults(
        T + "base.py",
        "tensor/test_dtypes.py",
        ("DTYPES.admit(array.dtype)", "pass"),
    ),
    *faults(  # sorting
        T + "order.py",
        "tensor/test_order.py",
        ("order = input.shape[at] - 1 - xp.flip(order, at)", "order = xp.flip(order, at)"),
        ("array = xp.flip(input.array, at) if descending else input.array", "array = input.array"),
        (
            "argtopk(array, k, at, largest)",
            "argtopk(array, k, at, True)",
            "tensor/test_order.py",
        ),
        (
            "indices = input.argsort(dim, descending)",
            "indices = input.argsort(dim)",
            "tensor/test_order.py",
        ),
        (
            "parts[1] = parts[1].reshape(input.shape)",
            "parts[1] = parts[1]",
            "tensor/test_order.py",
        ),
        (
            "up, down = max(diagonal, 0), max(-diagonal, 0)",
            "up, down = max(-diagonal, 0), max(diagonal, 0)",
            "tensor/test_order.py",
        ),
        ("minlength=minlength)", "minlength=0)", "tensor/test_order.py"),
    ),
    *faults(
        "tinygrad_lite/backend/plain/sorting.py",
        "tensor/test_order.py",
        ('axis=axis, kind="stable")', "axis=axis)"),
    ),
    *faults(
        T + "index.py",
        "tensor/test_index.py",
        (
            "if low < 0 or high >= size:",
            "if low < 0 or high > size:",
            "tensor/test_index.py tensor/test_bad_input.py",
        ),
        (
            "indices = (indices + input.shape[at]).where(indices < 0, indices)",
            "indices = indices + 0",
            "tensor/test_places.py",
        ),
        (
            "return _tensor_part(x, new(namespace(x.array).array(to_host(part))))",
            "return _tensor_part(x, new(part))",
            "tensor/test_inplace.py",
        ),
        (
            "places[rest:rest] = [_ALL] * (x.ndim - used)",
            "places += [_ALL] * (x.ndim - used)",
        ),
        (
            "if step is not None and step <= 0:",
            "if False:",
            "tensor/test_index.py tensor/test_bad_input.py",
        ),
        ('dims = part.ndim if part.array.dtype.kind == "b" else 1', "dims = 1"),
    ),
    *faults(
        T + "inplace.py",
        "tensor/test_inplace.py tensor/test_inplace_views.py",
        ("old = new(namespace(base.array).copy(base.array))", "old = new(base.array)"),
        ("    base._storage.moves += 1\n", ""),
        ("    input._storage.version += 1\n", ""),
        ("if result._node is None and part._node is not None:", "if False:"),
        ('"i": DIFFERENTIABLE,', '"i": "",', "tensor/test_inplace.py tensor/test_numbers.py"),
        ("elif repeats(array):", "elif False:"),
        (
            "node.value, node.storage = weakref.ref(base.array), base._storage",
            "node.value = weakref.ref(base.array)",
        ),
        ("if isinstance(base._node, Leaf):", "if False:"),
    ),
    *equal(
        T + "inplace.py",
        "node.version = base._storage.version",
        "node.version = 0",
        "second derivatives compute the elements once more, to the same numbers",
    ),
    *faults(
        T + "shape.py",
        "autograd/test_grad_names.py",
        ("form = 0 if dim is None else 1 if", "form = 1 if"),
        ('called(out, "Unsqueeze")', "out"),
    ),
    *faults(
        T + "shown.py",
        "autograd/test_grad_names.py",
        ("and node is not before", ""),
        ("isinstance(weight, TensorBase)", "False"),
    ),
    *faults(
        T + "apply.py",
        "tensor/test_inplace.py tensor/test_inplace_views.py",
        ("            out._storage = tensor._storage\n", ""),
        (
            "can_replay = len(args) == 1 and mode.grad and steps is not None",
            "can_replay = len(args) == 1 and steps is not None",
        ),
        ("if given._seen >= 0:  # a view", "if False:"),
        (
            "if wanted and out.array.dtype.kind in DIFFERENTIABLE:",
            "if wanted:",
            "tensor/test_edges.py tensor/test_numbers.py",
        ),
    ),
    *faults(
        T + "base.py",
        "tensor/test_inplace.py tensor/test_aliases.py optim/test_optimizer.py",
        (
            "storage.key = id(array if array.base is None else root(array))",
            "storage.key = id(array)",
            "tensor/test_inplace.py tensor/test_inplace_views.py",
        ),
        (
            "            self._node.array, self._node.storage = self.array, self._storage\n",
            "            pass\n",
            "nn/test_module.py tensor",
        ),
        ("        out._storage = self._storage\n", ""),
        (
            "if mode.grad and self.requires_grad:\n            raise",
            "if False:\n            raise",
            "tensor/test_bad_input.py",
        ),
    ),
    *faults(
        T + "half.py",
        "tensor/test_half.py",
        ('widen = rule.half not in ("anywhere", getattr(xp, "name", None))', "widen = False"),
        (
            "if isinstance(vjps, tuple):\n        return tuple(None if v is None else alone(v, d)",
            "if isinstance(vjps, tuple):\n        return tuple(v if v is None or d else alone(v, d)",
        ),
    ),
    *faults(
        T + "autocast.py",
        "tensor/test_autocast.py",
        ("if found is None or found[1] != state:", "if found is None:"),
        ("(id(tensor), low, mode.grad)", "(id(tensor), low)"),
        ("dtype.itemsize <= 4", "dtype.itemsize <= 8"),
        ("dtypes.pop(self.device, None)", "pass"),
        ("mode.cast = self._before.pop()", "mode.cast = None"),
    ),
    *equal(
        T + "autocast.py",
        '"""Keep all: it is the way to the parameter, holds no array, and other graphs need it."""',
        "super().release()",
        "the VJP of a cast captures no array, and a node without one keeps its way anyway",
    ),
    *faults(
        T + "modes.py",
        "tensor/test_modes.py",
        (
            "self._before.append(before if self._before else self._outside)",
            "self._before.append(before)",
        ),
        (
            "return not self._active, InferenceStorage",
            "return mode.grad and not self._active, InferenceStorage",
        ),
        ("InferenceStorage if self._active else Storage", "mode.storage"),
        ("resume = inner.throw, error", "raise error"),
    ),
    *faults(
        T + "anomaly.py",
        "autograd/test_anomaly.py",
        ("if not _finite(out.array) and all(map(_finite, given)):", "if not _finite(out.array):"),
        ("not _finite(share) and _finite(g)", "not _finite(share)"),
        ("sound = self.check and all(_finite(grad) for _, grad in roots)", "sound = False"),
    ),
    *faults(
        T + "create.py",
        KINDS + " tensor/test_aliases.py tensor/test_places.py",
        ("else math.ceil((end - start) / step)", "else int((end - start) / step)"),
        (
            "count = -((start - end) // step) if exactly",
            "count = round((end - start) / step) if exactly",
            "tensor/test_create.py",
        ),
    ),
    *faults(
        T + "spaced.py",
        "tensor/test_create.py",
        ("last - step * (steps - 1 - places)", "first + step * places"),
    ),
    *faults(
        T + "data.py",
        KINDS + " tensor/test_aliases.py tensor/test_places.py",
        (
            "array, home = namespace(data.array).copy(data.array), data.device",
            "array, home = data.array, data.device",
        ),
    ),
    *faults(
        T + "shape.py",
        row("chunk", "split", "movedim", "unflatten"),
        (
            "input.split(-(-n // chunks) if n",
            "input.split(n // chunks if n",
            "tensor/test_index.py",
        ),
        ("lengths = [min(size, n - s)", "lengths = [size"),
        (
            "order = tuple(moved[d] if d in moved else next(rest) for d",
            "order = tuple(moved.get(d, d) for d",
        ),
    ),
    *faults(
        T + "reduce.py",
        KINDS,
        (
            '_INT64) if input.array.dtype.kind in "biu" else input',
            '_INT64) if input.array.dtype.kind == "b" else input',
            "tensor/test_edges.py",
        ),
        (
            "free = correction if correction is not None else int(unbiased)",
            "free = int(unbiased)",
            row("var", "std"),
        ),
    ),
    *faults(
        T + "scatter.py",
        "tensor/test_index.py tensor/test_places.py",
        ("+ int(include_self)", "+ 1"),
        ('{"sum": 0, "mean": 0, "prod": 1}', '{"sum": 0, "mean": 0, "prod": 0}'),
        ("if alpha != 1:  # among", "if False:  # among"),
    ),
    *faults(
        T + "polynomials.py",
        "tensor/test_beside.py -k polynomial",
        ("return 2 * x * p - before", "return 2 * x * p + before"),
        ("else _zeros(x)\n", "else _zeros(x) + 1\n"),
        ("p - k * before) / (k + 1),\n)\nlegendre", "p - k * before) / k,\n)\nlegendre"),
    ),
    *faults(
        T + "householder.py",
        "tensor/test_beside.py -k 'geqrf or ormqr'",
        ("True, not transpose).mT", "True, transpose).mT"),
        ("steps if transpose else reversed(steps)", "reversed(steps)"),
    ),
    *faults(
        "tinygrad_lite/backend/plain/linalg.py",
        "tensor/test_beside.py -k geqrf",
        ("-xp.copysign(xp.hypot(first, below), first)", "xp.hypot(first, below)"),
        ("done = below == 0", "done = below != below"),
    ),
    *faults(
        T + "copies.py",
        "tensor/test_beside.py -k '_copy'",
        ("return called(in_our_order(found.clone()), shown)", "return called(found, shown)"),
    ),
    *faults(
        T + "lowrank.py",
        "tensor/test_beside.py -k lowrank",
        ("return (u, s, v) if tall", "return (u, s, v) if True"),
        ("a = A if M is None else A - M", "a = A"),
    ),
    *faults(
        "tinygrad_lite/distributions/lkj_cholesky.py",
        "distributions/test_distributions.py -k 'lkj or alike'",
        ("Beta(i / 2 + 0", "Beta(i / 2 + 0.5 + 0"),
        ("+ n - self._numbers(2, n)", "+ n - self._numbers(1, n - 1)"),
    ),
    *faults(
        "tinygrad_lite/distributions/wishart.py",
        "distributions/test_distributions.py -k wishart",
        ("self.df.unsqueeze(-1) - i) / 2", "self.df.unsqueeze(-1) + i) / 2"),
        ("(nu.unsqueeze(-1) - i)", "(nu.unsqueeze(-1))"),
    ),
    *faults(
        "tinygrad_lite/distributions/continuous_bernoulli.py",
        "distributions/test_distributions.py -k continuous",
        ("1 / 12 - h**2 / 240", "1 / 12 - 0 * h"),
        ("eta.clamp(min=0) +", "eta +"),
    ),
    *faults(
        "tinygrad_lite/paths.py",
        "test_modules.py",
        ('name = name.rpartition(".")[0]', 'name = ""'),
    ),
    *faults(  # recorded gradients after an input was changed
        T + "kept.py",
        "ops/test_changed_inputs.py",
        ("vjps = saved_vjps(node)", "vjps = node.vjps"),
        ("            made._node, made._storage = node, node.storage\n", "            pass\n"),
        ('elif array.dtype.kind not in "biu":', "elif False:"),
        ("            return space\n", "            return value\n"),
    ),
    *faults(  # changes of tensors of which several elements are one in memory
        T + "inplace.py",
        "tensor/test_expanded.py",
        ("index = _changed(value.array, array)", "index = value.array == value.array"),
        (" & ((value == value) | (array == array))", ""),
        ("if name not in _OF_SOME or value._node is not None:", "if name not in _OF_SOME:"),
        ("if root(part) is root(array):", "if True:"),
    ),
    *faults(
        T + "restride.py",
        "tensor/test_expanded.py",
        (
            "        input._storage.version += 1\n        if isinstance(input._node, Node)",
            "        if isinstance(input._node, Node)",
        ),
    ),
]
