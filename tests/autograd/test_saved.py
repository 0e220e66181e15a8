"""What nodes show: their classes' names, and the tensors that PyTorch's nodes keep."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite.autograd import Function, graph

# An expression of x (3, 4), y (3, 4), m (4, 4), w (2, 4), b (2,), im (1, 2, 4, 4), k (2, 2, 3, 3)
# and F: what its node keeps, by name. None is what this node does not need.
ROWS = """
x**2                          self=x exponent=2
x**y                          self=x exponent=y result=x**y
2**x                          self=2 exponent=x result=2**x
x.exp()                       result=x.exp()
x.log()                       self=x
x.tanh()                      result=x.tanh()
(x * 2).sigmoid()             result=(x * 2).sigmoid()
x.relu()                      result=x.relu()
x.sqrt()                      result=x.sqrt()
(x + y).sin()                 self=x + y
x * y                         self=x other=y
x * y.detach()                self=None other=y
x * 2                         self=None other=2
2 * x                         self=None other=2
x / y                         self=x other=y
x / y.detach()                self=None other=y
x / 2                         self=None other=2
torch.maximum(x, y)           self=x other=y
x @ m                         self=x mat2=m
x.detach() @ m                self=x mat2=None
F.linear(x, w)                self=x mat2=w.T
F.linear(x, w, b)             mat1=x mat2=w.T
F.linear(x, w.detach(), b)    mat1=None mat2=w.T
F.conv2d(im, k)               input=im weight=k
F.conv2d(im.detach(), k)      input=im weight=k
x.softmax(1)                  result=x.softmax(-1) dim=1
x.clamp(0, 1)                 self=x min=0 max=1
F.leaky_relu(x, 0.2)          self=x negative_slope=0.2
F.mse_loss(x, y)              self=x target=y
x.amax(0)                     self=x result=x.amax(0)
x.masked_fill(x > 0.5, 0)     mask=x>0.5
F.layer_norm(x, (4,))         input=x weight=None bias=None
"""


def alike(found: Any, expected: Any, torch: Any) -> bool:
    """Whether two values are equal, in shape too; leaves that require gradients the same."""
    if getattr(expected, "is_leaf", False) and getattr(found, "requires_grad", False):
        return found is expected
    if isinstance(found, torch.Tensor) and expected is not None:
        there = torch.as_tensor(expected)
        return found.shape == there.shape and bool((found == there).all())
    return type(found) is type(expected) and found == expected


def kept(row: str, torch: Any) -> list[str]:
    """Which of a row's names have another value than the row says."""
    expression, *pairs = row.split("  ", 1)[0], *row.split("  ", 1)[1].strip().split("=")
    torch.manual_seed(0)
    shapes = {"x": (3, 4), "y": (3, 4), "m": (4, 4), "w": (2, 4), "b": (2,), "im": (1, 2, 4, 4)}
    scope: dict[str, Any] = {k: torch.rand(*s, requires_grad=True) for k, s in shapes.items()}
    scope["k"] = torch.rand(2, 2, 3, 3, requires_grad=True)
    scope |= {"torch": torch, "F": torch.nn.functional}
    words = [part.rpartition(" ")[2] for part in pairs[:-1]]
    values = [*[part.rpartition(" ")[0] for part in pairs[1:-1]], pairs[-1]]
    output = eval(expression, scope)
    node = output.grad_fn
    wrong = [] if {f"_saved_{w}" for w in words} <= {*dir(node)} else [f"{expression}: dir()"]
    for word, value in zip(words, values, strict=True):
        found, expected = getattr(node, f"_saved_{word}"), eval(value, scope)
        if not alike(found, expected, torch):
            wrong.append(f"{expression}: _saved_{word} is {found}")
    return wrong


