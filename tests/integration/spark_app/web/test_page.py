"""The page in headless Chromium: ask, see the code highlighted, export, be told what went wrong."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from dev import services
from spark_app.core.csharp import analyse
from tests.integration.spark_app.harness import Providers, until
from tests.integration.spark_app.harness import spark as make_spark
from tests.unit.spark_app.core.test_unitypackage import read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
BOUND = 40.0


class Page:
    """One tab, spoken to by the Chrome DevTools Protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.requested: list[str] = []
        self.problems: list[str] = []

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer, noting events on the way."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=BOUND)
            if message.get("id") == number:
                assert "error" not in message, message
                return dict(message["result"])
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message["method"] == "Network.requestWillBeSent":
            self.requested.append(message["params"]["request"]["url"])
        if message["method"] in {"Runtime.exceptionThrown", "Log.entryAdded"}:
            self.problems.append(json.dumps(message["params"])[:500])

    async def js(self, expression: str) -> Any:
        """Evaluate; promises are awaited."""
        result = await self.command(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def shows(self, expression: str) -> None:
        """Wait until an expression is true."""
        async with asyncio.timeout(BOUND):
            while not await self.js(expression):  # noqa: ASYNC110 - the page can only be asked
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def chromium(url: str) -> AsyncIterator[Page]:
    """A browser of its own with the page open."""
    program = services.ensure("chromium")
    profile = Path(tempfile.mkdtemp(prefix="spark-chromium-"))
    process = subprocess.Popen(  # noqa: S603, ASYNC220
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    port_file = profile / "DevToolsActivePort"
    try:
        await until(lambda: port_file.exists() and "\n" in port_file.read_text(), BOUND)
        port = port_file.read_text().split("\n")[0]
        async with aiohttp.ClientSession() as session:
            async with session.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
                target = (await answer.json())["webSocketDebuggerUrl"]
            async with session.ws_connect(target, max_msg_size=0) as socket:
                page = Page(socket)
                for domain in ("Page", "Network", "Runtime", "Log"):
                    await page.command(f"{domain}.enable")
                await page.command("Page.navigate", url=url)
                await page.shows("document.readyState === 'complete' && typeof at === 'function'")
                yield page
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.wait(10)
        shutil.rmtree(profile, ignore_errors=True)


async def _ask(page: Page, prompt: str) -> None:
    await page.js(f"at('prompt').value = {json.dumps(prompt)}; at('go').click()")


# Downloads are caught where the page makes them, since a headless browser has no folder for them.
_CATCH = """
window.saved = [];
const blobs = new Map();
const make = URL.createObjectURL.bind(URL);
URL.createObjectURL = (blob) => { const url = make(blob); blobs.set(url, blob); return url; };
HTMLAnchorElement.prototype.click = function () {
  blobs.get(this.href).arrayBuffer().then((b) => window.saved.push(
    [this.download, btoa(String.fromCharCode(...new Uint8Array(b)))]));
};
"""


async def test_a_person_asks_sees_exports_and_is_told(providers: Providers) -> None:
    async with make_spark(providers.url) as spark, chromium(spark.url) as page:
        assert await page.js("document.title") == "SPARK: Unity scripts from a prompt"
        await page.js(_CATCH)
        await _ask(page, "Create a player controller called Mover")
        await page.shows("at('status').textContent === 'Done.'")
        code = await page.js("at('code').textContent")
        assert analyse(code, "Mover").valid
        facts = await page.js("at('facts').textContent")
        assert "Mover.cs" in facts
        assert "claude" in facts
        assert await page.js("/^time\\d+\\.\\d\\d s$/.test(at('fact-time').parentNode.textContent)")
        for kind, sample in (("kw", "public"), ("ty", "MonoBehaviour"), ("co", "///")):
            texts = await page.js(
                f"[...at('code').querySelectorAll('.{kind}')].map((e) => e.textContent).join(' ')"
            )
            assert sample in texts

        await page.js("at('cs').click()")
        await page.shows("window.saved.length === 1")
        await page.js("at('unitypackage').click()")
        await page.shows("window.saved.length === 2")
        saved = {name: base64.b64decode(data) for name, data in await page.js("window.saved")}
        assert saved["Mover.cs"].decode() == code
        assert (
            read(saved["Mover.unitypackage"])["Assets/Scripts/Mover.cs"]["asset"] == code.encode()
        )

        await providers.faults(anthropic={"error_rate": 1.0}, openai={"error_rate": 1.0})
        await _ask(page, "Create another thing")
        await page.shows("at('status').className === 'bad'")
        told = await page.js("at('status').textContent")
        assert "provider_unavailable" in told
        assert await page.js("at('result').hidden")

        outside = [
            url for url in page.requested if not url.startswith((spark.url, "data:", "blob:"))
        ]
        assert outside == []
        failures = [problem for problem in page.problems if "503" not in problem]
        assert failures == []


async def test_what_comes_from_a_model_is_never_taken_for_markup(providers: Providers) -> None:
    async with make_spark(providers.url) as spark, chromium(spark.url) as page:
        hostile = "public class A { string s = \"<img src=x onerror='window.hit=1'>\"; }"
        await page.js(f"paint(at('code'), {json.dumps(hostile)}); at('result').hidden = false")
        assert await page.js("at('code').textContent") == hostile
        assert await page.js("at('code').querySelector('img')") is None
        assert await page.js("window.hit") is None
