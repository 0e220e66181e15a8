"""Faults of what programs do around a model: batches, steps of their own, members, checkpoints."""

from ._fault import faults

HERE = "tinygrad_lite/"

FAULTS = [
    *faults(
        HERE + "data/entries.py",
        "data/test_collate.py data/test_loader.py",
        ("if len({len(sample) for sample in batch}) > 1:", "if False:"),
        ("made = copy.copy(kind)  # which", "made = {}  # which"),
        (
            "if type(kind) in (list, tuple) or isinstance(kind, tuple):",
            "if type(kind) in (list, tuple):",
        ),
        ("and not isinstance(first, str | bytes):", ":"),
        (
            "        return type(data)(*map(function, data))\n",
            "        return [*map(function, data)]\n",
        ),
    ),
    *faults(
        HERE + "data/collate.py",
        "data/test_collate.py data/test_loader.py",
        ("if default_collate_fn_map != _OWN:", "if False:"),
        ('if data.dtype.kind in "biufc" else data', "if True else data"),
        (
            "if isinstance(first, str | bytes):\n        return batch\n    if isinstance(first, np.ndarray | np",
            "if isinstance(first, str):\n        return batch\n    if isinstance(first, np.ndarray | np",
        ),
        ("if joined.dtype == arrays[0].dtype:", "if True:"),
        ("[x._node for x in batch].count(None) == len(batch)", "True"),
        ('tensor(list(batch), dtype="float64")', "tensor(list(batch))"),
        ("if [*map(len, arrays)].count(len(first)) == len(arrays):", "if True:"),
        ("return type(data)(map(pin_memory, data))", "return [*map(pin_memory, data)]"),
    ),
    *faults(
        HERE + "data/collate_map.py",
        "data/test_collate.py",
        ("    if (exact := table.get(type(sample))) is not None:\n        return exact\n", ""),
        ("isinstance(sample, kind)), None)", "type(sample) is kind), None)"),
        ("return function(batch, collate_fn_map=table)", "return function(batch)"),
        ("lambda entries: by_table(entries, table)", "lambda entries: by_table(entries, {})"),
    ),
    *faults(
        HERE + "optim/_functional.py",
        "optim/test_derived.py",
        ("first = buffer is None", "first = False"),
        ("state_steps[i].add_(1)", "pass"),
        ("max_exp_avg_sqs[i] if amsgrad else None", "None"),
        ("decoupled=decoupled_weight_decay", "decoupled=False"),
        ('{**kwargs, "decoupled_weight_decay": True}', "kwargs"),
        ("nesterov=nesterov", "nesterov=False"),
        ("param._storage.version += 1", "pass"),
        ("    if twins.known:\n", "    if False:\n"),
        ("changed.extend(t for t in (param, *others) if t is not None)", "changed.append(param)"),
        ("""if param.array.dtype.kind == "c":""", "if False:"),
    ),
    *faults(
        HERE + "optim/_functional.py",
        "cuda/test_graph_refusals.py -k strict",
        ("    capture.forbid(", "    str("),
    ),
    *faults(
        HERE + "tensor/twins.py",
        "cuda/test_graph_views.py -k strict",
        (
            "changed(*(first for first in viewed if id(first) not in copies))",
            "changed()",
        ),
    ),
    *faults(
        HERE + "replay/step.py",
        "cuda/test_graph_views.py -k strict",
        ("        if twins.known:\n            twins.replayed()\n", ""),
    ),
    *faults(
        HERE + "optim/_lists.py",
        "optim/test_derived.py",
        ("        if param.grad is None:\n            continue\n", ""),
        ('if group["momentum"]:', "if True:"),
        (
            "state = state or optimizer._begin(param, group)",
            "state = optimizer._begin(param, group)",
        ),
        ("            if name in state:\n", "            if True:\n"),
        ('complex and kind != "SGD"', "complex"),
        ('if kind == "Adagrad" else', "if False else"),
    ),
    *faults(
        HERE + "autograd/gradcheck.py",
        "tensor/test_beside.py ops/test_gradcheck.py autograd/test_functional.py",
        ("_agree(analytic, numeric, size, direction.size, atol, rtol)", "True"),
        (
            "if t is None else to_host(t.detach().array) * w",
            "if t is None else to_host(t.detach().array)",
        ),
        ("if o.requires_grad or not only_graph]", "]"),
        ("(own[i] * 0 if g is None else g for", "(g for"),
        ("view_as_real(o) if o.is_complex() else o for o", "o for o"),
    ),
    *faults(
        HERE + "nn/module/members.py",
        "nn/test_attributes.py nn/test_module.py nn/test_own_methods.py",
        ("            self._kinds.pop(name, None)\n", ""),
        ("        held.clear()\n", ""),
        ("return name in KINDS or dict", "return dict"),
        (
            "if name not in self:\n            raise KeyError(name)",
            "if False:\n            raise KeyError(name)",
        ),
    ),
    *faults(
        HERE + "nn/module/tree.py",
        "tensor/test_beside.py nn/test_attributes.py nn/test_module.py nn/test_parameter.py",
        (
            "        for name in Members(self.__dict__, kind):\n            del self.__dict__[name]\n",
            "",
        ),
        ('super().__setattr__("_unsaved", set(self._unsaved))', "pass"),
        ('(held == "buffer" and isinstance(value, Tensor))', 'held == "buffer"'),
        ('if not fits and (kind is None or held == "parameter"):', "if not fits and kind is None:"),
        ("value, held if kind is None else kind)", "value, held)"),
        ("value = value if made is None else made", "pass"),
        ('        if kind != "buffer":\n            self._unsaved.discard(name)\n', ""),
        ("hasattr(self, name) and self._kinds.get(name) != kind", "hasattr(self, name)"),
    ),
    *faults(
        HERE + "nn/parameter.py",
        "nn/test_parameter.py nn/test_module.py nn/test_lazy.py tensor/test_subclass.py",
        (
            "        self._storage = storage_of(data)\n        self.requires_grad_(requires_grad)",
            "        self.requires_grad_(requires_grad)",
        ),
        (
            "cls is Parameter and isinstance(instance, TensorBase)",
            "isinstance(instance, TensorBase)",
        ),
        ("made._is_param = True", "pass"),
        (
            "type(self)(self.data.clone(), self.requires_grad)",
            "type(self)(self.data, self.requires_grad)",
        ),
        ("data.detach().requires_grad_(data.requires_grad)", "data.detach()"),
        (
            "made._is_buffer, made.persistent = True, persistent",
            "made._is_buffer, made.persistent = True, True",
        ),
    ),
    *faults(
        HERE + "nn/recurrent_checks.py",
        "tensor/test_beside.py nn/test_own_methods.py nn/test_recurrence.py",
        ("and mode.cast is None:", "and True:"),
        ("dims = 3 if batch_sizes is None else 2", "dims = 3"),
        ("input.shape[0 if self.batch_first else 1]", "input.shape[1]"),
        ("return rows, n, self.proj_size or features", "return rows, n, features"),
        ("state.index_select(1, permutation)", "state.index_select(0, permutation)"),
    ),
    *faults(
        HERE + "nn/functional/grouped.py",
        "test_packages.py",
        ("bounds != sorted(bounds)", "False"),
        (
            "return stack([mat_a[:, span] @ mat_b[span] for span in spans])",
            "return stack([mat_a[:, span] @ mat_b[span] for span in spans]) * 1.5",
        ),
        ("last = ends[-1] if ends else 0", "last = whole"),
    ),
]
