"""A Unity C# script, read, and what is wrong with it, by line.

The grammar is tree-sitter's: syntax only, no types. On top come Unity's own rules (Manual, "Naming
scripts" and "Creating components": the file is named after its one public class, and a
MonoBehaviour is made by the engine, so it has no constructor and is neither static nor generic).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from spark_app.core.rules.filenames import is_reserved
from spark_app.core.rules.language import newer_than_unity, twice_declared
from spark_app.core.rules.nesting import MAX_NESTING, first_too_deep
from spark_app.core.syntax import TYPES, TooSlowError, parse, text_of, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

MAX_FINDINGS = 20
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_TAG = re.compile(r"[\w#+-]*")
_DECLARES = re.compile(r"\b(?:class|struct|interface|enum|record)[ \t]+[A-Za-z_]")
_CSHARP_TAGS = frozenset({"csharp", "cs", "c#", "unity", ""})
_CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(if|elif|else|endif)\b")
_NEVER = 1 << 30
_SPACES: Final = frozenset(
    {"namespace_declaration", "file_scoped_namespace_declaration", "declaration_list"}
)
_COMPONENTS: Final = frozenset({"MonoBehaviour", "UnityEngine.MonoBehaviour"})
_ASSETS: Final = frozenset({"ScriptableObject", "UnityEngine.ScriptableObject"})
_MESSAGES: Final = (
    "Awake Start Update FixedUpdate LateUpdate OnEnable OnDisable OnDestroy OnGUI OnValidate"
    " Reset OnTriggerEnter OnTriggerExit OnTriggerStay OnCollisionEnter OnCollisionExit"
    " OnCollisionStay OnTriggerEnter2D OnTriggerExit2D OnTriggerStay2D OnCollisionEnter2D"
    " OnCollisionExit2D OnCollisionStay2D OnDrawGizmos OnDrawGizmosSelected OnMouseDown"
    " OnBecameVisible OnBecameInvisible OnApplicationPause OnApplicationFocus OnApplicationQuit"
)
# Blanks, not \s: that would go through all empty lines again from each of them.
_EDITOR = re.compile(r"^[ \t]*using[ \t]+UnityEditor\b", re.MULTILINE)
_CLASSES = frozenset({"class_declaration", "record_declaration"})
_MARK = "\ufeff"
_USING = "using_directive"
_CREATION = "object_creation_expression"
_BY_LOWER = {name.lower(): name for name in _MESSAGES.split()}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, at a line counted from 1."""

    line: int
    message: str

    def __str__(self) -> str:
        """Write it as a compiler prints it."""
        return f"line {self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a script is: its main class ('' where there is none), what forbids it, what is odd."""

    class_name: str
    problems: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        """Whether Unity would take the file, as far as syntax tells."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class _Type:
    node: Node
    kind: str
    name: str
    modifiers: frozenset[str]
    bases: tuple[str, ...]

    @property
    def line(self) -> int:
        return self.node.start_point.row + 1

    @property
    def engine_made(self) -> frozenset[str]:
        """Those of its bases whose heirs Unity creates itself."""
        return (_COMPONENTS | _ASSETS) & set(self.bases)


def extract_code(answer: str) -> str:
    """Take the C# out of a model's answer: the longest fitting fence, or all where none is."""
    text = answer.replace("\r\n", "\n")
    fitting = [code for tag, code in _fenced(text) if tag in _CSHARP_TAGS and code.strip()]
    return (max(fitting, key=len) if fitting else text).strip() + "\n"


def holds_code(answer: str) -> bool:
    """Whether a model's answer has any C# in it, right or wrong: a fence for it, or a type."""
    text = answer.replace("\r\n", "\n")
    if any(tag in _CSHARP_TAGS and code.strip() for tag, code in _fenced(text)):
        return True
    return "{" in text and _DECLARES.search(text) is not None


def _fenced(text: str) -> Iterator[tuple[str, str]]:
    # Line by line: a pattern over the whole would go through long blanks again and again.
    tag: str | None = None
    kept: list[str] = []
    for line in text.split("\n"):
        bare = line.strip(" \t")
        if tag is None and bare.startswith("```"):
            found = _TAG.match(bare[3:].lstrip(" \t"))
            tag, kept = found.group().lower() if found else "", []
        elif tag is not None and bare == "```":
            yield tag, "\n".join(kept)
            tag = None
        elif tag is not None:
            kept.append(line)
    if tag is not None:
        yield tag, "\n".join(kept)


def analyse(code: str, script_name: str | None = None) -> Analysis:
    """Check a script.

    Args:
        code: the file's text.
        script_name: what the file is to be called, without ``.cs``; None takes the class's name.
    """
    source = _first_branches(code.removeprefix(_MARK))
    problems = list(islice(_fences(code), MAX_FINDINGS))
    if (line := first_too_deep(source)) is not None:
        advice = f"nested deeper than {MAX_NESTING} levels; write a simpler file"
        return Analysis("", _bounded([*problems, Finding(line, advice)]), ())
    try:
        root = parse(source.encode())
    except TooSlowError:
        problems.append(Finding(1, "the code takes too long to read; write a simpler file"))
        return Analysis("", _bounded(problems), ())
    if root.has_error:
        problems += islice(_syntax(root), MAX_FINDINGS)
        return Analysis("", _bounded(problems), ())
    types = list(_types(root))
    main = _main(types, script_name)
    problems += _naming(types, main, script_name)
    for found in (newer_than_unity(root), twice_declared(root)):
        problems += islice((Finding(line, said) for line, said in found), MAX_FINDINGS)
    warnings: list[Finding] = []
    if main is not None:
        problems += _unity_problems(main, root)
        warnings += _unity_warnings(main, code)
    return Analysis(main.name if main else "", _bounded(problems), _bounded(warnings))


