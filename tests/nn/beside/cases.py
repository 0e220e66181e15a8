"""All cases by name, and all errors."""

from __future__ import annotations

from . import (
    attention,
    embedding,
    found,
    image,
    loss,
    module,
    padding,
    rectifier,
    recurrent,
    utils,
    volume,
)

SUBJECTS = (
    *(attention, embedding, found, image, loss, module, padding, rectifier, recurrent, utils),
    volume,
)
CASES = {case.name: case for subject in SUBJECTS for case in subject.CASES}
ERRORS = {
    f"{subject.__name__.rpartition('.')[2]}: {name}": call
    for subject in SUBJECTS
    for name, call in subject.ERRORS
}
assert len(CASES) == sum(len(subject.CASES) for subject in SUBJECTS)
