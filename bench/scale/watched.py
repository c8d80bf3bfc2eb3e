"""The operator under measurement: a process started by its command line, and what it asks."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from bench.scale.cluster import SYSTEM, free_port
from bench.scale.processes import Child, RigError, Weight

if TYPE_CHECKING:
    from pathlib import Path

    from bench.scale.cluster import Cluster

PHASE: Final = "spark_deployment_phase{"
"""One such series for each resource that has had its first reconcile."""
LOST: Final = "was not renewed for"
DROPPED: Final = "those left are not told"
POLL_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 20.0
"""How long its own metrics are waited for: a loop that stands is a finding, no error."""


@dataclass(frozen=True)
class Asked:
    """What the operator asked of the API server."""

    requests: int
    by: Counter[str]
    refused: int
    """Those that were answered 429."""


class Audit:
    """The audit log, read on from where it was read last."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = log.stat().st_size if log.exists() else 0

    def read(self) -> Asked:
        """Return what was asked since the last reading; watches are counted when they end."""
        by: Counter[str] = Counter()
        refused = 0
        with self._log.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                event = json.loads(line)
                by[f"{event['verb']} {event.get('objectRef', {}).get('resource', '')}"] += 1
                refused += (event.get("responseStatus") or {}).get("code") == 429
        return Asked(by.total(), by, refused)


class Watched:
    """One operator at a time on the rig's cluster."""

    def __init__(self, cluster: Cluster, source: Path) -> None:
        """``source``: the folder that has the package ``spark_operator``."""
        self._cluster = cluster
        self._source = source
        self._port = free_port()
        self._child: Child | None = None
        self.audit = Audit(cluster.audit)
        self.log = cluster.folder / "operator.log"

    def start(self) -> None:
        """Start the process; it is ready later."""
        environment = {
            "KUBECONFIG": str(self._cluster.operator),
            "PYTHONPATH": str(self._source),
            "POD_NAMESPACE": SYSTEM,
            "POD_NAME": "spark-operator-bench",
            "SPARK_OPERATOR_PORT": str(self._port),
            "NO_COLOR": "1",
        }
        self._child = Child([sys.executable, "-m", "spark_operator"], self.log, environment)

    def stop(self) -> float:
        """End it politely: the seconds that it took."""
        return self._child.stop() if self._child else 0.0

    def kill(self) -> None:
        """End it as a crash does."""
        if self._child:
            self._child.kill()

    @property
    def runs(self) -> bool:
        """Whether it is there."""
        return self._child is not None and self._child.runs

    def said(self) -> str:
        """Return what it logged since its start."""
        return self._child.said() if self._child else ""

    def weigh(self) -> Weight:
        """Return what it uses.

        Raises:
            RigError: it has ended.
        """
        if self._child is None:
            raise RigError("the operator was not started")
        return self._child.weigh()

    async def reconciled(self) -> int:
        """How many resources have had a reconcile since its start; -1: it does not answer."""
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as http:
                page = (await http.get(f"http://127.0.0.1:{self._port}/metrics")).text
                return sum(line.startswith(PHASE) for line in page.splitlines())
        return -1

    async def metric(self, name: str) -> float:
        """Return the sum of one of its metrics' series; 0 where there is none, or no answer."""
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as http:
                page = (await http.get(f"http://127.0.0.1:{self._port}/metrics")).text
                lines = [line for line in page.splitlines() if line.startswith(name)]
                return sum(float(line.rpartition(" ")[2]) for line in lines)
        return 0.0

    async def until_reconciled(self, count: int, seconds: float) -> float | None:
        """Wait until ``count`` resources were reconciled: the seconds; None: it ended, or did not.

        The seconds count from the call.
        """
        began = time.monotonic()
        while self.runs and time.monotonic() - began < seconds:
            if await self.reconciled() >= count:
                return time.monotonic() - began
            await asyncio.sleep(POLL_SECONDS)
        return None
