"""What an answer of the API server means, and the events it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from spark_operator.adapters.kubernetes.events import MAX_MESSAGE, EventRecorder
from spark_operator.adapters.kubernetes.responses import classify, explanation
from spark_operator.core.model.event import Event
from spark_operator.ports.cluster import (
    ClusterError,
    ConflictError,
    GoneError,
    RefusedError,
    TooLargeError,
    UnavailableError,
)
from tests.unit.operator.core.builders import body
from tests.unit.operator.reconcile.cluster import FixedClock


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (0, "", UnavailableError),
        (400, "bad", RefusedError),
        (401, "", UnavailableError),
        (403, "exceeded quota", RefusedError),
        (404, "", GoneError),
        (409, "", ConflictError),
        (410, "", GoneError),
        (413, "", TooLargeError),
        (422, "invalid", RefusedError),
        (429, "", UnavailableError),
        (500, "etcdserver: request is too large", TooLargeError),
        (500, "etcdserver: leader changed", UnavailableError),
        (503, "", UnavailableError),
        (504, "", UnavailableError),
    ],
)
def test_classify(status: int, message: str, error: type[ClusterError]) -> None:
    assert type(classify(status, message, "")) is error


def test_a_refusal_carries_the_api_server_s_words() -> None:
    text = b'{"message": "services is forbidden: exceeded quota", "reason": "Forbidden"}'
    error = classify(403, *explanation("PATCH", "/api/v1/x?fieldManager=y", text))
    assert str(error) == "PATCH /api/v1/x: services is forbidden: exceeded quota (Forbidden)"


@pytest.mark.parametrize("text", [b"", b"<html>", b"[]", b"null", b"\xff"])
def test_an_answer_that_is_no_status_is_quoted(text: bytes) -> None:
    words, reason = explanation("GET", "/x", text)
    assert words.startswith("GET /x: ")
    assert reason == ""


class Store:
    """Events by path, as the recorder reads and writes them."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}

    async def get(self, path: str) -> dict[str, Any] | None:
        return self.found.get(path)

    async def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = ""
    ) -> dict[str, Any]:
        if method == "POST":
            assert not content_type
            self.found[f"{path}/{body['metadata']['name']}"] = body
            return {}
        assert (method, content_type) == ("PATCH", "application/merge-patch+json")
        self.found[path] |= body
        return self.found[path]


async def test_a_repeated_event_is_counted() -> None:
    store, clock = Store(), FixedClock()
    recorder = EventRecorder(clock, "pod-1")
    told = Event("RollingBack", "half of its answers were errors", warning=True)
    for _ in range(3):
        await recorder.publish(store, body(), told)
        clock.at += 60
    (event,) = store.found.values()
    assert event["count"] == 3
    assert (event["type"], event["reason"]) == ("Warning", "RollingBack")
    assert event["firstTimestamp"] == "2023-11-14T22:13:20Z"
    assert event["lastTimestamp"] == "2023-11-14T22:15:20Z"
    assert event["involvedObject"]["uid"] == body()["metadata"]["uid"]


async def test_events_of_other_resources_and_other_words_are_others() -> None:
    store, recorder = Store(), EventRecorder(FixedClock(), "pod-1")
    other = body()
    other["metadata"]["uid"] = "other"
    for resource, message in ((body(), "one"), (body(), "two"), (other, "one")):
        await recorder.publish(store, resource, Event("Paused", message))
    assert len(store.found) == 3


async def test_a_long_message_is_cut_to_what_the_api_server_stores() -> None:
    store = Store()
    await EventRecorder(FixedClock(), "pod-1").publish(store, body(), Event("Paused", "x" * 5000))
    (event,) = store.found.values()
    assert len(event["message"]) == MAX_MESSAGE
