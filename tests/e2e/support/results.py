"""What the long form of a test came to, kept for the docs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dev.cluster.config import CLONE

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULTS = CLONE / "bench" / "results"


def keep(name: str, **parts: Mapping[str, Any]) -> None:
    """Write these parts of a result; the others of the same name stay as they are."""
    path = RESULTS / f"{name}.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(known | parts, indent=1) + "\n")
