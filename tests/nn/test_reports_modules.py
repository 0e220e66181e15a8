"""Reports about modules: copies, hooks, parametrisations, containers; the values are PyTorch's."""

from __future__ import annotations

import copy
import pickle
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn.utils import (
    parametrizations,
    parametrize,
    rnn,
    spectral_norm,
    weight_norm,
)


def same(found: Any, wanted: Any) -> None:
    """Values agree to float32's digits."""
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-6, atol=1e-6)


def shallow(module: Any, how: str) -> Any:
    """A module of the same members."""
    if how == "copy":
        return copy.copy(module)
    made = module.__new__(type(module))
    made.__dict__ = module.__dict__.copy()
    return made


@pytest.mark.parametrize("how", ["copy", "dict"])
def test_what_a_shallow_copy_registers_is_its_own(how: str) -> None:
    # PyTorch's share the dicts of members, so that a change of one is a change of the other.
    layer = nn.Linear(2, 3)
    made = shallow(layer, how)
    assert made.weight is layer.weight
    made.extra = nn.Parameter(tg.ones(1))
    made.register_buffer("kept", tg.ones(1), persistent=False)
    del made.bias
    made.weight = nn.Parameter(tg.zeros(3, 2))
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert list(made.state_dict()) == ["weight", "extra"]
    assert not hasattr(layer, "extra")
    assert not hasattr(layer, "kept")
    assert bool(layer.weight.any())
    assert layer(tg.ones(1, 2)).shape == (1, 3)


def test_shallow_copies_of_containers() -> None:
    net = nn.Sequential(nn.ReLU())
    longer = copy.copy(net)
    longer.append(nn.ELU())
    assert (len(net), len(longer)) == (1, 2)
    numbers = nn.ParameterDict({"a": tg.ones(1)})
    more = copy.copy(numbers)
    more["b"] = tg.ones(2)
    assert (list(numbers), list(more)) == (["a"], ["a", "b"])
    assert [name for name, _ in more.named_parameters()] == ["a", "b"]
    row = nn.ParameterList([tg.ones(1)])
    longer_row = copy.copy(row)
    longer_row.append(tg.ones(2))
    assert (len(row), len(longer_row)) == (1, 2)
    again = pickle.loads(pickle.dumps(more))
    assert list(again) == ["a", "b"]


def test_hooks_of_a_shallow_copy() -> None:
    seen: list[str] = []
    layer = nn.Identity()
    layer.register_forward_hook(lambda *_: seen.append("both"))
    layer.register_state_dict_pre_hook(lambda *_: seen.append("state"))
    made = copy.copy(layer)
    made.register_forward_hook(lambda *_: seen.append("copy"))
    made.register_state_dict_pre_hook(lambda *_: seen.append("copy's state"))
    layer(1)
    layer.state_dict()
    assert seen == ["both", "state"]
    seen.clear()
    made(1)
    made.state_dict()
    assert seen == ["both", "copy", "state", "copy's state"]


def test_a_hook_that_is_always_called_gets_the_output() -> None:
    seen: list[Any] = []

    def fails(*_: Any) -> None:
        raise ValueError("a hook")

    module = nn.Identity()
    module.register_forward_hook(lambda m, args, output: output + 1)
    module.register_forward_hook(fails)
    module.register_forward_hook(
        lambda m, args, kwargs, output: seen.append((args, kwargs, output)),
        with_kwargs=True,
        always_call=True,
    )
    with pytest.raises(ValueError, match="a hook"):
        module(1)
    assert seen == [((1,), {}, 2)]


def test_where_forward_fails_it_gets_none() -> None:
    seen: list[Any] = []
    module = nn.Linear(2, 2)
    module.register_forward_hook(lambda m, args, output: 7, always_call=True)
    module.register_forward_hook(lambda m, args, output: seen.append(output), always_call=True)
    with pytest.raises(RuntimeError):
        module(tg.ones(1, 3))
    assert seen == [7]


