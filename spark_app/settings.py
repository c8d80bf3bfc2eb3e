"""The service's settings, from the environment: the runbook's names, and `SPARK_*` for the rest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings", "SettingsError", "load_settings"]

Seconds = Annotated[float, Field(gt=0, le=3600)]


class SettingsError(Exception):
    """The environment is wrong; the message lists every mistake, one a line."""


class Settings(BaseSettings):
    """All times in seconds, all sizes in bytes."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        case_sensitive=True,
        populate_by_name=True,
    )

    host: str = Field("0.0.0.0", alias="HOST")  # noqa: S104 - a pod is reached from outside
    port: int = Field(3000, alias="PORT", ge=0, le=65535)
    release: str = Field("dev", alias="SPARK_RELEASE", pattern=r"^[A-Za-z0-9._-]{1,63}$")
    version: str = Field("0.0.0", alias="SPARK_VERSION", pattern=r"^[A-Za-z0-9._+-]{1,63}$")
    environment: Literal["development", "staging", "production"] = Field(
        "production", alias="NODE_ENV"
    )
    app_url: str = Field("http://localhost:3000", alias="NEXT_PUBLIC_APP_URL", max_length=2048)
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", alias="LOG_LEVEL")

    anthropic_api_key: SecretStr | None = Field(None, alias="ANTHROPIC_API_KEY")
    anthropic_base_url: str | None = Field(None, alias="ANTHROPIC_BASE_URL", pattern="^https?://")
    anthropic_model: str = Field("claude-sonnet-4-5", alias="ANTHROPIC_MODEL", max_length=128)
    openai_api_key: SecretStr | None = Field(None, alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(None, alias="OPENAI_BASE_URL", pattern="^https?://")
    openai_model: str = Field("gpt-5.1", alias="OPENAI_MODEL", max_length=128)

    deadline: Seconds = Field(60.0, alias="SPARK_DEADLINE_SECONDS")
    max_tokens: int = Field(4096, alias="SPARK_MAX_TOKENS", ge=64, le=64_000)
    max_body: int = Field(256 * 1024, alias="SPARK_MAX_BODY_BYTES", ge=1024, le=16 * 1024 * 1024)

    drain_accept: float = Field(4.0, alias="SPARK_DRAIN_ACCEPT_SECONDS", ge=3.0, le=60.0)
    drain_bound: float = Field(50.0, alias="SPARK_DRAIN_BOUND_SECONDS", ge=3.0, le=3600.0)
    connection_age: Seconds = Field(10.0, alias="SPARK_CONNECTION_AGE_SECONDS")
    keep_alive: int = Field(5, alias="SPARK_KEEP_ALIVE_SECONDS", ge=1, le=60)

    @model_validator(mode="after")
    def _one_provider(self) -> Settings:
        if self.anthropic_api_key is None and self.openai_api_key is None:
            raise ValueError(
                "no AI provider: set ANTHROPIC_API_KEY or OPENAI_API_KEY (at least one is required)"
            )
        return self


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        SettingsError: with one line per mistake; no value is repeated, as it may be a secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"  - {_explain(item['loc'], item['msg'])}" for item in error.errors()]
        message = "the settings are wrong; correct these environment variables:\n"
        raise SettingsError(message + "\n".join(lines)) from None


def _explain(location: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in location)
    return f"{name}: {message}" if name else message.removeprefix("Value error, ")
