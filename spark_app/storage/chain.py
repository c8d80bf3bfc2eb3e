"""The schema versions that this release ships, and which older releases each leaves working.

Expand and contract: a version that only adds (tables, columns with a default) declares
`compatible_with = "VERSION"` in its module, the oldest head whose code still runs on it. A version
that declares nothing excludes every older release. The highest declaration applied is the *floor*
of a schema: a release runs on it when its own head is not below. Versions are time stamps that
ascend, so that they compare as text, here and wherever a report is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.config import Config
from alembic.script import ScriptDirectory

if TYPE_CHECKING:
    from alembic.script import Script

__all__ = ["Chain", "MigrationError", "config", "load_chain"]


class MigrationError(Exception):
    """The schema can't be brought where it was wanted; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Chain:
    """`versions` oldest first, and the `floors` of the schema after each of them."""

    versions: tuple[str, ...]
    floors: tuple[str, ...]

    @property
    def head(self) -> str:
        """The newest version."""
        return self.versions[-1]

    def floor(self, version: str | None) -> str | None:
        """The floor of the schema at `version`; None where there is no schema yet.

        Raises:
            ValueError: this release doesn't know the version.
        """
        return None if version is None else self.floors[self.versions.index(version)]

    def after(self, version: str | None) -> tuple[str, ...]:
        """The versions behind `version`, oldest first; all behind None.

        Raises:
            ValueError: this release doesn't know the version.
        """
        return self.versions[0 if version is None else self.versions.index(version) + 1 :]


def config() -> Config:
    """Alembic's configuration."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return made


def load_chain() -> Chain:
    """Read the versions that are shipped.

    Raises:
        MigrationError: they don't ascend, or one declares what is no version up to itself.
    """
    scripts = [*reversed([*ScriptDirectory.from_config(config()).walk_revisions()])]
    versions = tuple(script.revision for script in scripts)
    if list(versions) != sorted(set(versions)):
        raise MigrationError("the release's schema versions don't ascend: name them by their time")
    floors: list[str] = []
    for number, script in enumerate(scripts):
        declared = _declared(script, versions[: number + 1])
        floors.append(max([declared, *floors[-1:]]))
    return Chain(versions, tuple(floors))


def _declared(script: Script, known: tuple[str, ...]) -> str:
    declared = str(getattr(script.module, "compatible_with", script.revision))
    if declared not in known:
        raise MigrationError(
            f"version {script.revision} declares compatible_with {declared}, which is no version"
            " up to itself; correct it in the release"
        )
    return declared
