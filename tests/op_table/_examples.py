"""Examples of rows: drawn once by hypothesis, and shared by all tests of a row.

Drawing takes longer than what most tests do with an example, and what one of them learns from
another example than its neighbours' is nothing. In the profile `ci` they are the same each time,
in `thorough` many and fresh.
"""

from __future__ import annotations

import functools
import inspect
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.op_table._row import Row
from tests.strategies import Arguments

MOST = 0.16  # of a profile's examples: as many as the test that takes most of them


def each_example(
    share: float, elsewhere: float | None = None, **choices: Sequence[Any]
) -> Callable[[Any], Any]:
    """Decorate a check of a `row`, to be called for some examples, as `arrays` and `words`.

    Args:
        share: of the profile's number of examples (25 in `ci`); at least one is drawn.
        elsewhere: the same on other devices than the CPU, if not as many: what an example shows
            of a rule it shows on the CPU, and there only what the rule asks of the device.
        choices: other arguments, which take their values in turn.
    """

    def decorate(test: Any) -> Any:
        @functools.wraps(test)
        def run(*, row: Row, **fixtures: Any) -> None:
            here = fixtures.get("device", "cpu") == "cpu" or elsewhere is None
            for number, (arrays, words) in enumerate(_examples(row, share if here else elsewhere)):
                turn = {name: values[number % len(values)] for name, values in choices.items()}
                try:
                    test(row=row, arrays=arrays, words=words, **turn, **fixtures)
                except Exception as error:
                    error.add_note(f"{row}, example {number}: {arrays} {words} {turn}")
                    raise

        given_here = {"arrays", "words", *choices}
        parameters = inspect.signature(test).parameters
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [p for name, p in parameters.items() if name not in given_here]
        )
        return run

    return decorate


def _examples(row: Row, share: float) -> Iterator[Arguments]:
    """Copies of a row's first examples."""
    count = max(1, round(share * settings.default.max_examples))
    most = max(count, round(MOST * settings.default.max_examples))
    for arrays, words in _drawn(row.name, row.draw, most)[:count]:
        yield tuple(a.copy(order="K") for a in arrays), dict(words)


@functools.cache
def _drawn(name: str, draw: SearchStrategy[Arguments], count: int) -> list[Arguments]:
    """A row's examples."""
    found: list[Arguments] = []

    @settings(max_examples=count, phases=[Phase.generate], database=None, derandomize=False)
    @given(draw)
    def collect(example: Arguments) -> None:
        found.append(example)

    if settings.default.derandomize:
        collect = seed(zlib.crc32(name.encode()))(collect)
    collect()
    return found
