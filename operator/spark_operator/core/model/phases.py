"""The phases of a SparkDeployment and the ways between them, as a table.

The diagram in the documentation is generated from this table, and a transition that is not in it
is a programming error.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    """Where a resource stands."""

    PENDING = "Pending"
    PREFLIGHT = "Preflight"
    MIGRATING = "Migrating"
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    PROMOTING = "Promoting"
    GUARDING = "Guarding"
    STABLE = "Stable"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"


TRANSITIONS: Final[dict[Phase, dict[Phase, str]]] = {
    Phase.PENDING: {
        Phase.STABLE: "first release ready, or the spec names stable again",
        Phase.PREFLIGHT: "a new release, and no third one has pods",
        Phase.MIGRATING: "the same, without a preflight",
        Phase.PROGRESSING: "the same, with nothing to do before its pods",
        Phase.PROMOTING: "fast track",
        Phase.ROLLED_BACK: "the release is quarantined or has failed before",
    },
    Phase.PREFLIGHT: {
        Phase.MIGRATING: "all checks passed, and the release brings a migration",
        Phase.PROGRESSING: "all checks passed",
        Phase.PROMOTING: "all checks passed: fast track",
        Phase.PENDING: "all checks passed: the first release gets its pods",
        Phase.ROLLING_BACK: "a check failed, abort or a newer spec",
    },
    Phase.MIGRATING: {
        Phase.PROGRESSING: "the schema is as the release needs it",
        Phase.PROMOTING: "the same: fast track",
        Phase.PENDING: "the same: the first release gets its pods",
        Phase.ROLLING_BACK: "the migration failed",
    },
    Phase.PROGRESSING: {
        Phase.PAUSED: "paused, or the step waits for a person",
        Phase.PROMOTING: "Pass at the last step below 100%",
        Phase.ROLLING_BACK: "Fail, deadline, abort or a newer spec",
    },
    Phase.PAUSED: {
        Phase.PROGRESSING: "resumed or promoted",
        Phase.PROMOTING: "promoted at the last step",
        Phase.ROLLING_BACK: "Fail, abort or a newer spec",
    },
    Phase.PROMOTING: {
        Phase.GUARDING: "all traffic on the candidate: it is stable now",
        Phase.STABLE: "all traffic on the candidate, and no guard is wanted",
        Phase.PROGRESSING: "maintenance ended before the switch that it allowed",
        Phase.ROLLING_BACK: "Fail, deadline, abort or a newer spec",
    },
    Phase.GUARDING: {
        Phase.STABLE: "the guard's time is over",
        Phase.ROLLING_BACK: "Fail, or the spec names the previous release again",
        Phase.PENDING: "a newer spec",
    },
    Phase.STABLE: {
        Phase.PENDING: "a newer spec",
    },
    Phase.ROLLING_BACK: {
        Phase.ROLLED_BACK: "traffic cut, the candidate's pods gone",
        Phase.PENDING: "traffic cut, and the spec names a further release",
        Phase.STABLE: "traffic cut, and the spec names stable",
    },
    Phase.ROLLED_BACK: {
        Phase.PENDING: "a newer spec, retry or let out of quarantine",
        Phase.STABLE: "the spec names stable",
    },
}


class IllegalTransitionError(Exception):
    """A step from one phase to another that the table does not have."""


def check_transition(source: Phase, target: Phase) -> None:
    """Refuse a transition that the table does not have.

    Raises:
        IllegalTransitionError: always a programming error; the message names both phases.
    """
    if target not in TRANSITIONS.get(source, {}):
        raise IllegalTransitionError(f"no way leads from {source} to {target}: see TRANSITIONS")


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.PENDING}"]
    lines += [
        f"    {source} --> {target}: {why}"
        for source, targets in TRANSITIONS.items()
        for target, why in targets.items()
    ]
    return "\n".join(lines) + "\n"


ON_TRIAL: Final = (Phase.PROGRESSING, Phase.PAUSED, Phase.PROMOTING)


WATCHED: Final = (*ON_TRIAL, Phase.GUARDING)
