"""Rendered children of a resource at the moments that differ, as files.

``python -m tests.golden.rendered`` writes them anew: read the difference before it is committed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dev.generate import to_yaml
from spark_operator.core.render import render
from tests.unit.operator.core.builders import IMAGES, name, release, resource, status
from tests.unit.operator.core.decide.cases import at, guarded
from tests.unit.operator.core.decide.cases_prepared import before, job

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus

FOLDER: Final = Path(__file__).resolve().parent / "children"
CANDIDATE: Final = "http://spark-candidate"
SCHEMA: Final = {"migrations": {"rollback": "Automatic"}}
VERIFIED: Final = {"verification": {"apiKey": {"name": "spark-api", "key": "verification"}}}
MOMENTS: Final[dict[str, tuple[int, SparkDeploymentStatus]]] = {
    "first-install": (1, status("Pending", stable=None, candidate=1, weight=100)),
    "mid-canary": (2, at(1, 25)),
    "promoting": (2, at(3, 100, "Promoting")),
    "guarding": (2, guarded()),
    "rolling-back": (2, at(1, 0, "RollingBack")),
    "isolated": (2, at(1, 25)),
    "preflight": (2, before("Preflight", job("preflight", "Running"))),
    "migrating": (2, before("Migrating", job("migrate", "Running", spec=SCHEMA), spec=SCHEMA)),
    "verifying": (2, at(1, 25, jobs=(job("verify", "Running", step=1, target=CANDIDATE),))),
}
SPECS: Final[dict[str, dict[str, Any]]] = {
    "migrating": SCHEMA,
    "verifying": VERIFIED,
    "isolated": {"isolated": True},
}


def rendered(moment: str) -> str:
    """All children at a moment, in the order they are written."""
    version, then = MOMENTS[moment]
    given = resource(version, then, config={"LOG_LEVEL": "info"}, **SPECS.get(moment, {}))
    known = {name(version): release(version) for version in IMAGES}
    known |= {name(2, **SCHEMA): release(2, **SCHEMA)}
    return "---\n".join(to_yaml(item) for item in render(given, known))


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    for moment in MOMENTS:
        (FOLDER / f"{moment}.yaml").write_text(rendered(moment), encoding="utf-8")


if __name__ == "__main__":
    main()
