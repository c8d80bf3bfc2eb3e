"""What goes wrong at a provider, as a declaration, and the seeded draw that decides per request."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Rate = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=120)]
Z95 = 1.6448536269514722
"""The standard normal distribution's 95th percentile."""


class Outcome(StrEnum):
    """What one request gets; everything but ``OK`` is a fault."""

    OK = "ok"
    ERROR = "error"
    HANG = "hang"
    RESET = "reset"
    STREAM_ERROR = "stream_error"
    MALFORMED = "malformed"
    EMPTY = "empty"
    WRONG_TYPE = "wrong_type"
    DRIP = "drip"
    REFUSAL = "refusal"
    FILTER = "filter"
    SPENT = "spent"
    PROMPT_TOO_LONG = "prompt_too_long"
    PROSE = "prose"


QUOTA = 1000
"""Requests a minute that the stand-in says are allowed."""


class Latency(BaseModel):
    """Time before the first byte, in seconds: fixed, or log-normal by its median and p95."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    median: Seconds = 0.0
    p95: Seconds | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.p95 is not None and not 0 < self.median <= self.p95:
            raise ValueError("latency needs 0 < median <= p95; leave p95 out for a fixed latency")
        return self

    def draw(self, rng: random.Random) -> float:
        """Draw one latency in seconds, never above 120."""
        if self.p95 is None:
            return self.median
        sigma = math.log(self.p95 / self.median) / Z95
        return min(120.0, rng.lognormvariate(math.log(self.median), sigma))


class Faults(BaseModel):
    """One provider's faults; rates are shares of requests, exclude each other and sum to <= 1.

    What a request contains has rates as well: the model refuses it, a filter stops the answer, the
    reasoning spends all tokens, the prompt is longer than the window, the answer is prose.
    ``quota`` is what the headers of every answer tell is left of ``QUOTA`` requests a minute.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    error_rate: Rate = 0.0
    status: Annotated[int, Field(ge=400, le=599)] = 500
    retry_after: Seconds | None = None
    hang_rate: Rate = 0.0
    reset_rate: Rate = 0.0
    stream_error_rate: Rate = 0.0
    malformed_rate: Rate = 0.0
    empty_rate: Rate = 0.0
    wrong_type_rate: Rate = 0.0
    drip_rate: Rate = 0.0
    drip_seconds: Seconds = 10.0
    refusal_rate: Rate = 0.0
    filter_rate: Rate = 0.0
    spent_rate: Rate = 0.0
    prompt_too_long_rate: Rate = 0.0
    prose_rate: Rate = 0.0
    latency: Latency = Latency(median=0.02)
    quota: Annotated[int, Field(ge=0, le=QUOTA)] | None = None
    revoked_keys: Annotated[tuple[str, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if sum(rate for _, rate in self.rates()) > 1 + 1e-9:
            raise ValueError("the fault rates of a provider exclude each other: lower them to <= 1")
        return self

    def rates(self) -> tuple[tuple[Outcome, float], ...]:
        """Pair every fault with its share of requests."""
        return (
            (Outcome.ERROR, self.error_rate),
            (Outcome.HANG, self.hang_rate),
            (Outcome.RESET, self.reset_rate),
            (Outcome.STREAM_ERROR, self.stream_error_rate),
            (Outcome.MALFORMED, self.malformed_rate),
            (Outcome.EMPTY, self.empty_rate),
            (Outcome.WRONG_TYPE, self.wrong_type_rate),
            (Outcome.DRIP, self.drip_rate),
            (Outcome.REFUSAL, self.refusal_rate),
            (Outcome.FILTER, self.filter_rate),
            (Outcome.SPENT, self.spent_rate),
            (Outcome.PROMPT_TOO_LONG, self.prompt_too_long_rate),
            (Outcome.PROSE, self.prose_rate),
        )


class Plan(BaseModel):
    """The faults of both providers; putting a plan also restarts its random draws from ``seed``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 1
    anthropic: Faults = Faults()
    openai: Faults = Faults()


@dataclass(frozen=True, slots=True)
class Draw:
    """One request's fate: its outcome and the seconds before its first byte."""

    outcome: Outcome
    latency: float


class Dice:
    """The fates of one provider's requests; the same seed and faults give the same sequence."""

    def __init__(self, provider: Literal["anthropic", "openai"], plan: Plan) -> None:
        self.faults: Faults = getattr(plan, provider)
        self._rng = random.Random(f"{plan.seed}/{provider}")  # noqa: S311

    def roll(self) -> Draw:
        """Draw the next request's fate."""
        latency = self.faults.latency.draw(self._rng)
        left = self._rng.random()
        for outcome, rate in self.faults.rates():
            if left < rate:
                return Draw(outcome, latency)
            left -= rate
        return Draw(Outcome.OK, latency)
