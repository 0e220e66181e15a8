"""What all optimizers share: groups, steps, and what they accept."""

from __future__ import annotations

import gc
import weakref
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.optim.descent import FACTORS, FULL, NUMBERS, hosts, loss_of, make_params, train
from tinygrad_lite import nn, optim
from tinygrad_lite.backend import to_host
from tinygrad_lite.optim import SGD, Adam, Optimizer


@pytest.mark.parametrize("name", FULL)
def test_descends(name: str, device: str) -> None:
    params = make_params(device)
    before = loss_of(params).item()
    optimizer = FULL[name](params)
    for _ in range(20):
        optimizer.zero_grad()
        loss_of(params).backward()
        optimizer.step()
    assert loss_of(params).item() < 0.7 * before


@pytest.mark.parametrize("name", FULL)
def test_step_changes_parameters_in_place_and_nothing_else(name: str, device: str) -> None:
    params = make_params(device)
    optimizer = FULL[name](params)
    arrays = [p.array for p in params]
    strides = [p.array.strides for p in params]
    for t in range(3):
        optimizer.zero_grad()
        loss_of(params, t).backward()
        grads, before = hosts([p.grad for p in params]), hosts(params)
        same = [p.grad for p in params]
        optimizer.step()
        for param, grad, copy, old in zip(params, same, grads, before, strict=True):
            assert param.grad is grad
            np.testing.assert_array_equal(to_host(grad.array), copy)
            changed = to_host(param.array) != old
            assert changed.any() if name == "Rprop" else changed.all()  # Rprop waits at a turn
    assert all(p.array is a for p, a in zip(params, arrays, strict=True))
    assert [p.array.strides for p in params] == strides
    assert all(p.is_leaf and p.requires_grad for p in params)


@pytest.mark.parametrize("name", FULL)
def test_memory_order_does_not_matter(name: str, device: str) -> None:
    fortran, plain = make_params(device), make_params(device)
    plain[0] = tg.tensor(np.ascontiguousarray(hosts(plain)[0]), device=device).requires_grad_()
    assert fortran[0].array.strides != plain[0].array.strides
    first, second = FULL[name](fortran), FULL[name](plain)
    for t in range(4):
        for params in (fortran, plain):
            rng = np.random.default_rng(t)
            for param in params:  # in C order for both
                grad = rng.standard_normal(param.shape).astype("float32")
                param.grad = tg.tensor(grad, device=device)
        first.step()
        second.step()
    for ours, expected in zip(hosts(fortran), hosts(plain), strict=True):
        if name == "Adafactor":  # its sums go over all elements in the order of memory
            np.testing.assert_allclose(ours, expected, rtol=1e-6)
        else:
            np.testing.assert_array_equal(ours, expected)
    for optimizer, params in ((first, fortran), (second, plain)):
        for key in optimizer.state[params[0]].keys() - NUMBERS - FACTORS:
            assert optimizer.state[params[0]][key].array.strides == params[0].array.strides


def test_step_makes_a_stale_graph_raise(device: str) -> None:
    params = make_params(device)
    optimizer = SGD(params, lr=0.1)
    hidden = tg.tensor(np.ones((2, 3), "float32"), device=device) @ params[0].T
    loss = (hidden @ params[0]).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        loss.backward()


@pytest.mark.parametrize("name", FULL)
def test_parameters_without_a_gradient_are_left_alone(name: str, device: str) -> None:
    params = make_params(device)
    optimizer = FULL[name](params)
    before = hosts(params)
    optimizer.step()
    np.testing.assert_array_equal(hosts(params)[0], before[0])
    params[0].sum().backward()
    optimizer.step()
    after = hosts(params)
    assert (after[0] != before[0]).any()
    np.testing.assert_array_equal(after[1], before[1])
    if name != "Adagrad":  # whose state is there from the beginning in PyTorch
        assert params[1] not in optimizer.state


def test_zero_grad(device: str) -> None:
    params = make_params(device)
    optimizer = SGD(params)
    params[0].sum().backward()
    kept = params[0].grad
    assert kept is not None
    optimizer.zero_grad(set_to_none=False)
    assert params[0].grad is kept
    assert params[1].grad is None
    assert (to_host(kept.array) == 0).all()
    optimizer.zero_grad()
    assert params[0].grad is None


@pytest.mark.parametrize("recording", [True, False])
def test_zero_grad_detaches_a_recorded_gradient(recording: bool) -> None:
    (param,) = params = [tg.tensor([2.0], requires_grad=True)]
    (param**3).sum().backward(create_graph=True)
    assert param.grad is not None
    assert param.grad.requires_grad
    with tg.set_grad_enabled(recording):
        SGD(params).zero_grad(set_to_none=False)
    assert param.grad.tolist() == [0.0]
    assert not param.grad.requires_grad


def test_closure_is_run_with_gradients_and_its_loss_returned() -> None:
    params = make_params()
    optimizer = SGD(params, lr=0.01)
    seen = []

    def closure() -> tg.Tensor:
        seen.append(tg.is_grad_enabled())
        optimizer.zero_grad()
        loss = loss_of(params)
        loss.backward()
        return loss

    before = hosts(params)
    with tg.no_grad():
        loss = optimizer.step(closure)
        assert not tg.is_grad_enabled()
    assert seen == [True]
    assert loss.item() == pytest.approx(loss_of([tg.tensor(b) for b in before]).item())
    assert (hosts(params)[0] != before[0]).any()
    assert optimizer.step() is None


