"""What modules do besides computing: lazy ones, dicts of parameters, hooks, replaced parts."""

from __future__ import annotations

from typing import Any

from .case import Case


def lazy(make: Any) -> Any:
    """A lazy module, printed before, and called once with what it is to learn."""

    def made(lib: Any) -> Any:
        module, shape = make(lib)
        before = repr(module)
        module(lib.ones(*shape))
        module.before = before
        after = module.extra_repr()
        module.extra_repr = lambda: f"{after} after {before}"
        return module

    return made


def watched(lib: Any) -> Any:
    """A net whose layers' gradients are seen and changed by hooks."""

    def call(x: Any, y: Any) -> Any:
        seen: list[Any] = []
        pair = Pair(lib)
        pair.register_full_backward_hook(lambda m, gi, go: seen.extend([*gi, *go]))
        pair.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2, None))
        pair.register_full_backward_pre_hook(lambda m, go: tuple(g * 3 for g in go))
        first, second = pair.module(x, y)
        (first * first + second).sum().backward()
        return [x.grad, *(s for s in seen if s is not None)]

    return call


class Pair:
    """A module of two inputs and two outputs, of either library."""

    def __init__(self, lib: Any) -> None:
        class Net(lib.nn.Module):  # type: ignore[misc, name-defined]
            def forward(self, x: Any, y: Any) -> Any:
                return x * y, x + y

        self.module = Net()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)


def alone(lib: Any) -> Any:
    """A layer whose input needs no gradient."""

    def call(x: Any) -> Any:
        seen: list[Any] = []
        layer = lib.nn.Linear(3, 2, bias=False).double().to(x.device)
        lib.nn.init.ones_(layer.weight)
        layer.register_full_backward_hook(lambda m, gi, go: seen.extend([len(gi), gi[0], *go]))
        (layer(x) ** 2).sum().backward()
        assert seen[0] == 1
        assert seen[1] is None
        return [seen[2], layer.weight.grad]

    return call


def dictionary(lib: Any) -> Any:
    """A dict of parameters that has been through its methods."""
    found = lib.nn.ParameterDict({"a": lib.zeros(2, 3), "b": lib.nn.Parameter(lib.ones(1))})
    found["c"] = lib.zeros(4)
    found.update([("d", lib.zeros(1)), ("n", 3)])
    assert found.pop("d").shape == (1,)
    assert list(reversed(found)) == ["n", "c", "b", "a"]
    assert found.get("x") is None
    assert found.setdefault("y", 5) == 5
    assert found.popitem() == ("y", 5)
    assert "a" in found.copy()
    assert len(found | lib.nn.ParameterDict({"z": lib.zeros(1)})) == 5
    return Caller(lib, found).net


class Caller:
    """A net with a dict of parameters."""

    def __init__(self, lib: Any, inner: Any) -> None:
        class Net(lib.nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.inner = inner

            def forward(self, x: Any) -> Any:
                return x * self.inner["a"].sum() + self.inner["c"].sum()

        self.net = Net()


def replaced(lib: Any) -> Any:
    """A net with a part put in another's place."""
    net = lib.nn.Sequential(lib.nn.Linear(3, 3), lib.nn.Sequential(lib.nn.ReLU()))
    net.set_submodule("1.0", lib.nn.Linear(3, 2))
    net.register_module("last", lib.nn.Tanh())
    return net.to_empty(device="cpu")


CASES = [
    Case("LazyLinear", lazy(lambda lib: (lib.nn.LazyLinear(4), (2, 3))), ((2, 3),)),
    Case("LazyLinear no bias", lazy(lambda lib: (lib.nn.LazyLinear(4, bias=False), (3,))), ((3,),)),
    Case("LazyConv1d", lazy(lambda lib: (lib.nn.LazyConv1d(4, 3, padding=1), (1, 2, 5))),
         ((2, 2, 5),)),
    Case("LazyConv2d", lazy(lambda lib: (lib.nn.LazyConv2d(4, 3, 2, groups=2), (2, 5, 5))),
         ((1, 2, 5, 5),)),
    Case("LazyConvTranspose2d", lazy(lambda lib: (lib.nn.LazyConvTranspose2d(4, 3), (1, 2, 5, 5))),
         ((1, 2, 4, 4),)),
    Case("LazyBatchNorm1d", lazy(lambda lib: (lib.nn.LazyBatchNorm1d(), (4, 3))), ((4, 3),)),
    Case("LazyBatchNorm2d", lazy(lambda lib: (lib.nn.LazyBatchNorm2d(affine=False), (2, 3, 2, 2))),
         ((2, 3, 2, 2),)),
    Case("ParameterDict", dictionary, ((2,),)),
    Case("set_submodule", replaced, ((2, 3),)),
    Case("backward hooks", watched, ((2, 3), (2, 3)), gradients=None),
    Case("backward hook without input", lambda lib: lambda x: alone(lib)(x.detach()),
         ((2, 3),), gradients=None),
]  # fmt: skip


def lazy_net(lib: Any) -> Any:
    """A lazy net."""
    return lib.nn.Sequential(lib.nn.LazyLinear(3))


ERRORS: list[tuple[str, Any]] = [
    ("shape before", lambda lib: lazy_net(lib)[0].weight.shape),
    ("lazy into real", lambda lib: lib.nn.Linear(2, 3).load_state_dict(
        lib.nn.LazyLinear(3).state_dict())),
    ("lazy image", lambda lib: lib.nn.LazyConv2d(3, 3)(lib.zeros(3, 3))),
    ("dict key", lambda lib: lib.nn.ParameterDict({3: lib.zeros(1)})),
    ("dict update", lambda lib: lib.nn.ParameterDict().update(3)),
    ("dict miss", lambda lib: lib.nn.ParameterDict().pop("a")),
    ("submodule of nothing", lambda lib: lib.nn.ReLU().set_submodule("", lib.nn.ReLU())),
    ("submodule nowhere", lambda lib: lib.nn.ReLU().set_submodule("a.b", lib.nn.ReLU())),
    ("submodule of a number", lambda lib: lib.nn.ReLU().set_submodule("inplace", lib.nn.ReLU())),
    ("attribute", lambda lib: lib.nn.ReLU().nothing),
]  # fmt: skip
