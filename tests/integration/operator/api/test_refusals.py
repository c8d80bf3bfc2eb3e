"""What is wrong is refused at ``kubectl apply``, with words that say what to change.

Every case is what a user would type; every message is read here as the user reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

if TYPE_CHECKING:
    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

SECRETS = {"anthropicAPIKey": {"name": "spark-providers", "key": "anthropic"}}
CREDENTIAL = "sk-ant-api03-abcdefghijklmnop"


class Wrong(NamedTuple):
    """Fields of spec that are wrong, and what the refusal must say."""

    spec: dict[str, Any]
    field: str
    says: tuple[str, ...]


def steps(*weights: int) -> dict[str, Any]:
    return {"strategy": {"canary": {"steps": [{"weight": weight} for weight in weights]}}}


STEPS = "spec.strategy.canary.steps"
WRONG = {
    "weight 101": Wrong(steps(5, 101), f"{STEPS}[1].weight", ("less than or equal to 100",)),
    "weight below 0": Wrong(steps(-1, 100), f"{STEPS}[0].weight", ("greater than or equal to 0",)),
    "steps going down": Wrong(steps(25, 5, 100), STEPS, ("put steps into ascending order",)),
    "weight twice": Wrong(steps(5, 5, 100), STEPS, ("remove the repeated step",)),
    "last step not 100": Wrong(steps(5, 50), STEPS, ("add {weight: 100} at the end",)),
    "75% by replica ratio": Wrong(
        steps(5, 75, 100), STEPS, ("by replica ratio", "use 50 and then 100")
    ),
    "no steps": Wrong(steps(), STEPS, ("should have at least 1 items",)),
    "too many steps": Wrong(steps(*range(20), 100), STEPS, ("must have at most 20 items",)),
    "no step can end": Wrong(
        {"strategy": {"canary": {"progressDeadline": "20s"}}},
        "spec.strategy.canary.progressDeadline",
        ("raise progressDeadline or shorten minDuration",),
    ),
    "step that can't end": Wrong(
        {"strategy": {"canary": {"steps": [{"weight": 100, "maxDuration": "10s"}]}}},
        f"{STEPS}[0].maxDuration",
        ("lower minDuration or raise maxDuration",),
    ),
    "quantity out of bounds": Wrong(
        {"pod": {"resources": {"limits": {"memory": "2Pi"}}}},
        "spec.pod.resources.limits.memory",
        ("at most 1Pi",),
    ),
    "mail address with a name": Wrong(
        {
            "notifications": {
                "email": [
                    {
                        "server": {"name": "a", "key": "b"},
                        "from": "SPARK <spark@example.com>",
                        "to": ["a@example.com"],
                    }
                ]
            }
        },
        "spec.notifications.email[0].from",
        ("write NAME@DOMAIN alone",),
    ),
    "negative replicas": Wrong({"replicas": -1}, "spec.replicas", ("greater than or equal to 1",)),
    "too many replicas": Wrong({"replicas": 201}, "spec.replicas", ("less than or equal to 200",)),
    "image with a space": Wrong(
        {"image": "spark 1.0"}, "spec.image", ("write REGISTRY/NAME:TAG", "without spaces")
    ),
    "empty image": Wrong({"image": ""}, "spec.image", ("write REGISTRY/NAME:TAG",)),
    "address without scheme": Wrong(
        {"appURL": "spark.example.com"}, "spec.appURL", ("write http:// or https://",)
    ),
    "credential by name": Wrong(
        {"config": {"DATABASE_URL": "x"}},
        "spec.config",
        ("config.DATABASE_URL", "remove it here", "spec.secrets to {name: SECRET, key: KEY}"),
    ),
    "credential by look": Wrong(
        {"config": {"LOG_LEVEL": "info", "MY_KEY": CREDENTIAL}},
        "spec.config",
        ("config.MY_KEY", "looks like a credential", "put it into a Secret"),
    ),
    "password in a URL": Wrong(
        {"config": {"NEXT_PUBLIC_NATS_WS_URL": "wss://spark:hunter2@nats:443"}},
        "spec.config",
        ("config.NEXT_PUBLIC_NATS_WS_URL", "put it into a Secret"),
    ),
    "private key": Wrong(
        {"config": {"TLS": "-----BEGIN RSA PRIVATE KEY-----\nMIIE"}},
        "spec.config",
        ("config.TLS", "put it into a Secret"),
    ),
    "credential in place of a reference": Wrong(
        {"secrets": {"anthropicAPIKey": CREDENTIAL}},
        "spec.secrets.anthropicAPIKey",
        ("must be of type object",),
    ),
    "reserved variable": Wrong(
        {"config": {"NODE_ENV": "production"}},
        "spec.config",
        ("config.NODE_ENV", "use spec.environment"),
    ),
    "no variable's name": Wrong(
        {"config": {"1ST": "a"}}, "spec.config", ("config.1ST", "use letters, digits and _")
    ),
    "config without quotes": Wrong(
        {"config": {"RETRIES": 3}}, "spec.config.RETRIES", ("must be of type string",)
    ),
    "no provider key": Wrong(
        {"secrets": {"redisURL": {"name": "a", "key": "b"}}},
        "spec.secrets",
        ("at least one provider key is required", "set secrets.anthropicAPIKey or"),
    ),
    "name of no Secret": Wrong(
        {"secrets": {"anthropicAPIKey": {"name": "My_Secret", "key": "a"}}},
        "spec.secrets.anthropicAPIKey.name",
        ("use lower case letters",),
    ),
    "reference without key": Wrong(
        {"secrets": {"anthropicAPIKey": {"name": "a"}}},
        "spec.secrets.anthropicAPIKey.key",
        ("Required value",),
    ),
    "duration in words": Wrong(
        {"guard": {"duration": "1 hour"}},
        "spec.guard.duration",
        ('"1 hour"', "not a duration", "such as 30s, 5m or 1h30m"),
    ),
    "duration out of bounds": Wrong(
        {"guard": {"duration": "1000h"}}, "spec.guard.duration", ("from 0s to 720h",)
    ),
    "percentage without sign": Wrong(
        {"analysis": {"errorRate": {"critical": "20"}}},
        "spec.analysis.errorRate.critical",
        ('"20"', "followed by %", "such as 5%"),
    ),
    "percentage above 100": Wrong(
        {"analysis": {"errorRate": {"critical": "120%"}}},
        "spec.analysis.errorRate.critical",
        ("a number from 0 to 100",),
    ),
    "warning above critical": Wrong(
        {"analysis": {"errorRate": {"warning": "12.5%"}}},
        "spec.analysis.errorRate.warning",
        ("lower errorRate.warning or raise errorRate.critical",),
    ),
    "request above limit": Wrong(
        {"pod": {"resources": {"requests": {"memory": "1Gi"}}}},
        "spec.pod.resources.requests.memory",
        ("lower the request or raise the limit",),
    ),
    "no quantity": Wrong(
        {"pod": {"resources": {"requests": {"memory": "much"}}}},
        "spec.pod.resources.requests.memory",
        ("such as 500m (CPU) or 256Mi (memory)",),
    ),
    "privileged port": Wrong(
        {"pod": {"port": 80}}, "spec.pod.port", ("greater than or equal to 1024",)
    ),
    "unknown environment": Wrong(
        {"environment": "prod"},
        "spec.environment",
        ('"development", "staging", "production"',),
    ),
    "unknown field": Wrong({"replica": 3}, 'unknown field "spec.replica"', ()),
    "unknown field, deep": Wrong({"guard": {"time": "1h"}}, 'unknown field "spec.guard.time"', ()),
}
NAMES = {
    "too long": ("a" * 41, ("more than 40 characters", "shorten it")),
    "starting with a digit": ("1spark", ("starting with a letter",)),
    "with a dot": ("spark.prod", ("can't name a Service", "use lower case letters")),
    "upper case": ("Spark", ("use lower case letters",)),
}


def refusal(kubectl: Kubectl, name: str, spec: dict[str, Any] | None) -> str:
    """What kubectl says on the resource; the test fails when it is accepted."""
    manifest = {
        "apiVersion": "spark.dev/v1alpha1",
        "kind": "SparkDeployment",
        "metadata": {"name": name},
        **({} if spec is None else {"spec": spec}),
    }
    done = kubectl.try_run("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(manifest))
    assert done.returncode != 0, f"accepted: {done.stdout}"
    return done.stderr


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_refusal_names_the_field_and_the_cure(kubectl: Kubectl, case: Wrong) -> None:
    message = refusal(kubectl, "spark", {"image": "spark:1", "secrets": SECRETS, **case.spec})
    assert case.field in message
    for part in case.says:
        assert part in message


@pytest.mark.parametrize(("name", "says"), NAMES.values(), ids=NAMES.keys())
def test_name_that_children_could_not_bear_is_refused(
    kubectl: Kubectl, name: str, says: tuple[str, ...]
) -> None:
    message = refusal(kubectl, name, {"image": "spark:1", "secrets": SECRETS})
    assert "metadata.name: Invalid value" in message
    for part in says:
        assert part in message


def test_missing_image_is_named(kubectl: Kubectl) -> None:
    assert "spec.image: Required value" in refusal(kubectl, "spark", {"secrets": SECRETS})


def test_missing_secrets_are_explained_rather_than_just_required(kubectl: Kubectl) -> None:
    message = refusal(kubectl, "spark", {"image": "spark:1"})
    assert "spec.secrets" in message
    assert "set secrets.anthropicAPIKey or secrets.openaiAPIKey" in message


def test_missing_spec_is_named(kubectl: Kubectl) -> None:
    assert "spec: Required value" in refusal(kubectl, "spark", None)


def test_no_refusal_repeats_a_credential(kubectl: Kubectl) -> None:
    for name in ("credential by look", "credential in place of a reference", "password in a URL"):
        spec = {"image": "spark:1", "secrets": SECRETS, **WRONG[name].spec}
        message = refusal(kubectl, "spark", spec)
        assert CREDENTIAL not in message
        assert "hunter2" not in message


@pytest.mark.parametrize(
    "spec",
    [
        steps(0, 100),
        steps(100),
        steps(*range(1, 20), 100),
        {"config": {"NEXT_PUBLIC_NATS_WS_URL": "wss://nats:443", "SKIN": "sk-1"}},
        {"pod": {"resources": {"requests": {"memory": "512Mi", "cpu": "1.5"}}}},
        {"analysis": {"errorRate": {"warning": "0.5%", "critical": "0.5%"}}},
        {"guard": {"duration": "0s"}},
        {"guard": {"duration": "1h30m"}},
        {"secrets": {"openaiAPIKey": {"name": "a", "key": "b"}}},
        {"image": "host:5000/a/b@sha256:" + "a" * 64},
    ],
    ids=str,
)
def test_what_is_at_the_edge_of_right_is_accepted(kubectl: Kubectl, spec: dict[str, Any]) -> None:
    manifest = {
        "apiVersion": "spark.dev/v1alpha1",
        "kind": "SparkDeployment",
        "metadata": {"name": "a" * 40},
        "spec": {"image": "spark:1", "secrets": SECRETS, **spec},
    }
    kubectl("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(manifest))
