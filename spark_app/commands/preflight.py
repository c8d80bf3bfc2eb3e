"""`spark-app preflight`: can this release, with these very settings, do its work?

Run before any pod gets traffic, with the pods' own image and secrets. Each check is one line, with
its time and, where it fails, what to do about it in plain words. Nothing is bought: a provider is
only asked for its list of models.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import redis.asyncio
import redis.exceptions

from spark_app.commands.report import Check
from spark_app.core.completion import FailureKind, ProviderFailure
from spark_app.providers.clients import ports_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from spark_app.commands.report import Verdict
    from spark_app.providers.port import ProviderPort
    from spark_app.settings import Settings
    from spark_app.storage.migrate import Status

__all__ = ["Findings", "preflight"]

PATIENCE = 10.0
"""Seconds for one check."""
_KEY_WORDS = {
    FailureKind.UNAUTHORIZED: "the key is refused: replace it",
    FailureKind.RATE_LIMITED: "the key is accepted but rate limited now: check its quota",
    FailureKind.TIMEOUT: "no answer in time: check the network and the provider's status page",
    FailureKind.CONNECTION: "can't be reached: check the network policy and the base URL",
    FailureKind.SERVER: "answers with an error: see its status page",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What preflight found; `schema` is None where no database answered."""

    checks: tuple[Check, ...]
    schema: Status | None = None

    @property
    def passed(self) -> bool:
        """Whether the release may go on: nothing failed, and one provider works."""
        providers = [check for check in self.checks if check.check.startswith("provider:")]
        failed = any(check.status == "fail" for check in self.checks)
        return not failed and any(check.status == "pass" for check in providers)


class _Found(Exception):  # noqa: N818 - the answer of a check that isn't simply good
    def __init__(self, status: Verdict, detail: str, *, whatever: bool = False) -> None:
        super().__init__(detail)
        self.status: Verdict = status
        # Whether it stands also where the dependency is not required.
        self.whatever = whatever


async def preflight(settings: Settings, *, stable_head: str | None = None) -> Findings:
    """Run every check that the settings call for, side by side.

    `stable_head` is the schema version of the release that serves users now, as its own preflight
    reported it: what is pending must not take the schema away from it.
    """
    work: dict[str, Callable[[], Awaitable[str]]] = {}
    ports = ports_of(settings)
    for name, keys in ports.items():
        for number, port in enumerate(keys, start=1):
            title = f"provider:{name}" + (f"#{number}" if len(keys) > 1 else "")
            work[title] = _provider(port)
    if url := settings.redis_url:
        work["redis"] = _redis(url.get_secret_value())
    schema: list[Status] = []
    if url := settings.database_url:
        work["database"] = _database(url.get_secret_value(), stable_head, schema)
    if url := settings.nats_url:
        work["nats"] = _nats(url.get_secret_value())
    checks = await asyncio.gather(
        *(_measure(name, one, name in settings.required) for name, one in work.items())
    )
    for keys in ports.values():
        for port in keys:
            await port.close()
    return Findings(tuple(checks), schema[0] if schema else None)


async def _measure(name: str, work: Callable[[], Awaitable[str]], required: bool) -> Check:
    began = time.monotonic()
    status: Verdict = "pass"
    whatever = required
    try:
        async with asyncio.timeout(PATIENCE):
            detail = await work()
    except _Found as found:
        status, detail, whatever = found.status, str(found), required or found.whatever
    except Exception as error:
        status, detail = "fail", _plain(error)
    if status == "fail" and not whatever:
        status, detail = "warn", f"{detail} (not required: the service runs without it)"
    return Check(name, status, detail, time.monotonic() - began)


def _provider(port: ProviderPort) -> Callable[[], Awaitable[str]]:
    async def work() -> str:
        try:
            await port.check()
        except ProviderFailure as failure:
            # One provider that works is enough; `passed` sees to it.
            words = _KEY_WORDS.get(failure.kind, f"answers strangely ({failure})")
            raise _Found("warn", words) from None
        return "the key is accepted"

    return work


def _redis(url: str) -> Callable[[], Awaitable[str]]:
    async def work() -> str:
        client = redis.asyncio.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
        try:
            await client.ping()
        except redis.exceptions.AuthenticationError:
            raise _Found(
                "fail", "the password in REDIS_URL is refused or missing: correct it"
            ) from None
        except redis.exceptions.ConnectionError:
            raise _Found(
                "fail", f"nobody answers at {_place(url, 6379)}: check REDIS_URL"
            ) from None
        finally:
            await client.aclose()
        return f"answers at {_place(url, 6379)}"

    return work


def _database(
    url: str, stable_head: str | None, schema: list[Status]
) -> Callable[[], Awaitable[str]]:
    async def work() -> str:
        from spark_app.storage.migrate import migrate  # noqa: PLC0415 - only where it is used

        try:
            status = await migrate(url, "status")
        except OSError:
            where = _place(url, 5432)
            raise _Found("fail", f"nobody answers at {where}: check DATABASE_URL") from None
        except Exception as error:
            raise _Found("fail", _database_words(error)) from None
        schema.append(status)
        return _schema(status, stable_head)

    return work


def _schema(status: Status, stable_head: str | None) -> str:
    from spark_app.storage.migrate import excluded_words  # noqa: PLC0415 - only where it is used

    if status.excluded:
        raise _Found("fail", excluded_words(status), whatever=True)
    if stable_head is not None and status.would_exclude(stable_head):
        raise _Found(
            "fail",
            f"migrating to {status.head} would exclude the stable release (its head {stable_head},"
            f" the oldest allowed {status.floor}): split the change into expand and contract",
            whatever=True,
        )
    if not status.known:
        return f"schema {status.current} is newer than this release, which can run on it"
    if status.pending:
        raise _Found("warn", f"schema lacks {', '.join(status.pending)}: run migrate up")
    return f"schema {status.current}"


def _database_words(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    match getattr(original, "sqlstate", None):
        case "28P01" | "28000":
            return "the user or password in DATABASE_URL is refused: correct it"
        case "3D000":
            return "the database in DATABASE_URL does not exist: create it or correct the name"
        case "53300":
            return "PostgreSQL has no free connection: raise max_connections"
        case _:
            return _plain(original)


def _nats(url: str) -> Callable[[], Awaitable[str]]:
    async def work() -> str:
        from spark_app.delivery.nats import NatsPublisher  # noqa: PLC0415 - only where it is used

        publisher = NatsPublisher(url)
        try:
            await publisher([])
        except Exception as error:
            where = _place(url, 4222)
            raise _Found("fail", f"can't connect to {where}: {type(error).__name__}") from None
        finally:
            await publisher.close()
        return f"answers at {_place(url, 4222)}"

    return work


def _place(url: str, port: int) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname}:{parts.port or port}"


def _plain(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE:g} s: check the address and the network policy"
    return f"failed ({type(error).__name__})"
