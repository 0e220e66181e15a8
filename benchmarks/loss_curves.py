"""Loss curves of the examples whose models are PyTorch code, trained by both libraries.

`examples/char_gpt.py`, `char_lstm.py`, `vae.py` and `resnet.py` with their own settings, on a CPU:
beside each run goes a twin, the same script's model with `import torch`, from the same weights,
with the same batches, learning rates and noise. Steps round differently and the differences grow,
so the curves are to agree, not the last digits. Without PyTorch only ours is drawn.

    python benchmarks/loss_curves.py [--only NAME] [--max_steps N] [--out DIR]

`loss_curves.png` and `loss_curves.json` go to DIR (runs/loss_curves).
"""

# smoke: --only char_gpt --max_steps 4 --out $OUT

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import _compare

THREADS = _compare.prepare()

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
sys.path.insert(0, str(EXAMPLES))

from _evaluation import tensors  # noqa: E402 - after threads and the path are set

import tinygrad_lite  # noqa: E402

NAMES = ("char_gpt", "char_lstm", "vae", "resnet")
TESTS = ("ours, test", "theirs, test")


def as_pytorch(name: str) -> dict[str, Any]:
    """What the example's script defines when it imports PyTorch instead."""
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    source = source.replace("import tinygrad_lite as torch", "import torch")
    names: dict[str, Any] = {"__name__": f"{name}_as_pytorch"}
    exec(compile(source.replace("from tinygrad_lite", "from torch"), name, "exec"), names)
    return names


class Twin:
    """The example's model in PyTorch: ours' weights, optimizer and settings.

    Args:
        torch: PyTorch.
        name: of the example.
        run: ours.
    """

    def __init__(self, torch: Any, name: str, run: Any) -> None:
        self.torch, self.run = torch, run
        self.names = as_pytorch(name)
        self.model = self.names["build_from"](run.args)
        state = {k: self.theirs(v).clone() for k, v in run.model.state_dict().items()}
        self.model.load_state_dict(state)
        kind = getattr(torch.optim, type(run.optimizer).__name__)
        known = inspect.signature(kind).parameters
        settings = {k: v for k, v in run.optimizer.defaults.items() if k in known}
        self.optimizer = kind(self.model.parameters(), **settings)

    def theirs(self, tensor: Any) -> Any:
        """One of our tensors as PyTorch's."""
        return self.torch.from_numpy(tensor.detach().numpy())

    def loss(self, x: Any, t: Any) -> Any:
        """The example's loss of a batch of our tensors."""
        x = self.theirs(x)
        if "bound" not in self.names:
            return self.torch.nn.functional.cross_entropy(self.model(x), self.theirs(t))
        images = ((x + self.theirs(self.run.mean)) / 255).clamp(0, 1)
        return self.names["bound"](*self.model(images), images)

    def step(self, x: Any, t: Any, noise: list[Any]) -> float:
        """A training step; `noise` is what ours drew in it."""
        drawn = iter(noise)
        draw, self.torch.randn_like = self.torch.randn_like, lambda _: self.theirs(next(drawn))
        for group, ours in zip(self.optimizer.param_groups, self.run.optimizer.param_groups,
                               strict=True):  # fmt: skip
            group["lr"] = ours["lr"]
        self.optimizer.zero_grad()
        loss = self.loss(x, t)
        loss.backward()
        self.optimizer.step()
        self.torch.randn_like = draw
        return float(loss.item())

    def test_loss(self) -> float:
        """The loss on the test set."""
        self.model.eval()
        total = seen = 0.0
        with self.torch.no_grad():
            for x, t in map(tensors, self.run.test_set.batches(self.run.eval_batch)):
                total += self.loss(x, t).item() * len(x)
                seen += len(x)
        self.model.train()
        return total / seen


