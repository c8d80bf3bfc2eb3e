"""How deep C# is nested, told before any grammar sees it: what a parser does with depth is unknown.

Brackets are counted outside of strings and comments, and every ``<`` that nothing has closed within
its statement, as a type argument would be.
"""

from __future__ import annotations

import re

MAX_NESTING = 200
"""Levels; people write 20, and long conditions have some dozens of ``<``."""
# Possessive, so that no text is gone through twice.
_TOKEN = re.compile(
    r"""
      //[^\n]*+
    | /\*(?:[^*]|\*(?!/))*+(?:\*/)?
    | (?:@\$?|\$@)"(?:[^"]|"")*+"?
    | "(?:[^"\\\n]|\\.)*+"?
    | '(?:[^'\\\n]|\\.)*+'?
    | <<=?|<=|>=|=>|->
    | [()\[\]{}<>;]
    """,
    re.VERBOSE,
)


def first_too_deep(source: str) -> int | None:
    """Return the line, from 1, on which ``source`` passes ``MAX_NESTING`` levels; None: nowhere."""
    brackets = angles = 0
    for token in _TOKEN.finditer(source):
        match token.group():
            case "(" | "[":
                brackets += 1
            case "{":
                brackets, angles = brackets + 1, 0
            case ")" | "]":
                brackets = max(0, brackets - 1)
            case "}":
                brackets, angles = max(0, brackets - 1), 0
            case ";":
                angles = 0
            case "<":
                angles += 1
            case ">":
                angles = max(0, angles - 1)
            case _:
                continue
        if brackets + angles > MAX_NESTING:
            return source.count("\n", 0, token.start()) + 1
    return None
