"""What ``KubeCluster`` needs of ``kubernetes.aio.client.ApiClient``, with faults on the way.

The seam lies here, so that the operator's own classes build every request, bound it in time, and
read every answer and error.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import aiohttp

from tests.simulation.api.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.simulation.api.server import ApiServer

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Call(NamedTuple):
    """One request on its way; ``write`` counts the writes of all operators from 1, 0: a read."""

    actor: str
    method: str
    path: str
    write: int
    at: float = 0.0
    """When it was sent, seconds of the loop's clock."""


class Faults(Protocol):
    """What happens to requests; either function may wait, raise ``OSError`` or a ``Refusal``."""

    async def before(self, call: Call) -> None:
        """The request was sent and has not arrived."""

    async def after(self, call: Call) -> None:
        """The request was carried out and its answer has not arrived."""


@dataclass(slots=True)
class Answer:
    """What ``RESTClientObject`` answers, as far as it is used."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def response(self) -> Answer:
        """What the connection gives: its ``content`` is read in chunks."""
        return self

    @property
    def content(self) -> Answer:
        """The body, to be read once."""
        return self

    async def read(self, _: int) -> bytes:
        """The next chunk: all of it, then nothing."""
        chunk, self.body = self.body, b""
        return chunk


class Counter:
    """Numbers the writes of all operators of one history."""

    def __init__(self) -> None:
        self.writes = 0
        self.log: list[Call] = []

    def count(self, actor: str, method: str, path: str) -> Call:
        """The next call."""
        number = 0
        if method in WRITES:
            self.writes += 1
            number = self.writes
        call = Call(actor, method, path, number, asyncio.get_running_loop().time())
        if number:
            self.log.append(call)
        return call


class Transport:
    """One operator's connection; nothing gets through once it is ``dead``."""

    def __init__(
        self,
        server: ApiServer,
        actor: str,
        counter: Counter,
        faults: Faults,
        latency: Callable[[], float],
    ) -> None:
        self._server = server
        self._actor = actor
        self._counter = counter
        self._faults = faults
        self._latency = latency
        self.dead = False
        self.sent: dict[str, tuple[Any, str]] = {}
        """The last write sent to each path: body and content type."""

    async def param_serialize(
        self,
        method: str,
        resource_path: str,
        *,
        header_params: dict[str, str],
        body: Any = None,
        auth_settings: list[str] | None = None,
    ) -> tuple[str, str, dict[str, str], Any, list[Any]]:
        """The request's parts, as ``call_api`` takes them."""
        del auth_settings
        return method, resource_path, header_params, body, []

    async def call_api(
        self,
        method: str,
        url: str,
        header_params: dict[str, str],
        body: Any,
        post_params: list[Any],
        _request_timeout: float,
    ) -> Answer:
        """Carry out a request, unless a fault is in its way."""
        del post_params, _request_timeout
        self._check_alive()
        call = self._counter.count(self._actor, method, url)
        if call.write:
            self.sent[url] = body, header_params["Content-Type"]
        try:
            await asyncio.sleep(self._latency())
            await self._faults.before(call)
            self._check_alive()
            content_type = header_params["Content-Type"]
            found = self._server.handle(self._actor, method, url, body, content_type)
            await self._faults.after(call)
            self._check_alive()
        except Refusal as refusal:
            return Answer(refusal.code, refusal.body())
        except OSError as error:
            raise aiohttp.ClientConnectionError(str(error)) from error
        return Answer(200, found)

    def _check_alive(self) -> None:
        if self.dead:
            raise asyncio.CancelledError
