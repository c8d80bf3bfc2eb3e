"""Where alerts come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spark_operator.core.observe.values import Alert
    from spark_operator.ports.cluster import Key


class Alerts(Protocol):
    """A holder of alerts that were pushed in, until a decision about them is persisted."""

    def pending(self, key: Key) -> tuple[Alert, ...]:
        """Return what was pushed in for a resource and is not settled."""

    def settle(self, key: Key, outcomes: Iterable[tuple[Alert, str]]) -> None:
        """Answer these alerts: the status is stored with what came of them."""

    def forget(self, key: Key) -> None:
        """Forget a resource that does not exist."""
