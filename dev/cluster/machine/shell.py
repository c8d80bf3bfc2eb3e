"""Commands of the machine, run to their end."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from dev.cluster.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TAIL_LINES = 15


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = 600,
) -> str:
    """Run a command and return what it printed to standard output; ``timeout`` in seconds.

    Raises:
        CommandError: it could not be started, failed, or did not end in time.
    """
    shown = " ".join(argv[:6])
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=env, input=stdin, timeout=timeout,
            check=False, capture_output=True, text=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise CommandError(f"{argv[0]} is not installed: install it and try again.") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"`{shown}` did not end within {timeout:.0f} s: try again.") from None
    if done.returncode:
        raise CommandError(f"`{shown}` failed ({done.returncode}): {tail(done.stderr)}")
    return done.stdout


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a text."""
    return "\n".join(text.strip().splitlines()[-lines:])
