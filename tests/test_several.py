"""Cases that fail are named, and none of the others is left out."""

from __future__ import annotations

import pytest

from tests.several import several


def test_all_are_tried_and_those_that_fail_are_named() -> None:
    tried = []

    def check() -> None:
        with several() as case:
            for name in ("good", "bad", "fine", "worse"):
                with case(name):
                    tried.append(name)
                    assert name != "bad", "the first"
                    if name == "worse":
                        pytest.fail("no exception")

    with pytest.raises(AssertionError, match="the first") as raised:
        check()
    assert tried == ["good", "bad", "fine", "worse"]
    assert raised.value.__notes__ == ["failed, the first as above: bad; worse"]
