"""``spec.maintenance`` and ``spec.freeze``: times at which things are different."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from spark_operator.api.base import Model
from spark_operator.api.crd.cel import between, rule, rules
from spark_operator.api.fields import Time
from spark_operator.api.values import Duration

_ENDS_AFTER_IT_BEGINS = rule(
    "!has(self.from) || !has(self.until) || self.from < self.until",
    "until must be later than from: move one of them",
    field=".until",
)


class Maintenance(Model):
    """The service answers 503 with Retry-After while this lasts."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            _ENDS_AFTER_IT_BEGINS,
            rule(
                "has(self.from) == has(self.until)",
                "a window needs both ends: set from and until, or neither and use enabled",
                field=".from",
            ),
        )
    )

    enabled: bool = Field(False, description="Closed now, until this is false again.")
    from_: Time | None = Field(None, alias="from", description="When a window begins, RFC 3339.")
    until: Time | None = Field(None, description="When it ends, RFC 3339.")
    announce: Duration = Field(
        "24h",
        description="How long before the window it is announced.",
        json_schema_extra=between("0s", "720h"),
    )
    message: str = Field(
        "SPARK is in maintenance; please come back.",
        min_length=1,
        max_length=500,
        description="What users are told.",
    )
    retry_after: Duration = Field(
        "5m",
        description="Retry-After where no end is known; with until, the time left counts.",
        json_schema_extra=between("1s", "24h"),
    )


class Freeze(Model):
    """A time in which no new release starts."""

    model_config = ConfigDict(json_schema_extra=rules(_ENDS_AFTER_IT_BEGINS))

    from_: Time = Field(alias="from", description="When it begins, RFC 3339.")
    until: Time = Field(description="When it ends, RFC 3339.")
    reason: str = Field("", max_length=200, description="Why, for those whose release waits.")
