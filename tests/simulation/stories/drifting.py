"""Stories in which somebody changes, removes and adds things in the children."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.stories.scenarios import NEW, PROMOTED, Scenario, at_step, installed, rests_on

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

Drift = tuple[str, str, dict[str, Any]]
"""Kind, name and strategic merge patch; an empty name is that of the first object."""


def _container(**members: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "spark", **members}]}}}}


CHANGES: Final[tuple[Drift, ...]] = (
    ("services", "spark", {"metadata": {"labels": {"spark.dev/deployment": None}}}),
    ("services", "spark", {"spec": {"selector": {"spark.dev/release": "0123456789"}}}),
    ("services", "spark-stable", {"spec": {"type": "NodePort"}}),
    ("services", "spark-stable", {"spec": {"selector": None}}),
    ("services", "spark", {"spec": {"selector": {"tier": "gold"}}}),
    ("deployments", "", {"spec": {"replicas": 1}}),
    ("deployments", "", {"metadata": {"labels": {"spark.dev/deployment": None}}}),
    ("poddisruptionbudgets", "", {"spec": {"maxUnavailable": 4}}),
)
ADDITIONS: Final[tuple[Drift, ...]] = (
    ("services", "spark-stable", {"spec": {"ports": [{"name": "more", "port": 81}]}}),
    ("services", "spark", {"spec": {"sessionAffinity": "ClientIP"}}),
    ("services", "spark", {"metadata": {"labels": {"team": "other"}}}),
    ("deployments", "", _container(env=[{"name": "DEBUG", "value": "1"}])),
    ("deployments", "", _container(stdin=True)),
    ("deployments", "", {"spec": {"template": {"metadata": {"labels": {"team": "other"}}}}}),
    (
        "deployments",
        "",
        {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}},
    ),
)
PAUSE_SECONDS: Final = 30.0


async def changes(sim: Simulation) -> None:
    """Services and the Deployment are edited by hand, and a Service is deleted."""
    await installed(sim)
    for plural, name, change in CHANGES:
        sim.tamper(plural, name, change)
        await asyncio.sleep(PAUSE_SECONDS)
    sim.tamper("services", "spark-candidate", None)
    await asyncio.sleep(PAUSE_SECONDS)


async def additions(sim: Simulation) -> None:
    """Things are added to Services and to the Deployment, whose pods are replaced for it."""
    await installed(sim)
    for plural, name, change in ADDITIONS:
        sim.tamper(plural, name, change)
        await asyncio.sleep(PAUSE_SECONDS)


async def in_trial(sim: Simulation) -> None:
    """The Services are edited while a release is on trial."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 0), "the first step")
    for plural, name, change in (*CHANGES[:5], *ADDITIONS[:3]):
        sim.tamper(plural, name, change)
        await asyncio.sleep(2.0)
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


STORIES: Final = (
    Scenario(name="drift", script=changes, like="first-install", loses_requests=True),
    Scenario(name="additions", script=additions, like="first-install", loses_requests=True),
    Scenario(
        name="drift-in-trial",
        script=in_trial,
        ends_on=NEW,
        outcomes=PROMOTED,
        like="good-release",
        loses_requests=True,
    ),
)
