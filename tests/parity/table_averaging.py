"""Rows of averaged models, of optimizers and schedulers of one's own, of what a rate may be."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES
from .draw import Draw
from .draw_layers import pick, seed, some
from .experiment import Experiment, Steps, fill
from .row import Row, under
from .table_optim import in_full

AVERAGES = {
    "": lambda u: {},
    "swa": lambda u: {"avg_fn": u.get_swa_avg_fn()},
    "ema": lambda u: {"avg_fn": u.get_ema_avg_fn(0.5)},
    "usual ema": lambda u: {"avg_fn": u.get_ema_avg_fn()},
    "swa of many": lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()},
    "ema of many": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9)},
    "both": lambda u: {"avg_fn": u.get_swa_avg_fn(), "multi_avg_fn": u.get_ema_multi_avg_fn()},
    "own": lambda u: {"avg_fn": lambda a, b, n: a + 2 * (b - a) / (n + 1)},
}


@st.composite
def averaging(draw: Draw) -> Experiment:
    """AveragedModel: what it holds, after updates, copies, with buffers and in evaluation."""
    way, buffers, number = pick(draw, *AVERAGES), draw(st.booleans()), seed(draw)
    count = draw(st.integers(0, 4))
    copied = pick(draw, "", "deepcopy", "load")
    frozen = draw(st.booleans())

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        u = m.optim.swa_utils
        net = m.nn.Sequential(m.nn.Linear(2, 3), m.nn.BatchNorm1d(3), m.nn.Linear(3, 1))
        fill(library, net, number)
        net[0].weight.requires_grad_(not frozen)
        made = u.AveragedModel(net, use_buffers=buffers, **AVERAGES[way](u))
        rng = np.random.default_rng(number)
        x = m.from_numpy(rng.normal(size=(4, 2)).astype("float32"))
        for n in range(count):
            net(x)
            with m.no_grad():
                for p in net.parameters():
                    p.add_(m.from_numpy(rng.normal(size=tuple(p.shape)).astype("float32")))
            made.update_parameters(net)
            if n == 1 and copied == "deepcopy":
                made = copy.deepcopy(made)
            elif n == 1 and copied:
                other = u.AveragedModel(net, use_buffers=buffers, **AVERAGES[way](u))
                other.load_state_dict(made.state_dict())
                made = other
            yield f"buffer of the count {n}", made.n_averaged
        yield "text", repr(made)
        yield "names of state", [(k, tuple(v.shape)) for k, v in made.state_dict().items()]
        yield "names of requiring", [p.requires_grad for p in made.parameters()]
        for key, value in made.state_dict().items():
            yield f"buffer {key}", value
        made.eval()
        yield "value", made(x)

    text = f"AveragedModel({way!r}, use_buffers={buffers}) × {count}, {copied}, {frozen}, {number}"
    return Experiment("optim.swa_utils.AveragedModel", text, run)


@st.composite
def renewing(draw: Draw) -> Experiment:
    """update_bn: running statistics of all data, from tensors, pairs, dictionaries' tuples."""
    kind, number = pick(draw, "tensors", "pairs", "lists", "none", "frozen"), seed(draw)
    momentum = pick(draw, 0.1, None)
    training = draw(st.booleans())

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        net = m.nn.Sequential(m.nn.Linear(2, 3), m.nn.BatchNorm1d(3, momentum=momentum))
        if kind == "frozen":
            net = m.nn.Sequential(m.nn.Linear(2, 3))
        fill(library, net, number)
        net.train(training)
        rng = np.random.default_rng(number)
        data: Any = [m.from_numpy(rng.normal(size=(n, 2)).astype("float32")) for n in (3, 2, 4)]
        data = [] if kind == "none" else data
        if kind in ("pairs", "lists"):
            data = [(tuple if kind == "pairs" else list)((x, 1)) for x in data]
        result = m.optim.swa_utils.update_bn(data, net)
        yield "names of result", [result, net.training, [c.training for c in net]]
        yield "names of momenta", [getattr(c, "momentum", 0) for c in net]
        yield "buffer", list(net.state_dict().values())

    text = f"update_bn({kind}), momentum {momentum}, training {training}, {number}"
    return Experiment("optim.swa_utils.update_bn", text, run)


