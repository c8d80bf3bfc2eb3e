"""From a prompt to a checked script: cache, single flight, providers, validation, one repair."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from spark_app.core.completion import ChatTurn, Completion, CompletionRequest
from spark_app.core.csharp import Finding, analyse, extract_code
from spark_app.core.prompt import SYSTEM, TEMPLATE_HASH, repair_turn, user_turn
from spark_app.errors import ProviderBadOutputError
from spark_app.generation.cache import ScriptCache, cache_key
from spark_app.generation.script import Script
from spark_app.generation.single_flight import Flight, Flights

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from spark_app.core.provider import Provider
    from spark_app.providers.gateway import Gateway
    from spark_app.telemetry.metrics import Metrics

__all__ = ["Delta", "RepairNotice", "Scriptwriter", "Source", "Wanted", "WrittenScript"]

Source = Literal["hit", "miss", "coalesced"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asked for; `tenant` is its key id."""

    tenant: str
    prompt: str
    context: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the model's text, as it comes."""

    text: str


@dataclass(frozen=True, slots=True)
class RepairNotice:
    """The first answer didn't pass and is being repaired, for these reasons."""

    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrittenScript:
    """The result, whether it had to be made, and the seconds that providers took for it."""

    script: Script
    source: Source
    upstream: float = 0.0


@dataclass(frozen=True, slots=True)
class _Draft:
    """One answer of a model, read."""

    provider: Provider
    completion: Completion
    code: str
    class_name: str
    problems: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


Event = Delta | RepairNotice


class Scriptwriter:
    """Makes scripts.

    Args:
        deadline: seconds for one script, repair included.
        max_tokens: bound of one answer.
        clock: monotonic seconds, the gateway's.
    """

    def __init__(
        self,
        gateway: Gateway,
        cache: ScriptCache,
        metrics: Metrics,
        *,
        deadline: float,
        max_tokens: int,
        basis: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway = gateway
        self._cache = cache
        self._metrics = metrics
        self._deadline = deadline
        self._max_tokens = max_tokens
        self._basis = f"{TEMPLATE_HASH}/{max_tokens}/{basis}"
        self._clock = clock
        self._flights: Flights[Event, Script] = Flights()

    async def write(self, wanted: Wanted) -> WrittenScript:
        """Make one script, or take it from the cache.

        Raises:
            SparkError: 422 for an unknown model; 502, 503 or 504 with the provider to blame.
        """
        key = self._key(wanted)
        if (known := await self._cache.get(key)) is not None:
            return WrittenScript(known, "hit")
        flight, joined = self._board(key, wanted, streamed=False)
        script = await flight.result()
        return WrittenScript(script, "coalesced" if joined else "miss", flight.upstream)

    async def stream(self, wanted: Wanted) -> AsyncIterator[Delta | RepairNotice | WrittenScript]:
        """Make one script and tell how it comes along; the `WrittenScript` is the last item.

        Raises:
            SparkError: as `write`, possibly after some items.
        """
        key = self._key(wanted)
        if (known := await self._cache.get(key)) is not None:
            yield WrittenScript(known, "hit")
            return
        flight, joined = self._board(key, wanted, streamed=True)
        async for event in flight.events():
            yield event
        script = await flight.result()
        yield WrittenScript(script, "coalesced" if joined else "miss", flight.upstream)

    async def close(self) -> None:
        """Give up what is still being made."""
        await self._flights.settle()

    def _key(self, wanted: Wanted) -> str:
        models = sorted(self._gateway.routing.models.items())
        basis = f"{self._basis}/{models}"
        return cache_key(wanted.tenant, wanted.prompt, wanted.context, wanted.model, basis)

    def _board(
        self, key: str, wanted: Wanted, *, streamed: bool
    ) -> tuple[Flight[Event, Script], bool]:
        async def work(flight: Flight[Event, Script]) -> Script:
            script = await self._make(wanted, flight, streamed=streamed)
            await self._cache.put(key, script)
            return script

        flight, joined = self._flights.board(key, work)
        if joined:
            self._metrics.coalesced.inc()
        return flight, joined

    async def _make(
        self, wanted: Wanted, flight: Flight[Event, Script], *, streamed: bool
    ) -> Script:
        ends = self._clock() + self._deadline
        ask = CompletionRequest(
            system=SYSTEM,
            turns=(ChatTurn("user", user_turn(wanted.prompt, wanted.context)),),
            model=wanted.model,
            max_tokens=self._max_tokens,
        )
        first = await (
            self._listen(ask, ends, flight) if streamed else self._draft(ask, ends, flight)
        )
        if not first.problems:
            return _script(first, first)
        flight.tell(RepairNotice(tuple(str(finding) for finding in first.problems)))
        again = ask.followed_by(
            ChatTurn("assistant", first.completion.text),
            ChatTurn("user", repair_turn(first.problems)),
        )
        second = await self._draft(again, ends, flight)
        self._metrics.repairs.labels("failed" if second.problems else "repaired").inc()
        if second.problems:
            found = [{"line": p.line, "message": p.message} for p in second.problems]
            raise ProviderBadOutputError(
                "the provider's code failed Unity's checks twice; try again or rephrase the prompt",
                extra={"errors": found},
            )
        return _script(second, first)

    async def _draft(
        self, ask: CompletionRequest, ends: float, flight: Flight[Event, Script]
    ) -> _Draft:
        began = self._clock()
        try:
            provider, completion = await self._gateway.complete(ask, ends)
        finally:
            flight.upstream += self._clock() - began
        return self._read(provider, completion)

    async def _listen(
        self, ask: CompletionRequest, ends: float, flight: Flight[Event, Script]
    ) -> _Draft:
        began = self._clock()
        try:
            async with aclosing(self._gateway.stream(ask, ends)) as pieces:
                async for provider, piece in pieces:
                    if isinstance(piece, Completion):
                        return self._read(provider, piece)
                    flight.tell(Delta(piece))
        finally:
            flight.upstream += self._clock() - began
        raise ProviderBadOutputError("the provider's stream had no end; try again")

    def _read(self, provider: Provider, completion: Completion) -> _Draft:
        code = extract_code(completion.text)
        analysis = analyse(code)
        problems = analysis.problems
        if completion.truncated:
            lines = code.count("\n")
            problems += (Finding(lines, "the answer was cut off; write a shorter file"),)
        self._metrics.generations.labels(provider, "invalid" if problems else "success").inc()
        return _Draft(provider, completion, code, analysis.class_name, problems, analysis.warnings)


def _script(final: _Draft, first: _Draft) -> Script:
    # Both rounds are billed, so both are reported.
    spent = [final.completion] if final is first else [first.completion, final.completion]
    repaired = () if final is first else ("the first answer failed the checks and was repaired",)
    return Script.make(
        code=final.code,
        script_name=final.class_name,
        provider=final.provider,
        model=final.completion.model,
        input_tokens=sum(one.input_tokens for one in spent),
        output_tokens=sum(one.output_tokens for one in spent),
        warnings=repaired + tuple(str(warning) for warning in final.warnings),
    )
