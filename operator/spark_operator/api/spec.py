"""``SparkDeployment.spec``: what a user asks for.

The models are the only source of the schema: the CRD and the field reference are generated from
them.  Descriptions say the unit.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from spark_operator.api.analysis import Analysis
from spark_operator.api.base import Model
from spark_operator.api.cel import (
    between,
    explained,
    is_duration,
    no_key,
    rule,
    rules,
    within_limit,
)
from spark_operator.api.notifications import Notifications
from spark_operator.api.values import Duration, Quantity

MAX_REPLICAS: Final = 200
MAX_STEPS: Final = 20
MAX_CONFIG_ENTRIES: Final = 64
SECRET_VARIABLES: Final = (
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "SPARK_MASTER_API_KEY",
    "SPARK_API_KEYS",
    "DATABASE_URL",
    "REDIS_URL",
    "SENTRY_DSN",
)
"""Variables of the service that carry credentials: by reference only, never in ``config``."""
RESERVED_VARIABLES: Final = ("NODE_ENV", "NEXT_PUBLIC_APP_URL", "PORT", "SPARK_RELEASE")

SECRET_LOOKS: Final = (
    "^sk-[A-Za-z0-9_-]{8,}",
    "^(ghp|gho|ghs|github_pat|glpat|xox[abprs])[_-][A-Za-z0-9_-]{8,}",
    "^AKIA[0-9A-Z]{16}",
    "-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "^[a-z][a-z0-9+.-]*://[^/@ ]*:[^/@ ]+@",
)
"""What credentials look like: keys of providers and hosts, private keys, passwords in a URL."""
_NAMES_SECRET: Final = f"k in {list(SECRET_VARIABLES)}"
_LOOKS_SECRET: Final = f"!({_NAMES_SECRET}) && self[k].matches('{'|'.join(SECRET_LOOKS)}')"

ObjectName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        max_length=253,
        json_schema_extra=explained(
            "not the name of an object: use lower case letters, digits, - and .,"
            " starting and ending with a letter or digit"
        ),
    ),
]
DataKey = Annotated[
    str,
    Field(
        pattern=r"^[-._a-zA-Z0-9]+$",
        max_length=253,
        json_schema_extra=explained("not a key of a Secret: use letters, digits, -, _ and ."),
    ),
]


class SecretKeyRef(Model):
    """One key of a Secret in the resource's namespace."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-map-type": "atomic"})

    name: ObjectName = Field(description="Name of the Secret.")
    key: DataKey = Field(description="Key inside the Secret.")


class Secrets(Model):
    """The service's credentials, each a reference to a key of a Secret."""

    anthropic_api_key: SecretKeyRef | None = Field(
        None, alias="anthropicAPIKey", description="ANTHROPIC_API_KEY: key of the Claude API."
    )
    openai_api_key: SecretKeyRef | None = Field(
        None, alias="openaiAPIKey", description="OPENAI_API_KEY: key of the OpenAI API."
    )
    master_api_key: SecretKeyRef | None = Field(
        None, alias="masterAPIKey", description="SPARK_MASTER_API_KEY: the service's master key."
    )
    api_keys: SecretKeyRef | None = Field(
        None, alias="apiKeys", description="SPARK_API_KEYS: the users' keys, comma separated."
    )
    database_url: SecretKeyRef | None = Field(
        None, alias="databaseURL", description="DATABASE_URL: PostgreSQL, with its password."
    )
    redis_url: SecretKeyRef | None = Field(
        None, alias="redisURL", description="REDIS_URL: Redis, with its password."
    )
    sentry_dsn: SecretKeyRef | None = Field(
        None, alias="sentryDSN", description="SENTRY_DSN: address of the error tracker."
    )


class ResourceList(Model):
    """Amounts of the resources a container can be given."""

    cpu: Quantity | None = Field(None, description="CPU in cores, such as 500m.")
    memory: Quantity | None = Field(None, description="Memory in bytes, such as 256Mi.")


