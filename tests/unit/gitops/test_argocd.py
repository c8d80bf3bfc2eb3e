"""Argo CD's health check and actions, run in Lua 5.1 with no more library than Argo CD gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime, lua_type

from dev import argocd
from spark_operator.api.resource import parse

FOLDER = Path(__file__).resolve().parents[3] / "manifests/gitops/argocd/SparkDeployment"
RESOURCES = {
    path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("testdata/*.yaml"))
}
HEALTH_TESTS = yaml.safe_load((FOLDER / "health_test.yaml").read_text())["tests"]
TOKEN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"
SANDBOX = """
local date, time = os.date, os.time
python, io, require, dofile, loadstring, package, debug, string = nil
os = { date = date, time = time }
"""


def run(script: str, resource: dict[str, Any]) -> Any:
    """What a script of Argo CD returns for the resource it finds in ``obj``."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.execute(SANDBOX)
    lua.globals()["obj"] = lua.table_from(resource, recursive=True)
    return plain(lua.execute((FOLDER / script).read_text()))


def plain(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    members = {key: plain(item) for key, item in value.items()}
    is_list = members and all(isinstance(key, int) for key in members)
    return list(members.values()) if is_list else members


def offered(name: str) -> set[str]:
    actions = run("actions/discovery.lua", RESOURCES[name])
    return {action for action, settings in actions.items() if not settings["disabled"]}


@pytest.mark.parametrize("case", HEALTH_TESTS, ids=lambda case: Path(case["inputPath"]).stem)
def test_health(case: dict[str, Any]) -> None:
    resource = RESOURCES[Path(case["inputPath"]).stem]
    assert run("health.lua", resource) == case["healthStatus"]


def test_every_resource_has_a_health_test_and_fits_the_models() -> None:
    tested = {Path(case["inputPath"]).stem for case in HEALTH_TESTS}
    assert tested == set(RESOURCES)
    for resource in RESOURCES.values():
        parse(resource)


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("new", {"pause"}),
        ("healthy", {"pause"}),
        ("guarding", {"pause", "abort"}),
        ("progressing", {"pause", "abort", "promote"}),
        ("paused", {"resume", "abort", "promote"}),
        ("rolling-back", {"pause"}),
        ("rolled-back", {"pause", "let-out"}),
        ("inconclusive", {"pause", "retry"}),
    ],
)
def test_only_what_makes_sense_now_is_offered(name: str, actions: set[str]) -> None:
    assert offered(name) == actions


def test_every_offered_action_is_defined() -> None:
    defined = {path.parent.name for path in FOLDER.glob("actions/*/action.lua")}
    assert set(run("actions/discovery.lua", RESOURCES["new"])) == defined


@pytest.mark.parametrize("name", ["promote", "abort", "retry"])
def test_request_is_an_annotation_with_a_token(name: str) -> None:
    before = RESOURCES["progressing"]
    after = run(f"actions/{name}/action.lua", before)
    annotations = after["metadata"].pop("annotations")
    assert list(annotations) == [f"spark.dev/{name}"]
    assert_token(annotations[f"spark.dev/{name}"])
    assert after["spec"] == before["spec"]


def assert_token(text: str) -> None:
    assert re.fullmatch(TOKEN, text)


def test_letting_out_names_the_release() -> None:
    resource = RESOURCES["rolled-back"]
    after = run("actions/let-out/action.lua", resource)
    release, token = after["metadata"]["annotations"]["spark.dev/let-out"].split("@")
    assert release == resource["status"]["failure"]["release"]
    assert_token(token)


def test_other_annotations_stay() -> None:
    resource = RESOURCES["progressing"]
    metadata = {**resource["metadata"], "annotations": {"team": "a"}}
    after = run("actions/abort/action.lua", {**resource, "metadata": metadata})
    assert after["metadata"]["annotations"]["team"] == "a"


def test_pausing_and_resuming_are_opposites() -> None:
    paused = run("actions/pause/action.lua", RESOURCES["progressing"])
    assert paused["spec"]["paused"] is True
    resumed = run("actions/resume/action.lua", paused)
    assert resumed["spec"] == RESOURCES["progressing"]["spec"]


def test_settings_carry_the_scripts_as_they_are() -> None:
    data = yaml.safe_load(argocd.settings())["data"]
    health = data["resource.customizations.health.spark.dev_SparkDeployment"]
    assert health == (FOLDER / "health.lua").read_text()
    actions = yaml.safe_load(data["resource.customizations.actions.spark.dev_SparkDeployment"])
    assert actions["discovery.lua"] == (FOLDER / "actions/discovery.lua").read_text()
    for definition in actions["definitions"]:
        path = FOLDER / "actions" / definition["name"] / "action.lua"
        assert definition["action.lua"] == path.read_text()
