"""``spec.notifications``: who is told about what, and where the channels' credentials are.

Credentials are references to files that the operator's administrator mounts into the operator's
pod from Secrets of its own namespace: the operator has no right to read Secrets.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from spark_operator.api.base import Model
from spark_operator.api.crd.cel import explained, rule, rules

Severity = Literal["info", "warning", "critical"]
EnvironmentName = Literal["development", "staging", "production"]

MAX_CHANNELS: Final = 4
"""Channels of one kind."""
MAX_TEMPLATE: Final = 1000
TEMPLATE_FIELDS: Final = (
    "state",
    "severity",
    "environment",
    "namespace",
    "name",
    "release",
    "kind",
    "reason",
    "message",
    "at",
)
"""Names that a template may use in braces; nothing else is a field."""

ChannelName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=16,
        json_schema_extra=explained(
            "not the name of a channel: use at most 16 lower case letters, digits and -"
        ),
    ),
]
MailAddress = Annotated[
    str,
    Field(
        pattern=r"""^[^@\s<>,;:"'()]+@[^@\s<>,;:"'()]+$""",
        max_length=254,
        json_schema_extra=explained(
            "not a mail address: write NAME@DOMAIN alone, without a display name"
        ),
    ),
]
PathName = Annotated[
    str,
    Field(
        pattern=r"^[a-zA-Z0-9_-][-._a-zA-Z0-9]*$",
        max_length=253,
        json_schema_extra=explained(
            "not the name of a mounted file: use letters, digits, -, _ and ., not starting with ."
        ),
    ),
]
Template = Annotated[
    str,
    Field(
        pattern=r"^([^{}]|\{(" + "|".join(TEMPLATE_FIELDS) + r")\})*$",
        max_length=MAX_TEMPLATE,
        json_schema_extra=explained(
            "not a template: in braces write one of "
            + ", ".join(TEMPLATE_FIELDS)
            + ", and no other braces"
        ),
    ),
]


class MountedSecretRef(Model):
    """A file of the operator's secrets directory: NAME/KEY."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-map-type": "atomic"})

    name: PathName = Field(description="Name of the Secret that is mounted into the operator.")
    key: PathName = Field(description="Key inside the Secret.")


class Channel(Model):
    """What every channel has."""

    name: ChannelName = Field(
        "default", description="Tells channels of one kind apart; shown in status and metrics."
    )
    min_severity: Severity = Field(
        "warning", description="What is less severe than this is not sent here."
    )
    environments: Annotated[
        tuple[EnvironmentName, ...],
        Field(max_length=3, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field((), description="Send only for resources of these environments; empty: for all.")
    template: Template | None = Field(
        None, description="Text of a message, with fields in braces, such as {severity} {message}."
    )


class EmailChannel(Channel):
    """Mail by SMTP."""

    server: MountedSecretRef = Field(
        description="File with the server's address: smtp://USER:PASSWORD@HOST:PORT (STARTTLS is"
        " required), smtps:// (TLS from the start) or smtp+plain://HOST:PORT (no TLS, no password)."
    )
    sender: MailAddress = Field(alias="from", description="Address that mails come from.")
    to: Annotated[
        tuple[MailAddress, ...],
        Field(min_length=1, max_length=10, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(description="Addresses that mails go to.")


class SlackChannel(Channel):
    """A Slack channel, by its incoming webhook."""

    webhook_url: MountedSecretRef = Field(
        alias="webhookURL", description="File with the incoming webhook's URL."
    )


class PagerDutyChannel(Channel):
    """A PagerDuty service: one incident for each time the resource fails (Events API v2)."""

    min_severity: Severity = Field(
        "critical", description="Failing states less severe than this open no incident."
    )
    routing_key: MountedSecretRef = Field(description="File with the integration's routing key.")
    region: Literal["us", "eu"] = Field("us", description="PagerDuty's service region.")


class WebhookChannel(Channel):
    """Any HTTP server: one JSON object by POST."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.url) != has(self.urlFrom)",
                "one address is needed, not none or both: set url, or urlFrom where it is a secret",
            )
        )
    )

    url: (
        Annotated[
            str,
            Field(
                pattern=r"^https?://[^\s@/]+[^\s@]*$",
                max_length=512,
                json_schema_extra=explained(
                    "not an address: write http:// or https:// and a host;"
                    " one with credentials belongs into a mounted file: use urlFrom"
                ),
            ),
        ]
        | None
    ) = Field(None, description="Address that is posted to.")
    url_from: MountedSecretRef | None = Field(
        None, description="File with the address, where it is a secret."
    )
    signing_key: MountedSecretRef | None = Field(
        None, description="File with the key that signs the body: HMAC-SHA256."
    )


_BY_NAME: Final[dict[str, Any]] = {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
}


class Notifications(Model):
    """Channels that transitions are told on; none by default."""

    email: Annotated[tuple[EmailChannel, ...], Field(max_length=MAX_CHANNELS)] = Field(
        (), description="Mail by SMTP.", json_schema_extra=_BY_NAME
    )
    slack: Annotated[tuple[SlackChannel, ...], Field(max_length=MAX_CHANNELS)] = Field(
        (), description="Slack channels.", json_schema_extra=_BY_NAME
    )
    pager_duty: Annotated[tuple[PagerDutyChannel, ...], Field(max_length=MAX_CHANNELS)] = Field(
        (), description="PagerDuty services.", json_schema_extra=_BY_NAME
    )
    webhook: Annotated[tuple[WebhookChannel, ...], Field(max_length=MAX_CHANNELS)] = Field(
        (), description="HTTP servers that take JSON.", json_schema_extra=_BY_NAME
    )
