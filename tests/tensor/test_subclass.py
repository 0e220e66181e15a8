"""Classes derived from Tensor by a program: their results, and `__torch_function__`."""

from __future__ import annotations

import copy
import importlib
import subprocess
import sys
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F
from tinygrad_lite.tensor import subclass


def test_results_are_of_the_class() -> None:
    class Image(tg.Tensor):
        """A tensor that knows where it is from."""

        def shown(self) -> str:
            return f"{tuple(self.shape)}"

    x = Image([[1.0, 2.0], [3.0, 4.0]])
    assert repr(x[0]) == "Image([1., 2.])"
    plain = tg.ones(2, 2)
    results = [
        x + 1, 1 - x, plain + x, x @ plain, x.exp(), x.sum(), x[0], x.T, x.view(4), tg.exp(x),
        F.relu(x), tg.cat([plain, x]), x.max(0).values, x.split(1)[0], x.clone(), x.detach(), -x,
        tg.linalg.norm(x), x.add_(0), tg.zeros_like(x), x > 1, x.reshape(-1).long(),
        plain.sub(x), plain == x, plain.where(x > 1, 0), plain.copy_(x), plain.view_as(x),
    ]  # fmt: skip
    assert {type(y) for y in results} == {Image}
    assert results[0].shown() == "(2, 2)"
    assert [type(row) for row in x] == [Image, Image]
    assert type(tg.tensor(x)) is tg.Tensor
    assert x.add_(0) is x
    assert type(x.shape) is tg.Size
    assert type(x.tolist()) is list
    assert x.sum().item() == 10
    assert type(plain + plain) is tg.Tensor
    assert type(nn.Linear(2, 2)(plain)) is tg.Tensor
    w = tg.ones(2, requires_grad=True)
    y = w.as_subclass(Image)
    assert type(y) is Image
    assert not y.is_leaf
    (y * 3).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [3, 3]
    assert type(nn.Parameter(tg.ones(2)) * 2) is tg.Tensor
    with pytest.raises(TypeError, match="must be a subclass of Tensor"):
        w.as_subclass(int)  # type: ignore[type-var]
    assert isinstance(tg.ones(2).as_subclass(Image), tg.Tensor)


def test_classes_with_arguments_of_their_own() -> None:
    class Named(tg.Tensor):
        @staticmethod
        def __new__(cls: Any, data: Any, name: str) -> Any:
            return super().__new__(cls, data)

        def __init__(self, data: Any, name: str) -> None:
            super().__init__()
            self.name = name

    x = Named([1.0, 2.0], "a")
    assert (x.name, x.tolist()) == ("a", [1, 2])
    assert type(x * 2) is Named
    made = tg.Tensor._make_subclass(Named, tg.ones(3), True)
    assert (type(made), made.requires_grad) == (Named, True)

    class OnSphere(tg.Tensor):
        """Takes keywords in `__new__` alone."""

        def __new__(cls: Any, data: Any, *, sphere: int = 0, requires_grad: bool = False) -> Any:
            made = tg.Tensor._make_subclass(cls, data, requires_grad)
            made.sphere = sphere
            return made

    class Weight(OnSphere, nn.Parameter):
        pass

    for cls in (OnSphere, Weight):
        point: Any = cls(tg.ones(2), sphere=3, requires_grad=True)
        assert (type(point), point.sphere, point.requires_grad) == (cls, 3, True)

    class Plain(tg.Tensor):
        pass

    with pytest.raises(TypeError, match="sphere"):
        Plain([1.0], sphere=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="sphere"):
        nn.Parameter(tg.ones(1), sphere=3)
    with pytest.raises(TypeError, match="sphere"):
        tg.Tensor([1.0], sphere=3)  # type: ignore[call-arg]


