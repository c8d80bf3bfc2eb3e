"""From pydantic's JSON schema to the structural OpenAPI v3 schema that a CRD holds.

Strict on purpose: a keyword that has no equal in a structural schema, or a value without bounds,
is an error when the CRD is generated and never a surprise in a cluster.

Source of the rules: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/\
custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from spark_operator.api.crd.cel import PATTERN_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

Schema = dict[str, Any]

INT32_MAX: Final = 2**31 - 1
LIST_TYPE: Final = "x-kubernetes-list-type"
LIST_KEYS: Final = "x-kubernetes-list-map-keys"
MAP_TYPE: Final = "x-kubernetes-map-type"
VALIDATIONS: Final = "x-kubernetes-validations"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"

_COMMON: Final = frozenset({"description", "default", "type", VALIDATIONS})
_DROPPED: Final = frozenset({"title", "examples", "readOnly", "$defs"})
_RULE_KEYS: Final = ("rule", "message", "messageExpression", "fieldPath", "reason")
_FORMATS: Final = frozenset({"date-time"})
_ORDER: Final = (
    "description",
    "type",
    "format",
    INT_OR_STRING,
    "enum",
    "default",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    LIST_TYPE,
    LIST_KEYS,
    MAP_TYPE,
    "required",
    "properties",
    "additionalProperties",
    "items",
    VALIDATIONS,
)


class SchemaError(Exception):
    """A model can't be written as a structural schema; the message names the field and the cure."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


def structural(
    model: type[BaseModel],
    path: str,
    *,
    mode: Literal["validation", "serialization"] = "validation",
) -> Schema:
    """Write a model as a structural schema, every reference inlined.

    Args:
        model: the model, whose properties go by their wire names.
        path: where it stands in the resource, such as ``spec``; used in error messages.
        mode: ``validation`` for what users write, with defaults; ``serialization`` for what the
            operator writes, where a default of the API server's would only hide what is missing.

    Raises:
        SchemaError: the model uses what a structural schema has no word for, leaves a value
            without bounds, or a field without description.
    """
    source = model.model_json_schema(mode=mode, by_alias=True)
    return _Writer(source.get("$defs", {}), with_defaults=mode == "validation").write(source, path)


