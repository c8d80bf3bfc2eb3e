"""Targets of the Makefile with the time that each takes."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import pytest

from dev.timed import TargetFailedError, Timed

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import pathlib, sys, time
name, folder = sys.argv[2], pathlib.Path(sys.argv[1])
(folder / name).touch()
print("this is", name)
if name == "waits":
    time.sleep(60)
if name == "meets":
    while not (folder / "met").exists():
        time.sleep(0.01)
sys.exit(3 if name == "fails" else 0)
"""


@pytest.fixture
def timed(tmp_path: Path) -> Timed:
    """Targets that are named after what they do."""
    return Timed([sys.executable, "-c", SCRIPT, str(tmp_path)])


async def test_groups_run_in_turn_and_a_failure_ends_the_rest(timed: Timed, tmp_path: Path) -> None:
    with pytest.raises(TargetFailedError, match="make fails failed"):
        await timed.run(["one", "fails", "never"])
    assert [*timed.took] == ["one", "fails"]
    assert not (tmp_path / "never").exists()


async def test_those_of_a_group_run_beside_each_other(
    timed: Timed, capfd: pytest.CaptureFixture[str]
) -> None:
    await asyncio.wait_for(timed.run(["meets+met"]), 20)
    assert {*timed.took} == {"meets", "met"}
    assert sorted(capfd.readouterr().out.splitlines()) == ["this is meets", "this is met"]


async def test_what_runs_beside_a_failure_is_ended(timed: Timed) -> None:
    began = time.monotonic()
    with pytest.raises(TargetFailedError, match="make fails failed"):
        await timed.run(["waits+fails"])
    assert time.monotonic() - began < 30


def test_the_table_has_every_target_and_the_whole() -> None:
    timed = Timed(took={"lint": 1.25, "unit": 88.0})
    assert timed.table(90.0).splitlines() == [
        "     1.2 s  lint",
        "    88.0 s  unit",
        "    90.0 s  in all",
    ]
