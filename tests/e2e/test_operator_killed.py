"""The operator is killed at the worst moments; the end is the same, and stable serves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dev.kubectl import KubectlError
from tests.e2e.stage import config, image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.kubectl import Kubectl
    from spark_operator.api.status import SparkDeploymentStatus
    from tests.e2e.stage import Stage

pytestmark = pytest.mark.alone

SYSTEM = "spark-system"
POLICY = "e2e-no-route"


async def _leader(kubectl: Kubectl) -> str:
    holder = "-o=jsonpath={.spec.holderIdentity}"
    return await kubectl.run("get", "lease", "spark-operator", f"--namespace={SYSTEM}", holder)


def _process_of(pod: str) -> int | None:
    """The operator's process in a pod of this machine's cluster; None where it is elsewhere."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes()
            if f"POD_NAME={pod}".encode() in environment and b"spark_operator" in command:
                return int(folder.name)
    return None


async def kill_leader(kubectl: Kubectl) -> None:
    """SIGKILL the leading operator; in a cluster whose processes we cannot see, its pod goes."""
    pod = await _leader(kubectl)
    process = await asyncio.to_thread(_process_of, pod)
    if process is not None:
        os.kill(process, signal.SIGKILL)
        return
    await kubectl.run("delete", "pod", pod, f"--namespace={SYSTEM}", "--grace-period=0", "--force")


@contextlib.asynccontextmanager
async def route_frozen(stage: Stage) -> AsyncIterator[None]:
    """The API server refuses every change to the users' Service meanwhile."""
    expression = "request.name != 'spark'"
    objects: list[dict[str, Any]] = [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": POLICY},
            "spec": {
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "operations": ["UPDATE"],
                            "resources": ["services"],
                        }
                    ]
                },
                "validations": [{"expression": expression, "message": "frozen by a test"}],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": POLICY},
            "spec": {
                "policyName": POLICY,
                "validationActions": ["Deny"],
                "matchResources": {
                    "namespaceSelector": {
                        "matchLabels": {"kubernetes.io/metadata.name": stage.namespace}
                    }
                },
            },
        },
    ]
    await stage.kubectl.apply(objects)
    await _enforced(stage)
    try:
        yield
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            await stage.kubectl.run("delete", kind, POLICY)


async def _enforced(stage: Stage) -> None:
    """Wait until the API server has taken the policy up: its own watch takes a moment."""
    probe = ("annotate", "service", "spark", "--overwrite", "--dry-run=server", "e2e=probe")
    for _ in range(100):
        try:
            await stage.kubectl.run(*probe, f"--namespace={stage.namespace}")
        except KubectlError as error:
            if "frozen by a test" in str(error):
                return
            raise
    raise AssertionError("the policy was not enforced")


def _outcomes(status: SparkDeploymentStatus) -> list[tuple[str, str]]:
    return [(entry.image, entry.outcome) for entry in status.history]


async def _served(stage: Stage, since: int, *, bad: str = "") -> None:
    failed = [r for r in await stage.results(since) if r.failed and (not bad or r.release != bad)]
    assert failed == []


async def test_killed_in_the_middle_of_a_step(stage: Stage) -> None:
    since = await stage.newest()
    await stage.apply(image=image("2.0.0"))
    await stage.until("a weight", lambda s: s.phase == "Progressing" and s.weight.actual > 0)
    await kill_leader(stage.kubectl)
    status = await stage.until("promotion all the same", lambda s: s.phase == "Stable", seconds=240)
    assert _outcomes(status)[0] == (image("2.0.0"), "Promoted")
    await _served(stage, since)


async def test_killed_in_the_middle_of_a_promotion(stage: Stage) -> None:
    since = await stage.newest()
    await stage.apply(config=config(EDITION="next"))
    await stage.until("promoting", lambda s: s.phase == "Promoting", seconds=240)
    await kill_leader(stage.kubectl)
    status = await stage.until("promotion all the same", lambda s: s.phase == "Stable", seconds=240)
    assert _outcomes(status)[0] == (image("2.0.0"), "Promoted")
    await _served(stage, since)


async def test_killed_between_the_decision_and_the_cut(stage: Stage) -> None:
    since = await stage.newest()
    await stage.apply(image=image("3.0.0-errors"))
    trial = await stage.until("a weight", lambda s: s.weight.actual > 0, seconds=120)
    assert trial.candidate is not None
    async with route_frozen(stage):
        decided = await stage.until("the decision", lambda s: s.phase == "RollingBack", seconds=180)
        assert decided.weight.desired == 0
        service = await stage.get("service/spark")
        assert "spark.dev/release" not in service["spec"]["selector"], "the cut was not held up"
        await kill_leader(stage.kubectl)
    status = await stage.until("the rollback", lambda s: s.phase == "RolledBack", seconds=120)
    assert _outcomes(status)[0] == (image("3.0.0-errors"), "Failed")
    assert len([entry for entry in status.ledger if entry.decision == "RollingBack"]) == 1
    await _served(stage, since, bad=trial.candidate.release)