class _Writer:
    """One conversion: the definitions it may refer to, and those it is inside of."""

    def __init__(self, definitions: Schema, *, with_defaults: bool) -> None:
        self._definitions = definitions
        self._with_defaults = with_defaults
        self._inside: list[str] = []
        self._by_type: dict[str, Callable[[Schema, str], Schema]] = {
            "string": _string,
            "integer": _number,
            "number": _number,
            "boolean": _boolean,
            "array": self._array,
            "object": self._object,
        }

    def write(self, source: Schema, path: str) -> Schema:
        """Convert one node and all below it."""
        depth = len(self._inside)
        node = self._resolve(source, path)
        if node.get(INT_OR_STRING):
            written = _int_or_string(node, path)
        else:
            kind = node.get("type")
            if kind not in self._by_type:
                raise SchemaError(path, f"type {kind!r} has no structural form: use another type")
            written = self._by_type[kind](node, path)
        del self._inside[depth:]
        return self._finish(node, written, path)

    def _resolve(self, source: Schema, path: str) -> Schema:
        node = {key: value for key, value in source.items() if key not in _DROPPED}
        while True:
            if "$ref" in node:
                node = _overlay(self._definition(node["$ref"], path), _without(node, "$ref"))
            elif "allOf" in node and len(node["allOf"]) == 1:
                node = _overlay(node["allOf"][0], _without(node, "allOf"))
            elif "anyOf" in node:
                node = _merge_union(node, path)
            elif "const" in node:
                node = {"enum": [node["const"]], **_without(node, "const")}
            else:
                return {key: value for key, value in node.items() if key not in _DROPPED}

    def _definition(self, reference: str, path: str) -> Schema:
        name = reference.rsplit("/", 1)[-1]
        if name in self._inside:
            raise SchemaError(path, f"{name} contains itself: a structural schema can't recurse")
        self._inside.append(name)
        definition: Schema = self._definitions[name]
        return definition

    def _finish(self, node: Schema, written: Schema, path: str) -> Schema:
        if "description" in node:
            written["description"] = " ".join(node["description"].split())
        validations = [_checked_rule(item, path) for item in node.get(VALIDATIONS, [])]
        validations += written.pop(VALIDATIONS, [])
        if validations:
            written[VALIDATIONS] = validations
        if self._with_defaults and node.get("default") is not None:
            written["default"] = minimal_default(node["default"], written)
        return {key: written[key] for key in _ORDER if key in written}

    def _array(self, node: Schema, path: str) -> Schema:
        own = {"items", "minItems", "maxItems", "uniqueItems", LIST_TYPE, LIST_KEYS}
        _refuse_unknown(node, own, path)
        if "items" not in node:
            raise SchemaError(path, "list without item type: declare tuple[ITEM, ...]")
        if "maxItems" not in node:
            raise SchemaError(path, "list without bound: give Field(max_length=)")
        items = self.write(node["items"], f"{path}[]")
        written = {"type": "array", "items": items, **_only(node, "minItems", "maxItems")}
        written[LIST_TYPE] = node.get(LIST_TYPE, "set" if node.get("uniqueItems") else "atomic")
        if written[LIST_TYPE] == "map":
            written[LIST_KEYS] = _checked_map_keys(node, items, path)
        return written

    def _object(self, node: Schema, path: str) -> Schema:
        own = {"properties", "required", "additionalProperties", "propertyNames", MAP_TYPE}
        _refuse_unknown(node, own | {"minProperties", "maxProperties"}, path)
        extra = node.get("additionalProperties", False)
        if extra is not False:
            return self._map(node, path)
        written: Schema = {"type": "object", **_only(node, "required", MAP_TYPE)}
        written["properties"] = {
            name: self._property(value, f"{path}.{name}")
            for name, value in node.get("properties", {}).items()
        }
        return written

    def _property(self, node: Schema, path: str) -> Schema:
        written = self.write(node, path)
        if not written.get("description"):
            raise SchemaError(path, "no description: give Field(description=)")
        return written

    def _map(self, node: Schema, path: str) -> Schema:
        values = node["additionalProperties"]
        if not isinstance(values, dict) or not values:
            raise SchemaError(path, "map of anything: declare dict[KEY, VALUE] with bounded types")
        if node.get("properties"):
            raise SchemaError(path, "fields and free keys together: split them into two objects")
        if "maxProperties" not in node:
            raise SchemaError(path, "map without bound: give Field(max_length=)")
        names = node.get("propertyNames", {})
        if set(names) - {"type"} != {"maxLength"}:
            raise SchemaError(path, "keys: declare dict[Annotated[str, Field(max_length=)], VALUE]")
        written = {"type": "object", **_only(node, "minProperties", "maxProperties", MAP_TYPE)}
        written["additionalProperties"] = self.write(values, f"{path}.*")
        longest = names["maxLength"]
        written[VALIDATIONS] = [
            {
                "rule": f"self.all(key, size(key) <= {longest})",
                "message": f"a key may have at most {longest} characters: shorten it",
            }
        ]
        return written


def minimal_default(value: Any, schema: Schema) -> Any:
    """Leave out of a default what the API server fills in from the defaults below it.

    An object with CEL rules keeps its whole default: the API server runs the rules on a default
    as it stands, before it fills anything in.  Absent members (``None``) are left out as well.
    """
    if isinstance(value, dict) and "properties" in schema:
        if VALIDATIONS in schema:
            return _present(value)
        fields = schema["properties"]
        kept = {key: minimal_default(item, fields[key]) for key, item in _present(value).items()}
        return {k: item for k, item in kept.items() if item != fields[k].get("default")}
    if isinstance(value, list | tuple):
        return [minimal_default(item, schema["items"]) for item in value]
    return value


def _present(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_present(item) for item in value]
    return value


def _overlay(under: Schema, over: Schema) -> Schema:
    """Let a field's keywords override its type's, but for rules: both kinds hold."""
    both = [*under.get(VALIDATIONS, []), *over.get(VALIDATIONS, [])]
    return {**under, **over, **({VALIDATIONS: both} if both else {})}


