"""`torch.library`: operations of a program's own, with and without a gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import tinygrad_lite as torch
from tinygrad_lite import ops
from tinygrad_lite.library import _KNOWN, custom_op, register_autograd, register_kernel


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Operations of a test are not there for the next."""
    yield
    for name in [*_KNOWN]:
        del _KNOWN[name]
    if "mine" in vars(ops):
        delattr(ops, "mine")


def scaled() -> Any:
    def scale(x: torch.Tensor, by: int = 3) -> torch.Tensor:
        return x * by

    return custom_op("mine::scale", scale, mutates_args=())


def test_an_operation_is_its_function() -> None:
    op, own = scaled(), torch.ops.mine  # type: ignore[attr-defined]
    assert own.scale is op
    assert op(torch.ones(2)).tolist() == [3.0, 3.0]
    assert own.scale(torch.ones(2), by=4).tolist() == [4.0, 4.0]
    assert (repr(op), op._qualname) == ("<CustomOpDef(mine::scale)>", "mine::scale")
    assert op.register_fake(len) is torch.library.register_fake("mine::scale", len) is len
    assert torch.library.register_fake("mine::scale")(len) is len
    with pytest.raises(AttributeError, match=r"torch\.ops\.mine has no operation 'other'"):
        own.other  # noqa: B018


def test_its_gradient_is_what_was_registered() -> None:
    op, seen = scaled(), []

    def setup(ctx: Any, inputs: Any, output: Any) -> None:
        seen.append((len(inputs), output.tolist(), output.requires_grad))
        ctx.by = inputs[1]

    def backward(ctx: Any, g: Any) -> Any:
        seen.append(ctx.needs_input_grad)
        return 10 * g * ctx.by, None

    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="mine::scale but no autograd formula was registered"):
        op(x).sum().backward()
    register_autograd("mine::scale", backward, setup_context=setup)
    op(x).sum().backward()  # 10 times the true one, so that it is this one
    assert x.grad.tolist() == [30.0, 30.0]
    assert seen == [(2, [3.0, 3.0], False), (True, False)]
    assert not op(torch.ones(2)).requires_grad


def test_keywords_several_results_and_changes_in_place() -> None:
    def two(x: Any, *, by: Any) -> Any:
        return [x * by, x + by]

    def setup(ctx: Any, inputs: Any, keyword_only_inputs: Any, output: Any) -> None:
        ctx.by = keyword_only_inputs["by"]

    op = custom_op("mine::two", two, mutates_args=(), schema="(Tensor x, *, float by) -> Tensor[]")
    op.register_autograd(lambda ctx, a, b: a * ctx.by + b, setup_context=setup)
    x = torch.ones(2, requires_grad=True)
    a, b = op(x, by=5.0)
    (a + b).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]

    @custom_op("mine::fill", mutates_args={"x"})
    def fill(x: torch.Tensor) -> None:
        x.fill_(7.0)

    y = torch.zeros(2)
    assert fill(y) is None
    assert y.tolist() == [7.0, 7.0]


def test_kernels_for_devices() -> None:
    op = scaled()
    assert register_kernel("mine::scale", "cpu", lambda x, by: x - by)(torch.ones(1), 1) == 0
    assert op(torch.ones(1)).tolist() == [-2.0]

    @op.register_kernel(["cuda", "cpu"])
    def _(x: Any, by: Any) -> Any:
        return x + by

    assert op(torch.ones(1)).tolist() == [4.0]
    other = custom_op("mine::other", lambda x: x, mutates_args=(), device_types="cpu", schema="")
    assert other(torch.ones(1)).tolist() == [1.0]


def test_refused_names_and_arguments() -> None:
    def untyped(x):  # type: ignore[no-untyped-def]
        return x

    for name in ("plain", "mine::", "::name", "mine::a::b"):
        with pytest.raises(ValueError, match="expected a name such as"):
            custom_op(name, untyped, mutates_args=(), schema="")
    with pytest.raises(ValueError, match="'conv' names rules of this library"):
        custom_op("conv::mine", untyped, mutates_args=(), schema="")
    with pytest.raises(ValueError, match="parameter x of mine::untyped has no type"):
        custom_op("mine::untyped", untyped, mutates_args=())
    assert not _KNOWN
    with pytest.raises(ValueError, match="there is no operation 'mine::none'"):
        register_autograd("mine::none", untyped)
    with pytest.raises(ValueError, match="there is no operation 'mine::none'"):
        register_kernel("mine::none", "cpu", untyped)
