"""``spec.isolated``: the service is cut off for an investigation, and everything else stands still.

Nothing is decided meanwhile that would change pods: they are what is investigated. What a person
asks for by annotation waits as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.core.decide.progress import Progress
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.draft import RolloutDraft

CONDITION: Final = "Isolated"
MESSAGE: Final = (
    "spec.isolated is true: no Service selects a pod, and a NetworkPolicy denies all traffic where"
    " the cluster's network enforces policies; pods and logs stay, rollouts stand still"
)


def recorded(status: SparkDeploymentStatus) -> bool:
    """Whether a status says that the service is cut off."""
    return any(item.type == CONDITION and item.status == "True" for item in status.conditions)


def settle(draft: RolloutDraft) -> Progress:
    """Tell that the isolation begins or ends, and wait while it lasts.

    At its end the step of a trial begins anew: nobody could watch meanwhile.
    """
    before, now = recorded(draft.status), draft.spec.isolated
    if now and not before:
        draft.record(
            LedgerDecision.ISOLATED, DecisionReason.ISOLATION_REQUESTED, MESSAGE, warning=True
        )
    if before and not now:
        draft.record(
            LedgerDecision.ISOLATION_ENDED,
            DecisionReason.ISOLATION_ENDED,
            "Services select pods again, as before",
        )
        step = draft.status.step
        if step is not None:
            fresh = {"entered_at": draft.at, "observed_since": None}
            draft.set(step=step.model_copy(update=fresh))
    return Progress.WAIT if now else Progress.DONE
