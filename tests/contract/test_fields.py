"""Who set which field, and how additions are taken out; true of both API servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from spark_operator.core.apply.drift import stripping
from spark_operator.ports.cluster import ConflictError, GoneError
from tests.contract.test_api_server import apply, deployment, env_of, merge, service

if TYPE_CHECKING:
    from tests.contract.conftest import Api

MORE: Final = {"name": "more", "port": 81, "targetPort": 81, "protocol": "TCP"}
LABEL: Final = {"metadata": {"labels": {"team": "a"}}}


def held(found: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Fields by manager and operation."""
    return {
        (entry["manager"], entry["operation"]): entry["fieldsV1"]
        for entry in found["metadata"]["managedFields"]
    }


async def edit(api: Api, found: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Change an object as somebody who does not apply."""
    plural = {"Service": "services", "Deployment": "deployments"}[found["kind"]]
    path = api.path(plural, found["metadata"]["name"], found["apiVersion"])
    return await merge(api, f"{path}?fieldManager=somebody", patch)


def environment(found: dict[str, Any], *more: dict[str, str]) -> dict[str, Any]:
    """A merge patch that adds environment variables to the only container."""
    (container,) = found["spec"]["template"]["spec"]["containers"]
    changed = container | {"env": [*container.get("env", []), *more]}
    return {"spec": {"template": {"spec": {"containers": [changed]}}}}


async def test_a_manager_holds_what_it_applied_and_no_default(api: Api) -> None:
    found = await apply(api, service(api))
    assert held(found) == {
        ("spark-operator", "Apply"): {
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {
                "f:ports": {
                    'k:{"port":80,"protocol":"TCP"}': {
                        ".": {},
                        "f:name": {},
                        "f:port": {},
                        "f:protocol": {},
                        "f:targetPort": {},
                    }
                },
                "f:selector": {},
            },
        }
    }


async def test_who_adds_something_holds_it(api: Api) -> None:
    made = await apply(api, service(api))
    ports = [*service(api)["spec"]["ports"], MORE]
    found = await edit(api, made, LABEL | {"spec": {"ports": ports}})
    mine = held(found)["somebody", "Update"]
    assert mine["f:metadata"]["f:labels"] == {"f:team": {}}
    assert list(mine["f:spec"]["f:ports"]) == ['k:{"port":81,"protocol":"TCP"}']
    assert held(found)["spark-operator", "Apply"] == held(made)["spark-operator", "Apply"]


async def test_who_changes_something_takes_it_and_an_apply_takes_it_back(api: Api) -> None:
    made = await apply(api, service(api))
    found = await edit(api, made, {"metadata": {"labels": {"app": "other"}}})
    assert held(found)["somebody", "Update"] == {"f:metadata": {"f:labels": {"f:app": {}}}}
    assert "f:metadata" not in held(found)["spark-operator", "Apply"]
    again = await apply(api, service(api))
    assert held(again) == held(made)


async def test_what_is_removed_is_held_by_nobody(api: Api) -> None:
    made = await apply(api, service(api))
    await edit(api, made, LABEL)
    found = await edit(api, made, {"metadata": {"labels": {"team": None, "app": None}}})
    assert list(held(found)) == [("spark-operator", "Apply")]
    assert "f:metadata" not in held(found)["spark-operator", "Apply"]


async def test_an_environment_variable_is_held_by_its_name(api: Api) -> None:
    made = await apply(api, deployment(api, [{"name": "ONE", "value": "1"}]))
    found = await edit(api, made, environment(made, {"name": "X", "value": "2"}))
    container = held(found)["somebody", "Update"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert container['k:{"name":"spark"}']["f:env"] == {
        'k:{"name":"X"}': {".": {}, "f:name": {}, "f:value": {}}
    }


@pytest.mark.parametrize("what", ["label", "port", "selector", "field"])
async def test_what_was_added_to_a_service_is_taken_out(api: Api, what: str) -> None:
    wanted = service(api)
    made = await apply(api, wanted)
    ports = [*wanted["spec"]["ports"], MORE]
    changes: dict[str, dict[str, Any]] = {
        "label": LABEL,
        "port": {"spec": {"ports": ports}},
        "selector": {"spec": {"selector": {"team": "a"}}},
        "field": {"spec": {"sessionAffinity": "ClientIP"}},
    }
    live = await edit(api, made, changes[what])
    strip = stripping(wanted, live)
    # A selector is one value as a whole: an apply puts it right.
    assert (strip is None) == (what == "selector")
    if strip is not None:
        await api.cluster.strip(strip)
    found = await apply(api, wanted)
    assert found["spec"] == made["spec"]
    assert found["metadata"]["labels"] == {"app": "spark"}
    assert stripping(wanted, found) is None


async def test_what_was_added_to_the_pods_is_taken_out(api: Api) -> None:
    wanted = deployment(api, [{"name": "ONE", "value": "1"}])
    made = await apply(api, wanted)
    live = await edit(api, made, environment(made, {"name": "X", "value": "2"}))
    assert env_of(live) == {"ONE": "1", "X": "2"}
    strip = stripping(wanted, live)
    assert strip is not None
    await api.cluster.strip(strip)
    found = await api.cluster.request("GET", api.path("deployments", "spark", "apps/v1"))
    assert env_of(found) == {"ONE": "1"}
    assert found["spec"] == made["spec"]
    with pytest.raises(ConflictError):
        await api.cluster.strip(strip)


async def test_nothing_is_taken_out_of_what_is_gone(api: Api) -> None:
    wanted = service(api)
    live = await edit(api, await apply(api, wanted), LABEL)
    strip = stripping(wanted, live)
    assert strip is not None
    await api.cluster.request("DELETE", api.path("services", "spark"))
    with pytest.raises(GoneError):
        await api.cluster.strip(strip)