def test_functions_are_taken_over() -> None:
    seen: list[str] = []

    class Logged(tg.Tensor):
        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            seen.append(func.__name__)
            if func is tg.floor:
                return "taken over"
            return super().__torch_function__(func, types, args, kwargs)

    x = Logged([1.5])
    assert tg.floor(x) == "taken over"
    assert type(x + x) is type(F.relu(input=x)) is Logged
    assert seen == ["floor", "add", "relu"]
    seen.clear()
    _ = 2 + x, 2 - x, x * x, 2 / x, 2**x, +x, x != x, x[0], list(x)
    x[0] = 1
    told = "add __rsub__ mul __rtruediv__ __rpow__ positive ne __getitem__ unbind __setitem__"
    assert seen == told.split()

    class Meters:
        """No tensor, but like one."""

        def __init__(self, value: float) -> None:
            self.value = value

        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func is not tg.mean or not all(issubclass(t, (tg.Tensor, Meters)) for t in types):
                return NotImplemented
            return (*args, *(kwargs or {}).values())[0].value

    assert tg.mean(Meters(2.5)) == tg.mean(input=Meters(2.5)) == 2.5  # type: ignore[arg-type]
    for method in (tg.ones(2).mul, tg.ones(2).__add__):
        with pytest.raises(TypeError, match=r"no implementation found for '(mul|add)' on types"):
            method(Meters(2.5))
    with pytest.raises(TypeError, match="no implementation found for 'exp' on types"):
        tg.exp(Meters(2.5))  # type: ignore[arg-type]
    below: Any = importlib.import_module("tinygrad_lite._C")
    for off in (
        subclass.DisableTorchFunctionSubclass,
        below.DisableTorchFunctionSubclass,
        below.DisableTorchFunction,
    ):
        with off():
            assert type(x * 2) is tg.Tensor


def test_methods_that_a_class_replaces() -> None:
    told: list[Any] = []

    class Loud(tg.Tensor):
        def add(self, *args: Any, **kwargs: Any) -> Any:
            return super().add(*args, **kwargs)

        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            told.append(func)
            return super().__torch_function__(func, types, args, kwargs)

    x = Loud([1.0, 2.0])
    assert type(x.add(1)) is type(x - 1) is type(tg.ones(2) @ x) is type(x.T) is Loud
    assert told[:3] == [tg.Tensor.add, tg.Tensor.sub, tg.Tensor.matmul]
    assert tg.Tensor.add.__name__ == "add"


def test_which_class_is_asked_first() -> None:
    asked: list[Any] = []

    class Above(tg.Tensor):
        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            asked.append((cls.__name__, [kind.__name__ for kind in types]))
            return super().__torch_function__(func, types, args, kwargs)

    class Below(Above):
        pass

    class Other(tg.Tensor):
        pass

    a, b = (tg.ones(2).as_subclass(kind) for kind in (Above, Below))
    assert type(tg.add(a, b)) is type(tg.add(tg.ones(2), other=b)) is Below
    assert asked == [("Below", ["Below", "Above"]), ("Below", ["Below"])]
    with pytest.raises(TypeError, match="no implementation found for 'add' on types"):
        _ = tg.ones(2).as_subclass(Other) + a


WALK = """
import tinygrad_lite as torch
import torch.nn.functional

called = []

def watched(function):
    def call(*args, **kwargs):
        called.append(getattr(function, "__name__", ""))
        return function(*args, **kwargs)
    return call

for place in (torch.Tensor, torch.nn.functional, torch):
    for name in dir(place):
        value = getattr(place, name)
        if not name.startswith("_") and name not in ("is_cuda", "Tensor", "stride"):
            if "__call__" in dir(value) and not isinstance(value, type):
                setattr(place, name, watched(value))
model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2))
model(torch.randn(1, 1, 8, 8).contiguous()).sum().backward()
assert {"randn", "contiguous", "conv2d", "sum", "backward"} <= {*called}, called
"""


def test_programs_wrap_all_that_dir_lists() -> None:
    assert not {"to_mkldnn", "to_sparse_csr"} & {*dir(tg.Tensor)}
    assert {"exp", "as_subclass", "T"} <= {*dir(tg.Tensor)}
    words = WALK.replace("import torch.nn", "import tinygrad_lite.nn")
    subprocess.run([sys.executable, "-c", words], check=True)


