"""Writes that have no lasting effect, and how to keep them from costing anything."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spark_operator.core.apply.diff import Delete

if TYPE_CHECKING:
    from spark_operator.core.apply.diff import Write
    from spark_operator.core.model.objects import Manifest

FIRST_SECONDS: Final = 0.5
"""First delay before writes that changed nothing are tried again; it doubles each time."""
LONGEST_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """The writes of the last reconcile that wrote, and since when they have been futile.

    The same ones wanted again have changed nothing: the API server stores them differently, or
    somebody undoes them.  They are tried again later and later.

    Attributes:
        writes: their signature.
        repeats: how often in a row they were tried again.
        not_before: when they may be tried again, seconds since the epoch.
    """

    writes: str = ""
    repeats: int = 0
    not_before: float = 0.0

    def again(self, writes: str, now: float) -> Attempt:
        """The attempt that was made at ``now``: a repetition of this one, or a new one."""
        if writes != self.writes or now - self.not_before > LONGEST_SECONDS:
            return Attempt(writes, 0, now)
        repeats = self.repeats + 1
        delay = min(FIRST_SECONDS * 2.0 ** min(repeats - 1, 16), LONGEST_SECONDS)
        return Attempt(writes, repeats, now + delay)


def signature(writes: list[Write]) -> str:
    """A text that is equal for equal writes, whatever was seen of the objects; empty for none."""
    if not writes:
        return ""
    texts = [
        f"{write.ref} {write.uid}"
        if isinstance(write, Delete)
        else f"{type(write).__name__} {json.dumps(_unfenced(write.manifest), sort_keys=True)}"
        for write in writes
    ]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _unfenced(manifest: Manifest) -> Manifest:
    meta = {
        key: item
        for key, item in manifest["metadata"].items()
        if key not in ("resourceVersion", "uid")
    }
    return manifest | {"metadata": meta}
