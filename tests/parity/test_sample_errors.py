"""What PyTorch's own samples of mistakes (`error_inputs` of its operations) raise here too."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

import tinygrad_lite

pytest.importorskip("expecttest", reason="PyTorch's samples need it")

OUT = "out= may be of any dtype that the result can be cast to, and overlap what is read"
EXCUSED = {
    ("gather", 1): OUT,
    ("gather", 6): OUT,
    ("gather", 7): OUT,
    ("take", 1): OUT,
    ("take", 2): OUT,
    ("masked_select", 1): OUT,
    ("masked_select", 2): OUT,
    ("kthvalue", 0): OUT,
    ("aminmax", 3): OUT,
    ("multinomial", 2): OUT,
    ("cat", 6): OUT,
    ("cat", 7): OUT,
    ("cat", 8): OUT,
    ("index_select", 0): "out= takes its shape first, and then no longer overlaps itself",
    ("arange", 6): "a step is not cast to the dtype of out= first",
    ("narrow_copy", 1): "a dimension out of range is an IndexError, as in `narrow`",
    ("masked_fill", 1): "there are no complex numbers",
}
"""(operation, number of the sample), and why it differs."""

KNOWN = (IndexError, TypeError, ValueError, ZeroDivisionError, AttributeError, OverflowError)


class Left(Exception):
    """A sample of what is not here: complex numbers, sparse tensors, more than 60 dimensions."""


def ours(value: Any, storages: dict[int, Any]) -> Any:
    """A sample's argument as this library's; tensors share storages as PyTorch's do."""
    if isinstance(value, torch.Tensor):
        if value.is_complex() or value.layout is not torch.strided or value.ndim > 60:
            raise Left
        dtype = getattr(tinygrad_lite, str(value.dtype).removeprefix("torch."))
        if value.device.type == "meta" or not value.numel():
            return tinygrad_lite.empty(tuple(value.shape), dtype=dtype, device=value.device.type)
        memory = value.untyped_storage()
        if memory.data_ptr() not in storages:
            flat = torch.empty(0, dtype=value.dtype).set_(memory).clone()
            storages[memory.data_ptr()] = memory, tinygrad_lite.from_numpy(flat.numpy())
        flat = storages[memory.data_ptr()][1]
        return flat.as_strided(tuple(value.shape), value.stride(), value.storage_offset())
    if isinstance(value, torch.dtype | torch.layout):
        found = getattr(tinygrad_lite, str(value).removeprefix("torch."), None)
        if found is None or (value.__class__ is torch.dtype and value.is_complex):
            raise Left
        return found
    if isinstance(value, list | tuple):
        return type(value)(ours(v, storages) for v in value)
    return {k: ours(v, storages) for k, v in value.items()} if isinstance(value, dict) else value


def at(path: str, root: Any) -> Any:
    """What a library has under a dotted path, or None."""
    for name in path.split("."):
        root = getattr(root, name, None)
    return root


def name_of(error: Exception) -> str:
    """NotImplementedError and the like are RuntimeErrors to whoever catches them."""
    return next((k.__name__ for k in KNOWN if isinstance(error, k)), "RuntimeError")


def outcome(function: Any, args: Any, words: Any) -> str:
    """The type of the error of a call, and its text; "" of none."""
    try:
        function(*args, **words)
    except Exception as error:
        return f"{name_of(error)}: {error}"
    return ""


@pytest.mark.filterwarnings("ignore")
def test_mistakes_of_operations_are_refused_as_by_pytorch() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    wrong, count = [], 0
    for op in op_db:
        mine = at(op.name, tinygrad_lite)
        if op.error_inputs_func is None or mine is None or op.name == "complex":
            continue
        if at(op.name, torch) is not op.op:
            continue
        for number, case in enumerate(op.error_inputs("cpu")):
            sample, storages = case.sample_input, {}
            try:
                args = [ours(v, storages) for v in (sample.input, *sample.args)]
                words = ours(sample.kwargs, storages)
            except Left:
                continue
            theirs = outcome(op.op, (sample.input, *sample.args), sample.kwargs)
            found = outcome(mine, args, words)
            count += 1
            if theirs.partition(":")[0] in ("", found.partition(":")[0]):
                continue
            if (op.name, number) not in EXCUSED:
                wrong.append(f"{op.full_name} #{number}: {found or 'accepted'} FOR {theirs[:150]}")
    assert count > 400
    assert not wrong, "\n".join(wrong)
