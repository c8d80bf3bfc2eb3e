"""/livez, /readyz and /metrics of the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Probes:
    """A small HTTP server; ``live`` and ``ready`` answer at the time they are asked."""

    def __init__(
        self,
        page: Callable[[], bytes],
        port: int,
        *,
        live: Callable[[], bool],
        ready: Callable[[], bool],
    ) -> None:
        self._page = page
        self._port = port
        self._live = live
        self._ready = ready
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to serve on all addresses.

        Raises:
            OSError: the port is taken.
        """
        application = web.Application()
        application.router.add_get("/livez", self._answer(self._live))
        application.router.add_get("/readyz", self._answer(self._ready))
        application.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, port=self._port).start()

    async def stop(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()

    @staticmethod
    def _answer(
        check: Callable[[], bool],
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(_: web.Request) -> web.StreamResponse:
            good = check()
            return web.Response(text="ok" if good else "failing", status=200 if good else 503)

        return handle

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._page(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )
