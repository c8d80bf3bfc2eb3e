"""What is in C# today and not in the C# 9 that Unity 2022 compiles; and what is declared twice.

The grammar reads every version. Sources: Microsoft's "The history of C#", and Unity's Manual, "C#
compiler", which also leaves ``init`` and so positional records out of C# 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_app.core.syntax import TYPES, text_of, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tree_sitter import Node

_NODES = {
    "file_scoped_namespace_declaration": "a namespace without braces is C# 10; write namespace { }",
    "raw_string_literal": "a raw string is C# 11; write an ordinary or a verbatim one",
    "string_literal_encoding": "a UTF-8 literal is C# 11; use Encoding.UTF8.GetBytes",
    "collection_expression": "a collection expression is C# 12; write new[] { } or new List<T>",
    "list_pattern": "a list pattern is C# 11; compare length and elements",
    "global_statement": "a statement outside of a type; Unity calls no top-level code",
}
_MODIFIERS = {
    "required": "'required' is C# 11; leave it out",
    "file": "'file' is C# 11; leave it out",
}
_SCOPES = frozenset({"compilation_unit", "declaration_list"})
_INIT = "'init' needs a type that Unity's libraries lack; write 'set' or a constructor"


def newer_than_unity(root: Node) -> Iterator[tuple[int, str]]:
    """Lines, counted from 1, with what Unity's compiler refuses, and what to write instead."""
    types = [node for node in walk(root, lambda node: node.type != "block") if node.type in TYPES]
    # Unity's own advice for who wants ``init``.
    initialises = any(_name(node) == "IsExternalInit" for node in types)
    for node in walk(root):
        said = _NODES.get(node.type)
        if said is None and (check := _CHECKS.get(node.type)) is not None:
            said = check(node)
        if said is not None and not (initialises and said is _INIT):
            yield node.start_point.row + 1, said


def _modifier(node: Node) -> str | None:
    return _MODIFIERS.get(text_of(node))


def _using(node: Node) -> str | None:
    is_global = node.children[0].type == "global"
    return "'global using' is C# 10; write 'using' in each file" if is_global else None


def _interpolated(node: Node) -> str | None:
    quotes = [child for child in node.children if child.type == "interpolation_quote"]
    return _NODES["raw_string_literal"] if quotes else None


def _record(node: Node) -> str | None:
    if _has(node, "struct"):
        return "'record struct' is C# 10; write a struct"
    return _INIT if _has(node, "parameter_list") else None


def _accessor(node: Node) -> str | None:
    return _INIT if _has(node, "init") else None


def _attribute(node: Node) -> str | None:
    return "a generic attribute is C# 11; pass typeof(T)" if _has(node, "generic_name") else None


def _primary(node: Node) -> str | None:
    listed = _has(node, "parameter_list")
    return "a primary constructor is C# 12; write a constructor" if listed else None


def _constructor(node: Node) -> str | None:
    if not _in_struct(node) or _parameters(node):
        return None
    return "a struct's constructor without parameters is C# 10; use a static method"


def _declarator(node: Node) -> str | None:
    field = node.parent.parent if node.parent is not None else None
    if field is None or field.type != "field_declaration" or not _has(node, "="):
        return None
    if not _in_struct(field) or "const" in _modifiers(field):
        return None
    return "a struct's field with a value is C# 10; set it in a constructor"


_CHECKS: dict[str, Callable[[Node], str | None]] = {
    "modifier": _modifier,
    "using_directive": _using,
    "interpolated_string_expression": _interpolated,
    "record_declaration": _record,
    "accessor_declaration": _accessor,
    "attribute": _attribute,
    "class_declaration": _primary,
    "struct_declaration": _primary,
    "interface_declaration": _primary,
    "constructor_declaration": _constructor,
    "variable_declarator": _declarator,
}


def twice_declared(root: Node) -> Iterator[tuple[int, str]]:
    """Lines of types and members that are there a second time in the same place."""
    for scope in walk(root):
        if scope.type not in _SCOPES:
            continue
        seen: set[tuple[object, ...]] = set()
        for node in scope.named_children:
            for signature in _signatures(node):
                if signature in seen:
                    yield node.start_point.row + 1, f"'{signature[0]}' is declared twice"
                seen.add(signature)


def _signatures(node: Node) -> list[tuple[object, ...]]:
    match node.type:
        case "method_declaration" if not _has(node, "explicit_interface_specifier"):
            return [] if _is_partial(node) else [(_name(node), _arity(node), *_parameters(node))]
        case "constructor_declaration":
            return [(_name(node), "constructor", _is_static(node), *_parameters(node))]
        case "property_declaration" if not _has(node, "explicit_interface_specifier"):
            return [(_name(node),)]
        case "field_declaration" | "event_field_declaration":
            declared = next((c for c in node.named_children if c.type == _VARIABLES), None)
            names = declared.named_children if declared else []
            return [(_name(one),) for one in names if one.type == "variable_declarator"]
        case kind if kind in TYPES and not _is_partial(node):
            return [(_name(node), "type", _arity(node))]
        case _:
            return []


_VARIABLES = "variable_declaration"


def _name(node: Node) -> str:
    name = node.child_by_field_name("name")
    return text_of(name) if name else ""


def _arity(node: Node) -> int:
    listed = next((c for c in node.named_children if c.type == "type_parameter_list"), None)
    return 0 if listed is None else len(listed.named_children)


def _parameters(node: Node) -> tuple[str, ...]:
    listed = node.child_by_field_name("parameters")
    found = []
    for parameter in listed.named_children if listed else ():
        kind = parameter.child_by_field_name("type")
        # The compiler tells ``ref`` and ``out`` from a value, but not from each other.
        by_reference = any(text_of(c) in {"ref", "out", "in"} for c in parameter.children)
        words = "".join(text_of(kind).split()) if kind else text_of(parameter)
        found.append(f"{'&' if by_reference else ''}{words}")
    return tuple(found)


def _has(node: Node, kind: str) -> bool:
    return any(child.type == kind for child in node.children)


def _modifiers(node: Node) -> frozenset[str]:
    return frozenset(text_of(child) for child in node.children if child.type == "modifier")


def _is_partial(node: Node) -> bool:
    return "partial" in _modifiers(node)


def _is_static(node: Node) -> bool:
    return "static" in _modifiers(node)


def _in_struct(node: Node) -> bool:
    body = node.parent
    return (
        body is not None
        and body.parent is not None
        and body.parent.type == "struct_declaration"
        and not _is_static(node)
    )
