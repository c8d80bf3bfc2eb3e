"""CEL rules of the schema: what one field's bounds can't say, with a message that says the cure.

Source: https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

from typing import Any, Final

DURATION_PATTERN: Final = r"^([0-9]{1,5}([.][0-9]{1,3})?(ms|s|m|h)){1,4}$"
PERCENT_PATTERN: Final = r"^(100|[0-9]{1,2}([.][0-9]{1,4})?)%$"
QUANTITY_PATTERN: Final = r"^[0-9]{1,12}([.][0-9]{1,9})?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
PATTERN_MESSAGE: Final = "x-spark-pattern-message"
"""Schema extension: with it a pattern becomes a CEL rule, whose message says what to write."""


def rule(expression: str, message: str, *, field: str = "", found: str = "") -> dict[str, str]:
    """One CEL rule.

    Args:
        expression: what must hold, in CEL; ``self`` is the value the rule stands at.
        message: names the field and says what to change.
        field: member that the error is reported at, such as ``.steps``; else the value itself.
        found: CEL expression of a message that can name what was found; ``message`` is told where
            it can't be evaluated.
    """
    made = {"rule": expression, "message": message}
    if found:
        made["messageExpression"] = found
    if field:
        made["fieldPath"] = field
    return made


def rules(*items: dict[str, str]) -> dict[str, Any]:
    """Schema extension that carries CEL rules, for a field or a model."""
    return {"x-kubernetes-validations": list(items)}


def explained(message: str) -> dict[str, Any]:
    """Schema extension that says what to write where the field's pattern is not met."""
    return {PATTERN_MESSAGE: message}


def is_duration(value: str) -> str:
    """CEL condition that ``value`` has the form of a duration, so that ``duration()`` reads it."""
    return f"{value}.matches('{DURATION_PATTERN}')"


def is_percent(value: str) -> str:
    """CEL condition that ``value`` has the form of a percentage."""
    return f"{value}.matches('{PERCENT_PATTERN}')"


def percent(value: str) -> str:
    """CEL number of a percentage that has the form of one."""
    return f"double({value}.replace('%', ''))"


def between(shortest: str, longest: str) -> dict[str, Any]:
    """Schema extension that bounds a duration; both ends are allowed."""
    return rules(
        rule(
            f"!{is_duration('self')} || (duration(self) >= duration('{shortest}')"
            f" && duration(self) <= duration('{longest}'))",
            f"out of bounds: write a duration from {shortest} to {longest}",
        )
    )


def at_most(largest: str) -> dict[str, Any]:
    """Schema extension that bounds a quantity; ``largest`` is allowed."""
    return rules(
        rule(
            f"!isQuantity(self) || quantity(self).compareTo(quantity('{largest}')) <= 0",
            f"out of bounds: write a quantity of at most {largest}",
        )
    )


def within_limit(name: str) -> dict[str, str]:
    """A container's request for resource ``name`` may not be above its limit."""
    request, limit = f"self.requests.{name}", f"self.limits.{name}"
    return rule(
        f"!has({request}) || !has({limit}) || !isQuantity({request}) || !isQuantity({limit})"
        f" || quantity({request}).compareTo(quantity({limit})) <= 0",
        f"requests.{name} is above limits.{name}: lower the request or raise the limit",
        field=f".requests.{name}",
    )


def no_key(field: str, forbidden: str, problem: str) -> dict[str, str]:
    """No key ``k`` of the map ``field`` may be ``forbidden``; the message names the first one."""
    return rule(
        f"self.all(k, !({forbidden}))",
        f"{field}: {problem}",
        found=f"'{field}.' + self.filter(k, {forbidden})[0] + {f': {problem}'!r}",
    )
