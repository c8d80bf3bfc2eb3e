"""What happened: everything that an oracle may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.simulation.api.server import Change
    from tests.simulation.world.alertmanager import Pushed
    from tests.simulation.world.database import Run
    from tests.simulation.world.network import Routed
    from tests.simulation.world.users import Served


class Judged(NamedTuple):
    """A verdict that the judge gave to an operator."""

    at: float
    kind: str
    reason: str
    by: str


class Span(NamedTuple):
    """A time during which something was away, seconds since the epoch."""

    since: float
    until: float


@dataclass(slots=True)
class History:
    """One run's record; times are seconds since the epoch, lists in the order of time."""

    changes: list[Change] = field(default_factory=list)
    verdicts: list[Judged] = field(default_factory=list)
    routed: list[Routed] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    deaths: list[tuple[float, str]] = field(default_factory=list)
    """When which operator was killed."""
    leaderless: list[Span] = field(default_factory=list)
    api_away: list[Span] = field(default_factory=list)
    disturbed: list[Span] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    """Every command that a Job ran, in the order of their beginnings."""
    pushed: list[Pushed] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    stuck: str = ""
    """What the scenario waited for in vain."""
    settled_at: float = 0.0
    ended_at: float = 0.0
    writes: int = 0
    writes_when_quiet: int = 0
    requests: list[str] = field(default_factory=list)
    """Every write of an operator, numbered from 1: method and path."""
    sent: list[float] = field(default_factory=list)
    """When each of these was sent, seconds since the history's beginning."""
