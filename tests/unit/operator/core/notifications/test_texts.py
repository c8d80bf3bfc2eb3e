"""What is said: templates, and the body of each kind of channel."""

from __future__ import annotations

import hashlib
import hmac
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from spark_operator.adapters.notifiers.backoff import LONGEST_SECONDS, delay
from spark_operator.api.notifications import EmailChannel, Template
from spark_operator.core.notifications import texts
from tests.unit.operator.core.builders import name
from tests.unit.operator.core.notifications.told import EMAIL, message

LINE = (
    "NOTICE critical: production/spark (production) RollingBack ErrorRateCritical:"
    " 50.0% of 1200 requests failed, at least 46.1%, above 10%"
)


def test_the_default_text() -> None:
    assert texts.text(message(severity="critical"), None) == LINE


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{severity}: {message}", "critical: boom"),
        ("<!here> {name} in {namespace}", "<!here> spark in production"),
        ("no field", "no field"),
        ("{state} at {at}", "FAILING at 2023-11-14T22:13:21Z"),
        ("{release}|{kind}|{reason}|{environment}", f"{name(2)}|RollingBack|Why|production"),
    ],
)
def test_templates(template: str, said: str) -> None:
    told = message(severity="critical", message="boom", reason="Why", action="trigger")
    assert texts.text(told, template) == said


def test_a_value_is_no_template() -> None:
    assert texts.text(message(message="{name} {0.__class__}"), "{message}") == (
        "{name} {0.__class__}"
    )


@pytest.mark.parametrize(
    "template",
    [
        "{message.__class__}",
        "{message[0]}",
        "{message!r}",
        "{message:>9999999}",
        "{}",
        "{0}",
        "{unknown}",
        "{",
        "}",
        "{{message}}",
        "x" * 1001,
    ],
)
def test_templates_with_anything_else_are_refused(template: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Template).validate_python(template)


@given(st.text(max_size=200))
def test_slack_values_mention_nobody(value: str) -> None:
    said = texts.slack(message(message=value), "{message}")["text"]
    assert "<" not in said
    assert ">" not in said


def test_slack() -> None:
    told = message(message="a < b & c")
    assert texts.slack(told, "<!here> {message}") == {"text": "<!here> a &lt; b &amp; c"}


def test_pagerduty_triggers_one_incident() -> None:
    told = message(severity="critical", action="trigger", incident=3)
    body = texts.pagerduty(told, None, "KEY")
    assert body["dedup_key"] == "spark.dev/uid-1/3"
    assert (body["routing_key"], body["event_action"]) == ("KEY", "trigger")
    payload = body["payload"]
    assert payload["summary"].startswith("FAILING critical: production/spark")
    assert (payload["severity"], payload["source"]) == ("critical", "production/spark")
    assert payload["timestamp"] == "2023-11-14T22:13:21Z"
    assert payload["custom_details"]["release"] == name(2)


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_pagerduty_needs_no_more_than_the_incident(action: Any) -> None:
    told = message(severity="critical", action=action, incident=3)
    assert texts.pagerduty(told, None, "KEY") == {
        "routing_key": "KEY",
        "event_action": action,
        "dedup_key": "spark.dev/uid-1/3",
    }


def test_the_longest_dedup_key_is_taken() -> None:
    told = message(action="trigger", incident=2**53 - 1)
    assert len(texts.Message(told.notice, "n", "s", "u" * 36, "e").incident) <= 255


def test_webhook_names_the_transition_for_ever() -> None:
    body = texts.webhook(message(severity="warning"), None)
    assert body["id"] == "uid-1/0000000000000001"
    assert (body["severity"], body["action"], body["incident"]) == ("warning", "notify", None)
    assert body["text"].startswith("NOTICE warning")


def test_the_signature_covers_time_and_body() -> None:
    expected = hmac.new(b"secret", b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    assert texts.signature("secret", 1_700_000_000, b'{"a":1}') == f"sha256={expected}"


def test_mail() -> None:
    channel = EmailChannel.model_validate({**EMAIL, "to": ["a@example.com", "b@example.com"]})
    told = message(severity="critical", action="trigger", incident=3)
    read = message_from_bytes(texts.email(told, channel).as_bytes(), policy=default)
    assert read["To"] == "a@example.com, b@example.com"
    assert read["Subject"] == ("[FAILING critical] production/spark: RollingBack ErrorRateCritical")
    assert read["Message-ID"] == "<0000000000000001.uid-1@spark.dev>"
    assert read["References"] == "<incident.3.uid-1@spark.dev>"
    assert read["Date"] == "Tue, 14 Nov 2023 22:13:21 +0000"
    assert "50.0% of 1200 requests failed" in read.get_content()
    assert f"Release:     {name(2)}" in read.get_content()


@pytest.mark.parametrize(
    ("failures", "shortest", "longest"),
    [(1, 0.5, 1), (2, 1, 2), (5, 8, 16), (9, 128, 256), (10, 150, 300), (10_000, 150, 300)],
)
def test_back_off(failures: int, shortest: float, longest: float) -> None:
    assert (delay(failures, 0.0), delay(failures, 1.0)) == (shortest, longest)


def test_a_server_may_ask_for_more_time_but_not_for_ever() -> None:
    assert delay(1, 0.0, asked=30) == 30
    assert delay(9, 0.0, asked=30) == 128
    assert delay(1, 0.0, asked=1e6) == LONGEST_SECONDS
