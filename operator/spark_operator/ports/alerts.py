"""Where alerts come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spark_operator.core.observe.values import Alert
    from spark_operator.ports.cluster import Key


class Alerts(Protocol):
    """Holds alerts that were pushed in until a decision about them is persisted."""

    def pending(self, key: Key) -> tuple[Alert, ...]:
        """What was pushed in for a resource and is not settled."""

    def settle(self, key: Key, outcomes: Iterable[tuple[Alert, str]]) -> None:
        """The status is stored with what came of these."""

    def forget(self, key: Key) -> None:
        """There is no such resource."""
