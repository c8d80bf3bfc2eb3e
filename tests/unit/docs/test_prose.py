"""One dialect of prose: what docstrings, comments, messages and pages must not contain."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP: Final = Path(__file__).parents[3]
FORBIDDEN: Final = {
    "a contraction: write both words": r"\b\w+n['\u2019]t\b"
    r"|\b(?:it|that|there|what|who|he|she|let|here)['\u2019]s\b"
    r"|\b(?:i|you|we|they)['\u2019](?:re|ve|ll|d|m)\b",
    "an archaism: use a word of today": r"\b(?:naught|nought|thereof|therein|thereby|thereupon"
    r"|whereof|wherein|whereby|whereupon|hereof|herein|hereby|hitherto|henceforth|thence|whence"
    r"|hither|thither|lest|upon|whilst|amongst|unto|betwixt|albeit|notwithstanding|ere|shalt)\b",
    "dialect: write 'reconcile' or 'decision'": r"\b(?:each|every|a|one|the|this|last|next|same"
    r"|first|oldest|woken)\s+turn\b(?!\s+(?:of|in)\s+the\s+(?:role|conversation))"
    r"|\bturns (?:fail|by outcome)\b",
    "'since' takes the perfect tense: was, or has been": r"\bis (?:quarantined|paused|isolated|held"
    r"|frozen|stalled) since\b",
    "no verb of today: say that it does not count": r"\bspeaks? neither for nor against\b",
    "unclear: say in which way they differ": r"\b(?:is|are) not alike\b",
    "unclear: 'no longer' stands before the verb": r"\bis \w+ to no more\b",
    "'a trouble' is no English: write 'a problem'": r"\b(?:a|no) trouble\b(?!\w)",
    "a role of Sphinx: nothing here reads it": r":(?:class|func|meth|data|mod|attr):`",
}
"""What to write instead, and a pattern of what is forbidden."""
ALLOWED: Final = {
    # A change of a word in a prompt would empty every cache of scripts.
    ("spark_app/core/prompt.py", "a contraction: write both words"),
    # A turn of a conversation is what the providers' APIs call it.
    ("dev/providers/wire.py", "dialect: write 'reconcile' or 'decision'"),
}
SINGLE_BACKTICK: Final = re.compile(r"(?<!`)`(?!`)[^`\n]+`(?!`)")


class Passage(NamedTuple):
    """A piece of prose: where it stands, what it says, and whether it is a docstring or comment."""

    file: str
    line: int
    text: str
    code: bool


def spoken(file: str, source: str) -> Iterator[Passage]:
    """Yield the comments of a module of Python, its docstrings and its messages."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Passage(file, token.start[0], token.string, code=True)
    tree = ast.parse(source)
    statements = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield Passage(file, node.lineno, node.value, code=id(node) in statements)


def described(schema: object) -> Iterator[str]:
    """Yield the descriptions and the messages of a schema."""
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name in ("description", "message") and isinstance(value, str):
                yield value
            else:
                yield from described(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from described(item)


def passages() -> Iterator[Passage]:
    """Yield all prose of the repository that users or contributors read."""
    for folder in ("operator", "spark_app", "dev", "bench"):
        for path in sorted((TOP / folder).rglob("*.py")):
            yield from spoken(str(path.relative_to(TOP)), path.read_text())
    pages = [*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")]
    comments = sorted((TOP / "manifests").rglob("*.yaml"))
    for path in sorted(pages):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield Passage(str(path.relative_to(TOP)), number, line, code=False)
    for path in comments:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if "#" in line or "summary:" in line:
                yield Passage(str(path.relative_to(TOP)), number, line, code=False)
    crd = TOP / "crds" / "sparkdeployments.spark.dev.yaml"
    for text in described(yaml.safe_load(crd.read_text())):
        yield Passage(crd.name, 0, text, code=False)


def faults(passage: Passage) -> list[str]:
    """Return what is wrong with a passage, and what to write instead."""
    said = " ".join(passage.text.split())
    found = [
        f"{passage.file}:{passage.line}: {match[0]!r} is {rule}"
        for rule, pattern in FORBIDDEN.items()
        if (passage.file, rule) not in ALLOWED
        for match in re.finditer(pattern, said, re.IGNORECASE)
    ]
    if passage.code and SINGLE_BACKTICK.search(passage.text):
        found.append(f"{passage.file}:{passage.line}: single backticks: write ``name``")
    return found


def test_all_prose_is_in_one_dialect() -> None:
    found = [fault for passage in passages() for fault in faults(passage)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "# It doesn't matter.",
        "# Each turn begins with a read.",
        "# The sum thereof is kept.",
        '"""Return `name`."""',
        'print("the image is quarantined since noon")',
        'raise ValueError("no pod reports a trouble")',
    ],
)
def test_a_planted_line_is_found(line: str) -> None:
    assert [fault for passage in spoken("planted.py", line) for fault in faults(passage)]
