"""Who owns which field of the resource, and since when: managed fields as values.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from spark_operator.core.model.objects import digest, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spark_operator.core.model.objects import Manifest


DIGITS: Final = 6


MAX_DEPTH: Final = 8


_FIELD: Final = "f:"


class Owner(NamedTuple):
    """Who set fields of the resource, through which request, and when last."""

    manager: str
    operation: str
    subresource: str
    time: float
    paths: tuple[str, ...]

    @property
    def mark(self) -> str:
        """Tells it apart from others of the same second: times have no finer grain."""
        return digest([*self[:4]], DIGITS)


def owners(managed: Iterable[Manifest]) -> tuple[Owner, ...]:
    """Read managed fields; status, which is ours, is left out."""
    return tuple(
        Owner(
            manager=str(entry.get("manager", "")),
            operation=str(entry.get("operation", "")),
            subresource=str(entry.get("subresource", "")),
            time=timestamp(entry.get("time")),
            paths=tuple(_paths(entry.get("fieldsV1") or {})),
        )
        for entry in managed
        if entry.get("subresource") != "status"
    )


def asked_by(managed: Iterable[Manifest], annotation: str) -> str:
    """Who set an annotation of the resource last; empty where nobody knows."""
    path = f"metadata.annotations.{annotation}"
    setters = [owner for owner in owners(managed) if path in owner.paths]
    return max(setters, key=lambda owner: owner.time).manager if setters else ""


def _paths(fields: Manifest, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Paths of leaves; an item of a list ends one, because its key is made of values."""
    names = [name for name in fields if name.startswith(_FIELD)]
    if prefix and (not names or depth >= MAX_DEPTH):
        yield prefix + "[]" * any(name[:2] in ("k:", "v:") for name in fields)
        return
    for name in names:
        below = fields[name] if isinstance(fields[name], dict) else {}
        path = f"{prefix}.{name.removeprefix(_FIELD)}".removeprefix(".")
        yield from _paths(below, path, depth + 1)
