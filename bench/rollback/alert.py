"""An alert pushed in as Alertmanager would."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from spark_operator.api.fields import to_time

if TYPE_CHECKING:
    from dev.kubectl import Kubectl

SYSTEM = "spark-system"
SERVICE = "spark-operator-alerts"
PATH = "/alerts/v4"
AGAIN_SECONDS = 0.1
"""Pause after a replica that does not lead answered 503."""
GIVE_UP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends alerts about one resource to the operator."""

    kubectl: Kubectl
    namespace: str
    name: str
    token: str

    async def prepare(self) -> None:
        """Store the token, before the operator's pods look for it."""
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SERVICE, "namespace": SYSTEM},
            "stringData": {"token": self.token},
        }
        await self.kubectl.apply([space, secret])

    async def push(self, release: str) -> float:
        """Send a critical alert that names a release until it is dealt with: when it was sent.

        Raises:
            TimeoutError: it was not dealt with in 10 s.
            httpx.HTTPError: the operator could not be reached, or refused the alert.
        """
        query = ("get", "service", SERVICE, f"--namespace={SYSTEM}")
        address = await self.kubectl.run(*query, "-o=jsonpath={.spec.clusterIP}")
        headers = {"Authorization": f"Bearer {self.token}"}
        sent = time.time()
        body = self._payload(release, sent)
        async with (
            asyncio.timeout(GIVE_UP_SECONDS),
            httpx.AsyncClient(trust_env=False, timeout=GIVE_UP_SECONDS) as client,
        ):
            while True:
                answer = await client.post(
                    f"http://{address}:8081{PATH}", json=body, headers=headers
                )
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    answer.raise_for_status()
                    return sent
                await asyncio.sleep(AGAIN_SECONDS)

    def _payload(self, release: str, at: float) -> dict[str, Any]:
        labels = {
            "alertname": "SparkErrorRateCritical",
            "namespace": self.namespace,
            "spark_deployment": self.name,
            "release": release,
            "severity": "critical",
        }
        alert = {
            "status": "firing",
            "labels": labels,
            "startsAt": to_time(at).isoformat(),
            "fingerprint": f"{hash(release) & (1 << 64) - 1:016x}",
        }
        return {"version": "4", "alerts": [alert]}
