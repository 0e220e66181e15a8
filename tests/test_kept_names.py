"""Names of PyTorch's insides that programs read and set: hooks, storages, switches, results."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.nn.attention_bias import causal_upper_left
from tinygrad_lite.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)


def test_a_modules_hooks_can_be_read_and_replaced() -> None:
    layer: Any = nn.Linear(2, 2)
    x = torch.ones(1, 2)
    handle = layer.register_forward_hook(lambda m, a, k, out: out * 2, with_kwargs=True)
    assert layer._forward_hooks_with_kwargs == {handle.id: True}
    assert copy.deepcopy(layer)._forward_hooks_with_kwargs == {handle.id: True}
    assert layer._forward_hooks_always_called == {}
    assert isinstance(layer._forward_hooks, OrderedDict)
    layer._forward_hooks = OrderedDict({5: lambda m, a, out: out * 0})
    assert layer(x).tolist() == [[0, 0]]
    layer._forward_hooks.clear()
    assert layer(x).any()
    fresh: Any = nn.Linear(2, 2)  # to which no hook was ever added by a method
    fresh._forward_pre_hooks = {1: lambda m, a: (a[0] * 0,)}
    assert torch.equal(fresh(x)[0], fresh.bias)
    seen: list[str] = []
    fresh._state_dict_hooks[1] = lambda module, state, prefix, meta: seen.append(prefix)
    fresh.state_dict()
    assert seen == [""]
    assert pickle.loads(pickle.dumps(nn.Linear(2, 2)))._forward_hooks == {}


def test_hooks_around_all_optimizers_and_their_states() -> None:
    p = torch.ones(1, requires_grad=True)
    a, b = (torch.optim.SGD([p], 0.1) for _ in range(2))
    told: list[str] = []
    handles = [
        register_optimizer_step_pre_hook(lambda *_: told.append("before")),
        register_optimizer_step_post_hook(lambda *_: told.append("after")),
    ]
    a.register_step_pre_hook(lambda *_: told.append("own"))
    a.step()
    b.step()
    for handle in handles:
        handle.remove()
    b.step()
    assert told == ["before", "own", "after", "before", "after"]
    b.register_state_dict_post_hook(lambda _, state: {**state, "x": 1})
    b.register_state_dict_post_hook(lambda _, state: told.append(sorted(state)[-1]), prepend=True)
    state = b.state_dict()
    assert (state["x"], told[-1]) == (1, "state")
    b.register_load_state_dict_pre_hook(lambda _, s: {k: v for k, v in s.items() if k != "x"})
    b.register_load_state_dict_post_hook(lambda _: told.append("loaded"))
    b.register_state_dict_pre_hook(lambda _: told.append("asked"))
    b.load_state_dict(state)
    b.state_dict()
    assert told[-3:] == ["loaded", "asked", "state"]
    assert "x" in state
    assert copy.deepcopy(b).state_dict().keys() == {"state", "param_groups"}


def test_hooks_before_a_step_may_change_what_it_gets() -> None:
    p = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], 0.1)
    seen: list[Any] = []
    handle = optimizer.register_step_pre_hook(
        lambda own, args, kwargs: ((own, lambda: torch.tensor(5.0)), {})
    )
    optimizer.register_step_post_hook(lambda own, args, kwargs: seen.append(len(args)))
    for _ in range(2):
        assert optimizer.step(lambda: torch.tensor(1.0)) == 5
    handle.remove()
    assert optimizer.step(lambda: torch.tensor(1.0)) == 1

    def fails() -> Any:
        raise ValueError("of the closure")

    with pytest.raises(ValueError, match="of the closure"):
        optimizer.step(fails)
    optimizer.step()
    assert seen == [2, 2, 2, 1]
    for wrong in (3, (1, 2, 3)):
        handle = optimizer.register_step_pre_hook(lambda *_, wrong=wrong: wrong)
        with pytest.raises(RuntimeError, match="must return None or a tuple of"):
            optimizer.step()
        handle.remove()


def test_tensors_change_places() -> None:
    x, p = torch.ones(2, requires_grad=True), nn.Parameter(torch.zeros(3))
    torch.utils.swap_tensors(x, p)
    assert (type(x), x.tolist(), type(p), p.tolist()) == (
        nn.Parameter,
        [0] * 3,
        torch.Tensor,
        [1] * 2,
    )
    mask = causal_upper_left(2, 2)  # with attributes in slots
    with pytest.raises(RuntimeError, match="Cannot swap t1 and t2"):
        torch.utils.swap_tensors(mask, x)
    (x * 2).sum().backward()
    assert x.grad is not None
    assert (x.grad.tolist(), p.grad) == ([2] * 3, None)


def test_results_are_of_the_classes_in_return_types() -> None:
    kinds: Any = importlib.import_module("tinygrad_lite.return_types")
    x = torch.tensor([[2.0, 1.0], [0.0, 3.0]])
    assert isinstance(x.max(0), kinds.max)
    assert not isinstance(x.max(0), kinds.min)
    functions = "lu lu_factor lu_factor_ex qr slogdet svd inv_ex cholesky_ex"
    rows: list[Any] = [
        (getattr(torch.linalg, name), f"linalg_{name}", ()) for name in functions.split()
    ]
    rows += [
        (torch.linalg.solve_ex, "linalg_solve_ex", (x,)),
        (torch.linalg.lstsq, "linalg_lstsq", (x,)),
    ]
    functions = "aminmax frexp geqrf qr svd slogdet sort histogram"
    rows += [(getattr(torch, name), name, ()) for name in functions.split()]
    rows += [(torch.topk, "topk", (1,)), (torch.median, "median", (0,))]
    for function, name, given in rows:
        result = function(x, *given)
        assert isinstance(result, getattr(kinds, name)), name
        assert repr(result).startswith(f"torch.return_types.{name}("), name
    assert all(issubclass(getattr(kinds, name), tuple) for name in dir(kinds))
    with pytest.raises(AttributeError, match="missing here"):
        kinds.linalg_ldl_factor  # noqa: B018


def test_what_is_missing_says_what_is_near() -> None:
    with pytest.raises(AttributeError, match=r"nearest: resize_, size, resize_as_$"):
        torch.ones(1).resize  # noqa: B018  # `resize_as`, which is nearer, is missing as well
    with pytest.raises(AttributeError, match=r"missing here, if PyTorch has it; use torch.linalg"):
        torch.ones(1).lstsq  # noqa: B018


def test_generators_clone_and_tell_their_device() -> None:
    generator: Any = torch.Generator("cpu").manual_seed(3)
    torch.rand(3, generator=generator)
    other = generator.clone_state()
    assert torch.equal(torch.rand(3, generator=generator), torch.rand(3, generator=other))
    assert generator.device == torch.device("cpu")


def test_libraries_that_are_not_here_keep_their_switches() -> None:
    mkldnn: Any = importlib.import_module("tinygrad_lite.backends.mkldnn")
    with mkldnn.flags(enabled=True, deterministic=True):
        assert (mkldnn.enabled, mkldnn.deterministic, mkldnn.allow_tf32) == (True, True, False)
    assert (mkldnn.enabled, mkldnn.is_available()) == (False, False)
    torch.backends.mha.set_fastpath_enabled(True)
    assert torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)


def test_storages_copy_and_convert() -> None:
    x = torch.tensor([1.5, 2.5])
    kept: Any = x.storage()
    other = kept.clone()
    other[0] = 7
    assert (x.tolist(), other.tolist(), kept.int().tolist()) == ([1.5, 2.5], [7, 2.5], [1, 2])
    kept.copy_(other)
    assert (x.tolist(), kept.element_size(), kept.untyped().size()) == ([7, 2.5], 4, 8)
    assert other.tolist() == [7, 2.5]
    raw = kept.untyped()
    assert raw.cpu() is raw
    assert (kept.type(), raw.type()) == ("torch.FloatStorage", "torch.storage.UntypedStorage")
    assert kept.type(torch.int16).tolist() == [7, 2]
    for index in (2, -3):
        with pytest.raises(IndexError, match="out of range for storage of size 2"):
            _ = kept[index]
    with pytest.raises(
        AttributeError, match="no attribute 'byteswap': it is missing here"
    ) as error:
        _ = kept.byteswap
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
    with pytest.raises(RuntimeError, match="can't index a TypedStorage with slice"):
        _ = kept[0:1]
    assert [kept[-1], kept[np.int64(0)]] == [2.5, 7]
    turned = torch.empty((2, 3)).t().copy_(torch.tensor([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]))
    assert turned.storage().tolist() == [1, 2, 3, 4, 5, 6]
    columns = torch.from_numpy(np.asfortranarray([[1, 3], [2, 4]]))
    assert columns.storage().tolist() == [1, 2, 3, 4]
    same = torch.Tensor(x)
    same.add_(1)
    assert (x._version, x.tolist()) == (same._version, [8, 3.5])
    assert sys.getsizeof(raw) >= 8


def test_tensors_are_parted_by_their_kind() -> None:
    group = importlib.import_module("tinygrad_lite.utils._foreach_utils")
    a, b, c = torch.ones(1), torch.ones(1, dtype=torch.float64), torch.zeros(1)
    found = group._group_tensors_by_device_and_dtype([[a, b, c], [1, 2, 3]], with_indices=True)
    assert found[a.device, torch.float32] == ([[a, c], [1, 3]], [0, 2])
    assert found[a.device, torch.float64] == ([[b], [2]], [1])