def test_groups_have_options_of_their_own() -> None:
    weight, bias = make_params()
    given = {"params": weight, "lr": 0.5}
    optimizer = SGD([given], lr=0.1)
    optimizer.add_param_group({"params": [bias]})
    assert optimizer.param_groups[0] is given  # who keeps the dict may set its options
    assert (given["params"], given["lr"], given["momentum"]) == ([weight], 0.5, 0)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1]
    before = hosts([weight, bias])
    (weight.sum() + bias.sum()).backward()
    optimizer.step()
    optimizer.param_groups[1]["lr"] = 0.25
    optimizer.step()
    after = hosts([weight, bias])
    np.testing.assert_allclose(after[0], before[0] - 1.0, atol=1e-6)
    np.testing.assert_allclose(after[1], before[1] - 0.35, atol=1e-6)


def test_what_can_be_optimized() -> None:
    weight, bias = make_params()
    with pytest.raises(ValueError, match="optimizer got an empty parameter list"):
        SGD([])
    with pytest.raises(TypeError, match="should be an iterable of Tensors or dicts, but got Tens"):
        SGD(weight)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="can only optimize Tensors, but one of the params is flo"):
        SGD([weight, 1.0])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="ordered collections"):
        SGD([{"params": {weight, bias}}])
    with pytest.raises(TypeError, match="param_group must be a dict, but got list"):
        SGD([weight]).add_param_group([bias])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
        SGD([weight * 2])
    with pytest.raises(ValueError, match="more than one parameter group"):
        SGD([{"params": [weight, bias]}, {"params": [bias]}])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        SGD([weight, bias, weight])
    optimizer = SGD(p for p in (weight, bias))
    assert optimizer.param_groups[0]["params"] == [weight, bias]


