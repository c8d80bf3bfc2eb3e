"""The field reference in Markdown, written from the CRD's schema alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

_VALIDATIONS: Final = "x-kubernetes-validations"
_LIST_TYPE: Final = "x-kubernetes-list-type"
_LIST_KEYS: Final = "x-kubernetes-list-map-keys"


def reference(crd: Schema) -> str:
    """Return a section per object of the resource, in the schema's order, ending in a newline."""
    version = crd["spec"]["versions"][0]
    root = version["schema"]["openAPIV3Schema"]
    names = crd["spec"]["names"]
    known_as = f"short name `{names['shortNames'][0]}`, category `{names['categories'][0]}`"
    lines = [
        f"# {names['kind']} reference",
        "",
        f"`{crd['spec']['group']}/{version['name']}`, {known_as}. {root['description']}",
        "",
        "An object that breaks a bound or a rule below is refused by `kubectl apply`.",
        "`kubectl explain sdep.spec --recursive` shows the same from the cluster.",
        "",
        *_rules(root, "Rules on the whole object"),
    ]
    sections = _Sections()
    for name in ("spec", "status"):
        lines += sections.section(name, root["properties"][name])
    return "\n".join([*lines, *_columns(version)]) + "\n"


class _Sections:
    """A writer of each distinct object once; equal ones refer to the first."""

    def __init__(self) -> None:
        self._written: dict[str, str] = {}

    def section(self, path: str, schema: Schema) -> list[str]:
        """Return the object at ``path`` as a table, then the objects inside it."""
        self._written[_identity(schema)] = path
        lines = [f"## `{path}`", "", schema.get("description", ""), ""]
        fields = schema.get("properties", {})
        if not fields:
            return [*lines, "No fields yet: an empty object `{}` chooses it.", ""]
        lines += ["| Field | Type | Default | Bounds | Meaning |", "|---|---|---|---|---|"]
        nested: list[tuple[str, Schema]] = []
        required = schema.get("required", [])
        for name, field in fields.items():
            lines.append(self._row(name, field, f"{path}.{name}", required, nested))
        lines += ["", *_rules(schema, "Rules")]
        for inner, field in nested:
            lines += self.section(inner, field)
        return lines

    def _row(
        self,
        name: str,
        field: Schema,
        path: str,
        required: list[str],
        nested: list[tuple[str, Schema]],
    ) -> str:
        kind = _kind(field)
        inner, inner_path = (
            (field["items"], f"{path}[]") if field.get("type") == "array" else (field, path)
        )
        if "properties" in inner:
            known = self._written.get(_identity(inner))
            if known is None:
                self._written[_identity(inner)] = known = inner_path
                nested.append((inner_path, inner))
            kind = f"[{kind}](#{_anchor(known)})"
        default = "required" if name in required else _default(field)
        bounds = "; ".join(_bounds(field))
        cells = (f"`{name}`", kind, default, bounds, field["description"])
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _identity(schema: Schema) -> str:
    shape = {key: value for key, value in schema.items() if key not in {"description", "default"}}
    return json.dumps(shape, sort_keys=True)


def _anchor(path: str) -> str:
    return "".join(char for char in path.lower() if char.isalnum() or char in "-_")


def _kind(field: Schema) -> str:
    if field.get("type") == "array":
        kind = f"list of {_kind(field['items'])}s"
        if field.get(_LIST_TYPE) == "map":
            kind += f" by `{'`, `'.join(field[_LIST_KEYS])}`"
        return kind
    if "additionalProperties" in field:
        return f"map of {_kind(field['additionalProperties'])}s"
    if field.get("format") == "date-time":
        return "time"
    return str(field.get("type", "integer or string"))


def _default(field: Schema) -> str:
    if "default" not in field or field["default"] in ({}, [], ""):
        return ""
    value = field["default"]
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _bounds(field: Schema) -> Iterator[str]:
    if "enum" in field:
        yield "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    elif "minimum" in field and "maximum" in field:
        yield f"{field['minimum']} to {field['maximum']}"
    for keyword, unit in (
        ("maxLength", "characters"),
        ("maxItems", "entries"),
        ("maxProperties", "entries"),
    ):
        if keyword in field:
            yield f"at most {field[keyword]} {unit}"
    if field.get("minItems"):
        yield f"at least {field['minItems']}"
    if "pattern" in field:
        yield f"`{field['pattern']}`"


def _rules(schema: Schema, title: str) -> list[str]:
    found = [
        f"`{item.get('fieldPath', '.').lstrip('.') or 'all of it'}`: {item['message']}"
        for item in schema.get(_VALIDATIONS, [])
    ]
    for name, field in schema.get("properties", {}).items():
        if "properties" not in field:
            messages = [item["message"] for item in field.get(_VALIDATIONS, [])]
            found += [f"`{name}`: {message.removeprefix(f'{name}: ')}" for message in messages]
    if not found:
        return []
    return [f"{title} (what is refused, and what to do):", "", *(f"- {x}" for x in found), ""]


def _columns(version: Schema) -> list[str]:
    rows = [
        f"| {column['name']} | `{column['jsonPath']}` | {column['description']}"
        f"{' (with `-o wide`)' if column.get('priority') else ''} |"
        for column in version["additionalPrinterColumns"]
    ]
    heading = "## Columns of `kubectl get sdep`"
    return [heading, "", "| Column | From | Meaning |", "|---|---|---|", *rows]
