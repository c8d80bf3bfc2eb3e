"""A client for each key that is configured."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from spark_app.settings import split

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr

    from spark_app.core.provider import Provider
    from spark_app.providers.port import ProviderPort
    from spark_app.settings import Settings
    from spark_app.telemetry.diagnostics import Diagnostics


def ports_of(
    settings: Settings, diagnostics: Diagnostics | None = None
) -> dict[Provider, list[ProviderPort]]:
    """A client for each configured key."""

    def told(name: Provider) -> Callable[[Mapping[str, str]], None] | None:
        return None if diagnostics is None else partial(diagnostics.answered, name)

    # Each SDK takes a second to import: only the configured ones are.
    made: dict[Provider, list[ProviderPort]] = {}
    if keys := split_keys(settings.anthropic_api_key):
        from spark_app.providers.claude import ClaudeProvider  # noqa: PLC0415

        url, model = settings.anthropic_base_url, settings.anthropic_model
        made["claude"] = [ClaudeProvider(key, url, model, told("claude")) for key in keys]
    if keys := split_keys(settings.openai_api_key):
        from spark_app.providers.openai import OpenAIProvider  # noqa: PLC0415

        url, model = settings.openai_base_url, settings.openai_model
        made["openai"] = [OpenAIProvider(key, url, model, told("openai")) for key in keys]
    return made


def split_keys(secret: SecretStr | None) -> tuple[str, ...]:
    """Split a secret that may hold several keys, separated by commas."""
    return split(reveal(secret))


def reveal(secret: SecretStr | None) -> str:
    """Take a secret's text out; empty where there is none."""
    return secret.get_secret_value() if secret is not None else ""