@st.composite
def annealing(draw: Draw) -> Experiment:
    """SWALR: towards one rate or several, linearly or as a cosine, copied and loaded."""
    kwargs = some(draw, anneal_epochs=[10, 2, 0, 1, -1], anneal_strategy=["cos", "linear", "wrong"])
    rate = pick(draw, 0.05, [0.05, 0.4], [0.1], 1.0)
    args, count = (), draw(st.integers(1, 6))
    copied = pick(draw, "", "load", "deepcopy", "pickle")

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        params = [m.nn.Parameter(m.ones(2)), m.nn.Parameter(m.ones(3))]
        made = m.optim.SGD([{"params": params[:1]}, {"params": params[1:], "lr": 0.2}], lr=0.5)
        cls = m.optim.swa_utils.SWALR
        schedule = cls(made, rate, *args, **kwargs)
        for n in range(count):
            yield f"value {n}", [g["lr"] for g in made.param_groups]
            yield f"value last {n}", [float(v) for v in schedule.get_last_lr()]
            made.step()
            schedule.step()
            if n == 1 and copied == "load":
                other = cls(made, rate, **kwargs)
                other.load_state_dict(copy.deepcopy(schedule.state_dict()))
                schedule = other
            elif n == 1 and copied:
                pair = made, schedule
                how = copied == "deepcopy"
                made, schedule = copy.deepcopy(pair) if how else pickle.loads(pickle.dumps(pair))
        yield "names of state", sorted(k for k in schedule.state_dict() if k[0] != "_")
        yield "names of groups", sorted(made.param_groups[0])

    text = f"SWALR({rate}, {kwargs}) × {count}, {copied}"
    return Experiment("optim.swa_utils.SWALR", text, run)


RATED = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam",
         "ASGD", "Rprop", "Adafactor", "Muon")  # fmt: skip


@st.composite
def rating(draw: Draw) -> Experiment:
    """Rates that are tensors, numbers of other kinds, not finite; wrong parameters and options."""
    name = pick(draw, *RATED)
    rate = pick(draw, "tensor", "vector", "text", np.float64(0.1), np.int64(1), True, float("nan"),
                float("inf"), None, "0-d integer")  # fmt: skip
    wrong = pick(draw, "", "", "", "no parameters", "tensor", "text", "computed", "twice",
                 "unknown", "dict without", "no matrix", "group", "generator", "names",
                 "mixed")  # fmt: skip
    foreach = pick(draw, {}, {}, {"foreach": False}, {"foreach": wrong != "twice"})

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        p = m.nn.Parameter(m.tensor([[1.0, 2.0], [3.0, 5.0]]))
        q = m.nn.Parameter(m.ones(1, 2))
        given: Any = {
            "no parameters": lambda: [],
            "tensor": lambda: p,
            "text": lambda: ["weight"],
            "computed": lambda: [p * 1],
            "twice": lambda: [p, p],
            "dict without": lambda: [{"lr": 0.1}],
            "no matrix": lambda: [m.nn.Parameter(m.ones(3))],
            "group": lambda: [{"params": p}, {"params": [q], "lr": 0.5}],
            "generator": lambda: (x for x in [p, q]),
            "names": lambda: [("p", p), ("q", q)],
            "mixed": lambda: [("p", p), q],
        }.get(wrong, lambda: [p, q])()
        rates = {
            "tensor": lambda: m.tensor(0.1),
            "vector": lambda: m.tensor([0.1, 0.1]),
            "0-d integer": lambda: m.tensor(1),
        }
        lr = rates[rate]() if rate in ("tensor", "vector", "0-d integer") else rate
        words: Any = {"nothing": 3} if wrong == "unknown" else dict(foreach)
        if name == "Muon":
            words.pop("foreach", None)
        made = getattr(m.optim, name)(given, lr=lr, **words)
        yield "names of groups", [sorted(g) for g in made.param_groups]
        for n in range(2):
            for x in (p, q):
                x.grad = m.full_like(x, 0.5 + n)
            with in_full(library, name):
                made.step()
            yield f"value {n}", [p.detach().clone(), q.detach().clone()]
        kind = made.param_groups[0]["lr"]
        yield "names of the rate", [type(kind).__name__, float(kind)]

    text = f"{name}({wrong}, lr={rate!r}, {foreach})"
    return Experiment("optim.Optimizer", text, run)


