"""The text of ``status.secretsRevision``: which credentials pods were given.

It is ``COUNT-TOKENS``: how often pods were restarted for their credentials, and five digits for
each reference to a Secret that name it and its contents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus

FIELDS: Final = (
    "anthropic_api_key",
    "openai_api_key",
    "master_api_key",
    "database_url",
    "redis_url",
    "nats_url",
    "sentry_dsn",
    "error_tracking_url",
    "api_keys",
    "verification",
)
"""In the order of the tokens; more may be appended, and none moved: that would restart pods."""
DIGITS: Final = 5
NONE: Final = "-" * DIGITS
UNKNOWN: Final = "." * DIGITS
MOST: Final = 99_999


class Revision(NamedTuple):
    """What pods were given."""

    rotations: int
    tokens: dict[str, str]

    @classmethod
    def parse(cls, text: str | None) -> Revision | None:
        """Read ``status.secretsRevision``; None where there is none that can be read."""
        count, _, tokens = (text or "").partition("-")
        if not count.isdecimal() or len(count) > len(str(MOST)):
            return None
        cut = [tokens[start : start + DIGITS] for start in range(0, len(tokens), DIGITS)]
        known = dict(zip(FIELDS, cut, strict=False))
        return cls(int(count), dict.fromkeys(FIELDS, UNKNOWN) | known)

    def __str__(self) -> str:
        """The text of ``status.secretsRevision``, at most 56 characters."""
        return f"{self.rotations}-{''.join(self.tokens[field] for field in FIELDS)}"


def count(status: SparkDeploymentStatus) -> int:
    """How often pods were restarted for their credentials."""
    found = Revision.parse(status.secrets_revision)
    return found.rotations if found else 0
