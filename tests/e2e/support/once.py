"""What one of several test processes does for all of them."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def once(what: str) -> Iterator[bool]:
    """Whether this process is the first of its test run to come here; the others wait for it.

    One that fails leaves the work to the next.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    with (Path(tempfile.gettempdir()) / f"spark-{what}-{run}").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        first = not file.read()
        yield first
        if first:
            file.write("done")
            file.flush()