def _bounded(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: finding.line)[:MAX_FINDINGS])


def _first_branches(code: str) -> str:
    # The grammar stumbles over #if inside a declaration (tree-sitter-c-sharp#377), so the
    # conditions are resolved here, always by their first branch; lines keep their numbers.
    if "#" not in code:
        return code
    kept: list[str] = []
    depth, first = 0, _NEVER  # how many #if are open; that whose first branch is over, of all
    for line in code.split("\n"):
        directive = _CONDITIONAL.match(line)
        if directive is None:
            kept.append("" if first <= depth else line)
            continue
        kept.append("")
        word = directive.group(1)
        if word == "if":
            depth += 1
        elif depth and word == "endif":
            first = _NEVER if first == depth else first
            depth -= 1
        elif depth:
            first = min(first, depth)
    return "\n".join(kept)


def _fences(code: str) -> Iterator[Finding]:
    for number, line in enumerate(code.split("\n"), start=1):
        if line.lstrip().startswith("```"):
            yield Finding(number, "a Markdown fence is left in the code; remove it")


def _syntax(root: Node) -> Iterator[Finding]:
    found = False
    for node in walk(root, lambda node: node.has_error):
        line = node.start_point.row + 1
        if node.is_missing:
            yield Finding(line, f"'{node.type}' is missing")
        elif node.is_error:
            text = " ".join(text_of(node)[:400].split())[:40]
            yield Finding(line, f"syntax error near '{text}'")
        found = found or node.is_missing or node.is_error
    if not found:
        yield Finding(1, "syntax error")


def _types(root: Node) -> Iterator[_Type]:
    for node in walk(root, lambda node: node == root or node.type in _SPACES):
        if node.type in TYPES:
            yield _describe(node)


def _describe(node: Node) -> _Type:
    name = node.child_by_field_name("name")
    modifiers = frozenset(text_of(c) for c in node.named_children if c.type == "modifier")
    bases = next((c for c in node.named_children if c.type == "base_list"), None)
    return _Type(
        node,
        node.type,
        text_of(name) if name else "",
        modifiers,
        tuple(text_of(base) for base in bases.named_children) if bases else (),
    )


def _main(types: list[_Type], script_name: str | None) -> _Type | None:
    public = [found for found in types if "public" in found.modifiers]
    if not public and not any(found.kind in _CLASSES for found in types):
        public = types
    named = [found for found in public if found.name == script_name]
    made = [found for found in public if found.engine_made]
    classes = [found for found in public if found.kind in _CLASSES]
    return next(iter([*named, *made, *classes, *public]), None)


def _naming(types: list[_Type], main: _Type | None, script_name: str | None) -> Iterator[Finding]:
    if main is None:
        line = types[0].line if types else 1
        yield Finding(line, "there is no public class; Unity needs one, named like the file")
        return
    if not _IDENTIFIER.fullmatch(main.name) or is_reserved(main.name):
        yield Finding(
            main.line, f"the class name '{main.name}' cannot be a file's name; choose another"
        )
    for other in types:
        if "public" in other.modifiers and other.engine_made and other.name != main.name:
            yield Finding(
                other.line,
                f"'{other.name}' is a second public class; move it to a file of its own",
            )
    # Unity finds what it makes itself by the file's name, and asks nothing of other types.
    if script_name is not None and main.name != script_name and main.engine_made:
        yield Finding(
            main.line,
            f"the class is '{main.name}' but the file would be '{script_name}.cs'; name them alike",
        )


def _unity_problems(main: _Type, root: Node) -> Iterator[Finding]:
    if not main.engine_made:
        return
    base = next(iter(main.engine_made))
    if "." not in base and not any(
        node.type == _USING and text_of(node.named_children[-1]) == "UnityEngine"
        for node in walk(root, lambda node: node == root or node.type in _SPACES)
    ):
        yield Finding(main.line, f"'{base}' is unknown here; add 'using UnityEngine;'")
    if "static" in main.modifiers:
        yield Finding(main.line, f"a {base} cannot be static")
    generic = any(child.type == "type_parameter_list" for child in main.node.named_children)
    if generic and "abstract" not in main.modifiers:
        yield Finding(main.line, f"a {base} cannot be generic: Unity cannot create it")
    for member in _members(main):
        if member.type == "constructor_declaration":
            yield Finding(
                member.start_point.row + 1,
                f"a {base} has no constructor: Unity creates it; initialise in Awake",
            )
    for node in walk(root):
        made = node.child_by_field_name("type") if node.type == _CREATION else None
        if made is not None and text_of(made) == main.name:
            advice = "AddComponent" if base in _COMPONENTS else "ScriptableObject.CreateInstance"
            yield Finding(
                made.start_point.row + 1, f"'new {main.name}()' makes no {base}; use {advice}"
            )


def _unity_warnings(main: _Type, code: str) -> Iterator[Finding]:
    if not _COMPONENTS & set(main.bases):
        return
    if "abstract" in main.modifiers:
        yield Finding(main.line, "an abstract MonoBehaviour cannot be attached to a GameObject")
    if "UNITY_EDITOR" not in code and _EDITOR.search(code):
        yield Finding(1, "UnityEditor is not there in a built game; guard it with #if UNITY_EDITOR")
    for member in _members(main):
        if member.type != "method_declaration":
            continue
        node = member.child_by_field_name("name")
        name = text_of(node) if node else ""
        meant = _BY_LOWER.get(name.lower())
        if meant is not None and meant != name:
            yield Finding(
                member.start_point.row + 1,
                f"'{name}' is never called by Unity; is '{meant}' meant?",
            )


def _members(found: _Type) -> list[Node]:
    body = found.node.child_by_field_name("body")
    return body.named_children if body else []
