"""PyTorch's own samples of modules and optimizers: some of each; all of them by the command.

Modules: printed form, state, results, gradients, second gradients, buffers, what becomes of the
arguments. Optimizers: parameters after each of four steps, options, state. Within the tolerances
of `experiment.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("expecttest", reason="PyTorch's samples need it")

from . import sample_modules as samples
from .experiment import Experiment
from .samples import spread

PARTS = 6
EACH = 3


def _some_layers(part: int) -> Iterator[Experiment]:
    for number, info in enumerate(samples.modules()[part::PARTS]):
        for n, train in enumerate((True, False)):
            tried = [*samples.layers(info, samples.DTYPES[(number + n) % 2], train)]
            yield from spread(tried, EACH, number)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(PARTS))
def test_samples_of_modules(part: int) -> None:
    tried = [*_some_layers(part)]
    assert len(tried) > 50
    wrong = [f"{one}"[:300] + f": {d.kind}: {d.text}" for one, d in samples.unexcused(tried)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("info", samples.optimizers(), ids=lambda info: info.optim_cls.__name__)
def test_samples_of_optimizers(info: object) -> None:
    tried = [
        samples.steps(info, words, samples.DTYPES[n % 2])
        for flag in samples.FLAGS
        for n, words in enumerate(samples.settings(info, flag))
        if n % 2 or flag in ("", "foreach")
    ]
    assert tried
    wrong = [f"{one}: {d.kind}: {d.text}"[:400] for one, d in samples.unexcused(tried)]
    assert not wrong, "\n".join(wrong)
