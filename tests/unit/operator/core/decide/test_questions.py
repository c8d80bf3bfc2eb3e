"""A function of ``core.decide`` that answers ``bool`` or text asks only: it changes no draft.

What acts is a verb with a result of its own type, such as ``Progress`` or ``RequestResult``.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

from spark_operator.core import decide

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = Path(decide.__path__[0])
CHANGES: Final = frozenset({"set", "transition", "set_weight", "record", "requeue_at", "close"})
"""Methods of a draft that change it, beside the assignment of a member."""
ANSWERS: Final = frozenset({"bool", "str", "str | None", "bool | None"})


def _functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function of the package by ``module.name``."""
    for path in sorted(FOLDER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and path.stem != "draft":
                yield f"{path.stem}.{node.name}", node


def _called(node: ast.Call, module: str) -> str:
    match node.func:
        case ast.Name(id=name):
            return f"{module}.{name}"
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return f"{owner}.{name}"
        case _:
            return ""


def _changes_directly(function: ast.FunctionDef) -> bool:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="draft"), attr=name)):
                if name in CHANGES:
                    return True
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="draft"))]):
                return True
            case _:
                continue
    return False


def _acting(functions: dict[str, ast.FunctionDef]) -> set[str]:
    """Functions that change a draft, themselves or by what they call; imports go by their name."""
    acting = {name for name, node in functions.items() if _changes_directly(node)}
    own = {name.split(".")[1]: name for name in functions}
    while True:
        more = set(acting)
        for name, node in functions.items():
            module = name.split(".")[0]
            calls = {_called(it, module) for it in ast.walk(node) if isinstance(it, ast.Call)}
            known = {call if call in functions else own.get(call.split(".")[-1]) for call in calls}
            if known & acting:
                more.add(name)
        if more == acting:
            return acting
        acting = more


def test_questions_do_not_act() -> None:
    functions = dict(_functions())
    acting = _acting(functions)
    assert len(acting) > 50, "the search finds what acts"
    asked = {
        name
        for name, node in functions.items()
        if node.returns is not None and ast.unparse(node.returns) in ANSWERS
    }
    assert len(asked) > 50, "the search finds what asks"
    assert sorted(asked & acting) == []
