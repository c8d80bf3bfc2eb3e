"""The cluster with the operator in it, and a namespace for each module of tests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from dev.cluster.choices import target
from dev.cluster.machine.progress import Progress
from dev.demo import setup
from dev.images import ensure
from tests.e2e.support import lanes
from tests.e2e.support.once import once
from tests.e2e.support.opening import gone, opened
from tests.e2e.support.services import Services
from tests.e2e.support.stage import Stage, spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from xdist.remote import Producer

    from dev.kubectl import Kubectl

IMAGES = (
    "operator",
    "dev",
    "services",
    "app:1.0.0",
    "app:2.0.0",
    "app:3.0.0-errors",
    "app:3.0.0-crashing",
    "app:3.0.0-late-errors",
    "app:2.0.0-migration",
    "app:2.0.0-migration-fails",
    "app:2.0.0-migration-hangs",
    "app:2.0.0-migration-slow",
    "app:3.0.0-migration-drops",
    "app:3.0.0-migration-errors",
    "app:4.0.0-migration-errors",
    "app:3.0.0-broken-export",
    "app:4.0.0-late-broken-export",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs the cluster, has its place in a lane, and shares one event loop."""
    mine = [item for item in items if "/e2e/" in str(item.path)]
    for item in mine:
        item.add_marker(pytest.mark.e2e)
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        item.add_marker(pytest.mark.timeout(420))
    ordered = iter(sorted(mine, key=lambda item: lanes.place(item.path.stem)))
    items[:] = [next(ordered) if item in mine else item for item in items]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> lanes.Scheduling:
    """Each process takes a lane."""
    return lanes.Scheduling(config, log)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kubectl() -> Kubectl:
    """A cluster that has the images."""
    found = target.resolve()
    with once("e2e") as first:
        if first:
            progress = Progress()
            await asyncio.to_thread(found.up, progress)
            await asyncio.to_thread(ensure, list(IMAGES), target=found, progress=progress)
    return setup.client(found)


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def _gone() -> AsyncIterator[None]:
    """Nothing of what was left is there at the end."""
    yield
    await gone()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services(kubectl: Kubectl) -> Services:
    """What releases depend on, shared by all who need it."""
    found = Services(kubectl)
    with once("e2e-services") as first:
        if first:
            await found.start()
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(kubectl: Kubectl, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A namespace of the module's own, with a stable release and users who keep asking.

    Two pods serve, or the module's ``REPLICAS``: processors are scarce, and each start takes one.
    """
    name = request.module.__name__.rpartition(".")[2].removeprefix("test_").replace("_", "-")
    replicas = getattr(request.module, "REPLICAS", 2)
    wanted = spec(guard={"duration": "0s"}, replicas=replicas)
    made = Stage(kubectl, f"e2e-{name}", wanted)
    alone = request.node.get_closest_marker("alone") is not None
    async with opened(made, own_operator=alone):
        await made.users()
        yield made