class Returns(nn.Module):
    def __init__(self, pack: Any) -> None:
        super().__init__()
        self.pack = pack

    def forward(self, x: Any) -> Any:
        return self.pack(x * 2, x * 3)


@pytest.mark.parametrize("pack", [lambda a, b: {"a": a, "b": b}, lambda a, b: [a, b]])
def test_backward_hooks_want_a_tensor_or_a_tuple(pack: Any) -> None:
    seen: list[Any] = []
    module = Returns(pack)
    module.register_full_backward_hook(lambda m, gi, go: seen.append(go))
    module.register_full_backward_pre_hook(lambda m, go: seen.append(go))
    x = tg.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="should be a Tensor or a tuple of Tensors"):
        out = module(x)
    parts = out.values() if isinstance(out, dict) else out
    sum(part.sum() for part in parts).backward()
    assert not seen
    same(x.grad, [5.0, 5.0])


def test_backward_hooks_of_named_tuples() -> None:
    pair = namedtuple("pair", "a b")
    seen: list[Any] = []
    module = Returns(pair)
    module.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x = tg.ones(2, requires_grad=True)
    out = module(x)
    assert type(out) is pair
    assert type(out.a.grad_fn).__name__ == "BackwardHookFunctionBackward"
    (out.a.sum() + out.b.sum() * 2).backward()
    ((grad_input, grad_output),) = seen
    same(grad_input[0], [8.0, 8.0])
    same(grad_output[0], [1.0, 1.0])
    same(grad_output[1], [2.0, 2.0])


def test_a_hook_hears_of_gradients_that_came_through_the_output() -> None:
    class Leaks(nn.Module):
        def forward(self, x: Any) -> Any:
            self.aside = x * 5
            return x * 2

    seen: list[Any] = []
    module = Leaks()
    module.register_full_backward_hook(lambda m, gi, go: seen.append(go))
    x = tg.ones(2, requires_grad=True)
    module(x)
    module.aside.sum().backward()
    assert not seen
    same(x.grad, [5.0, 5.0])


def test_gradients_that_backward_hooks_may_not_return() -> None:
    x = tg.ones(1, 2, requires_grad=True)
    first, second = nn.Linear(2, 1), nn.Linear(2, 1)
    first.register_full_backward_pre_hook(lambda m, go: (go[0], go[0]))
    with pytest.raises(RuntimeError, match="got 2, but expected 1"):
        first(x).sum().backward()
    second.register_full_backward_hook(lambda m, gi, go: (tg.ones(1, 2),))
    with pytest.raises(RuntimeError, match="no input requires gradient"):
        second(x.detach()).sum().backward()


class Twice(nn.Module):
    def forward(self, x: Any) -> Any:
        return x * 2


class Row(nn.Module):
    def forward(self, x: Any) -> Any:
        return x[:1]


