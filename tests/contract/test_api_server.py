"""What the operator relies on of an API server; true of the simulated one and of the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from spark_operator.adapters.kubernetes.client import APPLY, MERGE
from spark_operator.api.base import API_VERSION, KIND, PLURAL
from spark_operator.core.apply.diff import UNSEEN
from spark_operator.core.apply.volume_refresh import Touch
from spark_operator.ports.cluster import ConflictError, GoneError, RefusedError

if TYPE_CHECKING:
    from tests.contract.conftest import Api

UID: Final = "11111111-1111-4111-8111-111111111111"
QUERY: Final = "?fieldManager=spark-operator&force=true&fieldValidation=Strict"
NOW: Final = "2026-01-01T00:00:00Z"


async def make_resource(api: Api) -> dict[str, Any]:
    keys = {"anthropicAPIKey": {"name": "providers", "key": "anthropic"}}
    body = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "spark", "namespace": api.namespace},
        "spec": {"image": "spark:1", "secrets": keys},
    }
    return await api.cluster.request("POST", api.path(PLURAL, version=API_VERSION), body)


def resource_path(api: Api, subresource: str = "") -> str:
    return api.path(PLURAL, f"spark{subresource}", API_VERSION)


async def write_status(api: Api, seen: dict[str, Any], phase: str = "Stable") -> dict[str, Any]:
    body = {**seen, "status": {"phase": phase}}
    return await api.cluster.request("PUT", resource_path(api, "/status"), body)


def service(api: Api, **spec: Any) -> dict[str, Any]:
    port = {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "spark", "namespace": api.namespace, "labels": {"app": "spark"}},
        "spec": {"selector": {"app": "spark"}, "ports": [port]} | spec,
    }


async def apply(api: Api, manifest: dict[str, Any], **meta: str) -> dict[str, Any]:
    plural = {"Service": "services", "Deployment": "deployments"}[manifest["kind"]]
    path = api.path(plural, manifest["metadata"]["name"], manifest["apiVersion"])
    body = manifest | {"metadata": manifest["metadata"] | meta}
    return await api.cluster.request("PATCH", path + QUERY, body, content_type=APPLY)


async def merge(api: Api, path: str, patch: dict[str, Any]) -> dict[str, Any]:
    return await api.cluster.request("PATCH", path, patch, content_type=MERGE)


def deployment(api: Api, env: list[dict[str, str]], **spec: Any) -> dict[str, Any]:
    labels = {"app": "spark"}
    container = {"name": "spark", "image": "spark:1", "env": env}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "spark", "namespace": api.namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template} | spec,
    }


def env_of(found: dict[str, Any]) -> dict[str, str]:
    entries = found["spec"]["template"]["spec"]["containers"][0]["env"]
    return {entry["name"]: entry["value"] for entry in entries}


async def test_what_is_created_has_an_identity_and_is_there_once(api: Api) -> None:
    made = await make_resource(api)
    assert made["metadata"]["uid"]
    assert made["metadata"]["resourceVersion"]
    assert made["metadata"]["generation"] == 1
    with pytest.raises(ConflictError):
        await make_resource(api)


async def test_what_is_not_there_is_gone(api: Api) -> None:
    with pytest.raises(GoneError):
        await api.cluster.request("GET", api.path("services", "nobody"))
    with pytest.raises(GoneError):
        await api.cluster.request("DELETE", api.path("services", "nobody"))
    assert await api.cluster.get(api.path("services", "nobody")) is None


async def test_a_list_selects_by_label_and_names_no_kind(api: Api) -> None:
    await apply(api, service(api))
    found = await api.cluster.request("GET", api.path("services") + "?labelSelector=app%3Dspark")
    assert [item["metadata"]["name"] for item in found["items"]] == ["spark"]
    assert "kind" not in found["items"][0]
    none = await api.cluster.request("GET", api.path("services") + "?labelSelector=app%3Dother")
    assert not none["items"]


async def test_only_the_spec_raises_the_generation(api: Api) -> None:
    made = await make_resource(api)
    stored = await write_status(api, made)
    labelled = await merge(api, resource_path(api), {"metadata": {"labels": {"a": "b"}}})
    edited = await merge(api, resource_path(api), {"spec": {"replicas": 3}})
    found = [it["metadata"]["generation"] for it in (made, stored, labelled, edited)]
    assert found == [1, 1, 1, 2]


async def test_status_and_spec_are_written_apart(api: Api) -> None:
    made = await make_resource(api)
    stored = await write_status(api, made | {"spec": {**made["spec"], "image": "spark:2"}})
    assert stored["spec"]["image"] == "spark:1"
    assert stored["status"]["phase"] == "Stable"
    body = stored | {"spec": {**stored["spec"], "image": "spark:2"}, "status": {"phase": "Pending"}}
    edited = await api.cluster.request("PUT", resource_path(api), body)
    assert edited["spec"]["image"] == "spark:2"
    assert edited["status"]["phase"] == "Stable"


async def test_a_status_decided_on_something_older_is_refused(api: Api) -> None:
    made = await make_resource(api)
    await write_status(api, made)
    with pytest.raises(ConflictError):
        await write_status(api, made, "Pending")


async def test_a_status_without_a_version_is_refused(api: Api) -> None:
    made = await make_resource(api)
    meta = {key: it for key, it in made["metadata"].items() if key != "resourceVersion"}
    with pytest.raises(RefusedError):
        await write_status(api, made | {"metadata": meta})


async def test_a_status_for_another_object_of_that_name_is_refused(api: Api) -> None:
    made = await make_resource(api)
    with pytest.raises(ConflictError):
        await write_status(api, made | {"metadata": made["metadata"] | {"uid": UID}})


async def test_a_status_of_what_is_gone_is_refused(api: Api) -> None:
    made = await make_resource(api)
    await api.cluster.request("DELETE", resource_path(api))
    with pytest.raises(GoneError):
        await write_status(api, made)


async def test_what_changes_nothing_makes_no_version(api: Api) -> None:
    made = await make_resource(api)
    stored = await write_status(api, made)
    again = await write_status(api, stored)
    applied, twice = [await apply(api, service(api)) for _ in range(2)]
    assert stored["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]
    assert applied["metadata"]["resourceVersion"] == twice["metadata"]["resourceVersion"]


async def test_apply_takes_back_what_somebody_changed(api: Api) -> None:
    await apply(api, service(api))
    path = api.path("services", "spark")
    await merge(api, path, {"spec": {"selector": {"app": "other"}}, "metadata": {"labels": None}})
    found = await apply(api, service(api))
    assert found["spec"]["selector"] == {"app": "spark"}
    assert found["metadata"]["labels"] == {"app": "spark"}


async def test_apply_replaces_a_selector_as_a_whole(api: Api) -> None:
    await apply(api, service(api))
    await merge(api, api.path("services", "spark"), {"spec": {"selector": {"tier": "gold"}}})
    found = await apply(api, service(api))
    assert found["spec"]["selector"] == {"app": "spark"}


async def test_apply_leaves_what_others_added(api: Api) -> None:
    await apply(api, service(api))
    ports = [*service(api)["spec"]["ports"], {"name": "more", "port": 81, "protocol": "TCP"}]
    patch = {"metadata": {"labels": {"team": "a"}}, "spec": {"ports": ports}}
    await merge(api, api.path("services", "spark"), patch)
    found = await apply(api, service(api))
    assert found["metadata"]["labels"] == {"app": "spark", "team": "a"}
    assert [port["port"] for port in found["spec"]["ports"]] == [80, 81]


async def test_apply_removes_what_it_applies_no_longer(api: Api) -> None:
    one, two = {"name": "ONE", "value": "1"}, {"name": "TWO", "value": "2"}
    await apply(api, deployment(api, [one, two], minReadySeconds=5))
    found = await apply(api, deployment(api, [two]))
    assert env_of(found) == {"TWO": "2"}
    assert found["spec"].get("minReadySeconds", 0) == 0


async def test_apply_over_another_version_than_the_one_seen_is_refused(api: Api) -> None:
    made = await apply(api, service(api))
    await merge(api, api.path("services", "spark"), {"metadata": {"labels": {"a": "b"}}})
    with pytest.raises(ConflictError):
        await apply(api, service(api), resourceVersion=made["metadata"]["resourceVersion"])


async def test_apply_with_a_version_alone_creates_what_is_gone(api: Api) -> None:
    made = await apply(api, service(api), resourceVersion="999999")
    assert made["metadata"]["uid"]


async def test_apply_with_an_identity_creates_nothing_and_changes_nothing_else(api: Api) -> None:
    with pytest.raises(ConflictError):
        await apply(api, service(api), uid=UID)
    made = await apply(api, service(api))
    with pytest.raises(RefusedError):
        await apply(api, service(api), uid=UID)
    meta = {key: made["metadata"][key] for key in ("uid", "resourceVersion")}
    again = await apply(api, service(api, selector={"app": "other"}), **meta)
    assert again["spec"]["selector"] == {"app": "other"}


async def test_apply_with_the_version_nobody_has_creates_and_never_changes(api: Api) -> None:
    await apply(api, service(api), resourceVersion=UNSEEN)
    with pytest.raises(ConflictError):
        await apply(api, service(api, selector={"app": "other"}), resourceVersion=UNSEEN)


async def test_a_merge_patch_replaces_lists_over_what_was_seen(api: Api) -> None:
    made = await apply(api, service(api))
    path = api.path("services", "spark")
    meta = {key: made["metadata"][key] for key in ("uid", "resourceVersion")}
    port = {"name": "more", "port": 81, "protocol": "TCP", "targetPort": 81}
    found = await merge(api, path, {"metadata": meta, "spec": {"ports": [port]}})
    assert [port["port"] for port in found["spec"]["ports"]] == [81]
    with pytest.raises(ConflictError):
        await merge(api, path, {"metadata": meta, "spec": {"ports": []}})


async def test_two_controllers_of_one_object_are_refused(api: Api) -> None:
    def owned(uid: str) -> dict[str, Any]:
        owner = {"apiVersion": API_VERSION, "kind": KIND, "name": "spark", "uid": uid}
        manifest = service(api)
        meta = manifest["metadata"] | {"ownerReferences": [owner | {"controller": True}]}
        return manifest | {"metadata": meta}

    await apply(api, owned(UID))
    other = owned(UID.replace("1", "2"))
    other["metadata"]["ownerReferences"] += owned(UID)["metadata"]["ownerReferences"]
    with pytest.raises(RefusedError):
        await apply(api, other)


async def test_delete_minds_the_identity(api: Api) -> None:
    made = await apply(api, service(api))
    path = api.path("services", "spark")

    async def delete(**preconditions: str) -> None:
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        await api.cluster.request("DELETE", path, options)

    uid, version = (made["metadata"][key] for key in ("uid", "resourceVersion"))
    with pytest.raises(ConflictError):
        await delete(uid=UID)
    with pytest.raises(ConflictError):
        await delete(uid=uid, resourceVersion="1")
    await delete(uid=uid, resourceVersion=version)
    assert await api.cluster.get(path) is None


async def test_a_pod_on_a_node_is_given_time_to_end(api: Api) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "spark", "namespace": api.namespace},
        "spec": {"nodeName": "node", "containers": [{"name": "spark", "image": "spark:1"}]},
    }
    await api.cluster.request("POST", api.path("pods"), pod)
    await api.cluster.request("DELETE", api.path("pods", "spark"))
    found = await api.cluster.get(api.path("pods", "spark"))
    assert found is not None
    assert "deletionTimestamp" in found["metadata"]


async def test_an_event_is_counted(api: Api) -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "spark.1", "namespace": api.namespace},
        "involvedObject": {"kind": KIND, "name": "spark", "namespace": api.namespace},
        "reason": "Promoted",
        "count": 1,
        "firstTimestamp": NOW,
        "lastTimestamp": NOW,
    }
    await api.cluster.request("POST", api.path("events"), event)
    found = await merge(api, api.path("events", "spark.1"), {"count": 2})
    assert (found["count"], found["reason"]) == (2, "Promoted")


async def test_a_pod_is_annotated_and_one_that_is_gone_is_no_error(api: Api) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "told", "annotations": {"other": "stays"}},
        "spec": {"containers": [{"name": "spark", "image": "spark:1"}]},
    }
    await api.cluster.request("POST", api.path("pods"), pod)
    for name in ("told", "gone"):
        touch = Touch(name, (("spark.dev/live", "new"),))
        await api.cluster.annotate(api.namespace, touch)
    found = await api.cluster.request("GET", api.path("pods", "told"))
    assert found["metadata"]["annotations"] == {"other": "stays", "spark.dev/live": "new"}
