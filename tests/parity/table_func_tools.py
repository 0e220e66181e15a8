"""Rows of modules as functions, linearised functions, `cond`, checks of gradients."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .call import LIBRARIES
from .draw import Draw
from .draw_layers import pick, seed
from .experiment import Experiment, Steps, fill, make
from .row import Row, under
from .table_graph import PROGRAMS, leaves


@st.composite
def functional(draw: Draw) -> Experiment:
    """Modules as functions, linearised ones, and `cond`."""
    what = pick(draw, "call", "call wrong", "stack", "linearize", "functionalize", "norms", "cond",
                "gradcheck", "gradgradcheck", "gradcheck wrong")  # fmt: skip
    label = pick(draw, "product", "chain", "reused")
    x, y = leaves(draw)
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        a, b = make(library, x, []), make(library, y, [])
        net = m.nn.Sequential(m.nn.Linear(3, 2), m.nn.BatchNorm1d(2)).double()
        fill(library, net, number)

        def total(s: Any, t: Any) -> Any:
            return PROGRAMS[label](m, s, t)[1]

        if what.startswith("call"):
            given = {k: v.detach() * 2 for k, v in net.named_parameters()}
            words = {"strict": True} if number % 2 else {}
            if "wrong" in what:
                given["nowhere"] = m.ones(1)
            rows = m.stack([a, b, a + 1])
            out = m.func.functional_call(net.eval(), given, (rows,), **words)
            yield "value", [out, *net.parameters()]
        elif what == "stack":
            nets = [m.nn.Linear(3, 2).double() for _ in range(2)]
            for n, one in enumerate(nets):
                fill(library, one, number + n)
            params, buffers = m.func.stack_module_state(nets)
            yield "names", [*params, *buffers]
            yield "value", [*params.values()]
        elif what == "linearize":
            out, along = m.func.linearize(total, a.detach(), b.detach())
            yield "value", [out, along(m.ones_like(a), b.detach() * 2)]
        elif what == "functionalize":

            def changing(t: Any) -> Any:
                u = t.clone()
                u.add_(1)
                return u * t

            yield "value", m.func.functionalize(changing)(a.detach())
        elif what == "norms":
            found = m.func.replace_all_batch_norm_modules_(net)
            yield "names of norms", [found is net, net[1].track_running_stats]
            yield "names of state", [k for k, _ in net.named_buffers()]
        elif what == "cond":
            pred = (a.detach().sum() > 0) if number % 2 else bool(number % 3)
            yield "value", m.cond(pred, lambda s: s * 2, lambda s: s - 1, (a.detach(),))
        else:
            check = m.autograd.gradgradcheck if "grad" in what[4:8] else m.autograd.gradcheck

            def wrong(s: Any, t: Any) -> Any:
                return total(s, t) + (s.detach() ** 2).sum()

            yield (
                "names of checks",
                [check(wrong if "wrong" in what else total, (a, b), raise_exception=False)],
            )

    return Experiment("func.functional_call", f"{what} of {label}, {number}, {x!r}, {y!r}", run)


def rows() -> list[Row]:
    """All rows of this file."""
    func = "functional_call functionalize linearize replace_all_batch_norm_modules_"
    checks = "cond autograd.gradcheck autograd.gradgradcheck func.stack_module_state"
    names = f"{under('func', func.split())} {checks}"
    return [Row("func.functional_call", functional(), names=names)]
