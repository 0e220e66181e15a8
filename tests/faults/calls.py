"""Faults of how functions are called: what they read, what is called as what, where results go."""

from ._fault import faults

T = "tinygrad_lite/tensor/"
CALLED = (
    "tensor/test_beside.py tensor/test_bad_input.py tensor/test_error_messages.py "
    "tensor/test_placement.py tensor/test_conventions.py"
)

FAULTS = [
    *faults(
        T + "arguments.py",
        CALLED,
        ("if name is not word and name in own and name in words:", "if False:"),
        ("    if value is None and word in _LAX:\n        return False\n", ""),
        ('    if "float" not in kind:\n', "    if False:\n"),
        ("return value.array.item() if exact else value", "return value.array.item()"),
        ("host and not value.requires_grad and", "host and"),
        ('kwargs.keys() <= {"out"}', "not kwargs"),
        ('    if name != "backward":  # which', "    if True:  # which"),
        ('kind = "Operand" if operands and p.annotation == "Tensor" else', "kind ="),
        ("if type(args[place]) is not exact:", "if not isinstance(args[place], exact):"),
        ("elif word in kwargs and type(kwargs[word]) is not exact:", "elif False:"),
        ("if colon and operation and first not in", "if colon and first not in"),
        ('f"{room}.{name}" if room in ("linalg", "fft", "special") else name', "name"),
    ),
    *faults(
        T + "shown.py",
        "tensor/test_beside.py autograd/test_grad_names.py",
        ("and node is not before:", "and True:"),
        ("else 1 - number}", "else number}"),
        ("kind(made, args, words) if callable(kind) else kind", "kind"),
        ('return "View" if bias is None else ""', 'return "View"'),
        (
            "RoundBackward{int(len(args) > 1 or 'decimals' in words)}",
            "RoundBackward{int(len(args) > 1)}",
        ),
        ('"Split" if isinstance(size, int) else "SplitWithSizes"', '"Split"'),
        ('f"GridSampler{made.ndim - 2}D"', 'f"GridSampler{made.ndim - 1}D"'),
    ),
    *faults(
        T + "placement.py",
        "tensor/test_beside.py tensor/test_placement.py",
        ("            if name in _OF_OUT:\n", "            if True:\n"),
        ("            if name in _OF_OUT:\n", "            if False:\n"),
        ('elif as_dtype(kept["dtype"]) != out.array.dtype:', "elif False:"),
        ("if made.requires_grad or (", "if ("),
        ("(mode.grad and out.requires_grad)", "False"),
        ("not info.can_cast(made.array.dtype, out.array.dtype):", "False:"),
        (
            'type(result)(*out) if several and hasattr(result, "_fields") else out',
            "out",
        ),
        ("result = result.contiguous()  # type", "result = result  # type"),
        ("(several and len(out) != len(result))", "False"),
    ),
    *faults(
        T + "modes.py",
        "tensor/test_beside.py tensor/test_modes.py",
        (
            "except GeneratorExit:\n                within(inner.close)",
            "except GeneratorExit:\n                inner.close()",
        ),
        ("        _set(self._outside)\n", ""),
        ("before if self._before else self._outside", "before"),
        ("if d is None or found.kind", "if found.kind"),
    ),
    *faults(
        T + "old_forms.py",
        "tensor/test_beside.py test_warnings.py tensor/test_found_in_programs.py",
        ("and not tensors[1].array.ndim:", "and True:"),
        ("_warned.add(name)", "pass"),
    ),
    *faults(
        T + "place.py",
        "tensor/test_beside.py tensor/test_hooks.py tensor/test_inplace_views.py autograd/test_graph.py tensor/test_aliases.py",
        ("mine = frozen is not None and frozen.tensor() is input", "mine = frozen is not None"),
        ("        input._storage.moves += 1  # so", "        # so"),
        ("leaf.tensor = weakref.ref(tensor)", "pass"),
        ("if not requires_grad and not is_leaf(input):", "if False:"),
    ),
    *faults(
        T + "assign.py",
        "tensor/test_beside.py tensor/test_bad_input.py tensor/test_index.py tensor/test_half.py "
        "tensor/test_complex_tensors.py tensor/test_expanded.py tensor/test_places.py",
        ("if view and (places or repeats(input.array)):", "if view and places:"),
        ("input, view = apply(shape_ops.getitem, input, spec=view), ()", "view = ()"),
        ("(input.requires_grad or value.requires_grad)", "input.requires_grad"),
        (
            "        if is_half(input.array.dtype) and not numpy.iscomplexobj(number):\n",
            "        if False:\n",
        ),
        ("if places and value.array.dtype.kind", "if value.array.dtype.kind"),
        ("and follows(value):", "and True:"),
    ),
    *faults(
        T + "checks.py",
        "tensor/test_beside.py test_library.py",
        ("cond.all().item()", "cond.any().item()"),
        ("i <= max), message", "i < max), message"),
    ),
    *faults(
        T + "check.py",
        "tensor/test_beside.py tensor/test_bad_input.py tensor/test_error_messages.py tensor/test_numbers.py",
        ("and not isinstance(value, bool)", ""),
        ('and value.array.dtype.kind in "iu"', ""),
        ("if value.ndim or value.requires_grad:", "if value.ndim:"),
    ),
    *faults(
        T + "copies.py",
        "tensor/test_beside.py",
        (
            "return called(in_our_order(found.clone()), shown)",
            "return called(in_our_order(found), shown)",
        ),
        ("input.movedim(dim, 0)[start:end:step].movedim(0, dim)", "input[start:end:step]"),
        ("SqueezeBackward{1 + several}_copy", "SqueezeBackward1_copy"),
    ),
]
