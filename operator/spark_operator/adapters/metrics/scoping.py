"""Users' PromQL held to the series of their own namespace.

A query is asked from where the operator stands and with a token that it holds: it could read what
its author may not. So a matcher for the namespace is put into every selector, and the result is
parsed by a maintained parser, which must find it there. What cannot be parsed is not asked.

Text between the tokens below is refused, so that no reader of PromQL can see other tokens than we.

Source: https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import promql_parser as promql

from spark_operator.core.observe.placeholders import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_CHARACTERS: Final = 4_096
MAX_DEPTH: Final = 24
"""Brackets within brackets: the parser's time grows faster than what it reads."""
MAX_OPERATORS: Final = 48
REMEMBERED: Final = 1_024
_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t\n]+)
    |(?P<string>"(?:[^"\\\n]|\\[^\n])*+"|'(?:[^'\\\n]|\\[^\n])*+'|`[^`\n]*+`)
    |(?P<number>[0-9][0-9A-Za-z_.]*+)
    |(?P<word>[A-Za-z_:][A-Za-z0-9_:]*+)
    |(?P<open>[(\[{])|(?P<close>[)\]}])
    |(?P<other>=~|!~|!=|==|>=|<=|[-+*/%^<>=,@.:])""",
    re.VERBOSE,
)
_LISTS: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
"""Words before labels in parentheses, which are no selectors."""
_KEYWORDS: Final = _LISTS | {
    *("and", "or", "unless", "atan2", "bool", "offset", "start", "end", "inf", "nan")
}
_OPERATORS: Final = frozenset({*"+-*/%^<>", "==", "!=", ">=", "<=", "and", "or", "unless", "atan2"})
_FORBIDDEN_CALLS: Final = frozenset({"info"})
"""Functions that read series which no selector names."""


class QueryRefusedError(Exception):
    """A query is not asked; the message says what to change."""


@lru_cache(maxsize=REMEMBERED)
def scoped(query: str, label: str, namespace: str) -> str:
    """Hold every selector of a query to one namespace.

    Args:
        query: PromQL, without placeholders.
        label: the one that holds a series' namespace.
        namespace: the only one that may be read.

    Raises:
        QueryRefusedError: the query cannot be parsed, or names another namespace.
    """
    if len(query) > MAX_CHARACTERS:
        raise QueryRefusedError(f"longer than {MAX_CHARACTERS} characters: shorten it")
    tokens = tuple(_tokens(query))
    _must_be_simple(tokens)
    text = "".join(_written(tokens, f'{label}="{escape(namespace)}"'))
    try:
        tree = promql.parse(text)
    except ValueError as error:
        raise QueryRefusedError(f"no PromQL that can be parsed: {str(error)[:100]}") from None
    promql.walk(tree, lambda node: _must_be_scoped(node, label, namespace))
    return text


def _tokens(query: str) -> Iterator[tuple[str, str]]:
    """Yield kinds and texts of tokens; blanks are left out."""
    at = 0
    while at < len(query):
        found = _TOKEN.match(query, at)
        if found is None:
            raise QueryRefusedError(
                f"no PromQL at character {at + 1}: leave out comments, and close what is quoted"
            )
        at = found.end()
        kind = found.lastgroup or ""
        if kind != "blank":
            yield kind, found[0]


def _must_be_simple(tokens: Sequence[tuple[str, str]]) -> None:
    depth = 0
    for kind, _ in tokens:
        depth += (kind == "open") - (kind == "close")
        if depth > MAX_DEPTH:
            raise QueryRefusedError(f"more than {MAX_DEPTH} brackets within each other")
    if sum(text.lower() in _OPERATORS for _, text in tokens) > MAX_OPERATORS:
        raise QueryRefusedError(f"more than {MAX_OPERATORS} operators: shorten it")


def _written(tokens: Sequence[tuple[str, str]], matcher: str) -> Iterator[str]:
    """Yield the query's tokens with a matcher in each selector, as far as words tell."""
    inside: list[str] = []
    for number, (kind, text) in enumerate(tokens):
        after = tokens[number + 1][1] if number + 1 < len(tokens) else ""
        yield f" {text}"
        if kind == "open":
            before = tokens[number - 1][1] if number else ""
            inside.append("labels" if text == "(" and before in _LISTS else text)
            if text == "{":
                yield matcher if after == "}" else f"{matcher},"
        elif kind == "close" and inside:
            inside.pop()
        elif kind == "word" and _is_selector(text, after, inside):
            yield f"{{{matcher}}}"


def _is_selector(word: str, after: str, inside: Sequence[str]) -> bool:
    """Whether a word is the name of a metric without braces of its own."""
    if inside and inside[-1] in ("labels", "{", "["):
        return False
    return after not in ("{", "(", "by", "without") and word.lower() not in _KEYWORDS


def _must_be_scoped(node: promql.Expr, label: str, namespace: str) -> bool:
    if isinstance(node, promql.Call) and node.func.name in _FORBIDDEN_CALLS:
        raise QueryRefusedError(f"{node.func.name}() reads series that it does not name")
    if not isinstance(node, promql.VectorSelector):
        return True
    name = node.name or "a selector"
    if node.matchers.or_matchers:
        raise QueryRefusedError(f"{name} has matchers joined by or: join two selectors instead")
    equal = {
        item.value
        for item in node.matchers.matchers
        if item.name == label and item.op == promql.MatchOp.Equal
    }
    if namespace not in equal:
        raise QueryRefusedError(f'{name} cannot be held to {label}="{namespace}": write it there')
    if equal != {namespace}:
        raise QueryRefusedError(f'{name} asks for another {label} than "{namespace}"')
    return True
