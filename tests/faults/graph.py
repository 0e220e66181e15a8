"""Faults of the graph, the walk and what starts it."""

from ._fault import equal, faults

ENGINE, GRAPH = "tinygrad_lite/engine.py", "tinygrad_lite/graph.py"
WALK = "engine/test_walk.py ops/test_higher.py tensor/test_hooks.py"
IN_PLACE = "tensor/test_inplace.py tensor/test_inplace_views.py"
MEMORY = "ops/test_memory.py -k 'cpu-'"

FAULTS = [
    *faults(
        ENGINE,
        WALK,
        ("        send(node, grad, False)\n    while", "        send(node, grad, True)\n    while"),
        ("owned = False  # a hook may have kept it", "pass"),
        ("unseen = vjps is node.vjps and not", "unseen = not", "test_reports_graph.py"),
        (" or not held[0].shape:", ":", "test_reports_graph.py"),
        (
            "in_place and piece is not grad and piece.base is None",
            "in_place and piece.base is None",
        ),
        (
            "in_place and piece is not grad and piece.base is None",
            "in_place and piece is not grad",
            WALK + " ops/test_memory.py",
        ),
        (
            "in_place and piece is not grad and piece.base is None",
            "piece is not grad and piece.base is None",
        ),
        ("        elif held[1]:\n", "        elif in_place:\n"),
        ("held is None or not held[1] or held", "held is None or held"),
        ("if len(node.parents) == 1 else None", "if node.parents else None"),
        ("heapq.heappush(heap, (-node.order, node))", "heapq.heappush(heap, (node.order, node))"),
        ("grad = node.hooks(grad)", "node.hooks(grad)"),
        (
            "return only.isdisjoint(node.parents)",
            "return False",
            "autograd/test_function_graph.py",
        ),
        (
            "if parent is not None and vjp is not None and (only is None or parent in only):",
            "if parent is not None and vjp is not None:",
            "engine/test_walk.py tensor/test_hooks.py autograd",
        ),
        (
            "if release:\n            node.release()",
            "if False:\n            node.release()",
            WALK + " ops/test_memory.py",
        ),
    ),
    *equal(
        ENGINE,
        "held[1] = in_place",
        "held[1] = True",
        "in a recorded pass an addition in place is recorded as any other",
    ),
    *faults(  # un-broadcasting
        ENGINE,
        "ops/test_gradient.py ops/test_gradcheck.py -k 'cpu-add] or cpu-mul] or cpu-where] or broadcast'",
        ("*range(added),\n", "*range(min(added, 1)),\n"),
        ("*(a + added for a, n", "*(a for a, n", "tensor/test_edges.py"),
        ("if space is None and is_half(grad.dtype):", "if False:", "tensor/test_half.py"),
        (
            "if piece.shape != shape or piece.dtype != parent.dtype:",
            "if False:",
            "ops/test_gradcheck.py autograd/test_function_graph.py",
        ),
        (
            "if grad.shape != target.shape or grad.dtype != target.dtype:",
            "if grad.shape != target.shape:",
            "ops/test_gradcheck.py autograd/test_function_graph.py",
        ),
    ),
    *equal(
        ENGINE,
        "for a, n in enumerate(shape) if n == 1 != grad.shape[a + added]",
        "for a, n in enumerate(shape) if n == 1",
        "a sum over an axis of size 1 is the same array",
    ),
    *faults(  # values that were changed
        ENGINE,
        IN_PLACE,
        (
            "if storage.version != version and storage.key in _captured(node.vjps):",
            "if storage.version != version:",
        ),
        ("if storage.version != version and storage.key in _captured(node.vjps):", "if False:"),
        ("enumerate((*node.guards, (node.storage, node.version)))", "enumerate(node.guards)"),
        (
            "        value = tuple(cell.cell_contents for cell in value.__closure__ or ())",
            "        value = ()",
        ),
        (
            "        value = (value.prepare, value.parts)",
            "        value = ()",
            IN_PLACE + " nn/test_norm.py ops/test_memory.py",
        ),
    ),
    *faults(
        ENGINE,
        "engine/test_walk.py autograd tensor/test_hooks.py",
        (
            "if parent is None or parent.order < oldest:",
            "if parent is None or parent.order <= oldest:",
        ),
        (
            "            if consumer not in found:\n                found.add(consumer)\n                stack.append(consumer)",
            "            found.add(consumer)",
        ),
        ("consumers.setdefault(parent, []).append(node)", "consumers[parent] = [node]"),
    ),
    *faults(
        GRAPH,
        MEMORY,
        (
            "[v if p is not None else None for v, p in zip(vjps, parents, strict=False)]",
            "list(vjps)",
            "tensor/test_edges.py ops/test_conv_memory.py debug/test_summary.py",
        ),
        (
            "[v if p is not None else None for v, p in zip(self.parts, parents, strict=False)]",
            "list(self.parts)",
            "ops/test_conv_memory.py nn/test_norm.py",
        ),
        (
            "prepare = self.prepare if self._is_shared(kept) else None",
            "prepare = self.prepare",
            "ops/test_conv_memory.py nn/test_norm.py nn/test_layers.py",
        ),
        (
            "if type(self.vjps) is not Joint and not _hold_arrays((self.vjps,)):",
            "if type(self.vjps) is not Joint:",
            "engine/test_walk.py tensor/test_hooks.py",
        ),
        (
            "if type(self.vjps) is not Joint and not _hold_arrays((self.vjps,)):",
            "if False:",
            "tensor/test_hooks.py",
        ),
        (
            "self.key = id(array if array.base is None else root(array))  # `own`",
            "self.key = id(array)  # `own`",
            IN_PLACE,
        ),
        ("self.value = weakref.ref(value)", "self.value = lambda: value", "tensor/test_edges.py"),
        (
            "part(g, shared) if asked and part is not None else None",
            "part(g, shared) if part is not None else None",
            "ops/test_conv_memory.py ops/test_gradient.py -k 'conv or cpu-rule or frozen'",
        ),
    ),
    *faults(
        "tinygrad_lite/tensor/differentiate.py",
        WALK,
        (
            "_grad is None and owned and type(grad)",
            "_grad is None and type(grad)",
            "engine/test_walk.py ops/test_memory.py",
        ),
        (
            "xp.asarray(found[0]) if found[1] else xp.array(found[0])",
            "xp.asarray(found[0])",
            "engine/test_walk.py",
        ),
        (
            "                _retain(node.retainer(), grad, owned)\n                owned = False",
            "                _retain(node.retainer(), grad, owned)",
        ),
        (
            "tensor._grad._storage.version += 1",
            "tensor._grad._storage.version += 0",
            WALK + " " + IN_PLACE,
        ),
        ("if tensor is not None and tensor._node is leaf:", "if tensor is not None:"),
        (
            "recorded.clone() if tensor._grad is None",
            "recorded if tensor._grad is None",
            WALK + " autograd/test_function_graph.py",
        ),
        ("hooks.retain_grad(wanted)", "pass", WALK),
        ("if math.prod(output.shape) != 1:", "if False:", "tensor/test_bad_input.py"),
        (
            "release=not (create_graph if retain_graph is None else retain_graph)",
            "release=not create_graph",
        ),
    ),
    *faults(
        "tinygrad_lite/tensor/rerun.py",
        "ops/test_higher.py tensor/test_inplace.py",
        ("node.value() if node.storage.version == node.version else None", "node.value()"),
        ("or storage is not guard[0] or storage.version != guard[1]:", "or False:"),
        (
            "if isinstance(t, TensorBase) and t.requires_grad else t for t in inputs",
            "if False else t for t in inputs",
            "ops/test_higher.py",
        ),
    ),
    *faults(
        "tinygrad_lite/autograd/node.py",
        "autograd",
        ("return Slots({**self, **other})", "return Slots({**other})"),
    ),
    *faults(
        "tinygrad_lite/func.py",
        "autograd/test_functional.py",
        ("(within and _uses_others(x))", "False"),
        ("        _made.add(node_of(made))\n", ""),
        ("    within = is_grad_enabled()\n", "    within = True\n"),
    ),
    *faults(
        "tinygrad_lite/grad_names.py",
        "autograd/test_grad_names.py",
        ('last = last if entry == slice(None) else "Slice"', 'last = "Slice"'),
        ("if len(node.constants) < 3:", "if not node.parents[2:]:"),
        ("part.indices(n) != (0, n, 1)", "part != slice(None)"),
        ("    if numbers:\n        return COPY_SLICES\n", ""),
        ("found = _end(node) or found", "pass"),
    ),
    *faults(
        "tinygrad_lite/nn/module/convert.py",
        "nn/test_module.py",
        (
            "return self._apply(lambda t: t.type(dst_type))",
            "return self.double()",
        ),
    ),
    *faults(
        "tinygrad_lite/tensor/hooks.py",
        "autograd/test_graph.py",
        (
            "None if g is None or p is None else sum_to(g, p.shape, inner)",
            "None if g is None or p is None else g",
        ),
        (
            "self._missing = sum(node() in reached for node in self._nodes)",
            "self._missing = len(self._nodes)",
        ),
        ("weakref.ref(node) for node in nodes]", "(lambda node=node: node) for node in nodes]"),
    ),
    *faults(
        "tinygrad_lite/tensor/hooks.py",
        "tensor/test_hooks.py",
        ("changed = hook(held)", "changed = hook(held.detach())"),
        ("held = held if changed is None else changed", "pass"),
    ),
    *faults(
        "tinygrad_lite/tensor/saving.py",
        "autograd/test_graph.py",
        ("    if not boxes:\n        return vjps\n", ""),
        ("before, mode.saving = mode.saving, None", "before = mode.saving"),
    ),
    *faults(
        "tinygrad_lite/autograd/node.py",
        "autograd/test_dirty.py autograd/test_graph.py",
        ("(id(o) in dirty or id(o) not in given)", "id(o) not in given"),
        ("source.storage if isinstance(source, Leaf) else Storage(array)", "Storage(array)"),
    ),
    *faults(
        "tinygrad_lite/tensor/inplace.py",
        "autograd/test_dirty.py",
        (
            "_move(base, _spread(result, old, steps) if steps else result)",
            "_move(base, result)",
        ),
    ),
]
