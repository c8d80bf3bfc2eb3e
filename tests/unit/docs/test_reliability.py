"""The table of planted bugs is the list of them."""

from __future__ import annotations

from pathlib import Path

from tests.simulation.planted.decisions import PLANTED

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"


def test_every_planted_bug_is_told_with_what_caught_it() -> None:
    _, _, rest = PAGE.read_text().partition("| Bug | Scenario | Caught by |\n|---|---|---|\n")
    table = rest.partition("\n\n")[0].splitlines()
    assert table == [f"| {bug.name} | `{bug.scenario}` | `{bug.caught_by}` |" for bug in PLANTED]
