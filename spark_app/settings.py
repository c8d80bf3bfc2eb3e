"""The service's settings from the environment: the runbook's names, ``SPARK_*`` for the rest."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import limits
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sentry_sdk.utils import BadDsn, Dsn

from spark_app.core.keys import parse_keys, parse_masters
from spark_app.core.provider import Provider  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DEPENDENCY = Literal["redis", "database", "nats"]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class SettingsError(Exception):
    """The environment is wrong; the message lists every mistake, one a line."""


def split(text: str) -> tuple[str, ...]:
    """Split a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _secret(check: Callable[[str], object]) -> AfterValidator:
    """Have a secret checked; what ``check`` raises names what is wrong, and never quotes it."""

    def validate(value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check(value.get_secret_value())
        return value

    return AfterValidator(validate)


def _address(*schemes: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not text.startswith(schemes):
            raise ValueError(f"it must begin with one of: {', '.join(schemes)}")
        try:
            parts = urlsplit(text)
            complete = parts.scheme == "unix" or (parts.hostname and parts.port != 0)
        except ValueError:
            complete = False
        if not complete:
            raise ValueError(f"it must name a host, and a port as a number: {schemes[0]}HOST:PORT")
        return text

    return check


def _dsn(text: str) -> None:
    try:
        Dsn(text)
    except BadDsn:
        raise ValueError("it is no DSN; write https://PUBLICKEY@HOST/PROJECT") from None


def _limit(value: str) -> str:
    try:
        amount = limits.parse(value).amount
    except ValueError:
        amount = 0
    if amount < 1:
        raise ValueError("write it like 600/minute or 20/second")
    return value


Rate = Annotated[str, AfterValidator(_limit)]
HTTPURL = Annotated[str, AfterValidator(_address("https://", "http://")), Field(max_length=2048)]


class Settings(BaseSettings):
    """All times in seconds, all sizes in bytes.

    A variable ``NAME_FILE`` names a file to read ``NAME`` from, for every secret.
    """

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        case_sensitive=True,
        populate_by_name=True,
        hide_input_in_errors=True,
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
    access_log: bool = Field(default=True, alias="SPARK_ACCESS_LOG")
    metrics_key_ids: bool | None = Field(None, alias="SPARK_METRICS_KEY_IDS")
    page: bool = Field(default=True, alias="SPARK_PAGE")

    # Several keys of one provider, the preferred first, are separated by commas.
    anthropic_api_key: SecretStr | None = Field(None, alias="ANTHROPIC_API_KEY")
    anthropic_base_url: HTTPURL | None = Field(None, alias="ANTHROPIC_BASE_URL")
    anthropic_model: str = Field("claude-sonnet-5-5", alias="ANTHROPIC_MODEL", max_length=128)
    openai_api_key: SecretStr | None = Field(None, alias="OPENAI_API_KEY")
    openai_base_url: HTTPURL | None = Field(None, alias="OPENAI_BASE_URL")
    openai_model: str = Field("gpt-5.5", alias="OPENAI_MODEL", max_length=128)
    provider_order: Annotated[tuple[Provider, ...], NoDecode] = Field(
        ("claude", "openai"), alias="SPARK_PROVIDERS", min_length=1, max_length=2
    )
    providers_file: str | None = Field(None, alias="SPARK_PROVIDERS_FILE")

    deadline: Seconds = Field(60.0, alias="SPARK_DEADLINE_SECONDS")
    stream_idle: Seconds = Field(20.0, alias="SPARK_STREAM_IDLE_SECONDS")
    probe: Seconds = Field(2.0, alias="SPARK_PROBE_SECONDS")
    max_tokens: int = Field(4096, alias="SPARK_MAX_TOKENS", ge=64, le=64_000)
    max_body: int = Field(256 * 1024, alias="SPARK_MAX_BODY_BYTES", ge=1024, le=16 * 1024 * 1024)
    body_seconds: Seconds = Field(10.0, alias="SPARK_BODY_SECONDS")
    max_inflight: int = Field(256, alias="SPARK_MAX_INFLIGHT", ge=1, le=100_000)
    max_connections: int = Field(2048, alias="SPARK_MAX_CONNECTIONS", ge=16, le=100_000)
    max_lag: Seconds = Field(1.0, alias="SPARK_MAX_LAG_SECONDS")

    master_key: Annotated[SecretStr | None, _secret(parse_masters)] = Field(
        None, alias="SPARK_MASTER_API_KEY"
    )
    master_key_file: str | None = Field(None, alias="SPARK_MASTER_API_KEY_FILE")
    api_keys: Annotated[SecretStr | None, _secret(parse_keys)] = Field(None, alias="SPARK_API_KEYS")
    api_keys_file: str | None = Field(None, alias="SPARK_API_KEYS_FILE")
    verify_key: SecretStr | None = Field(
        None, alias="SPARK_VERIFY_API_KEY", min_length=8, max_length=512
    )
    revocations_file: str | None = Field(None, alias="SPARK_REVOCATIONS_FILE")
    rate_limit: Rate = Field("600/minute", alias="SPARK_RATE_LIMIT", max_length=64)
    # Without any list of keys: who comes without one, and how often.
    allow_anonymous: bool = Field(default=False, alias="SPARK_ALLOW_ANONYMOUS")
    anonymous_rate: Rate = Field("10/minute", alias="SPARK_ANONYMOUS_RATE", max_length=64)
    anonymous_total: Rate = Field("60/minute", alias="SPARK_ANONYMOUS_TOTAL_RATE", max_length=64)
    wrong_key_rate: Rate = Field("20/minute", alias="SPARK_WRONG_KEY_RATE", max_length=64)
    replicas: int = Field(1, alias="SPARK_REPLICAS", ge=1, le=10_000)
    maintenance: bool = Field(default=False, alias="SPARK_MAINTENANCE")
    maintenance_file: str | None = Field(None, alias="SPARK_MAINTENANCE_FILE")

    cache_bytes: int = Field(64 * 1024 * 1024, alias="SPARK_CACHE_BYTES", ge=1, le=2**34)
    cache_seconds: float = Field(3600.0, alias="SPARK_CACHE_SECONDS", ge=1, le=7 * 86_400)

    database_url: Annotated[SecretStr | None, _secret(_address("postgresql://", "postgres://"))] = (
        Field(None, alias="DATABASE_URL")
    )
    redis_url: Annotated[
        SecretStr | None, _secret(_address("redis://", "rediss://", "unix://"))
    ] = Field(None, alias="REDIS_URL")
    nats_url: Annotated[
        SecretStr | None, _secret(_address("ws://", "wss://", "nats://", "tls://"))
    ] = Field(None, alias="NEXT_PUBLIC_NATS_WS_URL")
    spool_dir: str | None = Field(
        "/tmp/spark-spool",  # noqa: S108 - a pod's own volume; the files are the process's only
        alias="SPARK_SPOOL_DIR",
        max_length=4096,
    )
    required: Annotated[tuple[DEPENDENCY, ...], NoDecode] = Field((), alias="SPARK_REQUIRED")
    sentry_dsn: Annotated[SecretStr | None, _secret(_dsn)] = Field(None, alias="SENTRY_DSN")
    error_tracking_url: Annotated[SecretStr | None, _secret(_address("https://", "http://"))] = (
        Field(None, alias="ERROR_TRACKING_URL")
    )
    otlp_endpoint: HTTPURL | None = Field(None, alias="OTEL_EXPORTER_OTLP_ENDPOINT")

    drain_accept: float = Field(4.0, alias="SPARK_DRAIN_ACCEPT_SECONDS", ge=3.0, le=60.0)
    drain_bound: float = Field(50.0, alias="SPARK_DRAIN_BOUND_SECONDS", ge=4.0, le=3600.0)
    connection_age: Seconds = Field(10.0, alias="SPARK_CONNECTION_AGE_SECONDS")
    keep_alive: int = Field(5, alias="SPARK_KEEP_ALIVE_SECONDS", ge=1, le=60)

    @property
    def needs_key(self) -> bool:
        """Whether callers need an API key: as soon as any list of keys is configured."""
        lists = (self.master_key, self.master_key_file, self.api_keys, self.api_keys_file)
        return any(one is not None for one in lists)

    @property
    def names_key_ids(self) -> bool:
        """Whether metrics name key ids, which may be people's names: in production when asked."""
        if self.metrics_key_ids is None:
            return self.environment != "production"
        return self.metrics_key_ids

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in ("SPARK_PROVIDERS", "SPARK_REQUIRED"):
            if isinstance(values.get(name), str):
                values[name] = tuple(dict.fromkeys(split(values[name])))
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        wrong = []
        keys = {"claude": self.anthropic_api_key, "openai": self.openai_api_key}
        usable = [name for name, key in keys.items() if key and split(key.get_secret_value())]
        if not usable:
            wrong.append("no AI provider: set ANTHROPIC_API_KEY or OPENAI_API_KEY, or both")
        elif not set(usable) & set(self.provider_order):
            wrong.append(f"SPARK_PROVIDERS names no provider with a key: add {', '.join(usable)}")
        urls = {"redis": self.redis_url, "database": self.database_url, "nats": self.nats_url}
        missing = [name for name in self.required if urls[name] is None]
        if missing:
            wrong.append(f"SPARK_REQUIRED names what is not configured: {', '.join(missing)}")
        if self.drain_bound <= self.drain_accept:
            wrong.append("SPARK_DRAIN_BOUND_SECONDS must exceed SPARK_DRAIN_ACCEPT_SECONDS")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


_FROM_FILES: Final = (
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "NEXT_PUBLIC_NATS_WS_URL",
    "SENTRY_DSN",
    "ERROR_TRACKING_URL",
    "SPARK_VERIFY_API_KEY",
)


def load_settings() -> Settings:
    """Read the environment, and the files that it names.

    Raises:
        SettingsError: with one line per mistake; no value is repeated, as it may be a secret.
    """
    lines: list[str] = []
    found: dict[str, str] = {}
    for name in _FROM_FILES:
        path = os.environ.get(f"{name}_FILE")
        if path:
            try:
                found[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                lines.append(f"{name}_FILE: cannot be read ({type(error).__name__})")
    try:
        settings = Settings(**found)  # type: ignore[arg-type]
        if not lines:
            return settings
    except ValidationError as error:
        lines += [_explain(item["loc"], item["msg"]) for item in error.errors(include_input=False)]
    listed = "\n".join(f"  - {line}" for line in lines)
    raise SettingsError(f"the settings are wrong; correct these environment variables:\n{listed}")


_OF_COMMANDS: Final = ("SPARK_REPORT_FILE", "SPARK_STABLE_HEAD")
"""What commands read from the environment, beside the settings."""


def unread(names: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence for each ``SPARK_*`` variable that nothing reads, such as a typo."""
    known = {str(field.alias) for field in Settings.model_fields.values()}
    known |= {*_OF_COMMANDS, *(f"{name}_FILE" for name in _FROM_FILES)}
    said = []
    for name in sorted(names):
        if name.startswith("SPARK_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            said.append(f"{name}: no such setting{f', do you mean {near[0]}?' if near else ''}")
    return tuple(said)


def _explain(location: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in location)
    text = message.removeprefix("Value error, ")
    return f"{name}: {text}" if name else text
