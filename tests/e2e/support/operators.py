"""The operator that a test module needs: the one for the whole cluster, or one of its own.

Modules that kill, stop or cut off operators have their own, installed as for a single namespace:
they run side by side, each with its leader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from dev.cluster.config import CLONE
from dev.demo import setup
from tests.e2e.support.once import once
from tests.e2e.support.services import credentials

if TYPE_CHECKING:
    from dev.kubectl import Kubectl

EVERYWHERE = CLONE / "tests" / "e2e" / "install"
NAMESPACED = CLONE / "manifests" / "namespaced"
CLUSTER_WIDE = (CLONE / "manifests" / "rbac", CLONE / "crds")
"""What a single namespace's operator needs of somebody with rights on the whole cluster."""


async def everywhere(kubectl: Kubectl) -> None:
    """Have the usual operator, which serves all namespaces."""
    with once("e2e-operator") as first:
        if first:
            await kubectl.apply(credentials())
            await setup.install(kubectl, EVERYWHERE)


async def only_in(kubectl: Kubectl, namespace: str) -> None:
    """Have an operator in ``namespace`` that serves it alone; the usual one ends."""
    with once("e2e-operators-of-their-own") as first:
        if first:
            for folder in CLUSTER_WIDE:
                await kubectl.run("apply", "--server-side", "--force-conflicts", "-k", str(folder))
            await _stop_the_usual(kubectl)
    text = await kubectl.run("kustomize", str(NAMESPACED))
    await kubectl.apply([_moved(item, namespace) for item in yaml.safe_load_all(text)])
    await kubectl.run(
        "rollout", "status", setup.DEPLOYMENT, f"--namespace={namespace}",
        f"--timeout={setup.READY_SECONDS}s", seconds=setup.READY_SECONDS + 10,
    )  # fmt: skip


async def _stop_the_usual(kubectl: Kubectl) -> None:
    """End the operator of all namespaces, and wait until nothing of it is left."""
    where = f"--namespace={setup.SYSTEM}"
    if await kubectl.run("get", setup.DEPLOYMENT, where, "--ignore-not-found", "-o=name"):
        await kubectl.run("scale", setup.DEPLOYMENT, where, "--replicas=0")
        await kubectl.run(
            "wait", "--for=delete", "pod", "--selector=spark.dev/component=operator", where,
            "--timeout=60s", seconds=70,
        )  # fmt: skip


def _moved(item: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Return the object in another namespace, for accounts there."""
    subjects = [it | {"namespace": namespace} for it in item.get("subjects", ())]
    metadata = item["metadata"] | {"namespace": namespace}
    return item | {"metadata": metadata} | ({"subjects": subjects} if subjects else {})
