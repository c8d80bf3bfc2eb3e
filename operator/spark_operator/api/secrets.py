"""``spec.secrets``: the service's credentials, by reference only."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from spark_operator.api.base import Model
from spark_operator.api.references import SecretKeyRef

VARIABLES: Final = {
    "anthropic_api_key": "ANTHROPIC_API_KEY",
    "openai_api_key": "OPENAI_API_KEY",
    "master_api_key": "SPARK_MASTER_API_KEY",
    "api_keys": "SPARK_API_KEYS",
    "database_url": "DATABASE_URL",
    "redis_url": "REDIS_URL",
    "nats_url": "NEXT_PUBLIC_NATS_WS_URL",
    "sentry_dsn": "SENTRY_DSN",
    "error_tracking_url": "ERROR_TRACKING_URL",
}
"""The service's variable behind each field of ``Secrets``."""
CREDENTIALS: Final = tuple(
    variable
    for field, variable in VARIABLES.items()
    if field not in ("nats_url", "error_tracking_url")
)
"""Variables that always carry credentials: never in ``config``."""


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
    nats_url: SecretKeyRef | None = Field(
        None,
        alias="natsURL",
        description="NEXT_PUBLIC_NATS_WS_URL: NATS, where its address carries a password.",
    )
    sentry_dsn: SecretKeyRef | None = Field(
        None, alias="sentryDSN", description="SENTRY_DSN: address of the error tracker."
    )
    error_tracking_url: SecretKeyRef | None = Field(
        None,
        alias="errorTrackingURL",
        description="ERROR_TRACKING_URL, where its address carries a token.",
    )