def _merge_union(node: Schema, path: str) -> Schema:
    members = [member for member in node["anyOf"] if member.get("type") != "null"]
    rest = _without(node, "anyOf")
    if len(members) == 1:
        return _overlay(members[0], rest)
    if {member.get("type") for member in members} == {"integer", "string"}:
        limits = {key: value for member in members for key, value in member.items()}
        return {**_without(limits, "type"), **rest, INT_OR_STRING: True}
    raise SchemaError(path, "union of types: use one object with optional members and a CEL rule")


def _string(node: Schema, path: str) -> Schema:
    own = {"enum", "pattern", "minLength", "maxLength", "format", PATTERN_MESSAGE}
    _refuse_unknown(node, own, path)
    if node.get("format", "date-time") not in _FORMATS:
        raise SchemaError(path, f"format {node['format']!r}: use a pattern and a length instead")
    if not {"enum", "maxLength", "format"} & set(node):
        raise SchemaError(path, "string without bound: give Field(max_length=)")
    written = {"type": "string", **_only(node, "enum", "minLength", "maxLength", "format")}
    if PATTERN_MESSAGE in node:
        return {**written, VALIDATIONS: [_pattern_rule(node, path)]}
    return {**written, **_only(node, "pattern")}


def _pattern_rule(node: Schema, path: str) -> Schema:
    if "pattern" not in node:
        raise SchemaError(path, "message for a pattern, but no pattern: give Field(pattern=)")
    return {
        "rule": f"self.matches({json.dumps(node['pattern'])})",
        "message": node[PATTERN_MESSAGE],
    }


def _number(node: Schema, path: str) -> Schema:
    own = {"enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    _refuse_unknown(node, own, path)
    written = {"type": node["type"], **_only(node, "enum", "minimum", "maximum")}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if exclusive in node:
            written |= {bound: node[exclusive], exclusive: True}
    if "enum" not in node and not {"minimum", "maximum"} <= set(written):
        raise SchemaError(path, "number without both bounds: give Field(ge=, le=)")
    if node["type"] == "integer":
        reach = max(abs(written.get("minimum", 0)), abs(written.get("maximum", 0)))
        written["format"] = "int32" if reach <= INT32_MAX else "int64"
    return written


def _int_or_string(node: Schema, path: str) -> Schema:
    own = {INT_OR_STRING, "minimum", "maximum", "minLength", "maxLength", "pattern"}
    _refuse_unknown(node, own, path)
    if not {"minimum", "maximum", "maxLength"} <= set(node):
        raise SchemaError(path, "int or string: bound both, with ge=, le= and with max_length=")
    return {INT_OR_STRING: True, **_only(node, "minimum", "maximum", "maxLength", "pattern")}


def _boolean(node: Schema, path: str) -> Schema:
    _refuse_unknown(node, {"enum"}, path)
    return {"type": "boolean", **_only(node, "enum")}


def _checked_rule(item: Schema, path: str) -> Schema:
    unknown = set(item) - set(_RULE_KEYS)
    if unknown or "rule" not in item:
        raise SchemaError(path, f"CEL rule with {sorted(unknown) or 'no rule'}: use base.rule()")
    if not item.get("message"):
        raise SchemaError(path, "CEL rule without message: say what to change")
    return _only(item, *_RULE_KEYS)


def _checked_map_keys(node: Schema, items: Schema, path: str) -> list[str]:
    keys: list[str] = node.get(LIST_KEYS, [])
    properties = items.get("properties", {})
    fixed = set(items.get("required", [])) | {
        name for name, value in properties.items() if "default" in value
    }
    if not keys or set(keys) - fixed:
        raise SchemaError(path, f"list map keys {keys}: each must be a required or defaulted field")
    return keys


def _refuse_unknown(node: Schema, own: set[str], path: str) -> None:
    unknown = sorted(set(node) - own - _COMMON)
    if unknown:
        raise SchemaError(path, f"{', '.join(unknown)}: no equal in a structural schema: leave out")


def _only(node: Schema, *keys: str) -> Schema:
    return {key: node[key] for key in keys if key in node}


def _without(node: Schema, *keys: str) -> Schema:
    return {key: value for key, value in node.items() if key not in keys}
