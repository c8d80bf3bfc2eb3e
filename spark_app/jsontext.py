"""JSON as the service writes it: compact, in UTF-8."""

from __future__ import annotations

from pydantic_core import to_json


def encode(document: object) -> bytes:
    """Write one line of JSON, several times as fast as the standard library with any option set."""
    return to_json(document)
