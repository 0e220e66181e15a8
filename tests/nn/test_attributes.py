"""A module's `__dict__` has PyTorch's three dicts of members, and survives copies and pickles."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


class Held(nn.Module):
    """With a member of each kind, and a state of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 3)
        self.scale = nn.Parameter(tg.ones(3))
        self.register_buffer("mean", tg.zeros(3))
        self.restored = False

    def forward(self, x: Any) -> Any:
        return self.layer(x) * self.scale + self.mean

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self.restored = True


def again(module: Any, how: str) -> Any:
    """A copy of a module."""
    if how == "pickle":
        return pickle.loads(pickle.dumps(module))
    if how == "replica":
        made = module.__new__(type(module))
        made.__dict__ = module.__dict__.copy()
        made._parameters = module._parameters.copy()
        return made
    return module if how == "itself" else getattr(copy, how)(module)


HOW = ["itself", "copy", "deepcopy", "pickle", "replica"]


@pytest.mark.parametrize("how", HOW)
def test_the_three_dicts_are_in_the_dict(how: str) -> None:
    held = again(Held(), how)
    found = {name: list(held.__dict__[name]) for name in ("_parameters", "_buffers", "_modules")}
    assert found == {"_parameters": ["scale"], "_buffers": ["mean"], "_modules": ["layer"]}
    assert vars(held)["_modules"]["layer"] is held.layer
    assert "_buffers" in held.__dict__
    assert held.__dict__.get("_parameters")["scale"] is held.scale
    assert held.__dict__.get("_buffers", None)["mean"] is held.mean
    assert held(tg.ones(1, 2)).shape == (1, 3)
    assert held.restored == (how in ("copy", "deepcopy", "pickle"))


def test_what_is_not_there_is_not() -> None:
    held = Held()
    with pytest.raises(KeyError, match="other"):
        held.__dict__["other"]
    assert "other" not in held.__dict__
    assert held.__dict__.get("other", 3) == 3
    early = nn.Module.__new__(Held)
    assert "_modules" not in early.__dict__
    assert early.__dict__.get("_parameters") is None  # by which programs tell that it is early
    assert not vars(copy.deepcopy(early))


def test_writing_to_the_three_dicts_changes_the_module() -> None:
    held = Held()
    held.__dict__["_modules"]["more"] = more = nn.ReLU()
    assert held.more is more
    assert [name for name, _ in held.named_children()] == ["layer", "more"]
    del held.__dict__["_parameters"]["scale"]
    assert not hasattr(held, "scale")
    held.__dict__["_modules"] = {"only": more}
    assert list(held.children()) == [more]
    assert not hasattr(held, "layer")
    held.__dict__["_modules"] = held._modules  # itself
    assert held.only is more
    held.__dict__["note"] = 7
    assert held.note == 7


def test_methods_copied_from_pytorch_find_members() -> None:
    class Wrapped(nn.Module):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def __getattr__(self, name: str) -> Any:
            if "_modules" in self.__dict__:
                modules = self.__dict__["_modules"]
                if name in modules:
                    return modules[name]
            return getattr(self.model, name)

        def __setattr__(self, name: str, value: Any) -> None:
            modules = self.__dict__.get("_modules")
            if isinstance(value, nn.Module):
                if modules is None:
                    raise AttributeError("cannot assign module before Module.__init__() call")
                modules[name] = value
            else:
                object.__setattr__(self, name, value)

    wrapped = Wrapped(nn.Linear(2, 3))
    assert (wrapped.in_features, list(wrapped.state_dict())) == (2, ["model.weight", "model.bias"])


def test_a_pickle_names_no_class_of_the_dicts() -> None:
    assert b"Attributes" not in pickle.dumps(Held())


class Slotted(nn.Module):
    __slots__ = ("place",)


@pytest.mark.parametrize("how", ["copy", "deepcopy", "pickle"])
def test_slots_are_copied(how: str) -> None:
    slotted = Slotted()
    slotted.place, slotted.layer = 3, nn.ReLU()
    made = again(slotted, how)
    assert (made.place, list(made.__dict__["_modules"])) == (3, ["layer"])


def test_a_replica_that_takes_a_buffer_out_of_state_dicts_leaves_the_original() -> None:
    module = nn.BatchNorm1d(2)
    replica = module.__new__(type(module))
    replica.__dict__ = dict(module.__dict__)
    replica._buffers = dict(module._buffers)
    replica.register_buffer("running_mean", tg.zeros(2), persistent=False)
    assert "running_mean" not in replica.state_dict()
    assert "running_mean" in module.state_dict()


def test_what_hooks_on_registrations_return_is_registered() -> None:
    handle = nn.modules.module.register_module_buffer_registration_hook(
        lambda module, name, buffer: buffer + 1
    )
    module = nn.Module()
    try:
        module.register_buffer("mean", tg.zeros(2))
    finally:
        handle.remove()
    assert module.mean.tolist() == [1, 1]


def test_a_name_that_was_an_unsaved_buffers_is_saved_as_a_parameter() -> None:
    module = nn.Module()
    module.register_buffer("scale", tg.ones(2), persistent=False)
    assert module._non_persistent_buffers_set == {"scale"}
    module.scale = nn.Parameter(tg.ones(2))
    assert module._non_persistent_buffers_set == set()
    assert list(module.state_dict()) == ["scale"]
