"""Targets of the Makefile, one after the other, and a table of the seconds that each took.

``python -m dev.timed lint+types unit``: targets joined by ``+`` run beside each other, and what
they print comes when each has ended.  The first target that fails ends everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAKE = ("make", "--no-print-directory")
BESIDE = "+"


class TargetFailedError(Exception):
    """A target failed; the message names it."""


@dataclass
class Timed:
    """Runs targets and keeps how long each took, in seconds; ``command`` comes before a target."""

    command: Sequence[str] = MAKE
    took: dict[str, float] = field(default_factory=dict)

    async def run(self, groups: Sequence[str]) -> None:
        """Run groups of targets in turn.

        Raises:
            TargetFailedError: one failed; those beside it were ended.
        """
        for group in groups:
            targets = group.split(BESIDE)
            try:
                async with asyncio.TaskGroup() as tasks:
                    for target in targets:
                        tasks.create_task(self._one(target, quiet=len(targets) > 1))
            except* TargetFailedError as failed:
                raise TargetFailedError(str(failed.exceptions[0])) from None

    async def _one(self, target: str, *, quiet: bool) -> None:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *self.command,
            target,
            stdout=asyncio.subprocess.PIPE if quiet else None,
            stderr=asyncio.subprocess.STDOUT if quiet else None,
        )
        try:
            said, _ = await process.communicate()
        finally:
            self.took[target] = time.monotonic() - began
            await _end(process)
        if said:
            print(said.decode(errors="replace"), end="", flush=True)
        if process.returncode:
            raise TargetFailedError(f"make {target} failed: what it printed says why.")

    def table(self, whole: float) -> str:
        """Return the seconds of each target, and of ``whole`` run, as lines."""
        rows = [*self.took.items(), ("in all", whole)]
        return "\n".join(f"{seconds:8.1f} s  {target}" for target, seconds in rows)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a make that still runs, which ends what it has started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def main(groups: Sequence[str]) -> int:
    """Run the groups; return 1 when a target failed."""
    timed, began = Timed(), time.monotonic()
    try:
        asyncio.run(timed.run(groups))
    except TargetFailedError as failed:
        print(failed, file=sys.stderr)
        return 1
    finally:
        print(timed.table(time.monotonic() - began), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
