"""No section of the runbook is without an answer, and every answer says who does it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "runbook.md"
SECTIONS = (
    "Pre-Deployment Checklist",
    "Environment Setup",
    "Deployment Procedures",
    "Post-Deployment Verification",
    "Rollback Procedures",
    "Troubleshooting",
    "Monitoring & Alerts",
    "Emergency Procedures",
    "Maintenance Windows",
)
ANSWERS = ("Done", "Shown", "By hand", "Open")


def _answers(section: str) -> list[list[str]]:
    text = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    body = next((part for part in text if part.startswith(section + "\n")), "")
    rows = [line for line in body.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_answered(section: str) -> None:
    answers = _answers(section)
    assert answers, f"{section} has no answer in {PAGE.name}"
    for line, answer, how in answers:
        assert answer in ANSWERS, f"{line}: {answer!r} is none of {ANSWERS}"
        assert how


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([a-z-]+\.md)\)", PAGE.read_text()):
        assert (PAGE.parent / target).exists(), target
