"""A users' Service that nobody can change for a while."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from dev.kubectl import KubectlError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.support.stage import Stage


@contextlib.asynccontextmanager
async def route_frozen(stage: Stage) -> AsyncIterator[None]:
    """The API server refuses every change to the users' Service meanwhile."""
    expression, policy = "request.name != 'spark'", f"{stage.namespace}-no-route"
    objects: list[dict[str, Any]] = [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": policy},
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
            "metadata": {"name": policy},
            "spec": {
                "policyName": policy,
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
            await stage.kubectl.run("delete", kind, policy)


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
