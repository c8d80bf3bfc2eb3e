"""Placeholders in PromQL that users wrote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from spark_operator.api.analysis import PLACEHOLDERS

if TYPE_CHECKING:
    from collections.abc import Mapping


_PLACEHOLDER: Final = re.compile(r"\{\{(" + "|".join(PLACEHOLDERS) + r")\}\}")


_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]")


def escape(value: str) -> str:
    """Write a value so that it ends no literal, whichever quotes it stands between.

    All but letters, digits, ``_`` and ``-`` become escapes of Go's string literals, so the text
    holds no quote and no line's end; between backticks, where escapes mean nothing, it merely
    matches nothing.
    """
    return "".join(_escaped(character) for character in value)


def _escaped(character: str) -> str:
    if _PLAIN.fullmatch(character):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def render(query: str, values: Mapping[str, str]) -> str:
    """Put values in the place of ``{{namespace}}`` and its like, each exactly once, escaped."""
    return _PLACEHOLDER.sub(lambda found: escape(values[found[1]]), query)