def test_nested_lists_are_not_gone_through() -> None:
    class Mine(tg.Tensor):
        pass

    nested: list[object] = []
    for _ in range(2000):
        nested = [nested]
    assert tg.is_tensor(nested) is False
    with pytest.raises(TypeError):
        tg.exp(nested)  # type: ignore[arg-type]
    parts = [tg.ones(1), tg.ones(1).as_subclass(Mine)]
    assert type(tg.cat(parts)) is Mine


@pytest.fixture
def kind() -> Any:
    """A class of a program, made within the test: functions are as they were after it."""

    class Marked(tg.Tensor):
        pass

    return Marked


def test_a_change_in_place_reaches_what_shares_the_memory(kind: Any) -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    for changed in (0, 1):
        pair = [y := w * 2, y.as_subclass(kind)]
        pair[changed].mul_(5)
        for each in pair:
            assert each.tolist() == [10, 20]
            (found,) = tg.autograd.grad(each.sum(), w, retain_graph=True)
            assert found.tolist() == [10, 10]


def test_results_are_aliases_in_the_graph(kind: Any) -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    y = w.as_subclass(kind)
    for each in (y, y * 2, y.sum(), y[0], y.max(0).values, y.split(1)[0], w * y):
        assert each.grad_fn is not None
        assert each.grad_fn.name() == "AliasBackward0"
    twice: Any = (y * 2).grad_fn
    assert twice.next_functions[0][0].name() == "MulBackward0"
    assert (y * 2).add_(1).grad_fn.name() == "AsStridedBackward0"  # type: ignore[union-attr]
    with tg.no_grad():
        assert w.as_subclass(kind).requires_grad
        assert (w.detach() * 2).as_subclass(kind).grad_fn is None
        assert not (y * 2).requires_grad


def test_gradients_are_of_the_class(kind: Any) -> None:
    x = tg.tensor([1.0, 2.0]).as_subclass(kind).requires_grad_()
    (found,) = tg.autograd.grad((x * x).sum(), x)
    assert type(found) is kind
    assert found.tolist() == [2, 4]
    (found,) = tg.autograd.grad((x * x).sum(), [x], create_graph=True)
    assert type(found) is kind
    plain = tg.ones(2, requires_grad=True)
    (found,) = tg.autograd.grad((plain.as_subclass(kind) * plain).sum(), plain)
    assert type(found) is kind
    (x * x).sum().backward()
    assert type(x.grad) is tg.Tensor
    assert type(tg.autograd.grad((plain * plain).sum(), plain)[0]) is tg.Tensor


def test_jacobians_are_of_the_class(kind: Any) -> None:
    from tinygrad_lite.autograd import functional

    found = functional.jacobian(lambda a: a * a, tg.tensor([1.0, 2.0]).as_subclass(kind))
    assert type(found) is kind
    assert found.tolist() == [[2, 0], [0, 4]]
    assert (
        type(functional.jacobian(lambda a: tg.ones(2), tg.tensor([1.0, 2.0]).as_subclass(kind)))
        is kind
    )
    assert (
        type(functional.hessian(lambda a: (a * a).sum(), tg.tensor([1.0, 2.0]).as_subclass(kind)))
        is kind
    )
    for product in (functional.vjp, functional.jvp):
        results = product(lambda a: a * a, tg.tensor([1.0, 2.0]).as_subclass(kind), tg.ones(2))
        assert [type(result) for result in results] == [kind, kind]


def test_parameters_of_the_class_keep_it(kind: Any) -> None:
    given = tg.tensor([1.0, 2.0]).as_subclass(kind)
    param = nn.Parameter(given)
    assert type(param) is kind
    assert isinstance(param, nn.Parameter)
    assert param.requires_grad
    assert param.is_leaf
    assert type(param * 2) is kind
    for other in (given, param * 2, param.detach(), tg.ones(2), 1):
        assert not isinstance(other, nn.Parameter)
    assert not nn.Parameter(given, requires_grad=False).requires_grad
    module = nn.Module()
    module.weight = param
    module.also = nn.Parameter(tg.tensor([1.0, 2.0]).as_subclass(kind), False)
    assert [name for name, _ in module.named_parameters()] == ["weight", "also"]
    optimizer = tg.optim.SGD(module.parameters(), 0.5)
    (module.weight * 3).sum().backward()
    optimizer.step()
    assert given.tolist() == [-0.5, 0.5]
    module.double()
    assert module.weight is param
    assert param.dtype == tg.float64
    again = copy.deepcopy(module)
    assert type(again.weight) is kind
    assert isinstance(again.weight, nn.Parameter)
    with pytest.raises(TypeError, match="cannot assign 'Marked' as parameter 'weight'"):
        module.weight = tg.tensor([1.0, 2.0]).as_subclass(kind)


