"""In which order providers are tried, and how the one deadline is shared among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_app.core.provider import Provider

RESERVED: Final = 0.4
"""The share of the remaining time that is kept for the next provider."""


@dataclass(frozen=True, slots=True)
class Routing:
    """What an operator may change while the service runs.

    Attributes:
        order: providers, the preferred first; those left out are not used.
        models: the model to ask where the request names none; missing means the configured one.
        forced_open: providers that get no calls, whatever their breaker says.
    """

    order: tuple[Provider, ...]
    models: dict[Provider, str] = field(default_factory=dict)
    forced_open: frozenset[Provider] = frozenset()

    def for_model(self, model: str | None) -> Sequence[Provider]:
        """Return the providers to try for a request that names ``model``, or none."""
        if model is None:
            return self.order
        owner = provider_of_model(model)
        return [name for name in self.order if name == owner]


def provider_of_model(model: str) -> Provider:
    """Return whose model this is, by its name."""
    return "claude" if model.startswith("claude") else "openai"


def attempt_limit(remaining: float, others: int) -> float:
    """Return the seconds that one attempt may take while ``others`` more providers can be tried."""
    return remaining if others == 0 else remaining * (1.0 - RESERVED)
