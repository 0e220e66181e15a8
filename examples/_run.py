"""A training run: the loop, its stop, and what it leaves.

A run has a folder of its own, `runs/<name>` or `--out`. While it trains, it keeps there
`checkpoint.npz` (everything needed to go on with `--resume`, bit for bit), the one before as
`checkpoint-previous.npz`, `metrics.csv` (one row an evaluation) and `summary.json`; at its end
also `curves.png`, `model.npz` (16-bit weights, for `predict.py`), `confusion.png`,
`mistakes.png` and `filters.png`. All of it is taken between steps, and written whole or not.

Ctrl-C or SIGTERM ends a run after the step it is in. On CUDA the data set lies on the GPU, and
the training step is captured: one launch a step.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import _flags
import _folder
import _pictures
import _results
from _augment import Augment
from _bar import progress
from _diagnosis import NotFinite, bad_parameter, first_operation
from _evaluation import Evaluation, Row, Sums, evaluate, tensors
from _ranks import Ranks
from _stop import Stop, in_notebook

import tinygrad_lite as torch
from tinygrad_lite import nn, optim
from tinygrad_lite.autograd import AnomalyError, detect_anomaly
from tinygrad_lite.nn import functional as F


class Run:
    """A training run: the loop, its stop, and the files it leaves.

    Leaves with status 2 if there is no folder to write to, or none to go on with.

    Args:
        name: of the example, whose model this is.
        model: on the device already.
        data: what `cifar10` gave.
        args: the flags.
        device: "cpu" or "cuda".
        eval_batch: images at a time in evaluations.

    Attributes:
        step: how many were made.
        rows: the evaluations so far.
        seconds: the time spent in training steps alone.
        written: the step of the last checkpoint, -1 before the first.
        anchor: a checkpoint that is whole, or its state in memory until there is one.
        measure: what is measured beside the loss.
    """

    measure = "accuracy"

    def __init__(
        self,
        name: str,
        model: nn.Module,
        data: Any,
        args: argparse.Namespace,
        device: str,
        eval_batch: int = 1000,
    ) -> None:
        self.name, self.model, self.data, self.args = name, model, data, args
        self.unit = getattr(data, "unit", "images")
        self.device, self.on_gpu, self.eval_batch = device, device != "cpu", eval_batch
        self.train_set = data.train.to(device) if self.on_gpu else data.train
        self.test_set = data.test.to(device) if self.on_gpu else data.test
        self.ranks = Ranks()
        self.trained = self.ranks.wrapped(model)
        self.ranks.seed(args.seed)
        self.sums = Sums(device)
        self.watched = args.detect_anomaly
        self.compute: Callable[..., None] = self._compute
        if self.on_gpu and args.capture is not False and not self.watched:
            self.compute = torch.cuda.graph(self._compute, device=device)
        self.prepare()
        self.rows: list[Row] = []
        self.step, self.seconds = 0, 0.0
        self.evaluation: Evaluation | None = None  # the last one of this process
        self.stop = Stop()
        self.written, self.failed = -1, False
        if args.resume is None:
            path = None if self.ranks.rank else _folder.new_folder(args.out, name)
            path = self.ranks.gather(path)[0]
            self.folder = _folder.Folder(path, self._size(), self.ranks.rank == 0)
            self.anchor: Any = self._copies()
        else:
            self.anchor = _folder.checkpoint_of(args.resume)
            self.folder = _folder.Folder(self.anchor.parent, self._size(), self.ranks.rank == 0)
            self.restore()
            self.written = self.step if self.anchor == self.checkpoint else -1
            print(f"goes on after step {self.step} of {self.anchor}")

    # What an example may do in a way of its own, in a subclass.

    def prepare(self) -> None:
        """Make what trains the model, as the flags say: optimizer, schedule, augmentation."""
        args = self.args
        size = self.data.mean_image.shape[-1]
        self.augment = Augment(size, self.device) if args.augment else None
        words: dict[str, Any] = {"lr": args.learning_rate}
        if args.weight_decay is not None:
            words["weight_decay"] = args.weight_decay
        if args.optimizer == "sgd":
            words["momentum"] = args.momentum
        kinds = {"sgd": optim.SGD, "adam": optim.Adam, "adamw": optim.AdamW}
        self.optimizer: optim.Optimizer = kinds[args.optimizer](self.model.parameters(), **words)
        drops = [args.lr_drop_step] if args.lr_drop_step else []
        self.schedule: Any = optim.lr_scheduler.MultiStepLR(self.optimizer, drops, gamma=0.1)

    def gather(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and labels of the training set, on the device."""
        return tensors(self.train_set.gather(rows if self.on_gpu else rows.numpy()))

    def draw(self) -> tuple[torch.Tensor, ...]:
        """What the host decides of a step: where the next batch is in the training set."""
        rows = self.data.train.next_indices(self.args.batch_size)
        return (torch.from_numpy(self.ranks.share(rows)),)

    def judged(self) -> nn.Module:
        """The model that evaluations use; a subclass may have another than the trained one."""
        return self.model

    def look(self) -> Evaluation | None:
        """Evaluate on the test set; None if the run was told to stop meanwhile."""
        return evaluate(self.judged(), self.test_set, self.eval_batch, self.stop)

    def drawn(self) -> Iterator[tuple[str, bytes]]:
        """The files of a finished run beside its model, by name, each made when it is asked for."""
        return _results.pictures(self)

    def about(self) -> dict[str, Any]:
        """What one must know to use the model: how it is built, and what it was trained on."""
        return {
            "example": self.name,
            "flags": _flags.words(self.args),
            "dataset": self.data.source,
            "mean_image": torch.from_numpy(self.data.mean_image),
            "classes": list(self.data.classes),
            "step": self.step,
        }

    # What is saved.

    @property
    def checkpoint(self) -> Path:
        """Where the run's checkpoint is."""
        return self.folder.path / _folder.CHECKPOINT

    def _parts(self) -> dict[str, Any]:
        """The objects whose states a checkpoint holds, by name."""
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
            "train": self.data.train,
            "sums": self.sums,
        }

    def _size(self) -> int:
        """About how many bytes a checkpoint has."""
        plain = isinstance(self.optimizer, optim.SGD)
        copies = 1 + (bool(self.optimizer.defaults["momentum"]) if plain else 2)
        model = sum(t.numel() * t.dtype.itemsize for t in self.model.state_dict().values())
        return copies * model + 8 * len(self.data.train) + 100_000

    def _copies(self) -> dict[str, Any]:
        """A copy of all states in memory, to go back to."""
        states = {name: copy.deepcopy(p.state_dict()) for name, p in self._parts().items()}
        return states | {"random": torch.get_rng_state()}

    def restore(self) -> None:
        """Go back, or on, to the anchor; leaves with status 2 if it does not fit."""
        if isinstance(self.anchor, dict):
            for name, part in self._parts().items():
                part.load_state_dict(self.anchor[name])
            torch.set_rng_state(self.anchor["random"])
            self.step = 0
            return
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                found = torch.load_checkpoint(self.anchor, self._parts())
                rows = [Row(**row) for row in found["rows"]]
                step, seconds, source = found["step"], found["seconds"], found["dataset"]
                if len(found.get("ranks", [None])) != self.ranks.size:
                    _flags.fail(f"--resume: the run has {len(found['ranks'])} ranks, but here are "
                                f"{self.ranks.size}")  # fmt: skip
                if self.ranks.rank:
                    torch.set_rng_state(found["ranks"][self.ranks.rank])
            except (OSError, ValueError, KeyError, TypeError) as error:
                _flags.fail(f"--resume: {error}")
        if source != self.data.source:
            _flags.fail(f"--resume: the run trains on {_pictures.data_name(source)}, but here is "
                        f"{_pictures.data_name(self.data.source)}")  # fmt: skip
        for warning in told:
            print(warning.message, file=sys.stderr)
        self.rows, self.step, self.seconds = rows, step, seconds

    def write(self) -> None:
        """Write the checkpoint, the metrics and the summary; to stop at once waits for it.

        If they can't be written, say so, and leave what there is.

        Raises:
            NotFinite: a parameter is not; what there is stays.
        """
        name = bad_parameter(self.model)
        if name is not None:
            raise NotFinite(f"step {self.step}: the parameter {name} is not finite")
        values: dict[str, Any] = {
            "rows": [asdict(row) for row in self.rows],
            "seconds": self.seconds,
        }
        if self.ranks.size > 1:
            values["ranks"] = self.ranks.gather(torch.get_rng_state())
        try:
            with self.stop.held():
                if self.folder.writes:
                    torch.save_checkpoint(self.checkpoint, self._parts() | self.about() | values)
                self.anchor, self.written, self.failed = self.checkpoint, self.step, False
                self.folder.write("metrics.csv", _results.metrics(self.rows, self.measure))
                self.folder.write("summary.json", _results.summary_text(self))
        except OSError as error:
            self.failed = True
            kept = f"; those of step {self.written} are kept" if self.written >= 0 else ""
            print(
                f"the results of step {self.step} can't be written to {self.folder.path}: "
                f"{error.strerror or error}{kept}",
                file=sys.stderr,
            )

    # Training.

    def train(self) -> int:
        """Train, evaluate, write everything; the exit status.

        It is 128 and the number of the signal after a stop, 1 if the loss is not finite or the
        last results could not be written.
        """
        bar = progress(
            total=self.args.max_steps,
            initial=self.step,
            unit="step",
            disable=bool(self.ranks.rank) or (False if in_notebook() else None),
            dynamic_ncols=True,
        )
        try:
            with self.stop.listening():
                self._loop(bar)
                bar.close()
                if self.stop.signal and self.step > max(self.written, 0):
                    self.write()
                _results.leave(self)
        except KeyboardInterrupt:
            bar.close()
        except OSError as error:  # of the model or a picture: what came before is written
            self.failed = True
            print(f"{self.folder.path}: {error.strerror or error}", file=sys.stderr)
        except NotFinite as error:
            bar.close()
            print(first_operation(self, error), file=sys.stderr)
            return 1
        finally:
            self.folder.release()
        print(_results.last_words(self))
        return 128 + self.stop.signal if self.stop.signal else int(self.failed)

    def _loop(self, bar: Any) -> None:
        start = time.perf_counter()
        while True:
            evaluates, saves = self._due()
            if evaluates or saves:
                self._check_loss()  # the GPU has done all steps before the clock stops
                self.seconds += time.perf_counter() - start
                if evaluates:
                    self._evaluate(bar)
                if saves:
                    self.write()
                start = time.perf_counter()
            self.ranks.agree(self.stop)
            if self.step >= self.args.max_steps or self.stop.signal:
                break
            self.take_step()
            self.step += 1
            if not self.on_gpu:
                self._check_loss()
            bar.update()
            if self.step % 10 == 0 and not bar.disable:
                self._show(bar, time.perf_counter() - start)
        self.seconds += time.perf_counter() - start

    def _due(self) -> tuple[bool, bool]:
        """Whether an evaluation is to be made now, and a checkpoint.

        The first step has one too: a run that is killed early can be resumed all the same.
        """
        last = self.step >= self.args.max_steps
        evaluated = self.rows[-1].step if self.rows else 0
        evaluates = self.step > evaluated and (last or self.step % self.args.eval_freq == 0)
        every = self.args.checkpoint_every
        saves = self.step == 1 or last or (self.step % every == 0 if every else evaluates)
        return evaluates, saves and self.step > max(self.written, 0)

    def _show(self, bar: Any, seconds: float) -> None:
        self._check_loss()
        loss, measured = self.sums.means("bar", self.step)
        rate = self.step * self.args.batch_size / (self.seconds + seconds)
        bar.set_postfix_str(
            f"loss {loss:.3f}, {self.measure} {measured:.3f}, {rate:,.0f} {self.unit}/s"
        )

    def _check_loss(self) -> None:
        if not self.sums.finite():
            raise NotFinite(f"step {self.step}: the loss is not finite")

    def take_step(self) -> None:
        """One training step, on the next batch.

        Raises:
            NotFinite: it was watched for anomalies, and there is one.
        """
        drawn = self.draw()
        try:
            with detect_anomaly() if self.watched else contextlib.nullcontext():
                self.compute(*drawn)
        except AnomalyError as error:
            raise NotFinite(f"step {self.step + 1}: {error}") from None
        except torch.cuda.CaptureError as error:
            if self.args.capture:
                raise
            print(f"The steps are not captured: {error}", file=sys.stderr)
            self.compute = self._compute
            self.compute(*drawn)
        self.schedule.step()

    def watch(self, watched: bool) -> None:
        """Watch later steps for anomalies, or stop to; steps that are watched are not captured."""
        self.watched, self.compute = watched, self._compute

    def _compute(self, rows: torch.Tensor) -> None:
        """Forward, backward and the optimizer's step. It may be captured: it reads nothing back."""
        x, t = self.gather(rows)
        if self.augment is not None:
            x = self.augment(x)
        self.optimizer.zero_grad()
        logits = self.trained(x)
        loss = F.cross_entropy(logits, t)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            accuracy = (logits.argmax(dim=1) == t).float().mean()
            self.sums.add(*self.ranks.means(loss, accuracy))

    def _evaluate(self, bar: Any) -> None:
        found = self.look()
        if found is None:  # stopped: it is made up for when the run is resumed
            return
        if not math.isfinite(found.loss):
            raise NotFinite(f"step {self.step}: the test loss is {found.loss}")
        self.evaluation = found
        loss, accuracy = self.sums.means("evaluation", self.step)
        rate = self.schedule.get_last_lr()[0]
        row = Row(self.step, loss, accuracy, found.loss, found.accuracy, rate)
        self.rows.append(row)
        bar.write(
            f"step {row.step:5d}  train loss {loss:.3f} {self.measure} {accuracy:.3f}  "
            f"test loss {found.loss:.3f} {self.measure} {found.accuracy:.3f}"
        )