def test_classes_of_parameters(kind: Any) -> None:
    class Named(nn.Parameter):
        def __init__(self, data: tg.Tensor, name: str = "", *, scale: float = 1) -> None:
            super().__init__(data * scale)
            self.name = name

    named = Named(tg.ones(2), "w", scale=2)
    assert type(named) is Named
    assert (named.name, named.tolist()) == ("w", [2, 2])
    assert isinstance(named, nn.Parameter)
    assert not isinstance(nn.Parameter(tg.ones(2)), Named)
    assert not isinstance(nn.Parameter(tg.tensor([1.0, 2.0]).as_subclass(kind)), Named)


def test_what_can_be_taken_over() -> None:
    found = tg.overrides.get_overridable_functions()
    assert tg.add in found[tg]
    assert tg.nn.functional.relu in found[tg.nn.functional]
    assert tg.Tensor.add in found[tg.Tensor]
    assert tg.tensor not in found[tg]


def test_a_buffer_of_a_derived_class_is_of_that_class() -> None:
    class Image(tg.Tensor):
        pass

    x = tg.ones(2).as_subclass(Image)
    module = tg.nn.Module()
    module.kept, module.plain = tg.nn.Buffer(x), x
    module.left = tg.nn.Buffer(x, persistent=False)
    assert isinstance(module.kept, Image)
    assert isinstance(module.kept, tg.nn.Buffer)
    assert not isinstance(x, tg.nn.Buffer)
    assert [*module.state_dict()] == ["kept"]
    assert [name for name, _ in module.named_buffers()] == ["kept", "left"]
    assert type(module.double().kept) is Image


def test_a_mode_is_given_every_call() -> None:
    """In a process of its own: from then on functions look for modes."""
    program = """
import tinygrad_lite as torch
from tinygrad_lite.overrides import TorchFunctionMode

class Mode(TorchFunctionMode):
    def __init__(self, name):
        self.name = name

    def __torch_function__(self, func, types, args=(), kwargs=None):
        print(self.name, func.__name__, len(types), end="; ")
        result = func(*args, **(kwargs or {}))
        return result * 2 if func is torch.ones else result

layer = torch.nn.Linear(2, 3)
with Mode("a"):
    x = torch.tensor([[1.0, 2.0]])
    torch.nn.functional.cross_entropy(layer(x + torch.ones(2)), torch.tensor([1])).backward()
    with Mode("b"):
        x.exp()
        x[0] = 1
print()
print(x.exp().shape, (x.sum() + torch.ones(1)).item())

class Image(torch.Tensor):
    pass

with Mode("c"):
    print(type(x.as_subclass(Image) * 2).__name__)
try:
    with TorchFunctionMode():
        x.exp()
except NotImplementedError:
    print("left", torch.overrides.has_torch_function((x,)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    told = done.stdout.splitlines()
    assert told[0] == (
        "a tensor 0; a ones 0; a add 0; a linear 0; a tensor 0; a cross_entropy 0; "
        "b exp 0; a exp 0; b __setitem__ 0; a __setitem__ 0; "
    )
    assert told[1:] == ["torch.Size([1, 2]) 3.0", "c mul 1; Image", "left False"]


def test_a_buffer_of_a_derived_class_requires_what_its_data_requires() -> None:
    class Own(tg.Tensor):
        pass

    for wanted in (True, False):
        buffer = nn.Buffer(tg.ones(2).as_subclass(Own).requires_grad_(wanted))
        assert (type(buffer), buffer.requires_grad) == (Own, wanted)
