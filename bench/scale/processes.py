"""Processes of the rig: started with a log of their own, ended with it, and weighed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

STOP_SECONDS: Final = 25.0
"""Longest time between a polite end and a hard one: the operator's own grace period and more."""
TAIL_LINES: Final = 15
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class RigError(Exception):
    """A part of the rig did not do what it is there for; the message says which and why."""


@dataclass(frozen=True)
class Weight:
    """What a process has used: processor time in seconds, resident memory in MiB."""

    processor: float
    memory: float
    peak: float


class Child:
    """One process; it ends with this process too, however this one ends."""

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it; ``environment`` is added to this process' own."""
        self.log = log
        self._offset = log.stat().st_size if log.exists() else 0
        # The kernel ends it when this process is killed before it can do so itself.
        setpriv = shutil.which("setpriv")
        prefix = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it at once."""
        self.kill()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def code(self) -> int | None:
        """What it ended with; None while it runs."""
        return self._process.poll()

    def said(self) -> str:
        """Everything that it wrote since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._offset)
            return log.read().decode(errors="replace")

    def tail(self) -> str:
        """Return the last lines that it wrote."""
        return "\n".join(self.said().strip().splitlines()[-TAIL_LINES:])

    def weigh(self) -> Weight:
        """Return what it has used until now.

        Raises:
            RigError: it has ended.
        """
        folder = Path("/proc") / str(self._process.pid)
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            lines = (folder / "status").read_text().splitlines()
        except OSError as error:
            raise RigError(f"it has ended; its log says:\n{self.tail()}") from error
        sizes = {name: value for name, _, value in (line.partition(":") for line in lines)}
        return Weight(
            processor=(int(fields[11]) + int(fields[12])) / _TICKS,
            memory=int(sizes.get("VmRSS", "0 kB").split()[0]) / 1024,
            peak=int(sizes.get("VmHWM", "0 kB").split()[0]) / 1024,
        )

    def stop(self) -> float:
        """Ask it to end, and make it end when it does not: the seconds that it took."""
        began = _now()
        if self.runs:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        return _now() - began

    def kill(self) -> None:
        """End it as a crash of its machine does."""
        if self.runs:
            self._process.kill()
        self._process.wait()


def _now() -> float:
    return os.times().elapsed