@st.composite
def owning(draw: Draw) -> Experiment:
    """Optimizers and schedulers of a user's own classes: defaults, groups, hooks, states."""
    what = pick(draw, "plain", "groups", "hooks", "state", "closure", "copies", "frozen",
                "scheduler", "chained", "overlap", "initial")  # fmt: skip
    count = draw(st.integers(1, 3))

    def run(library: str) -> Steps:
        m = LIBRARIES[library]

        class Signed(m.optim.Optimizer):  # type: ignore[misc, name-defined]
            def __init__(self, params: Any, lr: float = 0.1, decay: float = 0.0) -> None:
                super().__init__(params, {"lr": lr, "decay": decay})

            def step(self, closure: Any = None) -> Any:
                loss = None if closure is None else closure()
                with m.no_grad():
                    for group in self.param_groups:
                        for p in group["params"]:
                            if p.grad is not None:
                                state = self.state[p]
                                state["count"] = state.get("count", 0) + 1
                                p.add_(p.grad.sign(), alpha=-group["lr"])
                return loss

        class Half(m.optim.lr_scheduler.LRScheduler):  # type: ignore[misc, name-defined]
            def get_lr(self) -> Any:
                return [base * 0.5**self.last_epoch for base in self.base_lrs]

        p, q = m.nn.Parameter(m.ones(2)), m.nn.Parameter(m.ones(3))
        made = Signed([p], lr=0.5)
        told: list[Any] = []
        if what == "groups":
            made.add_param_group({"params": [q], "lr": 0.25})
        if what == "overlap":
            made.add_param_group({"params": [p]})
        if what == "hooks":
            made.register_step_pre_hook(lambda o, a, k: told.append(("pre", len(a))))
            made.register_step_post_hook(lambda o, a, k: told.append(("post", len(k)))).remove()
        schedule = Half(made) if what in ("scheduler", "chained", "copies", "initial") else None
        if what == "initial":
            schedule = Half(made, last_epoch=3)
        if what == "chained":
            other = m.optim.lr_scheduler.ExponentialLR(made, 0.9)
            schedule = m.optim.lr_scheduler.ChainedScheduler([schedule, other])
        for n in range(count):
            p.grad = None if what == "frozen" else m.tensor([1.0, -2.0])
            q.grad = m.ones(3)
            result = made.step(lambda: m.tensor(3.0)) if what == "closure" else made.step()
            yield f"names of result {n}", [None if result is None else float(result)]
            if schedule is not None:
                schedule.step()
                yield f"value of rates {n}", [float(v) for v in schedule.get_last_lr()]
            if what == "copies" and n == 0:
                (made, p), schedule = copy.deepcopy((made, p)), None
            yield f"value {n}", [p.detach().clone(), q.detach().clone()]
        state = made.state_dict()
        yield "names of state", [state["state"], state["param_groups"]]
        made.load_state_dict(state)
        yield "names told", told
        yield "text", repr(made)
        kept = {k: v for k, v in made.defaults.items() if k != "differentiable"}
        yield "names of defaults", [kept]

    return Experiment("optim.Optimizer", f"own: {what}, {count} steps", run)


NAMES = """get_ema_avg_fn get_ema_multi_avg_fn get_swa_avg_fn get_swa_multi_avg_fn""".split()


def rows() -> list[Row]:
    """All rows of this file."""
    place = "optim.swa_utils"
    return [
        Row(f"{place}.AveragedModel", averaging(), names=under(place, NAMES)),
        Row(f"{place}.update_bn", renewing()),
        Row(f"{place}.SWALR", annealing()),
        Row("optim.Optimizer", rating()),
        Row(
            "optim.Optimizer",
            owning(),
            "optim.Optimizer of one's own",
            "optim.lr_scheduler.LRScheduler",
        ),
    ]
