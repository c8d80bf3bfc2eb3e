"""From a fresh machine to a cluster with the operator in it, and back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dev import kubectl
from dev.cluster.config import CLONE
from dev.demo.manifests import NAMESPACE
from dev.demo.play import Images
from dev.images import ensure, specs
from dev.kubectl import ESTABLISHED, Kubectl

if TYPE_CHECKING:
    from pathlib import Path

    from dev.cluster.choices.target import Target
    from dev.cluster.machine.progress import Progress

OPERATOR = "operator"
RELEASES = ("app:1.0.0", "app:2.0.0", "app:3.0.0-errors")
TOOLS = "dev"
INSTALL = CLONE / "manifests" / "install"
CRD = "crd/sparkdeployments.spark.dev"
SYSTEM = "spark-system"
DEPLOYMENT = "deployment/spark-operator"
ESTABLISHED_SECONDS = 30
READY_SECONDS = 120


def make_stage(target: Target, progress: Progress) -> Images:
    """Bring the cluster up and put the images into it; raises ClusterError.

    A cluster of the user's own must have them already: nothing can be put into it from here.
    """
    target.up(progress)
    names = [OPERATOR, *RELEASES, TOOLS]
    if target.label == "named":
        found = {name: specs.parse(name).reference for name in names}
        progress.say(f"your own cluster must have these images: {', '.join(found.values())}")
    else:
        found = ensure(names, target=target, progress=progress)
    first, good, bad = (found[name] for name in RELEASES)
    return Images(first=first, good=good, bad=bad, tools=found[TOOLS])


def client(target: Target) -> Kubectl:
    """Return kubectl for the target; raises KubectlError where there is none."""
    return Kubectl(kubectl.find(), target.kubeconfig)


async def install(kube: Kubectl, overlay: Path = INSTALL) -> None:
    """Apply the CRD and the operator, and wait until it is ready; raises KubectlError."""
    already = await kube.run(
        "get", "pods", f"--namespace={SYSTEM}", "--selector=spark.dev/component=operator", "-o=name"
    )
    await kube.run("apply", "--server-side", "--force-conflicts", "-k", str(overlay))
    for state in ESTABLISHED:
        await kube.run(
            "wait", state, CRD, f"--timeout={ESTABLISHED_SECONDS}s",
            seconds=ESTABLISHED_SECONDS + 5,
        )  # fmt: skip
    if already:
        # One that runs since an earlier demo may have an older image under the same name
        await kube.run("rollout", "restart", DEPLOYMENT, f"--namespace={SYSTEM}")
    await kube.run(
        "rollout", "status", DEPLOYMENT, f"--namespace={SYSTEM}", f"--timeout={READY_SECONDS}s",
        seconds=READY_SECONDS + 10,
    )  # fmt: skip


async def remove(target: Target, progress: Progress) -> None:
    """Take away what the demo made: the whole cluster, or its objects in a cluster of the user's.

    Raises ClusterError or KubectlError.
    """
    if target.label == "named":
        kube = client(target)
        with progress.step("removing the demo from your cluster"):
            await kube.run("delete", "namespace", NAMESPACE, "--ignore-not-found", seconds=150)
            await kube.run("delete", "-k", str(INSTALL), "--ignore-not-found", seconds=150)
    await asyncio.to_thread(target.down, progress)
