"""Many small cases in one test: what pytest does for a test takes longer than such a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

Case = Callable[[object], AbstractContextManager[None]]


@contextmanager
def several() -> Iterator[Case]:
    """All cases are tried; the first failure is raised, with the names of all that failed.

    Example:
        >>> with several() as case:
        ...     for name in NAMES:
        ...         with case(name):
        ...             assert name in FOUND
    """
    failed: list[BaseException] = []
    names: list[str] = []

    @contextmanager
    def case(name: object) -> Iterator[None]:
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:
            failed.append(error)
            names.append(str(name))

    yield case
    if failed:
        failed[0].add_note(f"failed, the first as above: {'; '.join(names)}")
        raise failed[0]
