"""A leader that the API server has left alone ends, and soon: it must not go on, nor hang."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dev.cluster.node.apiserver import apiserver
from spark_operator.adapters.kubernetes.election import RENEW_SECONDS, RETRY_SECONDS
from spark_operator.adapters.kubernetes.leadership import STOP_SECONDS
from tests.integration.conftest import CRD, ROOT, Kubectl
from tests.integration.operator.notifiers.process import running_operator

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LONGEST = RENEW_SECONDS + RETRY_SECONDS + RENEW_SECONDS / 2 + STOP_SECONDS
"""From the last renewal: the deadline, one more try that hangs until its own, and the stop."""
LEADS_SECONDS = 30.0


async def test_a_lost_lease_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "default")
    with ExitStack() as stack:
        server = stack.enter_context(apiserver())
        kubectl = Kubectl(server.kubectl, server.kubeconfig, tmp_path)
        kubectl("apply", "--kustomize", str(ROOT / "crds"))
        kubectl("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=20s")
        log = tmp_path / "operator.log"
        async with running_operator(server.kubeconfig, "default", log) as running:
            async with asyncio.timeout(LEADS_SECONDS):
                while "leads" not in running.said():  # noqa: ASYNC110 - a log is no event
                    await asyncio.sleep(0.1)
            stack.close()
            async with asyncio.timeout(LONGEST + 2.0):
                code = await running.process.wait()
            assert code == 1
            assert "was not renewed" in running.said()
