"""Alertmanager's webhook payload, version 4, read as alerts about resources.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from spark_operator.api.base import MAX_NAME_LENGTH
from spark_operator.core.observe.values import Alert
from spark_operator.ports.cluster import Key

MAX_ALERTS_A_REQUEST: Final = 64
MAX_LABELS: Final = 64
NAMESPACE_LABEL: Final = "namespace"
RESOURCE_LABEL: Final = "spark_deployment"
RELEASE_LABEL: Final = "release"
UID_LABEL: Final = "spark_uid"
SEVERITY_LABEL: Final = "severity"
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_RELEASE: Final = re.compile(r"[a-z0-9]{10}")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST_NAMESPACE: Final = 63
_LONGEST_RULE_NAME: Final = 64


class PayloadError(Exception):
    """The body is not accepted as a payload; the message says why, without what was sent."""


class Addressed(NamedTuple):
    """An alert and the resource it is about; None where it is about none of ours."""

    key: Key | None
    alert: Alert


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    status: Literal["firing", "resolved"]
    labels: Annotated[dict[str, str], Field(max_length=MAX_LABELS)]
    starts_at: Annotated[AwareDatetime, Field(alias="startsAt", ge=_EARLIEST, le=_LATEST)]
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{1,32}$")]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    version: Literal["4"]
    alerts: Annotated[list[_Sent], Field(min_length=1, max_length=MAX_ALERTS_A_REQUEST)]


def read(body: bytes) -> tuple[Addressed, ...]:
    """Read the alerts of one request.

    Raises:
        PayloadError: it is no JSON, another version, or beyond a limit.
    """
    try:
        payload = _Payload.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise PayloadError(f"{place}: {first['msg']}") from None
    return tuple(_addressed(sent) for sent in payload.alerts)


def _addressed(sent: _Sent) -> Addressed:
    labels = sent.labels
    release = labels.get(RELEASE_LABEL, "")
    alert = Alert(
        fingerprint=sent.fingerprint,
        name=_UNPRINTABLE.sub("?", labels.get("alertname") or "unnamed")[:_LONGEST_RULE_NAME],
        starts_at=sent.starts_at.timestamp(),
        firing=sent.status == "firing",
        release=release[:10],
        severity=_severity(labels.get(SEVERITY_LABEL, "")),
        uid=labels.get(UID_LABEL, ""),
    )
    namespace, name = labels.get(NAMESPACE_LABEL, ""), labels.get(RESOURCE_LABEL, "")
    ours = (
        len(namespace) <= _LONGEST_NAMESPACE
        and len(name) <= MAX_NAME_LENGTH
        and _NAME.fullmatch(namespace)
        and _NAME.fullmatch(name)
        and (not release or _RELEASE.fullmatch(release))
    )
    return Addressed(Key(namespace, name) if ours else None, alert)


def _severity(label: str) -> Literal["critical", "warning", "info"]:
    """Read the usual names; one that is unknown or missing is taken seriously."""
    lowered = label.lower()
    if lowered in ("warning", "warn"):
        return "warning"
    return "info" if lowered in ("info", "none") else "critical"
