"""The last spec that was valid, as one bounded, opaque text for status."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any, Final

MAX_ACCEPTED_SPEC: Final = 16_384
"""Characters; a spec that does not fit, compressed, is not kept."""
MAX_BYTES: Final = 1_048_576
"""Bytes of a spec that is read back: compressed text may pretend to be small."""


def encode(spec: dict[str, Any]) -> str:
    """Return the spec as text; empty where it is too long."""
    packed = zlib.compress(json.dumps(spec, separators=(",", ":"), sort_keys=True).encode(), 9)
    text = base64.b85encode(packed).decode()
    return text if len(text) <= MAX_ACCEPTED_SPEC else ""


def decode(text: str) -> dict[str, Any] | None:
    """Return the spec that a text holds; None where it cannot be read."""
    try:
        packed = base64.b85decode(text.encode())
        found = json.loads(zlib.decompressobj().decompress(packed, MAX_BYTES))
    except (ValueError, zlib.error, binascii.Error, RecursionError):
        return None
    return found if isinstance(found, dict) else None
