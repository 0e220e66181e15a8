"""Faults of captured steps, and of what shows and checks computations."""

from ._fault import equal, faults

REPLAY, DEBUG = "tinygrad_lite/replay/", "tinygrad_lite/debug/"
STEPS = "cuda/test_graph.py cuda/test_graph_memory.py cuda/test_graph_refusals.py -k 'not convnet and not kernels'"

FAULTS = [
    *faults(
        REPLAY + "arguments.py",
        STEPS,
        (
            "if array.shape != fixed.shape or array.dtype != fixed.dtype:",
            "if array.shape != fixed.shape:",
        ),
        ("        self._xp.copyto(self._array, array)\n", ""),
        ("if isinstance(value, Tensor) and value.requires_grad:", "if False:"),
    ),
    *faults(
        REPLAY + "step.py",
        STEPS,
        ("        for gradient in self._leaves.values():\n            gradient.leave()\n", ""),
        ("if self._calls >= self._warmup:", "if self._calls > self._warmup:"),
        ("if leaf.array is not self.array:", "if False:"),
        ("if self.added and leaf._grad is not self.before:", "if False:"),
        ("                gradient.put_back()\n", "                pass\n"),
        ("return _detached(self._step(*args, **words))", "return self._step(*args, **words)"),
        (
            "                    recording.hold(tensor.array)\n",
            "                    pass\n",
        ),
    ),
    *faults(
        "tinygrad_lite/backend/capture.py",
        STEPS,
        ("if not self._fresh:  # the recorded call has filled them for its own replay", "if True:"),
        (
            '        self.undo.append(lambda: setattr(random.default_generator, "state", state))\n',
            "",
        ),
        ("            self.undo.pop()()\n", "            self.undo.pop()\n"),
        ("        self._feeds.append((slot, fill))\n", ""),
    ),
    *faults(
        DEBUG + "costs.py",
        "debug/test_summary.py",
        (
            '    if name == "conv2d":\n        return 2 * outputs',
            '    if name == "conv2d":\n        return outputs',
        ),
        ("            if id(array) not in seen:\n", "            if True:\n"),
        ("seen = {id(root(leaf.array)) for leaf in leaves}", "seen = set()"),
        ("bias = outputs if len(shapes) > 2 else 0", "bias = 0"),
    ),
    *faults(
        DEBUG + "summary.py",
        "debug/test_summary.py",
        ("if id(p) not in shared]", "if True]"),
        ("    model = copy.deepcopy(model)\n", ""),
        ("        set_rng_state(state)\n", "        pass\n"),
    ),
    *faults(
        DEBUG + "draw.py",
        "debug/test_draw.py",
        (
            'font-weight="bold" fill="#222">{escape(box.title)}',
            'font-weight="bold" fill="#222">{box.title}',
        ),
        (
            'f\'text-anchor="middle" fill="#555">{escape(line)}</text>\'',
            'f\'text-anchor="middle" fill="#555">{line}</text>\'',
        ),
        ("if parent is not None and parent not in found:", "if parent is not None:"),
        ("if any(isinstance(n, Node) and n.vjps is None for n in nodes):", "if False:"),
    ),
    *faults(
        DEBUG + "layout.py",
        "debug/test_draw.py",
        ("while blocks and blocks[-1][2] + blocks[-1][3] > block[2]:", "while False:"),
        ("row[b] = max(row[b], row[a] + 1)", "row[b] = row[a] + 1"),
    ),
    *faults(
        DEBUG + "check.py",
        "debug/test_commands.py",
        ("return _apart(*_slopes(function, values, which, at, 5e-5)) > 0.75 * near", "return True"),
        ("if output.array.dtype != numpy.float32:", "if False:"),
        (
            "numeric = sum(_slopes(function, values, which, at)) / 2",
            "numeric = sum(_slopes(function, values, which, at))",
        ),
    ),
    *faults(
        DEBUG + "profile.py",
        "debug/test_profile.py",
        (
            "written = 0 if out._view is not None else int(out.array.nbytes)",
            "written = int(out.array.nbytes)",
        ),
        ("        local.depth = depth + 1\n", ""),
    ),
    *faults(
        "tinygrad_lite/autograd/gradcheck.py",
        "ops/test_gradcheck.py debug/test_commands.py",
        ("scale = max(abs(numeric), size * 1e-2)", "scale = 1e9"),
        ("gradients = [numpy.zeros(args[i].shape) for i in checked]", "return"),
    ),
    *equal(
        "tinygrad_lite/autograd/gradcheck.py",
        "return tuple(own[i] * 0 if g is None else g",
        "return tuple(own[i] if g is None else g",
        "it stands for a gradient that is not there, and any right function does",
    ),
]
