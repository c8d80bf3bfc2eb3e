"""What a provider's answer tells of the quota that is left.

Anthropic: ``anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining}``
(API reference, "Rate limits: response headers"). OpenAI:
``x-ratelimit-{limit,remaining}-{requests,tokens}`` (API guide, "Rate limits in headers").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

Resource = Literal["requests", "tokens", "input_tokens", "output_tokens"]
RESOURCES: Final[tuple[Resource, ...]] = get_args(Resource)
_MOST: Final = 10**12


class Quota(NamedTuple):
    """How much of a limit is left."""

    remaining: int
    limit: int


def read_quota(headers: Mapping[str, str]) -> dict[Resource, Quota]:
    """Read the quotas that the headers tell; what is missing or makes no sense is left out."""
    found: dict[Resource, Quota] = {}
    for resource in RESOURCES:
        name = resource.replace("_", "-")
        for remaining, limit in (
            (f"anthropic-ratelimit-{name}-remaining", f"anthropic-ratelimit-{name}-limit"),
            (f"x-ratelimit-remaining-{name}", f"x-ratelimit-limit-{name}"),
        ):
            left, most = _whole(headers.get(remaining)), _whole(headers.get(limit))
            if left is not None and most:
                found[resource] = Quota(min(left, most), most)
    return found


def _whole(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 13:
        return None
    value = int(text)
    return value if value <= _MOST else None
