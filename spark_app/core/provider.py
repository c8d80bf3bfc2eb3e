"""The providers there are."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["PROVIDERS", "Provider"]

Provider = Literal["claude", "openai"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
