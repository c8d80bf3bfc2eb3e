"""What wakes a resource, and what its first turn is given of what was listed for all."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from spark_operator.adapters.kubernetes import child_watch, reflector
from spark_operator.adapters.kubernetes.child_watch import FOLLOWED, ChildWatch, Versions
from spark_operator.ports.cluster import GoneError, Key, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from spark_operator.core.model.objects import Manifest

KEY = Key("production", "spark")
OTHER = Key("production", "other")
SECONDS = 5.0
PODS = "/api/v1/pods"
DEPLOYMENTS = "/apis/apps/v1/deployments"


def item(name: str, version: str = "1", owner: str = "spark") -> dict[str, Any]:
    labels = {"spark.dev/deployment": owner} if owner else {}
    meta = {
        "namespace": "production",
        "name": name,
        "resourceVersion": version,
        "labels": labels,
    }
    return {"metadata": meta, "spec": {"replicas": 2}}


class Server:
    """Lists in pages of two, and watches that a test feeds."""

    def __init__(self) -> None:
        self.objects: dict[str, list[Manifest]] = {PODS: [], DEPLOYMENTS: []}
        self.asked: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.feeds: dict[str, asyncio.Queue[Manifest | Exception]] = {}
        self.listed_anew: asyncio.Queue[str] = asyncio.Queue()
        self.woken: asyncio.Queue[Key] = asyncio.Queue()

    async def get(self, path: str) -> Manifest:
        self.asked.append(path)
        collection, query = _parsed(path)
        if collection in self.fails:
            raise self.fails[collection]
        if query["labelSelector"] != "spark.dev/deployment":
            return {"items": [], "metadata": {"resourceVersion": "1"}}
        found = self.objects.get(collection, [])
        begin = int(query.get("continue") or 0)
        more = str(begin + 2) if begin + 2 < len(found) else ""
        return {
            "items": found[begin : begin + 2],
            "metadata": {"resourceVersion": "1", "continue": more},
        }

    async def metadata(self, path: str) -> Manifest:
        collection, _ = _parsed(path)
        await self.listed_anew.put(collection)
        found = [{"metadata": it["metadata"]} for it in self.objects.get(collection, [])]
        return {"items": found, "metadata": {"resourceVersion": "2"}}

    async def metadata_events(self, path: str) -> AsyncIterator[Manifest]:
        collection, _ = _parsed(path)
        feed = self.feeds.setdefault(collection, asyncio.Queue())
        while True:
            event = await feed.get()
            if isinstance(event, Exception):
                raise event
            yield event

    def changes(self, collection: str, verb: str, changed: Manifest) -> None:
        feed = self.feeds.setdefault(collection, asyncio.Queue())
        feed.put_nowait({"type": verb, "object": changed})

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[ChildWatch]:
        watch = ChildWatch(self, self.get, self.woken.put_nowait, ())
        task = asyncio.create_task(watch.run())
        try:
            yield watch
        finally:
            task.cancel()

    async def wakes(self) -> Key:
        async with asyncio.timeout(SECONDS):
            return await self.woken.get()


def _parsed(path: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(path)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector, "FIRST_DELAY", 0.0)


async def listed(watch: ChildWatch) -> None:
    async with asyncio.timeout(SECONDS):
        await watch.is_listed.wait()


async def test_all_resources_are_listed_with_a_few_requests_in_pages() -> None:
    server = Server()
    server.objects[DEPLOYMENTS] = [item("spark-1"), item("other-1", owner="other"), item("spark-2")]
    server.objects[PODS] = [item("pod")]
    async with server.watched() as watch:
        await listed(watch)
        found = watch.take(KEY)
    assert len(server.asked) == len(FOLLOWED) + 1
    assert found is not None
    assert [it["metadata"]["name"] for it in found.children] == ["spark-1", "spark-2"]
    assert {(it["kind"], it["apiVersion"]) for it in found.children} == {("Deployment", "apps/v1")}
    assert found.children[0]["spec"] == {"replicas": 2}
    assert [it["metadata"]["name"] for it in found.pods] == ["pod"]


async def test_it_serves_one_turn_only() -> None:
    server = Server()
    server.objects[PODS] = [item("pod")]
    async with server.watched() as watch:
        await listed(watch)
        assert watch.take(KEY) is not None
        assert watch.take(KEY) is None


async def test_what_nothing_was_listed_of_is_read_by_itself() -> None:
    async with Server().watched() as watch:
        assert watch.take(KEY) is None
        await listed(watch)
        assert watch.take(KEY) is None


async def test_a_change_wakes_and_what_was_listed_is_not_used_any_more() -> None:
    server = Server()
    server.objects[PODS] = [item("pod"), item("other-pod", owner="other")]
    async with server.watched() as watch:
        await listed(watch)
        server.changes(PODS, "MODIFIED", item("pod", "2"))
        assert await server.wakes() == KEY
        assert watch.take(KEY) is None
        assert watch.take(OTHER) is not None


async def test_a_change_while_others_are_listed_counts_too() -> None:
    server = Server()
    server.objects[PODS] = [item("pod")]
    server.changes(PODS, "MODIFIED", item("pod", "2"))

    async def until_it_changed(path: str) -> Manifest:
        if path.startswith("/api/v1/services"):
            assert await server.wakes() == KEY
        return await server.get(path)

    watch = ChildWatch(server, until_it_changed, server.woken.put_nowait, ())
    task = asyncio.create_task(watch.run())
    await listed(watch)
    assert watch.take(KEY) is None
    task.cancel()


async def test_a_listing_that_fails_in_part_is_not_used() -> None:
    server = Server()
    server.objects[PODS] = [item("pod")]
    server.fails[DEPLOYMENTS] = UnavailableError("away")
    async with server.watched() as watch:
        await listed(watch)
        assert watch.take(KEY) is None


async def test_a_listing_that_is_old_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    server.objects[PODS] = [item("pod")]
    async with server.watched() as watch:
        await listed(watch)
        monkeypatch.setattr(child_watch, "FRESH_SECONDS", -1.0)
        assert watch.take(KEY) is None


async def test_after_an_outage_only_what_differs_wakes() -> None:
    """Or a thousand resources would be read at once when the API server is back."""
    server = Server()
    server.objects[PODS] = [item("pod"), item("other-pod", owner="other")]
    async with server.watched() as watch:
        await listed(watch)
        server.objects[PODS] = [item("pod"), item("other-pod", "7", owner="other")]
        server.feeds.setdefault(PODS, asyncio.Queue()).put_nowait(GoneError("expired"))
        async with asyncio.timeout(SECONDS):
            assert await server.listed_anew.get() == PODS
        assert await server.wakes() == OTHER
        assert server.woken.empty()


def seen(*verbs: tuple[str, Manifest]) -> list[Key]:
    touched: list[Key] = []
    known = Versions(touched.append, "spark.dev/deployment")
    known.learn(item("pod")["metadata"])
    for verb, changed in verbs:
        known.change(verb, changed["metadata"])
    return touched


def test_an_event_of_a_version_that_is_known_wakes_nobody() -> None:
    assert seen(("ADDED", item("pod"))) == []
    assert seen(("MODIFIED", item("pod", "2")), ("ADDED", item("pod", "2"))) == [KEY]


def test_a_deletion_wakes_and_a_new_one_of_the_same_name_too() -> None:
    assert seen(("DELETED", item("pod")), ("ADDED", item("pod", "2"))) == [KEY, KEY]


def test_an_object_that_changes_hands_wakes_both() -> None:
    assert set(seen(("MODIFIED", item("pod", "2", owner="other")))) == {KEY, OTHER}
    assert seen(("DELETED", item("pod", "2", owner=""))) == [KEY]


def test_a_list_anew_wakes_for_what_came_went_or_changed() -> None:
    touched: list[Key] = []
    known = Versions(touched.append, "spark.dev/deployment")
    known.replace([item("a", owner="a")["metadata"], item("b", owner="b")["metadata"]])
    touched.clear()
    known.replace([item("a", owner="a")["metadata"], item("c", owner="c")["metadata"]])
    assert {key.name for key in touched} == {"b", "c"}
