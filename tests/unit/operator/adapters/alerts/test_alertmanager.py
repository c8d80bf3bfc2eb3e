"""Alertmanager's payload, as it sends it and as nobody should."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_operator.adapters.alerts.alertmanager import PayloadError, read
from spark_operator.core.observe.values import Alert
from spark_operator.ports.cluster import Key

STARTED = "2026-11-24T07:30:00.123456789Z"


def sent(labels: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    own = {"alertname": "SparkErrorRateCritical", "severity": "critical"}
    ours = {"namespace": "production", "spark_deployment": "spark", "release": "abcdefghij"}
    return {
        "status": "firing",
        "labels": own | (ours if labels is None else labels),
        "annotations": {"summary": "half of the answers are errors"},
        "startsAt": STARTED,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": "a1b2c3d4e5f60718",
        **changes,
    }


def payload(*alerts: dict[str, Any], **changes: Any) -> bytes:
    given = {"version": "4", "groupKey": '{}:{alertname="X"}', "status": "firing", "receiver": "s"}
    return json.dumps({**given, "alerts": list(alerts), **changes}).encode()


def test_a_payload_is_read_as_alertmanager_writes_it() -> None:
    ((key, alert),) = read(payload(sent()))
    assert key == Key("production", "spark")
    assert alert == Alert(
        fingerprint="a1b2c3d4e5f60718",
        name="SparkErrorRateCritical",
        starts_at=1_795_505_400.123456,
        firing=True,
        release="abcdefghij",
        severity="critical",
        uid="",
    )


@pytest.mark.parametrize(
    ("label", "severity"),
    [("warning", "warning"), ("info", "info"), ("page", "critical"), ("", "critical")],
)
def test_a_severity_that_is_unknown_is_taken_seriously(label: str, severity: str) -> None:
    labels = {"namespace": "a", "spark_deployment": "b", "severity": label}
    assert read(payload(sent(labels)))[0].alert.severity == severity


@pytest.mark.parametrize(
    "labels",
    [
        {"namespace": "production"},
        {"spark_deployment": "spark"},
        {"namespace": "../../kube-system", "spark_deployment": "spark"},
        {"namespace": "production", "spark_deployment": "spark/status"},
        {"namespace": "production", "spark_deployment": "s" * 41},
        {"namespace": "p" * 64, "spark_deployment": "spark"},
        {"namespace": "production", "spark_deployment": "spark", "release": "kube-prometheus"},
    ],
)
def test_what_cannot_be_ours_is_about_nothing(labels: dict[str, str]) -> None:
    assert read(payload(sent(labels)))[0].key is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"version":"4"}',
        payload(),
        payload(*[sent()] * 65),
        payload(sent(), version="3"),
        payload(sent(startsAt="yesterday")),
        payload(sent(startsAt="2026-11-24T07:30:00")),
        payload(sent(startsAt="0001-01-01T00:00:00Z")),
        payload(sent(startsAt="9999-12-31T23:59:59.9999Z")),
        payload(sent(fingerprint="../../x")),
        payload(sent(status="pending")),
        payload(sent({f"label{number}": "x" for number in range(65)})),
    ],
    ids=lambda body: body[:24].decode(),
)
def test_what_is_no_payload_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        read(body)


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(PayloadError) as refused:
        read(payload(sent(fingerprint="s3cret-in-the-wrong-place")))
    assert "s3cret" not in str(refused.value)
    assert str(refused.value).startswith("alerts.0.fingerprint: ")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_but_a_payload_error_comes_out(body: bytes) -> None:
    with pytest.raises(PayloadError):
        read(body)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=80), max_size=5))
def test_labels_never_reach_a_path_or_a_log_raw(labels: dict[str, str]) -> None:
    fixed = {"namespace": "production", "spark_deployment": "spark"}
    _, alert = read(payload(sent(labels | fixed)))[0]
    assert alert.name.isascii()
    assert alert.name.isprintable()
    assert len(alert.name) <= 64
    assert len(alert.release) <= 10
