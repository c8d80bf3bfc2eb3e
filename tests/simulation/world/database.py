"""The database as far as migrations go, and a record of every command that was run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.world.work import MIGRATE, ROLLBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST: Final = "base"


@dataclass(slots=True)
class Run:
    """One run of a release's command; times in seconds since the epoch, None: still running.

    Attributes:
        committed: whether it changed the schema.
        passed: whether it said so with exit code 0.
    """

    kind: str
    release: str
    job: str
    began: float
    ended: float | None = None
    committed: bool = False
    passed: bool = False


@dataclass(slots=True)
class Database:
    """A version ledger as the release's own command keeps it: what is in is not done again."""

    runs: list[Run] = field(default_factory=list)
    _applied: list[str] = field(default_factory=list)

    def begin(self, kind: str, release: str, job: str, at: float) -> Run:
        """A command starts."""
        self.runs.append(Run(kind, release, job, at))
        return self.runs[-1]

    def commit(self, run: Run) -> None:
        """Its transaction is committed; one whose work is done already changes nothing."""
        if run.kind == MIGRATE and run.release not in self._applied:
            self._applied.append(run.release)
            run.committed = True
        elif run.kind == ROLLBACK and run.release in self._applied:
            self._applied.remove(run.release)
            run.committed = True

    def schema(self, release: str) -> Mapping[str, Any]:
        """Current version, the release's own, and what lies between."""
        current = self._applied[-1] if self._applied else FIRST
        return {
            "current": current,
            "head": release,
            "pending": [] if release in self._applied else [release],
        }
