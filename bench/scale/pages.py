"""The simulated pods' metrics pages, really served: ``python -m bench.scale.pages``.

Simulated pods have addresses of the loopback network, and one server answers on all of them, on
the loopback device only.  What a page says follows from the pod's image: a release whose image
is called ``faulty`` fails half of its requests.  It also remembers when each pod on trial was
read, which is how late the operator's looks are, as the pods see it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import ssl
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from prometheus_client import generate_latest

from spark_app.telemetry.metrics import Metrics
from spark_operator.core.model.labels import OWNER_LABEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REQUESTS_PER_SECOND: Final = 20.0
USUAL_FAILURES: Final = 0.003
FAULTY: Final = "faulty"
TRIAL: Final = "-trial-"
"""What the images of releases on trial have in their names."""
PODS: Final = "/api/v1/pods"
AGAIN_SECONDS: Final = 0.2
BACKLOG: Final = 4096


@dataclass(slots=True)
class Simulated:
    """One pod: whose it is, since when it serves, and when it was read, seconds since the epoch."""

    image: str
    owner: str
    since: float
    reads: list[float] = field(default_factory=list)

    @property
    def failures(self) -> float:
        """Share of its requests that fail."""
        return 0.5 if FAULTY in self.image else USUAL_FAILURES


@dataclass(slots=True)
class Fleet:
    """All pods by their addresses, and how often any of them was read."""

    pods: dict[str, Simulated] = field(default_factory=dict)
    scrapes: int = 0
    gone: list[Simulated] = field(default_factory=list)
    """Pods on trial that are gone."""

    def take(self, event: str, manifest: dict[str, Any]) -> None:
        """Follow one change of one pod."""
        address = manifest.get("status", {}).get("podIP", "")
        if not address:
            return
        image, meta = manifest["spec"]["containers"][0]["image"], manifest["metadata"]
        known = self.pods.get(address)
        if event == "DELETED":
            if known is not None and known.image == image:
                self.gone.append(self.pods.pop(address))
        elif known is None or known.image != image:
            owner = f"{meta['namespace']}/{(meta.get('labels') or {}).get(OWNER_LABEL, '')}"
            self.pods[address] = Simulated(image, owner, time.time())

    def stats(self) -> dict[str, Any]:
        """Return what was read so far, as JSON."""
        read = [pod for pod in (*self.gone, *self.pods.values()) if pod.reads]
        return {
            "pods": len(self.pods),
            "scrapes": self.scrapes,
            "reads": [{"owner": pod.owner, "at": pod.reads} for pod in read],
        }

    def reset(self) -> None:
        """Forget when pods were read."""
        self.gone.clear()
        for pod in self.pods.values():
            pod.reads.clear()


class Template:
    """The service's real page, with places for the numbers that move."""

    def __init__(self) -> None:
        """Render it once; a page is then a few numbers put into their places."""
        page = generate_latest(Metrics("simulated", "1.0.0").registry).decode()
        moving = {
            'api_generate_total{attempt="first",origin="none",status_class="2xx"}': "%(good)d",
            'api_generate_total{attempt="first",origin="app",status_class="5xx"}': "%(bad)d",
            'spark_cache_requests_total{result="hit"}': "%(hits)d",
            'spark_cache_requests_total{result="miss"}': "%(misses)d",
        }
        lines = []
        for line in page.splitlines():
            series, _, value = line.rpartition(" ")
            is_slow = series.startswith('spark_generation_duration_seconds_bucket{le="0.')
            if series.startswith("spark_generation_duration_seconds_") and not is_slow:
                value = "%(all)d"
            lines.append(f"{series.replace('%', '%%')} {moving.get(series, value)}")
        self._text = ("\n".join(lines) + "\n").encode()

    def page(self, pod: Simulated, now: float) -> bytes:
        """Return what a pod's page says now."""
        requests = int((now - pod.since) * REQUESTS_PER_SECOND)
        bad = int(requests * pod.failures)
        numbers = {"good": requests - bad, "bad": bad, "all": requests}
        numbers |= {"hits": int(requests * 0.7), "misses": requests - int(requests * 0.7)}
        return self._text % {name.encode(): value for name, value in numbers.items()}


class Server(asyncio.Protocol):
    """One connection; its own end is the address of the pod that is asked."""

    def __init__(self, fleet: Fleet, template: Template) -> None:
        self._fleet = fleet
        self._template = template
        self._buffer = b""
        self._address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember which pod this is."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport
        self._address = transport.get_extra_info("sockname")[0]

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        *requests, self._buffer = (self._buffer + data).split(b"\r\n\r\n")
        for request in requests:
            path = request.split(b" ", 2)[1] if b" " in request else b""
            status, body = self._answer(path)
            self._transport.write(
                b"HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (status, len(body), body)
            )

    def _answer(self, path: bytes) -> tuple[bytes, bytes]:
        if path == b"/bench/stats":
            return b"200 OK", json.dumps(self._fleet.stats()).encode()
        if path == b"/bench/reset":
            self._fleet.reset()
            return b"200 OK", b"{}"
        pod = self._fleet.pods.get(self._address)
        if path != b"/api/metrics" or pod is None:
            return b"404 Not Found", b""
        now = time.time()
        self._fleet.scrapes += 1
        if TRIAL in pod.image:
            pod.reads.append(now)
        return b"200 OK", self._template.page(pod, now)


async def follow(url: str, tls: ssl.SSLContext, fleet: Fleet) -> None:
    """Follow the cluster's pods for ever, across restarts of the API server."""
    async with httpx.AsyncClient(base_url=url, verify=tls, trust_env=False, timeout=None) as http:  # noqa: S113 - a watch lasts
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
                found = (await http.get(PODS)).json()
                for item in found["items"]:
                    fleet.take("ADDED", item)
                async for event in _events(http, found["metadata"]["resourceVersion"]):
                    fleet.take(event["type"], event["object"])
            await asyncio.sleep(AGAIN_SECONDS)


async def _events(http: httpx.AsyncClient, version: str) -> AsyncIterator[dict[str, Any]]:
    query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "600"}
    async with http.stream("GET", PODS, params=query) as answer:
        async for line in answer.aiter_lines():
            event: dict[str, Any] = json.loads(line)
            if event["type"] == "ERROR":
                return
            yield event


def listener() -> socket.socket:
    """Return a socket on every loopback address, and on no other device; its port is free."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    found.bind(("0.0.0.0", 0))  # noqa: S104 - on the loopback device alone
    return found


async def serve(url: str, tls: ssl.SSLContext, sock: socket.socket) -> None:
    """Serve until ended."""
    fleet, template = Fleet(), Template()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(fleet, template), sock=sock, backlog=BACKLOG)
    async with server:
        await follow(url, tls, fleet)


def main() -> int:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="bench.scale.pages", description=__doc__)
    parser.add_argument("--server", required=True, help="the API server's address")
    parser.add_argument("--authority", required=True, help="file with its authority")
    parser.add_argument("--cert", required=True, help="file with the client's certificate")
    parser.add_argument("--key", required=True, help="file with its key")
    parser.add_argument("--told", required=True, type=Path, help="file that the port is told in")
    options = parser.parse_args()
    tls = ssl.create_default_context(cafile=options.authority)
    tls.load_cert_chain(options.cert, options.key)
    sock = listener()
    sock.listen(BACKLOG)
    options.told.write_text(str(sock.getsockname()[1]))
    asyncio.run(serve(options.server, tls, sock))
    return 0


if __name__ == "__main__":
    sys.exit(main())
