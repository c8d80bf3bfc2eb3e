"""``SparkDeployment.spec``: what a user asks for.

The models are the only source of the schema: the CRD and the field reference are generated from
them.  Descriptions say the unit.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from spark_operator.api.analysis import Analysis
from spark_operator.api.base import Model
from spark_operator.api.crd.cel import explained, no_key, rule, rules
from spark_operator.api.jobs import Migrations, Preflight, Verification
from spark_operator.api.notifications import Notifications
from spark_operator.api.pods import PodSettings
from spark_operator.api.secrets import CREDENTIALS, Secrets
from spark_operator.api.strategy import Guard, Rollback, Strategy
from spark_operator.api.windows import Freeze, Maintenance

MAX_REPLICAS: Final = 200
MAX_CONFIG_ENTRIES: Final = 64
MAX_FREEZES: Final = 16
MAX_REVOKED: Final = 64
KeyId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$",
        max_length=69,
        json_schema_extra=explained(
            "not the id of a key: write the id as the service's log names it, never the key itself"
        ),
    ),
]
"""Names a user's key, as the service does."""
RESERVED_VARIABLES: Final = (
    "NODE_ENV",
    "NEXT_PUBLIC_APP_URL",
    "PORT",
    "SPARK_RELEASE",
    "SPARK_API_KEYS_FILE",
    "SPARK_PROVIDERS_FILE",
    "SPARK_MAINTENANCE_FILE",
    "SPARK_REVOCATIONS_FILE",
)

SECRET_LOOKS: Final = (
    "^sk-[A-Za-z0-9_-]{8,}",
    "^(ghp|gho|ghs|github_pat|glpat|xox[abprs])[_-][A-Za-z0-9_-]{8,}",
    "^AKIA[0-9A-Z]{16}",
    "-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "^[a-z][a-z0-9+.-]*://[^/@ ]*:[^/@ ]+@",
)
"""What credentials look like: keys of providers and hosts, private keys, passwords in a URL."""
_NAMES_SECRET: Final = f"k in {list(CREDENTIALS)}"
_LOOKS_SECRET: Final = f"!({_NAMES_SECRET}) && self[k].matches('{'|'.join(SECRET_LOOKS)}')"


class Providers(Model):
    """The AI providers; taken up by running pods, without a rollout."""

    order: Annotated[
        tuple[Literal["claude", "openai"], ...],
        Field(min_length=1, max_length=2, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(("claude", "openai"), description="Which provider is asked first.")


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
        "production", description="Which environment this is: it picks defaults and sets NODE_ENV."
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
    providers: Providers = Field(Providers(), description="Order of the AI providers, live.")
    revoked_keys: Annotated[
        tuple[KeyId, ...],
        Field(max_length=MAX_REVOKED, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field((), description="Ids of users' keys that every pod refuses at once, live.")
    allow_anonymous: bool = Field(
        False,
        description="Whether callers without a key are served without a limit of their own; else"
        " they get a small rate. Part of the release.",
    )
    preflight: Preflight = Field(
        Preflight(), description="Checks before any pod of a candidate gets traffic."
    )
    migrations: Migrations | None = Field(
        None, description="Schema changes that a release brings; absent: none."
    )
    verification: Verification = Field(
        Verification(), description="Checks through the real API after each step and promotion."
    )
    strategy: Strategy = Field(Strategy(), description="How a new release reaches the users.")
    analysis: Analysis = Field(Analysis(), description="When a release is good or bad.")
    guard: Guard = Field(Guard(), description="The watch after promotion.")
    rollback: Rollback = Field(Rollback(), description="What happens when a release fails.")
    maintenance: Maintenance = Field(
        Maintenance(), description="When the service is closed on purpose."
    )
    freeze: Annotated[tuple[Freeze, ...], Field(max_length=MAX_FREEZES)] = Field(
        (), description="Times in which no new release starts; a rollback is always possible."
    )
    isolated: bool = Field(
        False,
        description="Cut the service off for an investigation: no Service selects its pods, and a"
        " policy denies them all traffic; pods and logs stay.",
    )
    notifications: Notifications = Field(
        Notifications(), description="Who is told about what, and how."
    )
    revision_history_limit: int = Field(
        10, ge=2, le=50, description="Releases kept to return to, and entries of the history."
    )
    paused: bool = Field(
        False, description="Hold the rollout where it is; a failing candidate is still rolled back."
    )
