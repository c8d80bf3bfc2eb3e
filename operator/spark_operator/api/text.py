"""Text from outside, made fit for status, logs and terminals where it enters."""

from __future__ import annotations

from typing import Final

REPLACEMENT: Final = "\ufffd"
_KEPT: Final = frozenset("\n\t")


def printable(text: str) -> str:
    """Return the text as UTF-8 and terminals can hold it.

    Half a surrogate pair, which JSON can carry and UTF-8 cannot, becomes U+FFFD; a control
    character becomes a space.  Everything else stays as it is.
    """
    if text.isprintable():
        return text
    return "".join(map(_fit, text))


def _fit(character: str) -> str:
    if character.isprintable() or character in _KEPT:
        return character
    if "\ud800" <= character <= "\udfff":
        return REPLACEMENT
    return " " if character < " " or "\x7f" <= character < "\xa0" else character
