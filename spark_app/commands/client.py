"""A client of the service's own API, for `spark-app verify` and `spark-app traffic`.

Their requests count like a user's: a release that fails them has failed. A repetition says so in
`X-Retry-Count`, and is counted apart, as for everybody.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KEY_VARIABLE", "Asker", "Reply", "ServiceError", "prompt"]

KEY_VARIABLE = "SPARK_VERIFY_API_KEY"
MAX_ANSWER = 4 * 1024 * 1024


class ServiceError(Exception):
    """The service didn't do what was asked; the message says what it is and what to look at.

    Args:
        status: of HTTP, 0 without an answer.
        retryable: the service's own word, that a repetition makes sense.
    """

    def __init__(self, text: str, *, status: int = 0, retryable: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with a status that was wanted, and the seconds that it took to come whole."""

    body: bytes
    release: str
    seconds: float

    def json(self) -> dict[str, Any]:
        """The body.

        Raises:
            ServiceError: it is no JSON object.
        """
        try:
            document = from_json(self.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise ServiceError("the answer is no JSON object: is this the SPARK service?")
        return document


class Asker:
    """Asks one service.

    Args:
        url: `http://HOST:PORT`.
        agent: named in `User-Agent`.
        clock: monotonic seconds.
    """

    def __init__(
        self, url: str, agent: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        key = os.environ.get(KEY_VARIABLE)
        headers = {"user-agent": f"spark-app-{agent}"} | ({"x-api-key": key} if key else {})
        # No proxy of the environment: the service is next door.
        self._client = httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False)
        self._place = urlsplit(url).netloc
        self._clock = clock

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, path: str, seconds: float, wanted: tuple[int, ...] = (200,)) -> Reply:
        """Read a page within a time.

        Raises:
            ServiceError: no answer, or a status that isn't wanted.
        """
        return await self._ask("GET", path, seconds, wanted)

    async def post(self, path: str, document: object, seconds: float, attempt: int = 0) -> Reply:
        """Send JSON; `attempt` counts the repetitions of the same request.

        Raises:
            ServiceError: no answer, or a status other than 200.
        """
        headers = {"x-retry-count": str(attempt)} if attempt else {}
        return await self._ask("POST", path, seconds, (200,), json=document, headers=headers)

    async def _ask(
        self, method: str, path: str, seconds: float, wanted: tuple[int, ...], **more: Any
    ) -> Reply:
        began = self._clock()
        body = bytearray()
        try:
            request = self._client.stream(method, path, timeout=seconds, **more)
            async with asyncio.timeout(seconds), request as answer:
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > MAX_ANSWER:
                        raise ServiceError(f"{path} answers with more than {MAX_ANSWER} bytes")
        except (TimeoutError, httpx2.TimeoutException):
            raise ServiceError(f"{path}: no whole answer within {seconds:g} s") from None
        except httpx2.TransportError as error:
            raise ServiceError(
                f"{path}: no connection to {self._place} ({type(error).__name__}): is the pod"
                " ready, and is the address right?"
            ) from None
        except httpx2.RequestError as error:
            raise ServiceError(
                f"{path}: the answer can't be read ({type(error).__name__}): is this the SPARK"
                " service?"
            ) from None
        if answer.status_code not in wanted:
            raise _refusal(path, answer.status_code, bytes(body))
        release = answer.headers.get("x-spark-release", "")
        return Reply(bytes(body), release[:63], self._clock() - began)


def prompt() -> str:
    """A prompt that no cache knows, for a small script."""
    return f"Create a Unity MonoBehaviour called Probe{secrets.token_hex(6)} that turns its object"


def _refusal(path: str, status: int, body: bytes) -> ServiceError:
    try:
        problem = from_json(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    code, detail = str(problem.get("code", ""))[:64], str(problem.get("detail", ""))[:200]
    words = _WORDS.get(code) or f"{code}: {detail}".strip(": ") or "no reason given"
    retryable = problem.get("retryable") is True
    return ServiceError(f"{path}: HTTP {status}, {words}", status=status, retryable=retryable)


_WORDS = {
    "unauthenticated": f"it wants a valid key: put one into {KEY_VARIABLE}",
    "rate_limited": f"the key's requests are used up: give {KEY_VARIABLE} a key of its own",
    "maintenance": f"closed for maintenance: give the service the same {KEY_VARIABLE}, it may pass",
}
