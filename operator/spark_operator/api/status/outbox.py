"""``status.notifications``: the outbox, written together with the transition it tells of."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from spark_operator.api.base import Model
from spark_operator.api.fields import Count, Message, Reason, Time
from spark_operator.api.notifications import MAX_CHANNELS, Severity

MAX_OUTBOX: Final = 20
MAX_ALARMS: Final = 8


class Notice(Model):
    """One notification that some channel has not taken yet; at most 1 KiB as JSON."""

    id: str = Field(max_length=16, description="Same transition, same id: receivers drop repeats.")
    at: Time = Field(description="When it happened.")
    kind: Reason = Field(description="The transition, or the failing state it is about.")
    reason: Reason = Field(description="Why, in one word.")
    release: str = Field("", max_length=10, description="Release it is about.")
    severity: Severity = Field(description="How bad it is; of an end: how bad it was.")
    action: Literal["notify", "trigger", "acknowledge", "resolve"] = Field(
        "notify", description="What it does to the incident, if anything."
    )
    incident: Count = Field(0, description="Number of the incident it belongs to; 0: none.")
    message: Message = Field("", description="What happened, in a sentence with numbers.")
    pending: Annotated[
        tuple[Annotated[str, Field(max_length=26)], ...], Field(max_length=MAX_CHANNELS * 4)
    ] = Field((), description="Channels that have not taken it yet, as KIND/NAME.")


class Alarm(Model):
    """A failing state that was told and is not over."""

    kind: Reason = Field(description="Which state.")
    reason: Reason = Field(description="Why, in one word.")
    release: str = Field("", max_length=10, description="Release it is about.")
    severity: Severity = Field(description="How bad it is.")
    since: Time = Field(description="When it was told.")
    contained: bool = Field(False, description="Whether users no longer suffer from it.")


class ToldNotice(Model):
    """A notification that was queued a short while ago, so that it is not queued again."""

    id: str = Field(max_length=16, description="Its id.")
    at: Time = Field(description="When.")


class NotificationsStatus(Model):
    """The outbox: written together with the transition, so that no crash loses a notification."""

    outbox: Annotated[
        tuple[Notice, ...],
        Field(
            max_length=MAX_OUTBOX,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["id"],
            },
        ),
    ] = Field((), description="Notifications under way, oldest first.")
    alarms: Annotated[tuple[Alarm, ...], Field(max_length=MAX_ALARMS)] = Field(
        (), description="Failing states that were told and are not over."
    )
    incident: Count = Field(0, description="Number of the last incident.")
    told: Annotated[tuple[ToldNotice, ...], Field(max_length=MAX_OUTBOX)] = Field(
        (), description="Queued in the last 10 minutes, newest first."
    )
    dropped: Count = Field(
        0, description="Given up: not taken within 24 h, or pushed out of a full outbox."
    )
    dropped_at: Time | None = Field(None, description="When one was last given up.")
