"""A report always fits into a termination message, and loses the least important first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from spark_app.commands.report import MAX_BYTES, MAX_DETAIL, Check, render_report, write_report
from spark_app.storage.migrate import Status

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TEXT = st.text(st.characters(codec="utf-8"), max_size=400)
CHECKS = st.builds(Check, TEXT, st.sampled_from(["pass", "warn", "fail"]), TEXT, st.floats(0, 99))
FULL = Status(
    current="2" * 32,
    head="2" * 32,
    pending=("2" * 32,) * 100,
    known=True,
    floor="2" * 32,
    database_floor=None,
    ledger=(),
)


@given(st.booleans(), st.lists(CHECKS, max_size=40), st.sampled_from([None, FULL]))
def test_it_fits_whatever_it_says(passed: bool, checks: list[Check], schema: Status | None) -> None:
    data = render_report(passed, checks, schema)
    assert len(data) <= MAX_BYTES
    document = json.loads(data)
    assert document["passed"] is passed
    assert all(len(one["detail"]) <= MAX_DETAIL for one in document["checks"])


def test_what_failed_stays_when_space_is_short() -> None:
    checks = [Check(f"good-{n:0200}", "pass", "") for n in range(40)] + [Check("bad", "fail", "x")]
    kept = json.loads(render_report(False, checks))["checks"]
    assert kept[-1]["check"] == "bad"
    assert 5 < len(kept) < 40


def test_it_is_written_in_place_and_only_where_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SPARK_REPORT_FILE", raising=False)
    write_report(True, [])
    file = tmp_path / "termination-log"
    file.write_text("old, and longer than what comes")
    inode = file.stat().st_ino
    monkeypatch.setenv("SPARK_REPORT_FILE", str(file))
    write_report(True, [])
    assert json.loads(file.read_text()) == {"passed": True, "checks": []}
    assert file.stat().st_ino == inode
    monkeypatch.setenv("SPARK_REPORT_FILE", str(tmp_path / "no" / "folder"))
    write_report(True, [])
    assert "SPARK_REPORT_FILE can't be written" in capsys.readouterr().err
