"""A reason that the kubelet knows reaches the conditions, with what to type next."""

from __future__ import annotations

import pytest

from spark_operator.core.decide.decide import decide
from spark_operator.core.decide.report.advice import advised
from tests.unit.operator.core.builders import NOW, resource, seen, status, workload

MISSING = 'CreateContainerConfigError: secret "spark-providers" not found'


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        (MISSING, "kubectl create secret generic spark-providers --from-literal=KEY=VALUE"),
        ("CreateContainerConfigError: couldn't find key openai in Secret n/s", "the key openai"),
        ("ErrImagePull: no such image", "check spec.image"),
        ("ImagePullBackOff: Back-off pulling image", "imagePullSecrets"),
        ("FailedCreate: pods is forbidden: exceeded quota: few", "ResourceQuota"),
        ("Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.", "spec.pod.resources"),
    ],
)
def test_a_reason_says_what_to_do(reason: str, advice: str) -> None:
    said = advised(reason)
    assert said.startswith(reason)
    assert advice in said


def test_what_is_not_known_is_left_as_it_is() -> None:
    assert advised("PodsOnStrike: since noon") == "PodsOnStrike: since noon"
    assert advised("") == ""


def test_a_first_release_without_its_secret_says_why() -> None:
    starting = status("Pending", stable=None, candidate=1, weight=100)
    world = seen(workload(1, 4, ready=False, trouble=MISSING), route=None)
    decision = decide(resource(1, starting), world, NOW)
    told = {item.type: item.message for item in decision.status.conditions}
    assert "kubectl create secret generic spark-providers" in told["Ready"]
