"""Every overload of PyTorch's is taken in every form: positions, keywords, other words, numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import deliberate, overloads
from .call import Call, run
from .compare import difference

pytestmark = pytest.mark.filterwarnings("ignore")

ALL = [*overloads.assignments()]

EXCUSED = {
    "of functions of nn.functional, which have no NumPy's words": """adaptive_avg_pool1d avg_pool1d
        celu celu_ channel_shuffle cosine_similarity max_pool1d max_pool2d pairwise_distance
        pixel_shuffle pixel_unshuffle selu selu_ threshold threshold_""",
    "a tensor in the place of dim is another tensor": "max min .max .min",
    "its ends are 0 to the last digits": "blackman_window",
    "checked as in nn.functional": "margin_ranking_loss triplet_margin_loss",
    "bins that are not in order have no meaning": ".histogram histogram",
    "one dtype": "searchsorted",
}


def excused(name: str) -> bool:
    """Whether an operation's forms may differ."""
    return any(name in names.split() for names in EXCUSED.values())


def _each(wrong: bool) -> Iterator[Call]:
    form = overloads.wrong_calls if wrong else overloads.calls
    for name, arguments, given in ALL:
        if not excused(name):
            yield from form(name, arguments, given)


def test_every_form_that_pytorch_takes() -> None:
    found, taken = [], 0
    for call in _each(wrong=False):
        if run("torch", call).error is not None:
            continue
        taken += 1
        how = difference(call)
        if how is not None and not deliberate.excused(call.name, how.kind, how.text):
            found.append(f"{call}: {how.kind}: {how.text}")
    assert taken > 4000
    assert not found, "\n".join(found)


def test_a_flag_is_no_number_and_a_number_no_flag() -> None:
    found, refused = [], 0
    for call in _each(wrong=True):
        if isinstance(run("torch", call).error, TypeError):
            refused += 1
            ours = run("ours", call)
            if not isinstance(ours.error, TypeError):
                found.append(f"{call}: {ours.error!r}")
    assert refused > 250
    assert not found, "\n".join(found)