class Resources(Model):
    """What the service's container asks for and may use at most."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            within_limit("cpu"),
            within_limit("memory"),
        )
    )

    requests: ResourceList = Field(
        ResourceList(cpu="100m", memory="128Mi"), description="What the scheduler reserves."
    )
    limits: ResourceList = Field(
        ResourceList(memory="512Mi"), description="What the container may use at most."
    )


class LocalObjectReference(Model):
    """An object of the same namespace, by name."""

    name: ObjectName = Field(description="Name of the object.")


class PodSettings(Model):
    """How the service's pods run; part of a release."""

    port: int = Field(3000, ge=1024, le=65535, description="TCP port that the service listens on.")
    resources: Resources = Field(Resources(), description="Resources of the service's container.")
    image_pull_secrets: Annotated[tuple[LocalObjectReference, ...], Field(max_length=8)] = Field(
        (),
        description="Secrets with the registry's credentials.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field(
        "IfNotPresent", description="When the kubelet pulls the image."
    )
    termination_grace_period_seconds: int = Field(
        60, ge=10, le=3600, description="Seconds between SIGTERM and SIGKILL."
    )
    node_selector: dict[
        Annotated[str, Field(max_length=317)], Annotated[str, Field(max_length=63)]
    ] = Field({}, max_length=16, description="Labels a node must have to run the pods.")
    priority_class_name: ObjectName | None = Field(None, description="PriorityClass of the pods.")


class Step(Model):
    """One entry of the rollout plan."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"!has(self.maxDuration) || !{is_duration('self.minDuration')}"
                f" || !{is_duration('self.maxDuration')}"
                " || duration(self.minDuration) < duration(self.maxDuration)",
                "minDuration must be shorter than maxDuration, or the step can't end:"
                " lower minDuration or raise maxDuration",
                field=".maxDuration",
            )
        )
    )

    weight: int = Field(
        ge=0, le=100, description="The candidate's share of traffic in percent at this step."
    )
    min_duration: Duration = Field(
        "30s",
        description="Shortest time at this weight, even when the evidence is in.",
        json_schema_extra=between("0s", "24h"),
    )
    max_duration: Duration | None = Field(
        None,
        description="Longest time at this weight; without it, progressDeadline applies.",
        json_schema_extra=between("1s", "168h"),
    )
    min_requests: int = Field(
        0, ge=0, le=1_000_000, description="Fewest requests the candidate must have answered here."
    )
    manual: bool = Field(
        False, description="Wait for a person's approve request before leaving this step."
    )


class ReplicasTraffic(Model):
    """Traffic is split by the number of pods behind one Service."""


class Traffic(Model):
    """How traffic is split between stable and candidate."""

    replicas: ReplicasTraffic = Field(
        ReplicasTraffic(), description="Split by the number of pods of each release."
    )


class Canary(Model):
    """A candidate's traffic rises step by step."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.steps[size(self.steps) - 1].weight == 100",
                "the last step must have weight 100: add {weight: 100} at the end of steps",
                field=".steps",
            ),
            rule(
                "self.steps.map(s, s.weight).isSorted()",
                "weights must rise from step to step: put steps into ascending order of weight",
                field=".steps",
            ),
            rule(
                "self.steps.all(s, self.steps.exists_one(t, t.weight == s.weight))",
                "each weight may appear once in steps: remove the repeated step,"
                " or raise its minDuration to stay longer",
                field=".steps",
            ),
            rule(
                "self.steps.all(s, s.weight <= 50 || s.weight >= 100)",
                "by replica ratio a weight must be at most 50, or 100, because more than half"
                " needs more pods than stable has: use 50 and then 100",
                field=".steps",
            ),
            rule(
                f"!{is_duration('self.progressDeadline')} || self.steps.all(s,"
                f" has(s.maxDuration) || !{is_duration('s.minDuration')}"
                " || duration(s.minDuration) < duration(self.progressDeadline))",
                "a step's minDuration must be shorter than progressDeadline,"
                " or no step can end: raise progressDeadline or shorten minDuration",
                field=".progressDeadline",
            ),
        )
    )

    traffic: Traffic = Field(Traffic(), description="How traffic is split.")
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MAX_STEPS)] = Field(
        (Step(weight=5), Step(weight=25), Step(weight=50), Step(weight=100)),
        description="The plan: weights that rise to 100.",
    )
    fast_track: bool = Field(
        True, description="A release that was stable before goes to 100% without the other steps."
    )
    progress_deadline: Duration = Field(
        "10m",
        description="Longest time one step may last; then traffic returns to stable.",
        json_schema_extra=between("10s", "168h"),
    )


