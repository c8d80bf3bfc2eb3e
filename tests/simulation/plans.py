"""Which plans of faults a scenario is put through, from its run without faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from tests.simulation.faults import WHENS, ErrorAt, Kill, Outage, OutageKind, Plan
from tests.simulation.loop import EPOCH
from tests.simulation.oracles.timeline import decisions
from tests.simulation.world.metrics import Disturbance, Kind
from tests.simulation.world.watch import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.oracles.history import History

OUTAGES: Final = get_args(OutageKind)
OUTAGE_SECONDS: Final = (5.0, 60.0, 600.0)
STORMS: Final = (1, 3, 20)
DISTURBED_SECONDS: Final = 30.0


def kills(reference: History) -> Iterator[Plan]:
    """The operator killed before, during and after every write."""
    for write in range(1, reference.writes + 1):
        for when in WHENS:
            yield Plan(name=f"kill {when} write {write}", kills=(Kill(write, when),))


def second_kills(reference: History) -> Iterator[Plan]:
    """Killed once more at one of the first writes of the recovery."""
    for write in range(1, reference.writes + 1):
        for index, when in enumerate(WHENS):
            then = Kill(write + 1 + (write + index) % 4, WHENS[(write + index) % 3])
            yield Plan(
                name=f"kill {when} write {write}, then {then.when} write {then.write}",
                kills=(Kill(write, when), then),
            )


def conflicts(reference: History) -> Iterator[Plan]:
    """Somebody else changes the resource just before 1, 3 and 20 status writes in a row."""
    for write in range(1, reference.writes + 1):
        if not _is_status(reference, write):
            continue
        for length in STORMS:
            touched = frozenset(range(write, write + length))
            yield Plan(name=f"{length} conflicts from write {write}", touched=touched)


def errors(reference: History) -> Iterator[Plan]:
    """Every write answered by an error, committed or not."""
    for write in range(1, reference.writes + 1):
        for code, committed in ((500, False), (500, True), (429, False)):
            name = f"{code} at write {write}{', committed' if committed else ''}"
            yield Plan(name=name, errors=(ErrorAt(write, code, committed),))


def outages(reference: History) -> Iterator[Plan]:
    """The API server away for 5, 60 and 600 s in four ways, from a phase's beginning or a write."""
    yield from _outages_at_writes(reference)
    for phase, since in phases(reference):
        for seconds in OUTAGE_SECONDS:
            for kind in OUTAGES:
                outage = Outage(kind, since - EPOCH + 0.001, seconds)
                yield Plan(name=f"{kind} {seconds:.0f} s in {phase}", outages=(outage,))


def _outages_at_writes(reference: History) -> Iterator[Plan]:
    """It goes while a write is on its way, and when it has just been answered."""
    for write, sent in enumerate(reference.sent, start=1):
        kind = OUTAGES[write % len(OUTAGES)]
        seconds = OUTAGE_SECONDS[write // len(OUTAGES) % len(OUTAGE_SECONDS)]
        for delay in (0.0005, 0.03):
            outage = Outage(kind, sent + delay, seconds)
            name = f"{kind} {seconds:.0f} s, {delay} s after write {write}"
            yield Plan(name=name, outages=(outage,))


def phases(reference: History) -> list[tuple[str, float]]:
    """Every phase and step in the order of its beginning, seconds since the epoch."""
    found: list[tuple[str, float]] = []
    last = ("", 0)
    for change, _, after in decisions(reference):
        now = str(after.get("phase", "")), int((after.get("step") or {}).get("index", 0))
        if now != last:
            found.append((f"{now[0]} {now[1]}", change.at))
        last = now
    return found


def partitions(reference: History) -> Iterator[Plan]:
    """Stopped for 90 s after every write, while another operator takes over."""
    for write in range(1, reference.writes + 1):
        yield Plan(name=f"partition after write {write}", partition=write)


def watches(reference: History) -> Iterator[Plan]:
    """Wake-ups that are late, lost, doubled, or never come."""
    del reference
    for mode in get_args(Mode):
        if mode != "normal":
            yield Plan(name=f"{mode} watch", watch=mode)


def disturbances(reference: History) -> Iterator[Plan]:
    """Scrapes missed, frozen, without numbers or late for 30 s from every phase's beginning."""
    for phase, since in phases(reference):
        for kind in get_args(Kind):
            wrong = Disturbance(kind, since, since + DISTURBED_SECONDS)
            yield Plan(name=f"{kind} metrics in {phase}", disturbances=(wrong,))


def leaders(reference: History) -> Iterator[Plan]:
    """Two operators that both decide, alone and with one of them killed; three; late watches."""
    yield Plan(name="two leaders", leaders=2)
    yield Plan(name="three leaders", leaders=3)
    yield Plan(name="two leaders, slow watch", leaders=2, watch="slow")
    yield Plan(name="two leaders, lossy watch", leaders=2, watch="lossy")
    for write in range(1, reference.writes + 1):
        when = WHENS[write % len(WHENS)]
        name = f"two leaders, kill {when} write {write}"
        yield Plan(name=name, leaders=2, kills=(Kill(write, when, down=5.0),))
        if write % 7 == 0:
            yield Plan(
                name=f"two leaders, one stopped at write {write}", leaders=2, partition=write
            )


def _is_status(reference: History, write: int) -> bool:
    return reference.requests[write - 1].partition("?")[0].endswith("/status")


FAMILIES: Final = {
    "kills": kills,
    "second-kills": second_kills,
    "conflicts": conflicts,
    "errors": errors,
    "outages": outages,
    "partitions": partitions,
    "watches": watches,
    "disturbances": disturbances,
    "leaders": leaders,
}
