"""What a planted bug is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.faults import NO_FAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.simulation.faults import Plan
    from tests.simulation.oracles.history import History


@dataclass(frozen=True, slots=True)
class Planted:
    """One bug: what is wrong, how it is planted, where it shows, and who must see it."""

    name: str
    plant: Callable[[pytest.MonkeyPatch], None]
    scenario: str
    caught_by: str
    plan: Callable[[History], Plan] = lambda _: NO_FAULT
