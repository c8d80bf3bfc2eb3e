"""What is wrong before a release's first pod is named, and no user meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.e2e.support.dependent import Dependent, dependencies, dependent, job, opened
from tests.e2e.support.dependent import rolled_back as gave_up
from tests.e2e.support.stage import image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.kubectl import Kubectl
    from spark_operator.api.status.status import SparkDeploymentStatus
    from tests.e2e.support.services import Services

CANDIDATE = image("2.0.0")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(kubectl: Kubectl, services: Services) -> AsyncIterator[Dependent]:
    """A stable release with everything that it may depend on."""
    async with opened(dependent(services.kubectl, "e2e-preflight")) as found:
        yield found


def _said(status: SparkDeploymentStatus) -> dict[str, tuple[str, str]]:
    return {it.check: (it.status, it.detail) for it in job(status, "preflight").checks}


async def _refused(stage: Dependent, token: str) -> SparkDeploymentStatus:
    """Have the same release tried once more, and wait until it is given up again."""
    before = (await stage.status()).failure
    assert before is not None
    await stage.annotate("retry", token)
    return await stage.until(
        f"refusal of {token}",
        lambda s: gave_up(CANDIDATE)(s) and s.failure is not None and s.failure.at > before.at,
        seconds=90,
    )


async def test_preflight_says_which_dependency_is_wrong_and_no_user_notices(
    stage: Dependent, services: Services
) -> None:
    since = await stage.newest()
    name = stage.database
    kept = f"SELECT rolpassword FROM pg_authid WHERE rolname = '{name}'"  # noqa: S608 - ours
    [[secret]] = await services.sql("postgres", kept)

    await services.sql("postgres", f"ALTER ROLE {name} PASSWORD 'changed by somebody'")
    await stage.apply(image=CANDIDATE, config=dependencies(SPARK_REQUIRED="database,redis"))
    status = await stage.until("refusal", gave_up(CANDIDATE), seconds=90)
    assert status.failure is not None
    assert (status.failure.outcome, status.failure.reason) == ("Inconclusive", "PreflightFailed")
    wrong = "the user or password in DATABASE_URL is refused: correct it"
    assert status.failure.message == f"database: {wrong}"
    assert _said(status)["database"] == ("fail", wrong)
    assert _said(status)["redis"][0] == "pass"
    assert wrong in await stage.described()
    assert status.first_traffic_at is None
    await services.sql("postgres", f"ALTER ROLE {name} PASSWORD '{secret}'")

    await services.stop("redis")
    status = await _refused(stage, "redis")
    assert status.failure is not None
    dead = _said(status)["redis"]
    assert dead[0] == "fail"
    assert "check REDIS_URL" in dead[1]
    assert status.failure.message == f"redis: {dead[1]}"
    assert _said(status)["database"][0] == "pass"
    await services.restart("redis")

    await stage.faults(anthropic={"revoked_keys": ["sk-ant-stand-in"]})
    await stage.annotate("retry", "key")
    status = await stage.until("its trial", lambda s: s.phase == "Progressing", seconds=90)
    refused = "the key is refused: replace it"
    assert _said(status)["provider:claude"] == ("warn", refused)
    assert _said(status)["provider:openai"][0] == "pass"
    passed = next(entry for entry in status.ledger if entry.decision == "PreflightPassed")
    assert f"provider:claude: {refused}" in passed.message
    assert refused in await stage.described()
    assert await stage.failed(since) == []
