"""The receiver of notifications."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx

from dev.sinks.server import MAX_BODY, create_app

if TYPE_CHECKING:
    from .conftest import Serve


async def test_what_comes_is_remembered_in_order(serve: Serve) -> None:
    async with serve(create_app()) as url, httpx.AsyncClient(base_url=url, timeout=5) as client:
        for number, path in enumerate(("/slack", "/pagerduty"), start=1):
            answer = await client.post(
                path, json={"number": number}, headers={"Idempotency-Key": f"key-{number}"}
            )
            assert answer.status_code == 202
        lines = (await client.get("/received")).text.splitlines()
        found = [json.loads(line) for line in lines]
        later = (await client.get("/received", params={"since": 1})).text.splitlines()
    assert [(it["seq"], it["path"], it["key"]) for it in found] == [
        (1, "/slack", "key-1"),
        (2, "/pagerduty", "key-2"),
    ]
    assert json.loads(found[1]["body"]) == {"number": 2}
    assert later == lines[1:]


async def test_what_is_too_long_or_no_number_is_refused(serve: Serve) -> None:
    async with serve(create_app()) as url, httpx.AsyncClient(base_url=url, timeout=5) as client:
        assert (await client.post("/", content=b"x" * (MAX_BODY + 1))).status_code == 413
        assert (await client.get("/received", params={"since": "x"})).status_code == 400
        assert (await client.get("/received")).text == ""
