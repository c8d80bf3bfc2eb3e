"""Settings fail at the start, with everything that is wrong in one list and no secret in it."""

import os
from pathlib import Path

import pytest
from anthropic.resources.messages.messages import DEPRECATED_MODELS

from spark_app.settings import SettingsError, load_settings, unread


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("SPARK_", "ANTHROPIC_", "OPENAI_", "NEXT_PUBLIC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-very-secret")


def test_one_key_is_enough() -> None:
    settings = load_settings()
    assert settings.anthropic_api_key is not None
    assert settings.deadline == 60.0
    assert settings.provider_order == ("claude", "openai")
    assert "very-secret" not in repr(settings)


def test_the_default_model_has_a_future() -> None:
    model = load_settings().anthropic_model
    assert model not in DEPRECATED_MODELS


def test_no_provider_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(SettingsError, match="set ANTHROPIC_API_KEY or OPENAI_API_KEY"):
        load_settings()


def test_everything_wrong_is_listed_at_once_and_no_value_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {
        "PORT": "99999",
        "NODE_ENV": "prod-secret",
        "SPARK_RATE_LIMIT": "many-secret",
        "SPARK_API_KEYS": "user-bad-secret",
        "DATABASE_URL": "mysql://root:secret@db/x",
        "REDIS_URL": "secret",
        "NEXT_PUBLIC_NATS_WS_URL": "http://secret",
        "SPARK_DRAIN_ACCEPT_SECONDS": "1",
        "SPARK_PROVIDERS": "claude,secret",
        "SPARK_REQUIRED": "secret",
        "SENTRY_DSN": "secret",
        "ANTHROPIC_BASE_URL": "secret",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    text = str(caught.value)
    for name in wrong:
        assert name in text, name
    assert "secret" not in text.replace("SECRET", "")


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    key = tmp_path / "key"
    key.write_text("from-file\n")
    monkeypatch.setenv("ANTHROPIC_API_KEY_FILE", str(key))
    found = load_settings().anthropic_api_key
    assert found is not None
    assert found.get_secret_value() == "from-file"


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL_FILE", "/nowhere/redis")
    with pytest.raises(SettingsError, match="REDIS_URL_FILE: can't be read"):
        load_settings()


def test_lists_and_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_PROVIDERS", "openai, claude")
    monkeypatch.setenv("SPARK_REQUIRED", "redis")
    with pytest.raises(SettingsError, match="isn't configured: redis"):
        load_settings()
    monkeypatch.setenv("REDIS_URL", "redis://localhost/0")
    settings = load_settings()
    assert settings.provider_order == ("openai", "claude")
    assert settings.required == ("redis",)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "SPARK_RATE_LIMIT_PER_MINUTE",
            "SPARK_RATE_LIMIT_PER_MINUTE: no such setting, do you mean SPARK_RATE_LIMIT?",
        ),
        ("SPARK_FAVOURITE_COLOUR", "SPARK_FAVOURITE_COLOUR: no such setting"),
    ],
)
def test_a_setting_that_nothing_reads_is_named(name: str, said: str) -> None:
    known = ["SPARK_RATE_LIMIT", "SPARK_API_KEYS_FILE", "SPARK_REPORT_FILE", "PATH"]
    assert unread([*known, name]) == (said,)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "postgresql://u:hidden@db:port/x", "a port as a number"),
        ("DATABASE_URL", "postgresql://", "it must name a host"),
        ("REDIS_URL", "redis://:hidden@redis:port/0", "a port as a number"),
        ("NEXT_PUBLIC_NATS_WS_URL", "nats://hidden:port", "a port as a number"),
        ("ERROR_TRACKING_URL", "http://", "it must name a host"),
        ("ANTHROPIC_BASE_URL", "http://[hidden", "it must name a host"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://hidden:port", "a port as a number"),
        ("SENTRY_DSN", "https://hidden", "it is no DSN"),
        ("SPARK_RATE_LIMIT", "0/minute", "write it like 600/minute"),
        ("SPARK_MASTER_API_KEY", "hidden,long-enough", "master key 1 must have 8 to 512"),
        ("SPARK_MASTER_API_KEY", "hidden-1,hidden-2,hidden-3", "more than 2 master keys"),
        ("ANTHROPIC_API_KEY", " , ", "no AI provider"),
        ("SPARK_PROVIDERS", "openai", "SPARK_PROVIDERS names no provider with a key: add claude"),
    ],
)
def test_what_could_not_work_is_no_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings()
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "asked", "named"),
    [
        (None, None, False),
        ("production", None, False),
        ("production", "true", True),
        ("staging", None, True),
        ("development", "false", False),
    ],
)
def test_key_ids_are_named_in_production_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, environment: str | None, asked: str | None, named: bool
) -> None:
    monkeypatch.delenv("NODE_ENV", raising=False)
    for name, value in (("NODE_ENV", environment), ("SPARK_METRICS_KEY_IDS", asked)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert load_settings().names_key_ids is named