class Strategy(Model):
    """How a new release reaches the users."""

    canary: Canary = Field(Canary(), description="Step by step, judged at each step.")


class Guard(Model):
    """The watch after promotion."""

    duration: Duration = Field(
        "1h",
        description="How long the previous release stays warm and the watch goes on.",
        json_schema_extra=between("0s", "720h"),
    )


class Rollback(Model):
    """What happens when a release fails."""

    automatic: bool = Field(True, description="Roll back without asking.")
    on_shared_failure: Literal["Hold", "Rollback"] = Field(
        "Hold", description="When stable fails the same way: hold the weight, or roll back."
    )


class SparkDeploymentSpec(Model):
    """What should run, how it is released, and when it is rolled back."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.secrets.anthropicAPIKey) || has(self.secrets.openaiAPIKey)",
                "at least one provider key is required: set secrets.anthropicAPIKey or"
                " secrets.openaiAPIKey to {name: SECRET, key: KEY}",
                field=".secrets",
            )
        )
    )

    environment: Literal["development", "staging", "production"] = Field(
        "production", description="Picks defaults and sets NODE_ENV."
    )
    image: str = Field(
        max_length=512,
        pattern=r"^[a-zA-Z0-9][-a-zA-Z0-9._:/@]*$",
        description="Container image of the release, with a tag or a digest.",
        json_schema_extra=explained(
            "not an image: write REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST, without spaces"
        ),
    )
    replicas: int = Field(
        2, ge=1, le=MAX_REPLICAS, description="Pods of the stable release; served through /scale."
    )
    app_url: str = Field(
        "http://localhost:3000",
        alias="appURL",
        pattern=r"^https?://[^\s]+$",
        max_length=512,
        description="Public address of the service: NEXT_PUBLIC_APP_URL.",
        json_schema_extra=explained(
            "not an address: write http:// or https:// and a host, such as https://spark.example.com"
        ),
    )
    config: dict[
        Annotated[str, Field(max_length=128)],
        Annotated[str, Field(max_length=4096)],
    ] = Field(
        {},
        max_length=MAX_CONFIG_ENTRIES,
        description="Environment variables that are no secrets.",
        json_schema_extra=rules(
            no_key(
                "config",
                "!k.matches('^[A-Za-z_][A-Za-z0-9_]*$')",
                "not the name of an environment variable:"
                " use letters, digits and _, not starting with a digit",
            ),
            no_key(
                "config",
                _NAMES_SECRET,
                "credentials are given by reference only:"
                " remove it here and set its field in spec.secrets to {name: SECRET, key: KEY}",
            ),
            no_key(
                "config",
                _LOOKS_SECRET,
                "the value looks like a credential: put it into a Secret"
                " and refer to that in spec.secrets as {name: SECRET, key: KEY}",
            ),
            no_key(
                "config",
                f"k in {list(RESERVED_VARIABLES)}",
                "the operator sets this variable: remove it here"
                " and use spec.environment, spec.appURL or spec.pod.port",
            ),
        ),
    )
    pod: PodSettings = Field(PodSettings(), description="How the pods run.")
    secrets: Secrets = Field(
        Secrets(), description="Credentials, by reference; at least one provider key is required."
    )
    strategy: Strategy = Field(Strategy(), description="How a new release reaches the users.")
    analysis: Analysis = Field(Analysis(), description="When a release is good or bad.")
    guard: Guard = Field(Guard(), description="The watch after promotion.")
    rollback: Rollback = Field(Rollback(), description="What happens when a release fails.")
    notifications: Notifications = Field(
        Notifications(), description="Who is told about what, and how."
    )
    revision_history_limit: int = Field(
        10, ge=2, le=50, description="Releases kept to return to, and entries of the history."
    )
    paused: bool = Field(
        False, description="Hold the rollout where it is; a failing candidate is still rolled back."
    )
