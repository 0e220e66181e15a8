"""What all optimizers share: parameter groups, state, and the walk over the parameters."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from ..backend import capture, namespace, numpy
from ..backend.states import entries
from ..tensor import Tensor, enable_grad, twins
from ..tensor.create import zeros, zeros_like
from ..tensor.source_line import user_level
from . import _again
from ._lists import init_group
from ._loading import Form, Names, checked_groups, checked_state, new_step
from ._parts import Parts
from ._required import check_rate, required
from ._step_hooks import (
    AFTER,
    BEFORE,
    Hooked,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

__all__ = [
    "Optimizer",
    "Params",
    "ParamsT",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "required",
]

Params = Iterable[Tensor] | Iterable[dict[str, Any]]
ParamsT = Params


_global_optimizer_pre_hooks, _global_optimizer_post_hooks = BEFORE, AFTER  # PyTorch's names


class Optimizer(Hooked):
    """Base class of optimizers, as `torch.optim.Optimizer`.

    A subclass gives its options in `defaults` and the update of one parameter in `_update`.

    Args:
        params: the tensors to optimize, pairs of names and tensors, or dicts
            `{"params": tensors, option: value, …}`, one for each group with options of its own.
        defaults: the options of groups that don't give them.

    Attributes:
        param_groups: a dict for each group: "params" and the options, which may be changed.
        state: for each parameter what the optimizer remembers about it.
        defaults: the options as given.

    Raises:
        TypeError: params is a single tensor, or holds something else than tensors.
        ValueError: no parameters, one that is in two groups, or one that is not a leaf.
        RuntimeError: `differentiable`, or `fused` and `foreach` both.
    """

    _kernel: ClassVar[str] = ""  # that makes its updates, if it offers `_options`
    _operands: ClassVar[tuple[str, ...]] = ()  # of a parameter's state, in the kernel's order
    _pieces: ClassVar[Names | None] = None  # of a parameter's state, if no option decides
    _host_state: ClassVar[frozenset[str]] = frozenset()  # numbers of a state beside "step"
    _of_parts: ClassVar[bool] = False  # whether complex numbers are updated as their parts are
    _replayable: ClassVar[bool] = True  # whether a captured step can be replayed
    _scheduled_step: Any  # what stood in the place of `step` when the first scheduler came

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        check_rate(defaults)
        self._check_options(defaults)
        if defaults.get("differentiable"):
            raise NotImplementedError(
                f"{type(self).__name__}: differentiable=True; a step is not recorded here"
            )
        if defaults.get("fused") and defaults.get("foreach"):
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                "dicts, but got Tensor"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self._opt_called = False
        self._fed: dict[Tensor, Any] = {}
        self._plans: dict[int, tuple[_again.Again | None, int]] = {}  # and how many were made
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **options: Any) -> None:
        """A `step` of a subclass's own notes too that it was called, for schedulers to see.

        It is part of the class, not of an optimizer: so a copy steps itself, and can be pickled.
        """
        super().__init_subclass__(**options)
        own = cls.__dict__.get("step")
        if own is not None:

            @functools.wraps(own)
            def step(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
                self._opt_called = True
                if hooks := self._unheard():
                    return hooks.run(self, *args, **kwargs)
                return own(self, *args, **kwargs)

            cls.step = step  # type: ignore[method-assign]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimize more tensors: `{"params": tensors, option: value, …}`.

        The dict itself becomes the group; the options that it lacks are put into it.

        Pairs of names and tensors (`named_parameters()`) leave the names in "param_names".

        Raises:
            TypeError: not a dict, "params" is a set, or holds something else than tensors.
            ValueError: a tensor that is no leaf, or is in another group already; names for some
                of the tensors.

        Example:
            >>> model, head = nn.Linear(3, 4), nn.Linear(4, 2)
            >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            >>> optimizer.add_param_group({"params": head.parameters(), "lr": 0.01})
            >>> [group["lr"] for group in optimizer.param_groups]
            [0.1, 0.01]
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group).__name__}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the "
                "ordering of tensors in sets will change between runs. Please use a list instead."
            )
        params = listed = [params] if isinstance(params, Tensor) else list(params)
        named = [isinstance(param, tuple) for param in params]
        if any(named):
            if not all(named):
                raise ValueError("all optimizer params should be with/without names.")
            params = [param for _, param in listed]
        if self.param_groups and (any(named) or "param_names" in param_group) != (
            "param_names" in self.param_groups[0]
        ):
            raise ValueError(
                "all optimizer param groups should be with/without names, but group "
                f"{len(self.param_groups)} differs from those before it"
            )
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(
                    "optimizer can only optimize Tensors, but one of the params is "
                    f"{type(param).__name__}"
                )
            if not param.is_leaf:
                raise ValueError(f"can't optimize a non-leaf Tensor (shape {tuple(param.shape)})")
        if len(set(params)) < len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters",
                stacklevel=user_level(),
            )
        if not set(self._all_params()).isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")
        # The dict that was given is the group from here on: who keeps it may set its options.
        param_group["params"] = params
        if any(named):
            param_group["param_names"] = [name for name, _ in listed]
        for option, default in self.defaults.items():
            param_group.setdefault(option, default)
        self.param_groups.append(param_group)

    def _all_params(self) -> list[Tensor]:
        """The parameters of all groups, in the order of their numbers in a state dict."""
        return [param for group in self.param_groups for param in group["params"]]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients (or, with `set_to_none=False`, fill them with zeros).

        Example:
            >>> w = nn.Parameter(torch.tensor([1.0]))
            >>> optimizer = torch.optim.SGD([w], lr=0.1)
            >>> w.sum().backward()
            >>> optimizer.zero_grad()
            >>> print(w.grad)
            None
        """
        for group in self.param_groups:
            for param in group["params"]:
                grad = param._grad
                if set_to_none or grad is None:
                    param._grad = None
                else:
                    param._grad = (grad.detach() if grad.requires_grad else grad).zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update each parameter that has a gradient, in place.

        Args:
            closure: computes the loss and its gradients anew; called first.

        Returns:
            What the closure returned, or None.
        """
        self._opt_called = True
        if hooks := self._unheard():
            return hooks.run(self, *([] if closure is None else [closure]))
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        captured = capture.rehearsing() or capture.capturing()
        self._fed = self._feed() if captured else {}
        with contextlib.ExitStack() as stack:
            if twins.known:
                stack.enter_context(twins.stepping(self.param_groups, self.state))
            kernels: dict[Any, Any] = {}  # of each namespace, which may do many updates at once
            for number, group in enumerate(self.param_groups):
                again, tries = self._plans.get(number, (None, 0))
                if again is not None and not captured and again(self, group):
                    continue
                for param in group["params"]:
                    grad = param._grad
                    if grad is not None:
                        xp = namespace(param.array)
                        if xp not in kernels:
                            kernels[xp] = stack.enter_context(xp.updates())
                        complex = param.array.dtype.kind == "c"
                        kernel = Parts(self, kernels[xp]) if complex else kernels[xp]
                        try:
                            self._update(kernel, param, grad, group)
                        except (ValueError, KeyError) as error:
                            self._blame_shapes(param, group, error)
                            raise
                        param._storage.version += 1
                if self._kernel and tries < _again.MOST_TRIES and not captured:
                    self._plans[number] = _again.plan(self, group), tries + 1
        return loss

    def __getstate__(self) -> dict[str, Any]:
        plans: dict[str, Any] = {"_plans": {}}  # which are of these very arrays
        return {**self.__dict__, "_hooks": None, "_around": None, **plans}

    def _init_group(self, group: dict[str, Any], *lists: list[Any]) -> Any:
        return init_group(self, group, *lists)

    def _cuda_graph_capture_health_check(self) -> None:
        """Nothing: copies of PyTorch's steps begin with it."""

    _accelerator_graph_capture_health_check = _cuda_graph_capture_health_check

    def _options(self, group: dict[str, Any]) -> dict[str, Any]:
        """The kernel's options for a group, but for those that count steps."""
        raise NotImplementedError

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """Change `param.array` in place, by the kernels that `xp` offers."""
        raise NotImplementedError

    def _blame_shapes(self, param: Tensor, group: dict[str, Any], error: Exception) -> None:
        """Raise a RuntimeError if an update failed because its parameter was reshaped before."""
        numbers, state = self._host_state | {"step"}, self.state[param]
        kept = {name: value for name, value in state.items() if isinstance(value, Tensor)}
        shapes = {name: tuple(value.shape) for name, value in kept.items() if name not in numbers}
        if param._grad is not None:
            shapes["the gradient"] = tuple(param._grad.shape)
        asked = (self._state_names(group, param) or ((),))[0]
        if any(shape != self._state_shape(name, param) for name, shape in shapes.items()) or not (
            {*asked} <= {*state}
        ):
            raise RuntimeError(
                f"{type(self).__name__}.step: a parameter has shape {tuple(param.shape)}, but had "
                f"another at an earlier step or backward(): {shapes}. Make a new optimizer of it"
            ) from error

    def _scalars(self, group: dict[str, Any], step: float) -> tuple[float, ...]:
        """The numbers of the kernel that change from step to step, at its step `step`."""
        return (float(group["lr"]),)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        """Raise a ValueError for options out of their range, given or loaded."""

    def _state_names(self, group: dict[str, Any], param: Tensor) -> tuple[Names, Names] | None:
        """The names of a parameter's state: what is there after a step, and what may be.

        None for an optimizer that does not say: then a loaded state may have any names.
        """
        return None if self._pieces is None else (self._pieces, ())

    def _state_shape(self, name: str, param: Tensor) -> tuple[int, ...]:
        """The shape of a piece of a parameter's state."""
        return tuple(param.shape)

    def _beginning(self, name: str, param: Tensor, group: dict[str, Any]) -> Tensor:
        """One piece of a parameter's state before its first step: zeros, of a number 0."""
        if name == "step" or name in self._host_state:
            return new_step()
        shape = self._state_shape(name, param)
        if shape == param.array.shape:
            return zeros_like(param)
        return zeros(shape, dtype=param.dtype, device=param.device)

    def _begin(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """Make a parameter's state before its first step, and return it."""
        state = self.state[param]
        for name in (self._state_names(group, param) or ((),))[0]:
            state[name] = self._beginning(name, param, group)
        return state

    def _has_state(self, group: dict[str, Any]) -> bool:
        """Whether parameters of a group have state after their first step."""
        return True

    def _feed(self) -> dict[Tensor, Any]:
        """In a captured step, or one that will be: `_scalars` as arrays that replays renew.

        The host counts the step and computes the numbers now, and anew before each replay.

        Returns:
            For each parameter the array on its device that its numbers are in, float64. Those of
            a group that have made equally many steps share one.

        Raises:
            CaptureError: a parameter has no state yet, and would start anew at each replay, or
                this optimizer can't be captured.
        """
        fed: dict[Tensor, Any] = {}
        if not self._replayable:
            capture.forbid(
                f"{type(self).__name__} works with numbers of its own on the host at each step; "
                "step it between calls"
            )
            return fed
        for number, group in enumerate(self.param_groups):
            alike: defaultdict[float, list[Tensor]] = defaultdict(list)
            for param in group["params"]:
                if param._grad is None:
                    continue
                state = self.state.get(param, {})
                if not state and self._has_state(group):
                    capture.forbid(
                        f"a parameter of shape {tuple(param.shape)} gets its first gradient in "
                        "it; it must get one in a call before"
                    )
                    continue
                alike[steps_made(state)].append(param)
            for params in alike.values():
                fill = functools.partial(self._renew, self.state, number, params)
                array = capture.feed(namespace(params[0].array), fill, kept=True)
                fed.update(dict.fromkeys(params, array))
        return fed

    def _renew(self, state: dict[Tensor, dict[str, Any]], number: int, params: list[Tensor]) -> Any:
        """Count a step of some parameters of a group, and return its `_scalars` as float64."""
        if state is not self.state:
            raise capture.CaptureError(
                f"{type(self).__name__}.load_state_dict() came after the capture, which updates "
                "the old state; reset() the captured step"
            )
        recording, step = capture.current(), 0.0
        for own in [state[param] for param in params if "step" in state.get(param, ())]:
            step = next_step(own)
            if recording is not None:
                recording.undo.append(functools.partial(next_step, own, -1))
        return numpy.array(self._scalars(self.param_groups[number], step), "float64")

    def _count(self, param: Tensor, state: dict[str, Any]) -> float:
        """Count a step of a parameter, unless `_feed` did, and return which one it is."""
        fed = self._fed and param in self._fed
        return steps_made(state) if fed else next_step(state)

    def _changing(self, param: Tensor) -> dict[str, Any]:
        """The kernel's argument `scalars`, which `_feed` made; none outside of captured steps."""
        return {"scalars": self._fed[param]} if self._fed and param in self._fed else {}

    def state_dict(self) -> dict[str, Any]:
        """The state and the options, with parameters as numbers; tensors are not copied.

        Returns:
            `{"state": {0: {…}, …}, "param_groups": [{"lr": …, "params": [0, …]}, …]}`.
        """
        self._run("before saving")
        numbers: dict[Tensor, int] = {}
        for number, param in enumerate(self._all_params()):
            numbers.setdefault(param, number)
        groups = [{**g, "params": [numbers[p] for p in g["params"]]} for g in self.param_groups]
        for group in groups:
            group["params"] = group.pop("params")  # last, as in PyTorch
        state = {numbers.get(param, param): value for param, value in self.state.items()}
        found: dict[str, Any] = {"state": state, "param_groups": groups}
        return self._run("after saving", found)  # type: ignore[no-any-return]

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave, for the same parameters in the same order.

        Everything is copied; tensors are cast to their parameter's dtype, device and memory
        order. Make learning-rate schedulers first: they set the rate that is loaded here.

        Raises:
            TypeError, KeyError, ValueError: another number of groups, or of parameters in one;
                options or state that this optimizer could not go on with. Nothing has changed.
        """
        owner = type(self).__name__
        if self._around is not None and isinstance(state_dict, dict):
            state_dict = self._run("before loading", state_dict.copy())
        entries(owner, state_dict, ["state", "param_groups"], optional=None)
        groups, numbers = checked_groups(
            owner, state_dict["param_groups"], self.param_groups, self.defaults
        )
        for group in groups:
            self._check_options(group)
        names = {param: self._state_names(g, param) for g in groups for param in g["params"]}
        form = Form(names, self._host_state | {"step"}, self._state_shape)
        state = checked_state(owner, state_dict["state"], numbers, form)
        self.__setstate__({"state": defaultdict(dict, state), "param_groups": groups})
        self._run("after loading")

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [""] if i else []
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def steps_made(state: dict[str, Any]) -> float:
    """How many steps a parameter has made, by its state; 0 if its optimizer does not count."""
    return float(state["step"].array) if "step" in state else 0.0


def next_step(state: dict[str, Any], by: float = 1) -> float:
    """Count a step of a parameter (or take one back), and return how many there are now."""
    count = state["step"].array
    count += by
    return float(count)
