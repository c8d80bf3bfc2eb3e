"""The schema versions that this release ships, and which older releases each leaves working.

Expand and contract: a version that only adds (tables, columns with a default) declares
``compatible_with = "VERSION"`` in its module, the oldest head whose code still runs on it. A
version that declares nothing excludes every older release. The highest declaration applied is the
*floor* of a schema: a release runs on it when its own head is not below. Versions are time stamps
that ascend, so that they compare as text, here and wherever a report is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.config import Config
from alembic.script import ScriptDirectory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alembic.script import Script


class MigrationError(Exception):
    """The schema cannot be brought where it was wanted; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Chain:
    """``versions`` oldest first, and the ``floors`` of the schema after each of them."""

    versions: tuple[str, ...]
    floors: tuple[str, ...]

    @property
    def head(self) -> str:
        """The newest version."""
        return self.versions[-1]

    def floor(self, version: str | None) -> str | None:
        """Return the floor of the schema at ``version``; None where there is no schema yet.

        Raises:
            ValueError: this release does not know the version.
        """
        return None if version is None else self.floors[self.versions.index(version)]

    def after(self, version: str | None) -> tuple[str, ...]:
        """Return the versions behind ``version``, oldest first; all behind None.

        Raises:
            ValueError: this release does not know the version.
        """
        return self.versions[0 if version is None else self.versions.index(version) + 1 :]


def config() -> Config:
    """Return Alembic's configuration."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return made


def load_chain() -> Chain:
    """Read the versions that are shipped.

    Raises:
        MigrationError: they do not ascend, or one declares what is no version up to itself.
    """
    scripts = [*reversed([*ScriptDirectory.from_config(config()).walk_revisions()])]
    return chain_of([(script.revision, _declared(script)) for script in scripts])


def chain_of(declared: Sequence[tuple[str, str | None]]) -> Chain:
    """Return versions with what each declares, oldest first; None: it declares nothing.

    Raises:
        MigrationError: as ``load_chain``.
    """
    versions = tuple(version for version, _ in declared)
    if list(versions) != sorted(set(versions)):
        raise MigrationError("the release's schema versions do not ascend: name them by their time")
    floors: list[str] = []
    for number, (version, floor) in enumerate(declared):
        wanted = floor or version
        if wanted not in versions[: number + 1]:
            raise MigrationError(
                f"version {version} declares compatible_with {wanted}, which is no version up to"
                " itself; correct it in the release"
            )
        # What one version has taken away, a later one does not give back.
        floors.append(max([wanted, *floors[-1:]]))
    return Chain(versions, tuple(floors))


def _declared(script: Script) -> str | None:
    found = getattr(script.module, "compatible_with", None)
    return None if found is None else str(found)
