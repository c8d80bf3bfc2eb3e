"""Bugs planted into the isolation of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.signals import isolation
from spark_operator.core.render import children, service
from tests.simulation.planted.planting import Planted

if TYPE_CHECKING:
    import pytest


def _service_stays_open(patch: pytest.MonkeyPatch) -> None:
    rendered = service.services

    def open_services(resource: Any) -> Any:
        spec = resource.spec.model_copy(update={"isolated": False})
        return rendered(resource.model_copy(update={"spec": spec}))

    patch.setattr(children, "services", open_services)


def _rollout_goes_on(patch: pytest.MonkeyPatch) -> None:
    settle = isolation.settle

    def tell_only(draft: Any) -> Progress:
        settle(draft)
        return Progress.DONE

    patch.setattr(isolation, "settle", tell_only)


PLANTED_ISOLATION: Final = (
    Planted("an isolated Service", _service_stays_open, "isolated-in-trial", "isolated-is-cut"),
    Planted(
        "an isolated rollout goes on",
        _rollout_goes_on,
        "isolated-in-guard",
        "isolated-stands-still",
    ),
)
