"""Words with one meaning each: enums whose members say what they mean."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class DescribedEnum(StrEnum):
    """A ``StrEnum`` whose members are a word, as the API writes it, and its meaning.

    The docs' tables are generated from the meanings.
    """

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Self:
        """Make a member that equals its word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member

    @classmethod
    def of(cls, word: str) -> Self:
        """Return the member of a word.

        Raises:
            ValueError: no member has it.
        """
        for member in cls:
            if member == word:
                return member
        raise ValueError(f"{word!r} is no {cls.__name__}: one of {', '.join(cls)}")
