"""Which public names there are in both libraries, and which of them a row of the table exercises.

A row exercises the name it has, as a function and as a method, and what it says in `names`. An
alias, which is the same object in either library, counts with what it is an alias of.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from typing import Any

import torch
import torch.nn.utils.prune

import tinygrad_lite

from .row import Row

PLACES = (
    *("", "Tensor", "nn", "nn.functional", "nn.grad", "nn.init", "nn.utils", "nn.utils.rnn"),
    *("nn.utils.prune", "nn.utils.parametrize", "nn.utils.parametrizations", "nn.parallel"),
    *("optim", "optim.lr_scheduler", "optim.swa_utils"),
    *("autograd", "autograd.functional", "autograd.graph", "func", "utils.checkpoint"),
    *("linalg", "fft", "special", "signal.windows", "random"),
    *("distributions", "distributions.transforms", "distributions.constraints"),
    *("distributions.kl", "distributions.utils", "utils.data"),
)

# What Python itself asks of every class.
OF_CLASSES = {"__class__", "__dir__", "__init_subclass__", "__subclasshook__"}


def _find(root: Any, place: str) -> Any:
    for part in place.split(".") if place else ():
        root = getattr(root, part)
    return root


def _counts(place: str, name: str, ours: Any, theirs: Any) -> bool:
    """Whether a name is one that a row should exercise."""
    if name.startswith("__"):
        plain = getattr(object, name, None)
        told = name not in OF_CLASSES and plain not in (ours, theirs)
        return place == "Tensor" and callable(ours) and told
    if name.startswith("_") or isinstance(ours, types.ModuleType):
        return False
    if place == "Tensor":
        return True
    held = place == "distributions.constraints" and not callable(ours)
    defined = type(ours) if held else ours
    return callable(defined) and str(defined.__module__).startswith("tinygrad_lite")


def public(places: Iterable[str] = PLACES) -> Iterator[list[str]]:
    """Each public thing of both libraries by all its names, methods as ".name"."""
    found: dict[tuple[int, int], list[str]] = {}
    kept = []  # so that no identity is given twice
    for place in places:
        ours, theirs = _find(tinygrad_lite, place), _find(torch, place)
        for name in dir(ours):
            if not hasattr(ours, name) or not hasattr(theirs, name):
                continue
            a, b = getattr(ours, name), getattr(theirs, name)
            if _counts(place, name, a, b):
                kept.append((a, b))
                dotted = f".{name}" if place == "Tensor" else f"{place}.{name}".lstrip(".")
                found.setdefault((id(a), id(b)), []).append(dotted)
    yield from found.values()


def exercised(row: Row) -> set[str]:
    """The names that a row's calls write."""
    out = {row.name, *row.names.split()}
    if row.name.startswith("operator."):
        word = row.name.removeprefix("operator.").strip("_")
        return out | {f".__{word}__", f".__r{word}__"}
    bare = row.name.removeprefix(".")
    return out if "." in bare else out | {bare, f".{bare}"}  # `row.either_form` draws both


# Public names without a row, each with the reason for it.
EXCUSED = {
    "several processes or devices: tests/distributed, tests/cuda": """
        .cuda .pin_memory .record_stream OutOfMemoryError Stream nn.DataParallel nn.SyncBatchNorm
        nn.parallel.DistributedDataParallel nn.parallel.data_parallel nn.parallel.gather
        nn.parallel.parallel_apply nn.parallel.replicate nn.parallel.scatter""",
    "complex numbers, which rows don't draw: tests/parity/test_complex.py": """
        .__complex__ .cdouble .cfloat .imag .istft .stft complex fft.fft fft.fft2 fft.fftn fft.hfft
        fft.hfft2 fft.hfftn fft.ifft fft.ifft2 fft.ifftn fft.ihfft fft.ihfft2 fft.ihfftn fft.irfft
        fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn imag istft polar stft view_as_complex
        view_as_real""",
    "eigenvectors up to their phases: tests/tensor/test_eig.py": "linalg.eig linalg.eigvals",
    "helpers of what is computed anew, and of exchange: tests/test_fronts.py": """
        to_dlpack utils.checkpoint.check_backward_validity utils.checkpoint.detach_variable
        utils.checkpoint.noop_context_fn utils.checkpoint.set_checkpoint_early_stop""",
    "classes derived from Tensor: tests/tensor/test_subclass.py": ".__new__ .__torch_function__",
    "autocasting: tests/amp, tests/tensor/test_autocast.py": """
        GradScaler autocast clear_autocast_cache get_autocast_cpu_dtype get_autocast_dtype
        get_autocast_gpu_dtype is_autocast_cache_enabled is_autocast_cpu_enabled
        is_autocast_enabled""",
    "files: tests/test_serialization.py, tests/test_torch_files.py": "load save",
    "printed text: tests/tensor/test_printing_beside.py": ".__repr__ .__format__ set_printoptions",
    "copies: tests/test_copies.py": ".__deepcopy__ .__reduce_ex__",
    "what PyTorch can do once, or with a compiler: tests/test_fronts.py": """
        compile set_num_interop_threads ScriptModule""",
    "a device's module, products that PyTorch has for bfloat16: tests/test_packages.py": """
        get_device_module nn.functional.grouped_mm""",
    "helpers of distributions: tests/distributions/test_distributions.py": """
        distributions.ExponentialFamily distributions.utils.tril_matrix_to_vec
        distributions.utils.vec_to_tril_matrix""",
    "places in memory, which no two libraries share": ".data_ptr .const_data_ptr",
}


def excused() -> set[str]:
    """All names of `EXCUSED`."""
    return {name for names in EXCUSED.values() for name in names.split()}


def uncovered(rows: Iterable[Row]) -> list[str]:
    """The names without a row, of each thing the first."""
    there = set().union(*(exercised(row) for row in rows))
    return sorted(names[0] for names in public() if not there.intersection(names))
