"""From a prompt to a checked script: the providers in turn, one deadline over all."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spark_app.core.breaker import Breaker, BreakerOpenError
from spark_app.errors import (
    ProviderBadOutputError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    SparkError,
)
from spark_app.providers.base import (
    Ask,
    Completion,
    FailureKind,
    ProviderFailure,
    ProviderPort,
    Turn,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_app.metrics import Metrics, Outcome

__all__ = ["Generation", "Generator", "Member"]

SYSTEM = (
    "You write Unity C# scripts. Answer with exactly one complete C# file in one ```csharp fence:"
    " one public class that derives from MonoBehaviour where the script belongs on a GameObject."
)
_FENCE = re.compile(r"```(?:csharp|cs|c#)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_CLASS = re.compile(r"\bpublic\s+(?:sealed\s+|abstract\s+|partial\s+)*class\s+([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Member:
    """A provider and its breaker."""

    provider: ProviderPort
    breaker: Breaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A script, and where it came from."""

    code: str
    script_name: str
    provider: str
    model: str
    input_tokens: int
    output_tokens: int


class Generator:
    """Asks the members in order until one answers.

    Args:
        members: in order of preference.
        deadline: seconds for everything.
        max_tokens: bound of one answer.
    """

    def __init__(
        self, members: Sequence[Member], metrics: Metrics, *, deadline: float, max_tokens: int
    ) -> None:
        self._members = tuple(members)
        self._metrics = metrics
        self._deadline = deadline
        self._max_tokens = max_tokens

    async def generate(self, prompt: str, context: str | None, model: str | None) -> Generation:
        """Make one script.

        Raises:
            SparkError: 502, 503 or 504, with the providers to blame.
        """
        text = prompt if context is None else f"{prompt}\n\nContext:\n{context}"
        turns = (Turn("user", text),)
        ask = Ask(system=SYSTEM, turns=turns, model=model, max_tokens=self._max_tokens)
        try:
            async with asyncio.timeout(self._deadline):
                return await self._first_answer(ask)
        except TimeoutError:
            raise ProviderTimeoutError(
                f"no provider answered within {self._deadline:g} s; try again later"
            ) from None

    async def _first_answer(self, ask: Ask) -> Generation:
        problem: SparkError | None = None
        for member in self._members:
            try:
                return _extract(await self._call(member, ask), member.provider.name)
            except BreakerOpenError as error:
                problem = problem or ProviderUnavailableError(
                    str(error), retry_after=error.retry_after
                )
            except ProviderFailure as error:
                problem = _problem(error)
            except ProviderBadOutputError as error:
                problem = error
        raise problem or ProviderUnavailableError("no provider is configured")

    async def _call(self, member: Member, ask: Ask) -> Completion:
        permit = member.breaker.admit()
        name = member.provider.name
        outcome: Outcome = "timeout"
        try:
            completion = await member.provider.complete(ask)
            permit.success()
            outcome = "success"
        except ProviderFailure as error:
            outcome = outcome_of(error)
            if error.counts_against_provider:
                permit.failure()
                self._metrics.breaker_failures.labels(name).inc()
            raise
        except asyncio.CancelledError:
            # The one deadline is all that cancels a call: the provider was too slow.
            permit.failure()
            self._metrics.breaker_failures.labels(name).inc()
            raise
        finally:
            permit.release()
            self._metrics.generations.labels(name, outcome).inc()
        return completion


def outcome_of(failure: ProviderFailure) -> Outcome:
    """The `outcome` label of a failed call."""
    match failure.kind:
        case FailureKind.TIMEOUT:
            return "timeout"
        case FailureKind.RATE_LIMITED:
            return "rate_limited"
        case FailureKind.UNAUTHORIZED:
            return "unauthorized"
        case _:
            return "error"


def _problem(failure: ProviderFailure) -> SparkError:
    match failure.kind:
        case FailureKind.MALFORMED | FailureKind.REJECTED:
            return ProviderBadOutputError(f"the provider's answer was unusable ({failure.kind})")
        case FailureKind.TIMEOUT:
            return ProviderTimeoutError("the provider took too long; try again later")
        case _:
            return ProviderUnavailableError(
                f"the provider can't answer now ({failure.kind})", retry_after=failure.retry_after
            )


def _extract(completion: Completion, provider: str) -> Generation:
    fenced = _FENCE.search(completion.text)
    code = (fenced.group(1) if fenced else completion.text).strip() + "\n"
    named = _CLASS.search(code)
    if named is None:
        raise ProviderBadOutputError("the provider's answer holds no public C# class")
    return Generation(
        code=code,
        script_name=named.group(1),
        provider=provider,
        model=completion.model,
        input_tokens=completion.input_tokens,
        output_tokens=completion.output_tokens,
    )
