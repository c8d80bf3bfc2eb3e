"""Each keyword that pydantic writes, and what a structural schema makes of it."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from spark_operator.api.crd.cel import explained, rule, rules
from spark_operator.api.crd.schema import SchemaError, structural

HOLDS = rule("self == self", "always: change nothing")


class Inner(BaseModel):
    """An inner object."""

    name: str = Field(max_length=10, description="Its name.")
    size: int = Field(1, ge=1, le=9, description="Its size.")


class Guarded(BaseModel):
    """An inner object with a rule of its own."""

    model_config = ConfigDict(json_schema_extra=rules(HOLDS))

    size: int = Field(1, ge=1, le=9, description="Its size.")


class Loop(BaseModel):
    """An object that contains itself."""

    again: Loop | None = Field(None, description="Itself.")


def field(annotation: Any, default: Any = ..., **extra: Any) -> dict[str, Any]:
    """The structural schema of one field of a model made for it."""
    model = create_model("M", x=(annotation, Field(default, description="What it is.", **extra)))
    written: dict[str, Any] = structural(model, "spec")["properties"]["x"]
    return written


def test_references_are_inlined_and_keep_the_fields_own_description() -> None:
    assert field(Inner) == {
        "description": "What it is.",
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"description": "Its name.", "type": "string", "maxLength": 10},
            "size": {
                "description": "Its size.",
                "type": "integer",
                "format": "int32",
                "default": 1,
                "minimum": 1,
                "maximum": 9,
            },
        },
    }


def test_optional_is_the_type_itself_without_default_or_null() -> None:
    assert field(Annotated[str, Field(max_length=5)] | None, None) == {
        "description": "What it is.",
        "type": "string",
        "maxLength": 5,
    }


def test_optional_object_keeps_its_rules_and_those_of_the_field() -> None:
    more = rule("self.size > 0", "size: write a positive number")
    written = field(Guarded | None, None, json_schema_extra=rules(more))
    assert written["x-kubernetes-validations"] == [HOLDS, more]


def test_constant_becomes_an_enumeration_of_one() -> None:
    assert field(Literal["a"])["enum"] == ["a"]


def test_enumeration_needs_no_other_bound() -> None:
    assert field(Literal["a", "b"])["enum"] == ["a", "b"]


@pytest.mark.parametrize(
    ("bounds", "written"),
    [
        ({"ge": 0, "le": 5}, {"minimum": 0, "maximum": 5, "format": "int32"}),
        (
            {"gt": 0, "lt": 5},
            {
                "minimum": 0,
                "exclusiveMinimum": True,
                "maximum": 5,
                "exclusiveMaximum": True,
                "format": "int32",
            },
        ),
        ({"ge": 0, "le": 2**31 - 1}, {"minimum": 0, "maximum": 2**31 - 1, "format": "int32"}),
        ({"ge": 0, "le": 2**31}, {"minimum": 0, "maximum": 2**31, "format": "int64"}),
        ({"ge": -(2**40), "le": 0}, {"minimum": -(2**40), "maximum": 0, "format": "int64"}),
    ],
)
def test_integers_carry_both_bounds_and_the_format_they_fit(
    bounds: dict[str, int], written: dict[str, Any]
) -> None:
    assert field(int, **bounds) == {"description": "What it is.", "type": "integer", **written}


def test_number_has_no_integer_format() -> None:
    assert field(float, ge=0, le=1) == {
        "description": "What it is.",
        "type": "number",
        "minimum": 0,
        "maximum": 1,
    }


def test_integer_or_string_has_no_type() -> None:
    either = (
        Annotated[int, Field(ge=0, le=9)] | Annotated[str, Field(max_length=4, pattern="^[0-9]%$")]
    )
    assert field(either) == {
        "description": "What it is.",
        "x-kubernetes-int-or-string": True,
        "minimum": 0,
        "maximum": 9,
        "maxLength": 4,
        "pattern": "^[0-9]%$",
    }


def test_time_is_bounded_by_its_format() -> None:
    assert field(datetime) == {
        "description": "What it is.",
        "type": "string",
        "format": "date-time",
    }


def test_list_is_atomic_unless_told_otherwise() -> None:
    written = field(tuple[Annotated[str, Field(max_length=3)], ...], max_length=4, min_length=1)
    assert written == {
        "description": "What it is.",
        "type": "array",
        "minItems": 1,
        "maxItems": 4,
        "x-kubernetes-list-type": "atomic",
        "items": {"type": "string", "maxLength": 3},
    }


def test_python_set_becomes_a_list_of_type_set() -> None:
    written = field(frozenset[Annotated[str, Field(max_length=3)]], max_length=4)
    assert written["x-kubernetes-list-type"] == "set"


def test_list_map_is_keyed_by_required_fields() -> None:
    keys = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    written = field(tuple[Inner, ...], max_length=4, json_schema_extra=keys)
    assert written["x-kubernetes-list-type"] == "map"
    assert written["x-kubernetes-list-map-keys"] == ["name"]


def test_map_bounds_entries_keys_and_values() -> None:
    key, value = Annotated[str, Field(max_length=3)], Annotated[str, Field(max_length=4)]
    assert field(dict[key, value], max_length=2) == {  # type: ignore[valid-type]
        "description": "What it is.",
        "type": "object",
        "maxProperties": 2,
        "additionalProperties": {"type": "string", "maxLength": 4},
        "x-kubernetes-validations": [
            {
                "rule": "self.all(key, size(key) <= 3)",
                "message": "a key may have at most 3 characters: shorten it",
            }
        ],
    }


def test_explained_pattern_becomes_a_rule_whose_message_says_the_cure() -> None:
    written = field(
        str, max_length=9, pattern=r"^\d'\"$", json_schema_extra=explained("x: write a digit")
    )
    assert "pattern" not in written
    assert written["x-kubernetes-validations"] == [
        {"rule": 'self.matches("^\\\\d\'\\\\\\"$")', "message": "x: write a digit"}
    ]


def test_forbidden_extras_leave_no_trace() -> None:
    class Closed(BaseModel):
        """A closed object."""

        model_config = ConfigDict(extra="forbid")

    assert "additionalProperties" not in field(Closed)


def test_default_leaves_out_what_lower_defaults_fill_in() -> None:
    assert field(Inner, Inner(name="a", size=1))["default"] == {"name": "a"}


def test_default_of_an_object_with_rules_is_whole_because_rules_see_it_unfilled() -> None:
    assert field(Guarded, Guarded())["default"] == {"size": 1}


def test_default_of_a_list_is_trimmed_item_by_item() -> None:
    written = field(tuple[Inner, ...], (Inner(name="a"), Inner(name="b", size=2)), max_length=3)
    assert written["default"] == [{"name": "a"}, {"name": "b", "size": 2}]


def test_what_the_operator_writes_has_no_defaults() -> None:
    written = structural(Inner, "status", mode="serialization")
    assert "default" not in written["properties"]["size"]


@pytest.mark.parametrize(
    ("annotation", "extra", "problem"),
    [
        (str, {}, "spec.x: string without bound: give Field(max_length=)"),
        (int, {"ge": 0}, "spec.x: number without both bounds"),
        (float, {"le": 0}, "spec.x: number without both bounds"),
        (tuple[Inner, ...], {}, "spec.x: list without bound"),
        (list[Any], {"max_length": 3}, "spec.x[]: type None has no structural form"),
        (dict[str, Any], {"max_length": 3}, "spec.x: map of anything"),
        (dict[str, Inner], {"max_length": 3}, "spec.x: keys: declare dict"),
        (
            dict[Annotated[str, Field(max_length=3)], Inner],
            {},
            "spec.x: map without bound",
        ),
        (Inner | Guarded, {}, "spec.x: union of types"),
        (Annotated[int, Field(ge=0, le=1)] | str, {}, "spec.x: int or string: bound both"),
        (Loop, {}, "spec.x.again: Loop contains itself"),
        (Decimal, {}, "spec.x: union of types"),
        (tuple[int, str], {}, "spec.x: prefixItems: no equal"),
        (
            Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})],
            {},
            "spec.x: format 'uuid'",
        ),
        (int, {"ge": 0, "le": 4, "multiple_of": 2}, "spec.x: multipleOf: no equal"),
        (
            Annotated[str, Field(max_length=1)],
            {"json_schema_extra": {"x-mine": 1}},
            "spec.x: x-mine: no equal",
        ),
        (
            Annotated[str, Field(max_length=1)],
            {"json_schema_extra": rules({"rule": "true", "message": ""})},
            "spec.x: CEL rule without message",
        ),
        (
            Annotated[str, Field(max_length=1)],
            {"json_schema_extra": rules({"rule": "true", "message": "m", "when": "now"})},
            "spec.x: CEL rule with ['when']",
        ),
        (
            Annotated[str, Field(max_length=1)],
            {"json_schema_extra": explained("write a digit")},
            "spec.x: message for a pattern, but no pattern",
        ),
        (
            Annotated[tuple[Inner, ...], Field(max_length=3)],
            {
                "json_schema_extra": {
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["other"],
                }
            },
            "spec.x: list map keys ['other']",
        ),
    ],
)
def test_what_a_structural_schema_cannot_say_is_refused_with_field_and_cure(
    annotation: Any, extra: dict[str, Any], problem: str
) -> None:
    with pytest.raises(SchemaError, match=re.escape(problem)):
        field(annotation, **extra)


def test_field_without_description_is_refused() -> None:
    model = create_model("M", x=(Annotated[str, Field(max_length=1)], ...))
    with pytest.raises(SchemaError, match=r"spec\.x: no description"):
        structural(model, "spec")
