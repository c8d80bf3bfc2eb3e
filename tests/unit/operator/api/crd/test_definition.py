"""The CRD as a whole: bounded everywhere, and in the repository as the models give it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dev.generate import differences, expected, write
from spark_operator.api.crd.definition import custom_resource_definition
from spark_operator.api.spec import SparkDeploymentSpec
from spark_operator.api.strategy import Canary

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[5]
CLIENT_SIDE_APPLY_LIMIT = 262_144
"""Bytes that ``kubectl apply`` may write into its annotation."""


def version() -> dict[str, Any]:
    found: dict[str, Any] = custom_resource_definition()["spec"]["versions"][0]
    return found


def leaves(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema below one, itself included, with its path."""
    yield path, schema
    for name, value in schema.get("properties", {}).items():
        yield from leaves(value, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from leaves(schema[keyword], f"{path}[]")


def all_leaves() -> list[tuple[str, dict[str, Any]]]:
    root = version()["schema"]["openAPIV3Schema"]["properties"]
    return [*leaves(root["spec"], "spec"), *leaves(root["status"], "status")]


def is_bounded(schema: dict[str, Any]) -> bool:
    match schema["type"]:
        case "string":
            return bool({"maxLength", "enum", "format"} & set(schema))
        case "integer" | "number":
            return {"minimum", "maximum"} <= set(schema)
        case "array":
            return "maxItems" in schema
        case "object":
            return "properties" in schema or "maxProperties" in schema
        case kind:
            return bool(kind == "boolean")


@pytest.mark.parametrize(("path", "schema"), all_leaves(), ids=[path for path, _ in all_leaves()])
def test_every_value_is_bounded(path: str, schema: dict[str, Any]) -> None:
    assert is_bounded(schema), path


def test_every_field_says_what_it_is() -> None:
    mute = [
        path
        for path, schema in all_leaves()
        if not path.endswith("[]") and not schema.get("description", "").endswith((".", ":"))
    ]
    assert mute == []


def test_every_rule_tells_what_to_do() -> None:
    rules = [
        (path, item["message"])
        for path, schema in all_leaves()
        for item in schema.get("x-kubernetes-validations", [])
    ]
    assert len(rules) > 20
    imperative = ("set ", "write ", "use ")
    mute = [text for _, text in rules if ": " not in text and not text.startswith(imperative)]
    assert mute == []


def test_subresources_and_names() -> None:
    crd = custom_resource_definition()
    assert crd["spec"]["names"]["shortNames"] == ["sdep"]
    assert crd["spec"]["names"]["categories"] == ["spark"]
    assert version()["subresources"] == {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    }


def test_columns_are_those_an_operator_looks_for() -> None:
    columns = version()["additionalPrinterColumns"]
    plain = [column["name"] for column in columns if not column.get("priority")]
    assert plain == ["Phase", "Weight", "Step", "Stable", "Candidate", "Ready", "Age"]
    assert "Reason" in {column["name"] for column in columns if column.get("priority") == 1}


def test_plan_of_the_default_is_written_out_in_the_schema() -> None:
    canary = version()["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["strategy"][
        "properties"
    ]["canary"]
    assert Canary.model_validate(canary["default"]) == Canary()


def test_models_read_what_the_defaults_of_the_schema_give() -> None:
    properties = version()["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    filled = {name: field["default"] for name, field in properties.items() if "default" in field}
    spec = SparkDeploymentSpec.model_validate({"image": "a/b:1", **filled})
    assert spec == SparkDeploymentSpec(image="a/b:1")


def test_crd_fits_what_a_client_side_apply_can_carry() -> None:
    text = expected()["crds/sparkdeployments.spark.dev.yaml"]
    carried = json.dumps(yaml.safe_load(text), separators=(",", ":"))
    assert len(carried.encode()) < CLIENT_SIDE_APPLY_LIMIT / 2
    assert yaml.safe_load(text) == custom_resource_definition()


def test_repository_holds_what_the_models_give() -> None:
    assert list(differences(ROOT)) == []


def test_check_names_missing_changed_and_foreign_files(tmp_path: Path) -> None:
    write(tmp_path)
    assert list(differences(tmp_path)) == []
    (tmp_path / "docs/reference.md").unlink()
    (tmp_path / "crds/Kustomization").write_text("resources: []\n")
    (tmp_path / "crds/old.yaml").touch()
    assert list(differences(tmp_path)) == [
        "crds/Kustomization is not what the models give",
        "docs/reference.md is missing",
        "crds/old.yaml is no generated file: remove it",
    ]


def unused(value: Any, schema: dict[str, Any], path: str) -> set[str]:
    """Fields of the schema that the value does not use."""
    if schema.get("type") == "array":
        if "properties" not in schema["items"]:
            return set()
        together = {key: item[key] for item in value for key in item}
        return unused(together, schema["items"], f"{path}[]")
    missing: set[str] = set()
    for name, field in schema.get("properties", {}).items():
        if name not in value:
            missing.add(f"{path}.{name}")
        else:
            missing |= unused(value[name], field, f"{path}.{name}")
    return missing


def test_full_example_shows_every_field() -> None:
    example = yaml.safe_load((ROOT / "manifests/examples/full.yaml").read_text())
    schema = version()["schema"]["openAPIV3Schema"]["properties"]["spec"]
    # The sources exclude each other.
    other = {"spec.analysis.source.pods"}
    assert unused(example["spec"], schema, "spec") == other, "add them to the example"


def test_minimal_example_has_four_lines() -> None:
    assert len((ROOT / "manifests/examples/minimal.yaml").read_text().splitlines()) == 4


def test_every_link_of_the_reference_leads_to_a_heading() -> None:
    text = expected()["docs/reference.md"]
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}
    links = set(re.findall(r"\]\(#([^)]*)\)", text))
    assert links
    assert links <= anchors
