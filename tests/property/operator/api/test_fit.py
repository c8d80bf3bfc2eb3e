"""However full a status is, it is written in 64 KiB and still says what decides."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from spark_operator.api.crd.definition import custom_resource_definition
from spark_operator.api.status.fit import MAX_STATUS_BYTES, fit, size
from spark_operator.api.status.status import SparkDeploymentStatus

SCHEMA: dict[str, Any] = custom_resource_definition()["spec"]["versions"][0]["schema"][
    "openAPIV3Schema"
]["properties"]["status"]
TEXTS = {"message"}
"""Fields whose words come from outside, so that each character may take four bytes."""


def fullest(schema: dict[str, Any], name: str = "") -> Any:
    """The largest value that a schema lets through."""
    kind = schema["type"]
    if kind == "object":
        return {key: fullest(item, key) for key, item in schema["properties"].items()}
    if kind == "array":
        return [fullest(schema["items"])] * schema["maxItems"]
    if kind == "string":
        return longest(schema, name)
    return schema.get("maximum", False)


def longest(schema: dict[str, Any], name: str) -> str:
    if "enum" in schema:
        return str(max(schema["enum"], key=len))
    if "format" in schema:
        return "2026-11-24T06:00:00.000Z"
    return ("\U0001f525" if name in TEXTS else "a") * int(schema["maxLength"])


FULLEST: dict[str, Any] = fullest(SCHEMA)


def test_fullest_status_that_the_schema_allows_fits() -> None:
    assert size(FULLEST) > MAX_STATUS_BYTES
    fitted = fit(FULLEST)
    assert size(fitted) <= MAX_STATUS_BYTES
    for name in ("stable", "candidate", "previous"):
        assert fitted[name]["release"] == FULLEST[name]["release"]
    for name in ("release", "digest", "reason"):
        assert [item[name] for item in fitted["quarantine"]] == [
            item[name] for item in FULLEST["quarantine"]
        ]
    assert fitted["requests"] == FULLEST["requests"], "one that is forgotten is carried out again"
    assert [item["status"] for item in fitted["conditions"]] == [
        item["status"] for item in FULLEST["conditions"]
    ]


def test_nothing_is_changed_in_place() -> None:
    before = copy.deepcopy(FULLEST)
    fit(FULLEST)
    assert before == FULLEST


ledgers = st.lists(
    st.fixed_dictionaries({"at": st.just("t"), "message": st.text(max_size=512)}), max_size=40
)


@given(ledgers, st.integers(200, 40_000))
def test_entries_go_oldest_first_and_only_when_they_must(
    ledger: list[dict[str, str]], limit: int
) -> None:
    status = {"phase": "Stable", "ledger": ledger}
    fitted = fit(status, limit)
    if size(status) <= limit:
        assert fitted == status
        return
    kept = len(fitted["ledger"])
    assert 1 <= kept <= len(ledger)
    messages = [item["message"] for item in fitted["ledger"]]
    assert all(
        whole["message"].startswith(part)
        for whole, part in zip(ledger[:kept], messages, strict=True)
    )


def test_empty_status_of_the_models_is_returned_as_it_is() -> None:
    status = SparkDeploymentStatus().to_dict()
    assert fit(status) == status
