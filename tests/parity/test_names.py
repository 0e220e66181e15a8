"""Every module of PyTorch's can be imported or says what it lacks; so does every name in it.

The modules are those of its files; the names those that its modules and its objects have.
"""

from __future__ import annotations

import importlib
import types
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import tinygrad_lite as tg
from tinygrad_lite import absent

pytestmark = pytest.mark.filterwarnings("ignore")

# Below these nothing is for programs.
_INNER = ("testing._", "_inductor", "_dynamo", "include", "utils.benchmark.examples", "test", "bin")
# What cannot be imported without another package.
_UNREADABLE = ("distributed.flight_recorder", "utils.tensorboard")


@cache
def modules() -> list[str]:
    """The dotted names of PyTorch's modules, without "torch."."""
    top = Path(torch.__file__).parent
    files = (path.relative_to(top).with_suffix("").parts for path in top.rglob("*.py"))
    names = {".".join(p[:-1] if p[-1] == "__init__" else p) for p in files}
    return sorted(
        name
        for name in names
        if name
        and not name.startswith(_INNER)
        and "__main__" not in name
        and all(part.isidentifier() for part in name.split("."))
    )


def explained(owner: Any, name: str) -> str | None:
    """What is wrong with how a missing attribute is told; None if it is there, or said to miss."""
    try:
        getattr(owner, name)
    except AttributeError as error:
        return None if "missing here" in str(error) else f"{name}: {error}"
    except Exception:
        return None  # a property of something else than this value
    return None


def test_every_module_can_be_imported() -> None:
    assert len(modules()) > 1000
    wrong = []
    for name in modules():
        try:
            importlib.import_module(f"tinygrad_lite.{name}")
        except ImportError as error:
            wrong.append(f"{name}: {error}")
    assert wrong == [], "; ".join(wrong)


def test_every_name_of_a_module_is_there_or_said_to_be_missing() -> None:
    wrong, looked_at = [], 0
    for name in ["", *modules()]:
        if any(part.startswith("_") for part in name.split(".")) or name.startswith(_UNREADABLE):
            continue
        ours = importlib.import_module(f"tinygrad_lite.{name}".rstrip("."))
        if isinstance(ours, absent.Absent):
            continue
        theirs = importlib.import_module(f"torch.{name}".rstrip("."))
        for attribute in dir(theirs):
            if not attribute.startswith("_"):
                looked_at += 1
                told = explained(ours, attribute)
                wrong += [f"{name}.{told}"] if told else []
    assert looked_at > 5000
    assert wrong == [], "; ".join(wrong)


def test_a_name_that_is_imported_says_why_it_is_missing() -> None:
    for module, name, said in (
        ("optim", "SparseAdam", "use Adam"),
        ("nn", "Container", "use ModuleDict"),
        ("optim.adam", "Adaam", "nearest: Adam"),
        ("nn.modules.conv", "Convv2d", "nearest: Conv2d"),
        ("distributions.normal", "Normall", "nearest: Normal"),
    ):
        with pytest.raises(ImportError, match=rf"cannot import name '{name}' from .*{said}"):
            exec(f"from tinygrad_lite.{module} import {name}")
        assert not hasattr(importlib.import_module(f"tinygrad_lite.{module}"), name)
    with pytest.raises(ImportError, match="cannot import name '_own'"):
        exec("from tinygrad_lite.optim import _own")


def _objects(library: Any) -> dict[str, Any]:
    """An object of each class whose attributes programs read."""
    x = library.ones(2, 2, requires_grad=True)
    linear = library.nn.Linear(2, 2)
    parameters = list(linear.parameters())
    optim, data = library.optim, library.utils.data
    found: dict[str, Any] = {
        "tensor": x,
        "parameter": parameters[0],
        "result": x * 2,
        "grad_fn": (x * 2).grad_fn,
        "module": linear,
        "Generator": library.Generator(),
        "dtype": library.float32,
        "finfo": library.finfo(library.float32),
        "iinfo": library.iinfo(library.int32),
        "Size": x.shape,
        "device": library.device("cpu"),
        "storage": x.untyped_storage(),
        "typed storage": x.storage(),
        "Function": library.autograd.Function,
        "no_grad": library.no_grad(),
        "autocast": library.autocast("cpu"),
        "scaler": library.amp.GradScaler("cpu"),
        "Normal": library.distributions.Normal(0.0, 1.0),
        "ExpTransform": library.distributions.ExpTransform(),
        "Hook": x.register_hook(lambda g: g),
    }
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "LBFGS"):
        found[name] = getattr(optim, name)(parameters, lr=0.1)
    schedules = library.optim.lr_scheduler
    found["StepLR"] = schedules.StepLR(found["SGD"], 2)
    found["ReduceLROnPlateau"] = schedules.ReduceLROnPlateau(found["SGD"])
    found["OneCycleLR"] = schedules.OneCycleLR(found["Adam"], 0.1, 5)
    found["TensorDataset"] = data.TensorDataset(x)
    found["DataLoader"] = data.DataLoader(found["TensorDataset"])
    found["RandomSampler"] = data.RandomSampler(found["TensorDataset"])
    found["loader's pass"] = iter(found["DataLoader"])
    return found


@pytest.mark.parametrize("name", [*_objects(tg)])
def test_what_an_object_lacks_says_so(name: str) -> None:
    ours, theirs = _objects(tg)[name], _objects(torch)[name]
    public = [a for a in dir(theirs) if not a.startswith("_")]
    wrong = [told for a in public if (told := explained(ours, a))]
    assert wrong == [], "; ".join(wrong)


_METHODS = (types.FunctionType, classmethod, staticmethod)


def _classes(room: str) -> list[str]:
    theirs = importlib.import_module(f"torch.{room}")
    ours = importlib.import_module(f"tinygrad_lite.{room}")
    return [n for n in dir(theirs) if isinstance(getattr(theirs, n), type) and hasattr(ours, n)]


@pytest.mark.parametrize("room", ["nn", "optim", "optim.lr_scheduler", "distributions"])
def test_what_a_class_lacks_says_so(room: str) -> None:
    wrong = []
    for name in _classes(room):
        ours = getattr(importlib.import_module(f"tinygrad_lite.{room}"), name)
        theirs = getattr(importlib.import_module(f"torch.{room}"), name)
        for attribute, value in vars(theirs).items():
            if not attribute.startswith("_") and isinstance(value, _METHODS):
                told = explained(ours, attribute)
                wrong += [f"{name}.{told}"] if told else []
    assert wrong == [], "; ".join(wrong)