def bad(name: str, message: str, **options: Any) -> Any:
    return pytest.param(name, options, message, id=f"{name}-{next(iter(options))}")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        *(
            bad(name, f"{message}: -1", **{word: -1})
            for name, words in {
                "SGD": ("lr", "momentum", "weight_decay"),
                "Adam": ("lr", "eps", "weight_decay"),
                "AdamW": ("lr", "eps", "weight_decay"),
                "RMSprop": ("lr", "eps", "momentum", "weight_decay", "alpha"),
                "Adagrad": ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"),
            }.items()
            for word, message in {
                "lr": "Invalid learning rate",
                "momentum": "Invalid momentum value",
                "weight_decay": "Invalid weight_decay value",
                "eps": "Invalid epsilon value",
                "alpha": "Invalid alpha value",
                "lr_decay": "Invalid lr_decay value",
                "initial_accumulator_value": "Invalid initial_accumulator_value value",
            }.items()
            if word in words
        ),
        bad("Adam", "Invalid beta parameter at index 0: 1.0", betas=(1.0, 0.9)),
        bad("AdamW", "Invalid beta parameter at index 1: -0.1", betas=(0.9, -0.1)),
        bad("Adam", "Invalid beta parameter at index 0: -0.1", betas=(-0.1, 0.9)),
        *(
            bad(name, f"Invalid beta parameter at index 1: {beta}", betas=(0.9, beta))
            for name in ("Adam", "AdamW")
            for beta in (1.0, 1, 1.5, float("nan"))
        ),
        bad("NAdam", "Invalid momentum_decay value: -1", momentum_decay=-1),
        *(
            bad(name, "Invalid beta parameter at index 1: 1.0", betas=(0.9, 1.0))
            for name in ("NAdam", "RAdam", "Adamax")
        ),
        bad("Adadelta", "Invalid rho value: 1.5", rho=1.5),
        bad("Rprop", "Invalid eta values: 1.5, 2", etas=(1.5, 2)),
        bad("ASGD", "Invalid learning rate: -1", lr=-1),
        bad("LBFGS", "Invalid learning rate: -1", lr=-1),
        bad("Adafactor", "epsilon1 should be >= 0 but is: -1", eps=(-1, 0)),
        bad("Adafactor", "Clipping threshold d should be >= 1 but is: 0", d=0),
        bad("SGD", "Nesterov momentum requires a momentum and zero damp", nesterov=True),
        bad("SGD", "Nesterov", dampening=0.1, momentum=0.9, nesterov=True),
    ],
)
def test_options_out_of_range(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(optim, name)(make_params(), **options)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_betas_at_their_lowest(name: str) -> None:
    """0 is a beta, and what is below 1 by one bit is one too."""
    for betas in ((0.0, 0.0), (np.nextafter(1.0, 0), np.nextafter(1.0, 0))):
        params = make_params()
        train(getattr(optim, name)(params, betas=betas), params, 0, 2)
        assert all(np.isfinite(host).all() for host in hosts(params))


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("name", FULL)
def test_each_block_is_updated_once_at_any_bound_between_threads(
    name: str, even: bool, count: int
) -> None:
    """Blocks that end just where a thread's part ends, and others with small ones in between."""
    from tinygrad_lite.backend.cpu.optim import BLOCK, SHARED

    sizes = [SHARED, BLOCK, BLOCK, 1, SHARED - 1, 3, 2 * BLOCK + 7]
    if even:
        sizes = [BLOCK] * 12  # each thread gets 12 / count of them
        assert sum(sizes) >= count * SHARED
    steps = {}
    before = tg.get_num_threads()
    for threads in (1, count):
        tg.set_num_threads(threads)
        try:
            params = [tg.ones(size, requires_grad=True) for size in sizes]
            optimizer = FULL[name](params)
            for _ in range(2):
                for param in params:
                    param.grad = tg.full((len(param),), 0.5)
                optimizer.step()
            steps[threads] = hosts(params)
        finally:
            tg.set_num_threads(before)
    one = FULL[name]([alone := tg.ones(1, requires_grad=True)])
    for _ in range(2):
        alone.grad = tg.full((1,), 0.5)
        one.step()
    for host in [*steps[1], *steps[count]]:
        np.testing.assert_allclose(host, alone.item(), rtol=1e-6)


def test_repr() -> None:
    optimizer = SGD([{"params": make_params()}, {"params": make_params(), "lr": 0.5}], momentum=0.9)
    group = "    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n"
    group += "    lr: {}\n    maximize: False\n    momentum: 0.9\n"
    group += "    nesterov: False\n    weight_decay: 0\n"
    first, second = group.format(0.001), group.format(0.5)
    assert repr(optimizer) == f"SGD (\nParameter Group 0\n{first}\nParameter Group 1\n{second})"


def test_an_optimizer_of_ones_own() -> None:
    class Sign(Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        @tg.no_grad()
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(p.grad.sign(), alpha=group["lr"])

    weight, _ = make_params()
    before = hosts([weight])[0]
    weight.sum().backward()
    Sign([weight], lr=0.5).step()
    np.testing.assert_allclose(hosts([weight])[0], before - 0.5)
    with pytest.raises(NotImplementedError):
        Optimizer([weight], {}).step()


@pytest.mark.parametrize("name", FULL)
def test_numpy_rates_do_not_widen(name: str, device: str) -> None:
    trained = []
    for kind in (float, np.float64):
        params = make_params(device)
        optimizer = FULL[name](params)
        optimizer.param_groups[0]["lr"] = kind(0.1)
        train(optimizer, params, 0, 5)
        trained.append(hosts(params))
    for ours, expected in zip(*trained, strict=True):
        assert ours.dtype == "float32"
        np.testing.assert_array_equal(ours, expected)


def test_an_optimizer_goes_with_its_last_reference() -> None:
    optimizer = Adam(make_params())
    optim.lr_scheduler.StepLR(optimizer, 1)
    gone = weakref.ref(optimizer)
    gc.disable()
    try:
        del optimizer
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("stale", [True, False], ids=["old gradient", "new gradient"])
@pytest.mark.parametrize("name", [n for n in FULL if n not in ("LBFGS", "SparseAdam")])
def test_a_reshaped_parameter_is_told_with_its_shapes(name: str, stale: bool) -> None:
    w = tg.nn.Parameter(tg.ones(2, 3))
    optimizer = FULL[name]([w])
    if not optimizer._has_state(optimizer.param_groups[0]) and not stale:
        return  # there is nothing of another shape
    (w * w).sum().backward()
    optimizer.step()
    w.data = tg.ones(3, 2)
    if not stale:
        w.grad = tg.ones(3, 2)
    with pytest.raises(
        RuntimeError, match=r"step: a parameter has shape \(3, 2\), but had another"
    ):
        optimizer.step()


def test_a_group_has_its_options_in_the_order_given() -> None:
    w = tg.ones(2, requires_grad=True)
    plain = optim.SGD([w], lr=0.1).param_groups[0]
    assert list(plain)[:3] == ["params", "lr", "momentum"]
    own = optim.SGD([{"weight_decay": 0.5, "params": w}], lr=0.1).param_groups[0]
    assert list(own)[:4] == ["weight_decay", "params", "lr", "momentum"]


def test_an_optimizer_around_another_sets_hooks_of_its_own() -> None:
    class Around(optim.Optimizer):
        """Has no groups of its own, so `Optimizer.__init__` is not called."""

        def __init__(self, inner: Any) -> None:
            self._optimizer_step_pre_hooks = OrderedDict()
            self._optimizer_step_post_hooks = OrderedDict()
            self._patch_step_function()
            self.inner = inner

        def step(self, closure: Any = None) -> Any:
            return self.inner.step(closure)

    w = nn.Parameter(tg.ones(1))
    w.grad = tg.ones(1)
    outer = Around(optim.SGD([w], lr=0.5))
    seen: list[str] = []
    outer.register_step_pre_hook(lambda *_: seen.append("before"))
    outer._optimizer_step_post_hooks[0] = lambda *_: seen.append("after")
    outer.step()
    assert (seen, w.tolist()) == (["before", "after"], [0.5])
