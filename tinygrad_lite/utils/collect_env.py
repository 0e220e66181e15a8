"""`torch.utils.collect_env`: what there is here, as `python -m tinygrad_lite doctor` says it."""

from __future__ import annotations

import contextlib
import io

from ..absent import explain as _explain
from ..debug import doctor

__all__ = ["get_pretty_env_info", "main"]


def get_pretty_env_info() -> str:
    """The report as text."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        doctor.main()
    return text.getvalue()


def main() -> None:
    """Print the report."""
    print(get_pretty_env_info())


if __name__ == "__main__":
    main()


_explain(__name__)
