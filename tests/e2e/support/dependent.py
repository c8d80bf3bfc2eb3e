"""A stage whose releases have a database, Redis, NATS and two providers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.e2e.support import opening
from tests.e2e.support.services import NAMESPACE, Services
from tests.e2e.support.stage import Stage, config, spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from dev.kubectl import Kubectl
    from dev.users.results import Result
    from spark_operator.api.status.runs import JobStatus
    from spark_operator.api.status.status import SparkDeploymentStatus

SECRET = "spark-credentials"
POLL_SECONDS = 0.3
SCHEMA = """
SELECT 'version', version_num, '' FROM spark_schema_version
UNION ALL
SELECT 'column', table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name LIKE 'spark%'
ORDER BY 1, 2, 3
"""
LEDGER = "SELECT version, direction, release FROM spark_migration_ledger ORDER BY id"


@dataclass
class Dependent(Stage):
    """A stage with services behind it."""

    services: Services = field(kw_only=True)

    @property
    def database(self) -> str:
        """Name of its database and of the database's owner."""
        return self.namespace.replace("-", "_")

    async def prepare(self) -> None:
        """Make the database and the Secret that refers to everything."""
        values = {
            "openai": "sk-stand-in",
            "database": await self.services.database(self.database),
            "redis": await self.services.cache(self.namespace),
            "nats": f"ws://nats.{NAMESPACE}:8080",
        }
        metadata = {"name": SECRET, "namespace": self.namespace}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}
        await self.kubectl.apply([secret])

    async def schema(self) -> list[list[str]]:
        """Version and columns of the database, asked from the database."""
        return await self.services.sql(self.database, SCHEMA)

    async def ledger(self) -> list[list[str]]:
        """Every version applied or undone: version, direction, release; oldest first."""
        return await self.services.sql(self.database, LEDGER)

    async def asked(self, statement: str, wanted: str, *, seconds: float = 30) -> None:
        """Ask the database until it answers so: nothing tells when it does."""

        async def answered() -> bool:
            return await self.services.sql(self.database, statement) == [[wanted]]

        await eventually(f"{statement}: {wanted}", answered, seconds=seconds)

    async def asleep(self, wanted: int, *, seconds: float = 30) -> None:
        """Wait until as many migrations are in the middle of their work."""
        where = f"wait_event = 'PgSleep' AND datname = '{self.database}'"
        counted = f"SELECT count(*) FROM pg_stat_activity WHERE {where}"  # noqa: S608 - ours
        await self.asked(counted, str(wanted), seconds=seconds)

    async def described(self) -> str:
        """What ``kubectl describe`` shows."""
        return await self.kubectl.run("describe", "sdep", "spark", f"--namespace={self.namespace}")

    async def failed(self, since: int) -> list[Result]:
        """Users' requests after result ``since`` that were not answered well."""
        return [result for result in await self.results(since) if result.failed]


async def eventually(what: str, holds: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
    """Wait for what nothing tells.

    Raises:
        AssertionError: it did not happen within ``seconds``.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                if await holds():
                    return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {seconds:.0f} s") from None


def dependent(kubectl: Kubectl, name: str, **changes: Any) -> Dependent:
    """A stage in the namespace ``name``; ``changes`` are members of its spec."""
    wanted = spec(
        replicas=2,
        config=dict(dependencies()),
        preflight={"enabled": True},
        migrations={},
        guard={"duration": "0s"},
        analysis={"sensitivity": "fast"},
    )
    wanted["secrets"] |= {
        "openaiAPIKey": {"name": SECRET, "key": "openai"},
        "databaseURL": {"name": SECRET, "key": "database"},
        "redisURL": {"name": SECRET, "key": "redis"},
        "natsURL": {"name": SECRET, "key": "nats"},
    }
    return Dependent(kubectl, name, wanted | changes, services=Services(kubectl))


@asynccontextmanager
async def opened(
    stage: Dependent, *, rate: int = 20, own_operator: bool = False
) -> AsyncIterator[Dependent]:
    """Its namespace with a stable release, and users at ``rate`` requests a second."""
    async with opening.opened(stage, own_operator=own_operator, prepare=stage.prepare):
        if rate:
            await stage.users(rate=rate)
        yield stage


def dependencies(**extra: str) -> dict[str, str]:
    """The configuration that reaches both providers, and what makes a release differ."""
    return {**config(), "OPENAI_BASE_URL": "http://providers:8080/v1", **extra}


def rolled_back(reference: str) -> Callable[[SparkDeploymentStatus], bool]:
    """Whether this image was given up and nothing of it is left."""
    return lambda status: (
        status.phase == "RolledBack"
        and status.failure is not None
        and status.failure.image == reference
    )


def job(status: SparkDeploymentStatus, kind: str) -> JobStatus:
    """The last Job of a kind."""
    return next(item for item in status.jobs if item.kind == kind)


def decisions(status: SparkDeploymentStatus, release: str) -> list[str]:
    """What was decided about a release, oldest first."""
    return [entry.decision for entry in reversed(status.ledger) if entry.release == release]
