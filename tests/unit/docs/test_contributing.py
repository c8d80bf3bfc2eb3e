"""The files and folders that CONTRIBUTING.md and the decisions name exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

TOP: Final = Path(__file__).parents[3]
BASES: Final = (TOP, TOP / "operator" / "spark_operator", TOP / "spark_app")
NAMED: Final = re.compile(r"`([a-z_]+(?:/[A-Za-z0-9_.-]+)+/?|[a-z_]+/)`")


def _is_there(name: str, page: str) -> bool:
    beside = (TOP / path for path in re.findall(r"`(\w+/[\w/]+)/`", page))
    return any((base / name).exists() for base in (*BASES, *beside))


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/judge.md", "docs/reliability.md"])
def test_what_a_page_names_exists(page: str) -> None:
    text = (TOP / page).read_text()
    names = NAMED.findall(text)
    assert names
    assert [name for name in names if not _is_there(name, text)] == []