class Wide(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.double()


class RowBack(nn.Module):
    def forward(self, x: Any) -> Any:
        return x

    def right_inverse(self, x: Any) -> Any:
        return x[:1]


class WideBack(RowBack):
    def right_inverse(self, x: Any) -> Any:
        return x.double()


class NumberBack(RowBack):
    def right_inverse(self, x: Any) -> Any:
        return 3


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("kind", [Row, Wide, RowBack, WideBack, NumberBack])
def test_parametrisations_are_checked(kind: Any, behind: bool) -> None:
    layer = nn.Linear(2, 2)
    if behind:
        parametrize.register_parametrization(layer, "weight", Twice())
    before, state = layer.weight.detach().clone(), list(layer.state_dict())
    with pytest.raises(ValueError, match=r"return|change|same"):
        parametrize.register_parametrization(layer, "weight", kind())
    assert list(layer.state_dict()) == state
    same(layer.weight, before.numpy())


@pytest.mark.parametrize(
    ("kind", "shape", "dtype"),
    [(Row, (1, 2), "float32"), (Wide, (2, 2), "float64"), (RowBack, (1, 2), "float32")],
)
def test_unsafe_parametrisations_change_shape_and_dtype(
    kind: Any, shape: tuple[int, ...], dtype: str
) -> None:
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", kind(), unsafe=True)
    assert layer.weight.shape == shape
    assert layer.weight.dtype == dtype
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    assert layer.parametrizations.weight.unsafe


def test_a_right_inverse_may_give_another_shape() -> None:
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", RowBack(), unsafe=True)
    layer.weight = tg.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    same(layer.weight, [[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="has dtype"):
        layer.weight = tg.ones(2, 2, dtype=tg.float64)


def test_setting_a_parametrised_weight_leaves_states_that_were_taken() -> None:
    class Halves(Twice):
        def right_inverse(self, x: Any) -> Any:
            return x / 2

    layer = nn.Linear(2, 1, bias=False)
    parametrize.register_parametrization(layer, "weight", Halves())
    layer.weight = tg.tensor([[1.0, 2.0]])
    state = layer.state_dict()
    layer.weight = tg.tensor([[5.0, 6.0]])
    same(state["parametrizations.weight.original"], [[0.5, 1.0]])
    same(layer.parametrizations.weight.original, [[2.5, 3.0]])


def test_a_parametrisation_is_in_its_modules_mode() -> None:
    layer = parametrizations.spectral_norm(nn.Linear(3, 2).eval())
    norm = layer.parametrizations.weight[0]
    assert not norm.training
    before = norm._u.clone()
    layer(tg.ones(1, 3))
    same(norm._u, before.numpy())


def test_states_of_the_old_weight_norm_are_read() -> None:
    old = weight_norm(nn.Linear(3, 2))
    old.weight_g.data.fill_(2.0)
    old.weight_v.data.copy_(tg.tensor([[3.0, 4.0, 0.0], [0.0, 5.0, 12.0]]))
    net = nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 2)))
    state = nn.Sequential(old).state_dict()
    net.load_state_dict(state)
    same(net[0].weight, [[1.2, 1.6, 0.0], [0.0, 10 / 13, 24 / 13]])
    assert list(state) == ["0.bias", "0.weight_g", "0.weight_v"]


@pytest.mark.parametrize("norm", [weight_norm, spectral_norm])
def test_a_weight_is_normalised_once(norm: Any) -> None:
    layer = norm(nn.Linear(2, 2))
    state = list(layer.state_dict())
    with pytest.raises(RuntimeError, match="Cannot register two"):
        norm(layer)
    assert list(layer.state_dict()) == state
    layer(tg.ones(1, 2))


def test_only_a_sequential_is_added_to_one() -> None:
    net = nn.Sequential(nn.ReLU())
    for add in (net.__add__, net.__iadd__):
        with pytest.raises(ValueError, match="only objects of Sequential class"):
            add([nn.ELU()])
    assert len(net + net) == 2
    with pytest.raises(TypeError, match="got Tensor"):
        nn.ParameterList(tg.ones(2, 2))


@pytest.mark.parametrize("name", ["a.b", "", "keys"])
def test_a_refused_name_is_not_listed(name: str) -> None:
    numbers = nn.ParameterDict({"x": tg.ones(1)})
    with pytest.raises(KeyError):
        numbers[name] = tg.ones(1)
    assert list(numbers) == ["x"]


def test_padded_sequences_have_the_first_ones_dtype() -> None:
    first, second = tg.tensor([1, 2]), tg.tensor([1.5])
    found = rnn.pad_sequence([first, second])
    assert found.dtype == tg.int64
    assert found.tolist() == [[1, 1], [2, 0]]
    found = rnn.pad_sequence([second, first.double()])
    assert found.dtype == tg.float32
    assert found.tolist() == [[1.5, 1.0], [0.0, 2.0]]


