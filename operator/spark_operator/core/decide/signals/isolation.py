"""``spec.isolated``: the service is cut off for an investigation, and everything else stands still.

Nothing is decided meanwhile that would change pods: they are what is investigated. What a person
asks for by annotation waits as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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


def settle(draft: RolloutDraft) -> bool:
    """Tell that the isolation begins or ends; whether everything stands still.

    At its end the step of a trial begins anew: nobody could watch meanwhile.
    """
    before, now = recorded(draft.status), draft.spec.isolated
    if now and not before:
        draft.record("Isolated", "IsolationRequested", MESSAGE, warning=True)
    if before and not now:
        draft.record("IsolationEnded", "IsolationEnded", "Services select pods again, as before")
        step = draft.status.step
        if step is not None:
            fresh = {"entered_at": draft.at, "observed_since": None}
            draft.set(step=step.model_copy(update=fresh))
    return now
