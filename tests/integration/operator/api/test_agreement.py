"""What the apiserver lets through, the operator can read, and both fill in the same defaults."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spark_operator.api.crd.definition import custom_resource_definition
from spark_operator.api.resource import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

SCHEMA = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"][
    "properties"
]["spec"]
BATCH = 30
ASCII = st.characters(min_codepoint=33, max_codepoint=126)


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values inside the bounds of a schema; rules between fields may still refuse them."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    makers: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
        "boolean": lambda _: st.booleans(),
        "integer": lambda found: st.integers(found["minimum"], found["maximum"]),
        "number": lambda found: st.floats(found["minimum"], found["maximum"]),
        "array": lists,
        "object": objects,
        "string": texts,
    }
    return makers[schema["type"]](schema)


def lists(schema: dict[str, Any]) -> st.SearchStrategy[list[Any]]:
    most = min(schema["maxItems"], 2)
    return st.lists(values(schema["items"]), min_size=schema.get("minItems", 0), max_size=most)


def objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "additionalProperties" in schema:
        keys = st.from_regex("[A-Z_]{1,9}", fullmatch=True)
        return st.dictionaries(keys, values(schema["additionalProperties"]), max_size=2)
    required = set(schema.get("required", []))
    fields = {name: values(field) for name, field in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )


def texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    rules = [item["rule"] for item in schema.get("x-kubernetes-validations", [])]
    patterns = [schema["pattern"]] if "pattern" in schema else []
    patterns += [
        json.loads(found[1])
        for rule in rules
        if (found := re.fullmatch(r"self\.matches\((.*)\)", rule))
    ]
    if schema.get("format") == "date-time":
        times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - drawn as UTC
        return times.map(lambda time: time.isoformat(timespec="seconds") + "Z")
    if not patterns:
        return st.text(ASCII, max_size=min(schema["maxLength"], 8))
    made = st.from_regex(patterns[0], fullmatch=True, alphabet=ASCII)
    return made.filter(lambda text: len(text) <= schema["maxLength"])


def specs() -> st.SearchStrategy[dict[str, Any]]:
    """Specs that keep the rules that random values would break nearly always."""
    secret = {"anthropicAPIKey": {"name": "keys", "key": "claude"}}
    fields = {name: values(field) for name, field in SCHEMA["properties"].items()}
    fields["strategy"] = st.sampled_from(
        [{}, {"canary": {}}, {"canary": {"steps": [{"weight": 50}, {"weight": 100}]}}]
    )
    fields["secrets"] = values(SCHEMA["properties"]["secrets"]).map(lambda made: made | secret)
    image, secrets = fields.pop("image"), fields.pop("secrets")
    return st.fixed_dictionaries({"image": image, "secrets": secrets}, optional=fields)


def documents(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects that kubectl prints one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        found, at = decoder.raw_decode(text, at)
        yield from found.get("items", [found])
        at += len(text[at:]) - len(text[at:].lstrip())


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(specs(), min_size=BATCH, max_size=BATCH))
def test_accepted_is_readable_and_defaults_agree(
    kubectl: Kubectl, made: list[dict[str, Any]]
) -> None:
    items = [
        {
            "apiVersion": "spark.dev/v1alpha1",
            "kind": "SparkDeployment",
            "metadata": {"name": f"s{i}", "namespace": "default"},
            "spec": spec,
        }
        for i, spec in enumerate(made)
    ]
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    done = kubectl.try_run("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=body)
    accepted = list(documents(done.stdout))
    assert len(accepted) > BATCH / 10, done.stderr
    for stored in accepted:
        assert parse(stored).spec.to_dict() == stored["spec"]
