"""The providers there are."""

from __future__ import annotations

from typing import Final, Literal, get_args

Provider = Literal["claude", "openai"]
PROVIDERS: Final[tuple[Provider, ...]] = get_args(Provider)
