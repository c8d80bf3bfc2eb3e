"""How a release's rollout ended."""

from __future__ import annotations

from typing import Annotated

from pydantic import WithJsonSchema

from spark_operator.api.described import DescribedEnum


class RolloutOutcome(DescribedEnum):
    """The end of a rollout, as ``status.history`` and ``status.failure`` name it."""

    PROMOTED = "Promoted", "The release became stable."
    FAILED = "Failed", "The release was to blame: it is quarantined."
    INCONCLUSIVE = "Inconclusive", "Nobody knows: not quarantined, not tried again by itself."
    ABORTED = "Aborted", "A person ended it."
    SUPERSEDED = "Superseded", "The spec named another release meanwhile."


HistoryOutcome = Annotated[
    RolloutOutcome, WithJsonSchema({"type": "string", "enum": [*map(str, RolloutOutcome)]})
]
"""Any end, as the history keeps it."""
FailureOutcome = Annotated[
    RolloutOutcome,
    WithJsonSchema({"type": "string", "enum": ["Failed", "Inconclusive", "Aborted"]}),
]
"""An end after which the release in the spec does not run."""
