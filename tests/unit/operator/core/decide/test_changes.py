"""A draft takes only what its status has: the model's types, and mypy holds callers to them."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

import pytest

from spark_operator.api.status import outbox, runs, status
from spark_operator.core.decide.changes import StatusChanges

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).resolve().parents[5]
NAMES: Final[Mapping[str, Any]] = {**vars(outbox), **vars(runs), **vars(status)}


def _bare(annotation: Any) -> Any:
    """The type without bounds: what a caller has to know."""
    if hasattr(annotation, "__metadata__"):
        return _bare(annotation.__origin__)
    if get_origin(annotation) is None or get_origin(annotation).__name__ == "Literal":
        return annotation
    origin = Union if get_origin(annotation) is UnionType else get_origin(annotation)
    return (origin, tuple(_bare(item) for item in get_args(annotation)))


def test_the_changes_are_the_fields_of_the_model() -> None:
    known = {**NAMES, "datetime": datetime}
    changes = get_type_hints(StatusChanges, localns=known)
    fields = get_type_hints(status.SparkDeploymentStatus, localns=known, include_extras=True)
    own = {name: fields[name] for name in status.SparkDeploymentStatus.model_fields}
    assert {name: _bare(kind) for name, kind in changes.items()} == {
        name: _bare(kind) for name, kind in own.items()
    }


@pytest.mark.timeout(300)
def test_mypy_refuses_other_fields_and_types(tmp_path: Path) -> None:
    lines = {
        "draft.set(candidat=None)": "call-arg",
        'draft.set(weight="x")': "typeddict-item|arg-type",
        "draft.set(held=None)": "typeddict-item|arg-type",
        'draft.record("Promoted", "Passed", "")': "arg-type",
        "draft.set(held=True)": "",
    }
    head = "from spark_operator.core.decide.draft import RolloutDraft\n\n\n"
    body = "".join(f"    {line}\n" for line in lines)
    page = tmp_path / "lines.py"
    page.write_text(f"{head}def change(draft: RolloutDraft) -> None:\n{body}", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(page)]
    said = subprocess.run(  # noqa: S603 - our own mypy
        command, cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    for number, (line, code) in enumerate(lines.items(), start=5):
        found = [text for text in said.splitlines() if f"lines.py:{number}:" in text]
        assert bool(found) == bool(code), (line, said)
