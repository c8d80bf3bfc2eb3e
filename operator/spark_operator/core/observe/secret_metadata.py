"""What a Secret's metadata tells about its contents, which are never read.

``metadata.managedFields`` says who last changed which key and when, to the second; it does not
change with labels that another manager sets. Source:
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from spark_operator.core.model.objects import timestamp

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest

STAMP_DIGITS: Final = 12
CONTENTS: Final = ("f:data", "f:stringData")
"""Who applies ``stringData`` is kept as the owner of that, though only ``data`` is stored."""


class Writer(NamedTuple):
    """Who wrote keys, and when last."""

    manager: str
    operation: str
    time: str
    """As the API server writes it."""
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class SecretData:
    """What is known of a Secret.

    Attributes:
        uid: of the object; one made anew has another.
        version: its resourceVersion, which is all there is where nobody keeps managed fields.
        created: when it was made, as the API server writes it.
        writers: who wrote which of its keys.
    """

    uid: str
    version: str
    created: str
    writers: tuple[Writer, ...]

    def stamp(self, key: str) -> str:
        """Names the contents of a key: 12 hexadecimal digits that change when the key does.

        Two changes by one manager within one second are one; a change of another key by the same
        manager counts, because they share one time.
        """
        ours = [writer for writer in self.writers if key in writer.keys]
        found = [[writer.manager, writer.operation, writer.time] for writer in ours]
        text = json.dumps([self.uid, found or self.version])
        return hashlib.sha256(text.encode()).hexdigest()[:STAMP_DIGITS]

    def says_the_same_as(self, other: SecretData) -> bool:
        """Whether no key was written between the two, as far as can be told."""
        mine, theirs = (self.uid, self.writers), (other.uid, other.writers)
        return mine == theirs and (bool(self.writers) or self.version == other.version)

    def changed_at(self, key: str) -> float:
        """When the key was last written, seconds since the epoch; 0 where nobody knows."""
        times = [writer.time for writer in self.writers if key in writer.keys]
        return max(map(timestamp, times), default=0.0)


def describe(metadata: Manifest) -> SecretData:
    """Read a Secret's metadata; its contents are not looked at, should they be there."""
    writers = []
    for entry in metadata.get("managedFields") or []:
        fields = entry.get("fieldsV1") or {}
        named = (name for part in CONTENTS for name in fields.get(part) or ())
        keys = frozenset(name.removeprefix("f:") for name in named if name.startswith("f:"))
        if keys:
            manager, operation, time = (
                str(entry.get(name, "")) for name in ("manager", "operation", "time")
            )
            writers.append(Writer(manager, operation, time, keys))
    return SecretData(
        uid=str(metadata.get("uid", "")),
        version=str(metadata.get("resourceVersion", "")),
        created=str(metadata.get("creationTimestamp", "")),
        writers=tuple(sorted(writers)),
    )