@pytest.mark.parametrize("size", [(0, 3, 4), (2, 3, 0)])
def test_running_statistics_of_no_elements(size: tuple[int, ...]) -> None:
    norm = nn.InstanceNorm1d(3, track_running_stats=True)
    norm(tg.ones(2, 3, 4) * 2)
    before = [norm.running_mean.tolist(), norm.running_var.tolist()]
    assert norm(tg.zeros(size)).shape == size
    assert [norm.running_mean.tolist(), norm.running_var.tolist()] == before
    assert before[0] == pytest.approx([0.2] * 3)


def test_triplets_have_one_number_of_dimensions() -> None:
    a = tg.ones(4, 3)
    for loss in (
        nn.functional.triplet_margin_loss,
        nn.functional.triplet_margin_with_distance_loss,
    ):
        for others in ([a, a[0]], [a[0], a[0]], [a[None], a]):
            with pytest.raises(RuntimeError, match="same number of dimensions"):
                loss(a, *others)
        assert loss(a, a[:1], a, reduction="none").tolist() == [1.0] * 4


def test_lazy_weights_have_no_memory_to_share() -> None:
    with pytest.raises(RuntimeError, match="share memory on an uninitialized parameter"):
        nn.LazyLinear(2).share_memory()


def test_states_of_modules_without_memory_are_not_copied() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    before = [p.item() for p in net.parameters()]
    state = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)).state_dict()
    state["0.weight"] = state["0.weight"].to("meta")
    for strict in (True, False):
        with pytest.raises(RuntimeError, match=r"0\.weight can't be copied out of a meta tensor"):
            net.load_state_dict(state, strict=strict)
    assert [p.item() for p in net.parameters()] == before


def test_loading_into_a_module_without_memory_warns() -> None:
    layer = nn.Linear(1, 1, device="meta")
    state = nn.Linear(1, 1).state_dict()
    with pytest.warns(UserWarning, match="which is a no-op") as caught:
        layer.load_state_dict(state)
    assert [str(warning.message)[:11] for warning in caught] == ["for weight:", "for bias: c"]
    assert [caught[0].filename, layer.weight.device.type] == [__file__, "meta"]
    layer.load_state_dict(layer.state_dict())  # of one kind: nothing to warn of
    layer.load_state_dict(state, assign=True)
    assert layer.weight.item() == state["weight"].item()


class Shown(nn.Module):
    @property
    def scale(self) -> int:
        return 7

    @scale.setter
    def scale(self, value: Any) -> None:
        self.was = value


def test_a_property_hides_no_parameter() -> None:
    module = Shown()
    with pytest.raises(KeyError, match="attribute 'scale' already exists"):
        module.scale = nn.Parameter(tg.ones(1))
    assert list(module.state_dict()) == []
    module.scale = tg.ones(1)
    assert module.was.tolist() == [1.0]


@pytest.mark.parametrize("training", [True, False])
def test_a_causal_hint_without_a_mask_is_refused(training: bool) -> None:
    """Stacks of layers left it out, and looked at what comes later."""
    layers = {"nhead": 2, "dim_feedforward": 3, "dropout": 0.0}
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, **layers), 2).train(training)
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, **layers), 2).train(training)
    whole = nn.Transformer(4, 2, 1, 1, 3, 0.0).train(training)
    x = tg.arange(12.0).reshape(3, 1, 4).sin()
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    for call in (
        lambda: encoder(x, is_causal=True),
        lambda: decoder(x, x, tgt_is_causal=True),
        lambda: decoder(x, x, memory_is_causal=True),
        lambda: whole(x, x, src_is_causal=True),
        lambda: whole(x, x, tgt_is_causal=True),
    ):
        with pytest.raises(RuntimeError, match="attn_mask"):
            call()
    for hint in (None, True, False):
        found = encoder(x, mask, is_causal=hint)
        tg.testing.assert_close(found, encoder(x, mask == -np.inf))
        tg.testing.assert_close(found[:2], encoder(x[:2], mask[:2, :2]))