@pytest.mark.parametrize("library", ["tinygrad_lite", "torch"])
def test_nodes_keep_what_pytorchs_keep(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip("PyTorch is not installed")
    torch = importlib.import_module(library)
    importlib.import_module(f"{library}.nn.functional")
    assert [w for row in ROWS.strip().splitlines() for w in kept(row, torch)] == []


def test_classes_are_called_as_pytorchs() -> None:
    x = tg.ones(2, requires_grad=True)
    node = (x.exp() * 2).sum().grad_fn
    product = node.next_functions[0][0]
    inner = product.next_functions[0][0]
    kinds = [type(n).__name__ for n in (node, product, inner, inner.next_functions[0][0])]
    assert kinds == ["SumBackward0", "MulBackward0", "ExpBackward0", "AccumulateGrad"]
    assert type(graph.get_gradient_edge(x).node).__name__ == "AccumulateGrad"
    assert isinstance(node, graph.Node)
    assert type((x * 3).grad_fn) is type(product)
    node.metadata["seen"] = 1
    x.exp().sum().backward()
    assert node.metadata == {"seen": 1}


def test_what_is_kept_is_freed_and_checked() -> None:
    x = tg.ones(2, requires_grad=True)
    y = x.exp()
    node = y.grad_fn
    assert node._saved_result.grad_fn is node
    y.sum().backward(retain_graph=True)
    assert node._saved_result.equal(y)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="freed"):
        _ = node._saved_result
    with pytest.raises(AttributeError, match="no attribute '_saved_self'"):
        _ = node._saved_self
    product = (x * 2).log()
    base = x * 1
    node = (base * x).grad_fn
    base.add_(1)
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        _ = node._saved_self
    assert not hasattr(product.grad_fn, "_saved_other")
    assert "_saved_dim" not in dir(x.exp().grad_fn)
    kinds = [type((x**2).grad_fn._saved_exponent), type((x / 2).grad_fn._saved_other)]
    assert kinds == [int, tg.Tensor]


def test_hooks_see_what_is_asked_for() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t.detach() * 10, lambda t: t):
        y = x**2
    assert y.grad_fn._saved_self.tolist() == [10, 20]
    y = x**2
    seen = []
    y.grad_fn._raw_saved_self.register_hooks(lambda t: seen.append(t) or 7, lambda _: x + 3)
    assert seen[0] is x
    assert y.grad_fn._saved_self.tolist() == [4, 5]
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [8, 10]
    w = tg.tensor([3.0, 4.0], requires_grad=True)
    y = x * w
    y.grad_fn._raw_saved_other.register_hooks(lambda t: t.detach() * 10, lambda t: t)
    assert [y.grad_fn._saved_other.tolist(), y.grad_fn._saved_self is x] == [[30, 40], True]
    assert [g.tolist() for g in tg.autograd.grad(y.sum(), [x, w])] == [[30, 40], [1, 2]]
    z = x**2
    z.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: t)
    with pytest.raises(RuntimeError, match="set already"):
        z.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: t)


class Cube(Function):
    @staticmethod
    def forward(ctx: Any, x: tg.Tensor) -> tg.Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grads[0] * 3 * x**2


def test_a_functions_node_has_its_tensors() -> None:
    x = tg.ones(2, requires_grad=True)
    y = Cube.apply(x)
    assert type(y.grad_fn).__name__ == "CubeBackward"
    like = type("Exp", (Cube,), {}).apply(x)  # type: ignore[attr-defined]
    assert (like.grad_fn.name(), hasattr(like.grad_fn, "_saved_result")) == ("ExpBackward", False)
    assert y.grad_fn.saved_tensors[0].equal(x)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="freed"):
        _ = y.grad_fn.saved_tensors


def test_what_a_hook_unpacks_has_its_place_in_the_graph() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t.tolist(), tg.tensor):
        y = x.pow(2)
        z = (y * 2).exp()
    kept = y.grad_fn._saved_self
    assert (kept is x, kept.requires_grad, kept.is_leaf) == (False, True, True)
    assert z.grad_fn._saved_result.grad_fn is z.grad_fn
    with graph.saved_tensors_hooks(lambda t: t.tolist(), tg.tensor):
        constant = x * tg.tensor([3.0, 4.0])
    assert not constant.grad_fn._saved_other.requires_grad
