"""The list of refused keys, as an operator writes it: ``{"revoked": ["user-alice", "master"]}``.

Each entry stands for itself. Who is named by a good entry is refused, whatever the entry beside it
is; only a document that is no list at all is no list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic_core import from_json

KEY_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,68}$"
"""What may name a key, such as ``master`` or ``user-alice@example.com``; as in the operator."""
_KEY_ID = re.compile(KEY_ID_PATTERN, re.ASCII)


class RevocationListError(ValueError):
    """The document is no list of key ids; nothing of its text is in the message."""


@dataclass(frozen=True, slots=True)
class RevocationList:
    """Who is refused, and the numbers, from 1, of entries that can name nobody."""

    key_ids: frozenset[str]
    malformed: tuple[int, ...] = ()


def read_revocations(text: str) -> RevocationList:
    """Read the document; members other than ``revoked`` are for others.

    Raises:
        RevocationListError: it is no JSON object, or has no list ``revoked``.
    """
    try:
        document = from_json(text)
    except ValueError:
        raise RevocationListError("it is no JSON document") from None
    entries = document.get("revoked") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise RevocationListError('write {"revoked": ["user-alice"]}, or [] for nobody')
    return RevocationList(
        frozenset(entry for entry in entries if _names_a_key(entry)),
        tuple(n for n, entry in enumerate(entries, start=1) if not _names_a_key(entry)),
    )


def _names_a_key(entry: object) -> bool:
    return isinstance(entry, str) and _KEY_ID.fullmatch(entry) is not None
