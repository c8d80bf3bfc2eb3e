"""``status.jobs``: what the release's own commands found out."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from spark_operator.api.base import Model
from spark_operator.api.fields import Hash, Message, Time

MAX_CHECKS: Final = 10
MAX_DETAIL: Final = 200
MAX_RUNS: Final = 9
"""One digit: the longest name of a resource leaves no room for two in the name of a Job."""

JobKind = Literal["preflight", "migrate", "undo", "verify", "compare", "traffic"]
"""``verify`` looks at the release on trial, ``compare`` does the same at the one beside it."""
JobState = Literal["Running", "Passed", "Failed", "Lost"]
Version = Annotated[str, Field(max_length=32)]


class CheckStatus(Model):
    """One check of a Job."""

    check: str = Field(
        pattern=r"^[A-Za-z0-9:#._-]+$", max_length=32, description="What was looked at."
    )
    status: Literal["pass", "warn", "fail"] = Field(description="How it is.")
    detail: str = Field("", max_length=MAX_DETAIL, description="What was found, and what to do.")
    seconds: float = Field(0.0, ge=0, le=1e6, description="How long it took.")


class SchemaStatus(Model):
    """Where the database's schema stands, as the release sees it."""

    current: Version | None = Field(None, description="Version the database has.")
    head: Version | None = Field(None, description="Version the release's code was made for.")


class JobStatus(Model):
    """One Job and what came of it."""

    kind: JobKind = Field(description="What it is for.")
    release: Hash = Field(description="Release whose image it runs.")
    number: int = Field(
        ge=1,
        le=MAX_RUNS,
        description="Which run of this kind, from 1; after the last again from 1.",
    )
    attempt: int = Field(1, ge=1, le=9, description="Which run in a row without a result.")
    repeats: int = Field(
        0, ge=0, le=9, description="How often it failed before, while the other release passed."
    )
    state: JobState = Field(
        "Running", description="How it is; Lost: it ended without a result, or was not to be run."
    )
    target: str = Field(
        "", max_length=128, description="Address that it calls, or version that it goes back to."
    )
    step: int | None = Field(None, ge=0, le=19, description="Step of the plan it belongs to.")
    started_at: Time = Field(description="When it was decided.")
    finished_at: Time | None = Field(None, description="When its result was seen.")
    checks: Annotated[tuple[CheckStatus, ...], Field(max_length=MAX_CHECKS)] = Field(
        (), description="Its checks, in its own order."
    )
    message: Message = Field("", description="The end of its output, or why it has no result.")
    schema_: SchemaStatus | None = Field(
        None, alias="schema", description="Where the schema stands after it."
    )
