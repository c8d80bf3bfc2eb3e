"""What a notification says, on each kind of channel.

Sources: Slack's incoming webhooks and escaping of text
(https://api.slack.com/reference/surfaces/formatting#escaping), PagerDuty's Events API v2
(https://developer.pagerduty.com/docs/events-api-v2/overview/), RFC 5322 for mail.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.base import GROUP
from spark_operator.api.fields import clip, format_time
from spark_operator.api.notifications import TEMPLATE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.api.notifications import EmailChannel
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.api.status.outbox import Notice

MAX_TEXT: Final = 3000
MAX_SUMMARY: Final = 1024
"""Longest summary that PagerDuty takes."""
TEMPLATE: Final = (
    "{state} {severity}: {namespace}/{name} ({environment}) {kind} {reason}: {message}"
)
STATES: Final = {
    "notify": "NOTICE",
    "trigger": "FAILING",
    "acknowledge": "CONTAINED",
    "resolve": "RESOLVED",
}
_FIELD: Final = re.compile(r"\{(" + "|".join(TEMPLATE_FIELDS) + r")\}")


@dataclass(frozen=True, slots=True)
class Message:
    """A notice with the resource it is about."""

    notice: Notice
    namespace: str
    name: str
    uid: str
    environment: str

    @classmethod
    def of(cls, resource: SparkDeployment, notice: Notice) -> Message:
        """The message about one notice of a resource."""
        meta = resource.metadata
        return cls(notice, meta.namespace, meta.name, meta.uid, resource.spec.environment)

    @property
    def key(self) -> str:
        """The same for the same transition: what receivers recognise a repeat by."""
        return f"{self.uid}/{self.notice.id}"

    @property
    def incident(self) -> str:
        """The incident it belongs to, for PagerDuty's ``dedup_key`` (at most 255 characters)."""
        return f"{GROUP}/{self.uid}/{self.notice.incident}"

    def fields(self) -> dict[str, str]:
        """What a template's fields stand for."""
        notice = self.notice
        return {
            "state": STATES[notice.action],
            "severity": notice.severity,
            "environment": self.environment,
            "namespace": self.namespace,
            "name": self.name,
            "release": notice.release or "-",
            "kind": notice.kind,
            "reason": notice.reason,
            "message": notice.message,
            "at": format_time(notice.at),
        }


def text(message: Message, template: str | None, escape: Callable[[str], str] = str) -> str:
    """Fill a template's fields, once: what a value contains is never read as a field.

    Args:
        message: what is told.
        template: the channel's own; None: the default one.
        escape: what is done to each value, not to the template.
    """
    values = message.fields()
    filled = _FIELD.sub(lambda found: escape(values[found[1]]), template or TEMPLATE)
    return clip(filled, MAX_TEXT)


def slack_escape(value: str) -> str:
    """Escape the three characters that Slack gives a meaning, so that no value mentions anyone."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack(message: Message, template: str | None) -> dict[str, Any]:
    """Body for an incoming webhook."""
    return {"text": text(message, template, slack_escape)}


def pagerduty(message: Message, template: str | None, routing_key: str) -> dict[str, Any]:
    """Body of an event; one that is no trigger carries what names its incident only."""
    notice = message.notice
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "trigger" if notice.action == "notify" else notice.action,
        "dedup_key": message.incident,
    }
    if event["event_action"] != "trigger":
        return event
    details = {**message.fields(), "uid": message.uid, "id": notice.id}
    return event | {
        "client": "spark-operator",
        "payload": {
            "summary": clip(text(message, template), MAX_SUMMARY),
            "source": f"{message.namespace}/{message.name}",
            "severity": notice.severity,
            "timestamp": format_time(notice.at),
            "component": message.name,
            "group": message.environment,
            "class": notice.reason,
            "custom_details": details,
        },
    }


def webhook(message: Message, template: str | None) -> dict[str, Any]:
    """Body for a plain webhook."""
    notice = message.notice
    return {
        **message.fields(),
        "id": message.key,
        "uid": message.uid,
        "action": notice.action,
        "incident": message.incident if notice.incident else None,
        "text": text(message, template),
    }


def signature(key: str, timestamp: int, body: bytes) -> str:
    """Value of ``X-Spark-Signature``: HMAC-SHA256 over ``TIMESTAMP.BODY``, hexadecimal."""
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def email(message: Message, channel: EmailChannel) -> EmailMessage:
    """A mail; a repeat has the same Message-ID, by which mail programs drop it."""
    notice, mail = message.notice, EmailMessage()
    mail["From"] = channel.sender
    mail["To"] = ", ".join(channel.to)
    mail["Subject"] = (
        f"[{STATES[notice.action]} {notice.severity}] {message.namespace}/{message.name}:"
        f" {notice.kind} {notice.reason}"
    )
    mail["Date"] = format_datetime(notice.at)
    mail["Message-ID"] = f"<{notice.id}.{message.uid}@{GROUP}>"
    mail["X-Spark-Notification"] = message.key
    if notice.incident:
        # Programs that thread by reference show an incident as one conversation.
        mail["References"] = f"<incident.{notice.incident}.{message.uid}@{GROUP}>"
    mail.set_content(text(message, channel.template or _MAIL) + "\n")
    return mail


_MAIL: Final = """{message}

State:       {state} ({severity})
Resource:    {namespace}/{name}
Environment: {environment}
Release:     {release}
Decision:    {kind} ({reason})
At:          {at}

More: kubectl describe sdep {name} --namespace {namespace}"""
