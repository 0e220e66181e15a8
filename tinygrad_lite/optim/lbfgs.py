"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ..backend import capture
from ..tensor import Tensor, enable_grad, no_grad
from ..tensor.concatenate import cat
from ._line_search import strong_wolfe
from ._parts import Parts
from ._required import check
from .optimizer import Optimizer, Params


class LBFGS(Optimizer):
    """L-BFGS, as `torch.optim.LBFGS`: Newton's steps, with a curvature guessed from past steps.

    Of the last iterations it remembers the pairs sᵢ, the change of the parameters x, and yᵢ, that
    of their gradient g. With ρᵢ = 1 / yᵢᵀsᵢ an iteration is

        q ← −g
        aᵢ = ρᵢ sᵢᵀq,  q ← q − aᵢ yᵢ            for each pair, the newest first
        d ← q yᵀs / yᵀy                         with the newest pair
        d ← d + (aᵢ − ρᵢ yᵢᵀd) sᵢ               for each pair, the oldest first
        x ← x + t d                             t = γ, or what the line search finds

    so that d = −H g for an approximation H of the inverse Hessian. One `step` makes up to
    `max_iter` iterations, with a call of the closure in each. The pairs take the memory of
    2 · `history_size` copies of all parameters.

    Nocedal, "Updating Quasi-Newton Matrices with Limited Storage", Mathematics of Computation
    35, 1980: https://doi.org/10.1090/S0025-5718-1980-0572855-7

    Args:
        params: tensors of one device and dtype; there is one group.
        lr: γ; with a line search the first t that it tries.
        max_iter: the most iterations of a step.
        max_eval: the most calls of the closure in a step; None for 5/4 of `max_iter`.
        tolerance_grad: it stops when no element of the gradient is larger.
        tolerance_change: it stops when no parameter, or the loss, changed by more.
        history_size: how many pairs it remembers.
        line_search_fn: "strong_wolfe", or None for none.

    Raises:
        ValueError: a negative rate, or several groups.

    Example:
        >>> w = nn.Parameter(torch.tensor([3.0, -2.0]))
        >>> optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = (w * w).sum()
        ...     loss.backward()
        ...     return loss
        >>> optimizer.step(closure).item(), round(closure().item(), 6)
        (13.0, 0.0)
    """

    _replayable: ClassVar = False

    def __init__(
        self,
        params: Params,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Tensor]:
        """The parameters, whose first one's state is the optimizer's: programs read it there."""
        params: list[Tensor] = self.param_groups[0]["params"]
        return params

    def _check_options(self, options: Mapping[str, Any]) -> None:
        check(options["lr"] >= 0, "learning rate", options["lr"])

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make up to `max_iter` iterations.

        Args:
            closure: forgets the gradients, computes the loss and its gradients, and returns it.

        Returns:
            The loss before the first iteration.

        Raises:
            TypeError: no closure.
            RuntimeError: an unknown line search.
            NotImplementedError: complex parameters.
        """
        if closure is None:
            raise TypeError("LBFGS.step needs a closure that computes the loss and its gradients")
        capture.forbid("LBFGS decides on the host when it is done; step it between calls")
        group = self.param_groups[0]
        if any(param.is_complex() for param in group["params"]):
            Parts(self, None)  # refuses
        search = group["line_search_fn"]
        if search not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with enable_grad():
            first = closure()
        state["func_evals"] += 1
        loss, gradient, calls = float(first), self._gradient(), 1
        if _largest(gradient) <= group["tolerance_grad"]:
            return first
        for iteration in range(1, group["max_iter"] + 1):
            last = iteration == group["max_iter"]
            state["n_iter"] += 1
            d = self._direction(state, gradient, group["history_size"])
            before = state["prev_loss"] = loss
            state["prev_flat_grad"] = gradient
            rate = group["lr"]  # kept as it was given, an int too
            t = float(rate)
            if state["n_iter"] == 1:
                rate = t = t * min(1.0, 1.0 / float(gradient.abs().sum()))
            state["d"], state["t"] = d, rate
            slope = float(gradient.dot(d))
            if slope > -group["tolerance_change"]:
                break
            evaluated = 0
            if search is not None:
                start = [p.clone() for p in group["params"]]

                def at(t: float, d: Tensor = d, start: list[Tensor] = start) -> Any:
                    return self._evaluate(closure, start, t, d)

                loss, gradient, t, evaluated = strong_wolfe(
                    at, t, d, loss, gradient, slope, max_ls=group["max_eval"] - calls
                )
                state["t"] = t
                self._move(t, d)
            else:
                self._move(t, d)
                if not last:
                    with enable_grad():
                        loss = float(closure())
                    gradient, evaluated = self._gradient(), 1
            calls += evaluated
            state["func_evals"] += evaluated
            if (
                last
                or calls >= group["max_eval"]
                or _largest(gradient) <= group["tolerance_grad"]
                or _largest(d) * abs(t) <= group["tolerance_change"]
                or abs(loss - before) < group["tolerance_change"]
            ):
                break
        return first

    def _direction(self, state: dict[str, Any], gradient: Tensor, most: int) -> Tensor:
        """d = −H g, once the last iteration's pair s, y is remembered; at most `most` are kept."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return gradient.neg()
        ys, steps, rates = state["old_dirs"], state["old_stps"], state["ro"]
        y, s = gradient - state["prev_flat_grad"], state["d"] * float(state["t"])
        product = y.dot(s)
        if float(product) > 1e-10:
            if len(ys) == most:
                for remembered in (ys, steps, rates):
                    remembered.pop(0)
            ys.append(y)
            steps.append(s)
            rates.append(1.0 / product)
            state["H_diag"] = product / y.dot(y)
        q: Tensor = gradient.neg()
        sizes = state.setdefault("al", [])
        sizes += [None] * (most - len(sizes))  # as many places as PyTorch's has, which writes there
        for i in reversed(range(len(ys))):
            sizes[i] = steps[i].dot(q) * rates[i]
            q.add_(ys[i], alpha=-float(sizes[i]))
        q.mul_(state["H_diag"])
        for i in range(len(ys)):
            q.add_(steps[i], alpha=float(sizes[i] - ys[i].dot(q) * rates[i]))
        return q

    def _gradient(self) -> Tensor:
        """All gradients as one vector; zeros where there is none."""
        params = self.param_groups[0]["params"]
        flat = (p._grad.detach() if p._grad is not None else p.detach() * 0 for p in params)
        return cat([g.reshape(-1) for g in flat])

    def _move(self, t: float, d: Tensor) -> None:
        """x ← x + t d."""
        offset = 0
        for p in self.param_groups[0]["params"]:
            p.add_(d[offset : offset + p.numel()].reshape(p.shape), alpha=t)
            offset += p.numel()

    def _evaluate(
        self, closure: Callable[[], Any], start: list[Tensor], t: float, d: Tensor
    ) -> tuple[float, Tensor]:
        """The loss and the gradient at x + t d; the parameters are x afterwards."""
        self._move(t, d)
        with enable_grad():
            loss = float(closure())
        gradient = self._gradient()
        for p, value in zip(self.param_groups[0]["params"], start, strict=True):
            p.copy_(value)
        return loss, gradient


def _largest(vector: Tensor) -> float:
    """The largest magnitude."""
    return float(vector.abs().max())