def beside(torch: Any, name: str, runner: type[Any], found: dict[str, list[Any]]) -> type[Any]:
    """The example's run with its twin, which writes what both lose into `found`."""

    class Beside(runner):  # type: ignore[misc]
        def prepare(self) -> None:
            super().prepare()
            self.twin = None if torch is None else Twin(torch, name, self)

        def gather(self, rows: Any) -> Any:
            self.batch = super().gather(rows)
            return self.batch

        def _compute(self, rows: Any) -> None:
            noise: list[Any] = []
            draw = tinygrad_lite.randn_like

            def recorded(like: Any) -> Any:
                noise.append(draw(like))
                return noise[-1]

            tinygrad_lite.randn_like = recorded
            before = self.sums.tensor[0].item()
            super()._compute(rows)
            tinygrad_lite.randn_like = draw
            found["ours"].append(self.sums.tensor[0].item() - before)
            if self.twin is not None:
                found["theirs"].append(self.twin.step(*self.batch, noise))

        def look(self) -> Any:
            evaluation = super().look()
            found["at"].append(self.step)
            found["ours, test"].append(evaluation.loss)
            if self.twin is not None:
                found["theirs, test"].append(self.twin.test_loss())
            return evaluation

    return Beside


def train(torch: Any, name: str, steps: int | None, folder: str) -> dict[str, list[Any]]:
    """Train an example and its twin; the losses of every step, and on the test set."""
    example = importlib.import_module(name).EXAMPLE
    found: dict[str, list[Any]] = {key: [] for key in ("ours", "theirs", "at", *TESTS)}
    example = dataclasses.replace(example, runner=beside(torch, name, example.runner, found))
    words = ["--device", "cpu", "--out", f"{folder}/{name}"]
    words += [] if steps is None else ["--max_steps", str(steps)]
    if example.main(words):
        raise SystemExit(f"{name}: the run failed")
    return found


def draw(curves: dict[str, dict[str, list[Any]]], path: Path) -> None:
    """Each example's losses against steps: smoothed in training, and on the test set."""
    from matplotlib.figure import Figure

    columns = min(2, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(5 * columns, 3.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flat
    for axis, (name, found) in zip(axes, curves.items(), strict=False):
        for key, label, style in (("theirs", "PyTorch", "-"), ("ours", "tinygrad_lite", "--")):
            if not found[key]:
                continue
            width = max(1, len(found[key]) // 50)
            means = [
                sum(found[key][i : i + width]) / width
                for i in range(0, len(found[key]) - width + 1, width)
            ]
            places = [width * (i + 0.5) for i in range(len(means))]
            (line,) = axis.plot(places, means, style, lw=1.2, label=f"{label}, training")
            marks = {"marker": "ox"[key == "ours"], "ms": 7, "color": line.get_color(), "ls": ""}
            axis.plot(found["at"], found[f"{key}, test"], label=f"{label}, test", **marks)
        axis.set(title=name, xlabel="step", ylabel="loss")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def main() -> int:
    """Train and draw what the command line asks for."""
    parser = _compare.parser(__doc__)
    _compare.add_arguments(parser, THREADS)
    _compare.add_only(parser)
    parser.add_argument("--max_steps", type=int, default=None, help="default: the examples' own")
    parser.add_argument("--out", type=Path, default=Path("runs/loss_curves"), help="folder")
    args = parser.parse_args()
    torch, about = _compare.against_pytorch(THREADS)
    os.environ.setdefault("MPLBACKEND", "agg")
    args.out.mkdir(parents=True, exist_ok=True)
    curves = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            if args.only in name:
                curves[name] = train(torch, name, args.max_steps, folder)
    for name, found in curves.items():
        for i, step in enumerate(found["at"]):
            ours, *theirs = (found[key][i] for key in TESTS if found[key])
            beside_it = "".join(f"  PyTorch {loss:.4f}" for loss in theirs)
            print(f"{name:<10} step {step:5d}  test loss {ours:.4f}{beside_it}")
    text = json.dumps({"about": about, "curves": curves}) + "\n"
    (args.out / "loss_curves.json").write_text(text, encoding="utf-8")
    draw(curves, args.out / "loss_curves.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
