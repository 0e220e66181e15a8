"""Jacobians, Hessians, products with them, and gradients of functions: as PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.autograd import functional as AF

X, Y = [[0.3, -1.2], [0.8, 0.1], [1.5, -0.4]], [0.7, 1.1]
VX, VY = [[1.0, 0.5], [-0.3, 2.0], [0.2, 0.9]], [0.4, -1.3]


def make(module: Any, *values: Any, device: str = "cpu") -> Any:
    made = tuple(module.tensor(v, dtype=module.float64, device=device) for v in values)
    return made if len(made) > 1 else made[0]


def pair(x: Any, y: Any) -> Any:
    return (x @ y).sin() * y.sum(), x.exp()


def scalar(x: Any, y: Any) -> Any:
    return ((x * y).sin() * x).sum() + (y**3).sum()


def square(x: Any) -> Any:
    return x**2


CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "vjp": lambda m, f, xs: f.vjp(pair, xs, make(m, [0.1, 2.0, -1.0], VX)),
    "vjp one": lambda m, f, xs: f.vjp(square, xs[0], make(m, VX)),
    "vjp scalar": lambda m, f, xs: f.vjp(scalar, xs),
    "jvp": lambda m, f, xs: f.jvp(pair, xs, make(m, VX, VY)),
    "jvp one": lambda m, f, xs: f.jvp(square, xs[0], make(m, VX)),
    "jvp linear": lambda m, f, xs: f.jvp(lambda x: x @ xs[1], xs[0], make(m, VX)),
    "jvp unused": lambda m, f, xs: f.jvp(lambda x, y: x * 2, xs, make(m, VX, VY)),
    "jacobian": lambda m, f, xs: f.jacobian(pair, xs),
    "jacobian one": lambda m, f, xs: f.jacobian(square, xs[0]),
    "jacobian of many": lambda m, f, xs: f.jacobian(lambda x: (x.sum(), x * 2), xs[0]),
    "jacobian for many": lambda m, f, xs: f.jacobian(scalar, xs),
    "jacobian unused": lambda m, f, xs: f.jacobian(lambda x, y: x.sum(0), xs),
    "jacobian constant": lambda m, f, xs: f.jacobian(lambda x: m.ones(2), xs[0]),
    "hessian": lambda m, f, xs: f.hessian(scalar, xs),
    "hessian one": lambda m, f, xs: f.hessian(lambda x: (x**3).sum(), xs[0]),
    "hessian linear": lambda m, f, xs: f.hessian(lambda x: x.sum(), xs[1]),
    "vhp": lambda m, f, xs: f.vhp(scalar, xs, make(m, VX, VY)),
    "vhp one": lambda m, f, xs: f.vhp(lambda x: (x**3).sum(), xs[0], make(m, VX)),
    "hvp": lambda m, f, xs: f.hvp(scalar, xs, make(m, VX, VY)),
    "hvp linear": lambda m, f, xs: f.hvp(lambda x, y: x.sum() + (y**2).sum(), xs,
                                         make(m, VX, VY)),
}  # fmt: skip


def flat(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [leaf for part in tree for leaf in flat(part)]
    return [tree]


def form(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: form(part) for key, part in tree.items()}
    if isinstance(tree, list | tuple):
        return [type(tree).__name__, *map(form, tree)]
    return tuple(tree.shape), tree.requires_grad


def same(ours: Any, theirs: Any) -> None:
    assert form(ours) == form(theirs)
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_functional_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours = CASES[name](tg, AF, make(tg, X, Y))
    same(ours, CASES[name](torch, torch.autograd.functional, make(torch, X, Y)))


@pytest.mark.parametrize(
    "call", [AF.jacobian, lambda f, x, create_graph: AF.vjp(f, x, make(tg, VX), create_graph)[1],
             lambda f, x, create_graph: AF.jvp(f, x, make(tg, VX), create_graph)[1]]
)  # fmt: skip
def test_results_can_be_differentiated_again(call: Any) -> None:
    x = make(tg, X).requires_grad_()
    found = call(lambda x: x**3, x, create_graph=True)
    found.sum().backward()
    weights = make(tg, VX) if call is not AF.jacobian else 1
    np.testing.assert_allclose(x.grad.numpy(), (6 * x * weights).detach().numpy(), rtol=1e-12)


def test_products_fit_the_matrices(device: str) -> None:
    xs = make(tg, X, Y, device=device)
    v = make(tg, VX, VY, device=device)
    rows = AF.hessian(scalar, xs)
    products = AF.hvp(scalar, xs, v)[1]
    for row, product in zip(rows, products, strict=True):
        whole = sum((h * w).sum(tuple(range(-w.ndim, 0))) for h, w in zip(row, v, strict=True))
        np.testing.assert_allclose(product.tolist(), whole.tolist(), rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, y: AF.vjp(square, 3.0), TypeError, "The inputs given to vjp must be either"),
        (lambda x, y: AF.vjp(square, x), RuntimeError, "The vector v can only be None if"),
        (lambda x, y: AF.vjp(square, x, y), RuntimeError, "v has invalid size: should be"),
        (lambda x, y: AF.jvp(pair, (x, y), x), RuntimeError, "should be 2 but got 1"),
        (lambda x, y: AF.hessian(square, x), RuntimeError, "should contain a single element"),
        (lambda x, y: AF.hvp(pair, (x, y), (x, y)), RuntimeError, "return a single Tensor"),
        (lambda x, y: AF.jacobian(lambda x: 3.0, x), TypeError, "outputs of the user-provided"),
        (
            lambda x, y: AF.jacobian(lambda x, y: x * 2, (x, y), strict=True),
            RuntimeError,
            "independent of input 1",
        ),
        (
            lambda x, y: AF.jacobian(lambda x: tg.ones(2), x, strict=True),
            RuntimeError,
            "Output 0 of the user-provided function does not depend",
        ),
        (lambda x, y: AF.jacobian(square, x, strategy="up"), AssertionError, "forward-mode"),
    ],
)
def test_errors(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(*make(tg, X, Y))


def params(m: Any) -> Any:
    return {"w": make(m, X), "more": [make(m, Y)]}


def of_params(p: Any, scale: Any) -> Any:
    return ((p["w"] * p["more"][0]).sin() * scale).sum()


FUNC: dict[str, Callable[[Any, Any], Any]] = {
    "grad": lambda m, f: f.grad(scalar)(*make(m, X, Y)),
    "grad of two": lambda m, f: f.grad(scalar, argnums=(0, 1))(*make(m, X, Y)),
    "grad of the last": lambda m, f: f.grad(scalar, -1)(*make(m, X, Y)),
    "grad twice": lambda m, f: f.grad(f.grad(lambda x: (x**4).sin()))(make(m, 0.7)),
    "grad of a grad of another": lambda m, f: f.grad(
        lambda x: (f.grad(lambda y: (y**3 * x).sum())(make(m, Y)) * x).sum()
    )(make(m, VY)),
    "grad of a dict": lambda m, f: f.grad(of_params)(params(m), make(m, VX)),
    "grad with aux": lambda m, f: f.grad(lambda x: (x.sum(), x * 2), has_aux=True)(make(m, Y)),
    "grad_and_value": lambda m, f: f.grad_and_value(of_params)(params(m), scale=make(m, VX)),
    "grad_and_value with aux": lambda m, f: f.grad_and_value(
        lambda x: (x.prod(), {"x": x}), has_aux=True
    )(make(m, Y)),
    "grad of nothing": lambda m, f: f.grad(lambda x, y: y.sum())(*make(m, X, Y)),
    "vjp": lambda m, f: (lambda out: (out[0], out[1](make(m, [0.1, 2.0, -1.0], VX))))(
        f.vjp(pair, *make(m, X, Y))
    ),
    "vjp one": lambda m, f: f.vjp(square, make(m, X))[1](make(m, VX)),
    "vjp with aux": lambda m, f: f.vjp(lambda x: (x * 2, x), make(m, Y), has_aux=True)[2],
    "jvp": lambda m, f: f.jvp(pair, make(m, X, Y), make(m, VX, VY)),
    "jacrev": lambda m, f: f.jacrev(pair, argnums=(0, 1))(*make(m, X, Y)),
    "jacrev one": lambda m, f: f.jacrev(square)(make(m, Y)),
    "jacrev twice": lambda m, f: f.jacrev(f.jacrev(lambda x: (x**3).sum()))(make(m, Y)),
    "jacfwd": lambda m, f: f.jacfwd(square)(make(m, Y)),
    "hessian": lambda m, f: f.hessian(lambda x: (x**3).prod())(make(m, Y)),
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", FUNC)
def test_func_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours = FUNC[name](tg, tg.func)
    same(ours, FUNC[name](torch, torch.func))


def test_gradients_of_what_needs_them_stay_in_the_graph() -> None:
    x = make(tg, Y).requires_grad_()
    slope = tg.func.grad(lambda x: (x**3).sum())(x)
    slope.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), (6 * x).detach().numpy())
    assert tg.func.grad(lambda x: (x**3).sum())(x.detach()).requires_grad is False


def test_func_keeps_the_graph_to_what_a_function_uses_without_being_given_it() -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    x = tg.tensor([1.0, 2.0])

    def cube(x: Any) -> Any:
        return (w * x**3).sum()

    func = tg.func
    found = {  # each differentiated for w, by hand
        "grad": (func.grad(cube)(x), [3, 12]),
        "value": (func.grad_and_value(cube)(x)[1], [1, 8]),
        "jacrev": (func.jacrev(lambda x: w * x**2)(x), [2, 4]),
        "hessian": (func.hessian(cube)(x), [6, 12]),
        "vjp": (func.vjp(cube, x)[1](tg.tensor(1.0))[0], [3, 12]),
        "jvp": (func.jvp(cube, (x,), (tg.ones(2),))[1], [3, 12]),
        "vmap": (func.vmap(func.grad(lambda x: w[0] * x**3))(x), [15, 0]),
        "nested": (func.grad(lambda y: func.grad(cube)(y).sum())(x), [6, 12]),
    }
    for name, (result, slope) in found.items():
        (got,) = tg.autograd.grad(result.sum(), w)
        assert got.tolist() == slope, name
    with tg.no_grad():
        assert not func.grad(cube)(x).requires_grad
    v = w.detach()
    assert not func.hessian(lambda x: (v * x**3).sum())(x).requires_grad


def test_jvp_may_refuse_what_depends_on_nothing() -> None:
    x = tg.ones(2)
    assert tg.func.jvp(lambda x: x * 3, (x,), (x,), strict=True)[1].tolist() == [3, 3]
    assert tg.func.jvp(lambda x: tg.ones(1), (x,), (x,))[1].tolist() == [0]
    with pytest.raises(RuntimeError, match="independent of the inputs"):
        tg.func.jvp(lambda x: (x, tg.ones(1)), (x,), (x,), strict=True)


def test_functional_call() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    values = {"0.weight": tg.ones(3, 2), "0.bias": tg.zeros(3), "1.running_mean": tg.zeros(3)}
    x = tg.arange(8.0).reshape(4, 2)
    hidden = tg.func.functional_call(model[0], ({"weight": values["0.weight"]}, {}), x)
    assert (hidden == x.sum(1, keepdim=True) + model[0].bias).all()
    tg.func.functional_call(model, values, (x,))
    assert (values["1.running_mean"] != 0).all()
    assert all((model.state_dict()[k] == v).all() for k, v in before.items()
               if k not in ("1.running_var", "1.num_batches_tracked"))  # fmt: skip
    assert isinstance(model[0].weight, nn.Parameter)

    def loss(p: Any) -> Any:
        return (tg.func.functional_call(model[0], p, (x,)) ** 2).sum()

    found = tg.func.grad(loss)({k: v.detach() for k, v in model[0].named_parameters()})
    (model[0](x) ** 2).sum().backward()
    np.testing.assert_allclose(found["weight"].numpy(), model[0].weight.grad.numpy(), rtol=1e-5)


def test_functional_call_ties_and_refuses() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(1, 1, bias=False)
            self.b = nn.Linear(1, 1, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x: Any) -> Any:
            return self.b(self.a(x))

    model, x, two = Tied(), tg.ones(1, 1), tg.full((1, 1), 2.0)
    call = tg.func.functional_call
    assert call(model, {"a.weight": two}, x) == 4
    assert call(model, {"a.weight": two}, x, tie_weights=False) == 2 * model.a.weight
    with pytest.raises(ValueError, match="got multiple values for keys"):
        call(model, {"a.weight": two, "b.weight": two * 2}, x)
    with pytest.raises(ValueError, match=r"a.weight appears in multiple dictionaries"):
        call(model, ({"a.weight": two}, {"a.weight": two}), x)
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\): 'c'. Missing key\(s\): 'a.weig"):
        call(model, {"c": two}, x, strict=True)
    assert call(model, {"a.bias2": two}, x) == call(model, {}, x)  # an attribute for this call
    assert not hasattr(model.a, "bias2")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.grad(square)(tg.ones(2)), "Maybe you wanted to use the vjp or jacrev APIs"),
        (lambda f: f.grad(lambda x: 3)(tg.ones(2)), "Expected f.* to return a tensor"),
        (lambda f: f.grad(square)(3.0), "expected a Tensor to differentiate for"),
        (lambda f: f.grad(square, 1)(tg.ones(())), "Got argnum=1, but only 1 positional inputs"),
        (lambda f: f.grad(square, has_aux=True)(tg.ones(())), "should be a tuple"),
        (lambda f: f.vjp(square, tg.ones(2))[1](tg.ones(3)), "cotangents of the output's form"),
        (lambda f: f.jvp(square, (tg.ones(2),), (tg.ones(3),)), "tangents of the primals' form"),
        (lambda f: f.jvp(square, tg.ones(2), tg.ones(2)), "to be tuples"),
    ],
)
def test_errors_of_func(call: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(tg.func)
    assert tg.func._depth.now == 0
