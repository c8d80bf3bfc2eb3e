"""Scalar forms that users write: Go-style durations, percentages, Kubernetes quantities.

Each form is a string in the resource, bounded by a pattern in the schema, and read by one
function here.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from spark_operator.api.crd.cel import (
    DURATION_PATTERN,
    PERCENT_PATTERN,
    QUANTITY_PATTERN,
    at_most,
    explained,
)

Duration = Annotated[
    str,
    Field(
        pattern=DURATION_PATTERN,
        max_length=32,
        json_schema_extra=explained(
            "not a duration: write a number with its unit (ms, s, m, h), such as 30s, 5m or 1h30m"
        ),
    ),
]
Percent = Annotated[
    str,
    Field(
        pattern=PERCENT_PATTERN,
        max_length=8,
        json_schema_extra=explained(
            "not a percentage: write a number from 0 to 100 followed by %, such as 5% or 0.5%"
        ),
    ),
]
Quantity = Annotated[
    str,
    Field(
        pattern=QUANTITY_PATTERN,
        max_length=24,
        json_schema_extra=explained(
            "not a quantity: write a number with its unit, such as 500m (CPU) or 256Mi (memory)"
        )
        | at_most("1Pi"),
    ),
]


_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_DECIMAL_UNITS: Final = ("m", "", "k", "M", "G", "T", "P", "E")
_BINARY_UNITS: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_UNIT_LETTERS: Final = "mkKMGTPEi"
_SUFFIXES: Final = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{
        suffix: Decimal(1000) ** power
        for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), 1)
    },
    **{
        suffix: Decimal(1024) ** power
        for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)
    },
}


class ValueFormError(ValueError):
    """A scalar of the resource is not in a form that this API knows."""


def seconds(duration: str) -> float:
    """Read a Go-style duration such as ``1h30m`` as seconds.

    Raises:
        ValueFormError: the text is no duration.
    """
    if not re.fullmatch(DURATION_PATTERN, duration):
        msg = f"{duration!r} is no duration: write a number with a unit, such as 30s, 5m or 1h30m"
        raise ValueFormError(msg)
    return sum(
        float(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION_PART.findall(duration)
    )


def fraction(percent: str) -> float:
    """Read a percentage such as ``5%`` as a fraction of one.

    Raises:
        ValueFormError: the text is no percentage between 0% and 100%.
    """
    if not re.fullmatch(PERCENT_PATTERN, percent):
        msg = (
            f"{percent!r} is no percentage: write a number from 0 to 100 followed by %, such as 5%"
        )
        raise ValueFormError(msg)
    return float(percent[:-1]) / 100.0


def quantity(text: str) -> Decimal:
    """Read a Kubernetes quantity such as ``500m`` or ``1Gi`` as an exact number.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/

    Raises:
        ValueFormError: the text is no quantity.
    """
    if not re.fullmatch(QUANTITY_PATTERN, text):
        msg = f"{text!r} is no quantity: write a number with an optional unit, such as 500m or 1Gi"
        raise ValueFormError(msg)
    number = text.rstrip(_UNIT_LETTERS)
    return Decimal(number) * _SUFFIXES[text[len(number) :]]


def canonical_quantity(text: str) -> str:
    """Write a container's quantity as the API server keeps it, so that what is kept compares equal.

    No fraction, the largest unit that leaves none, binary units only for whole numbers from 1024
    on, and nothing finer than a thousandth: that is rounded up.
    Sources: https://pkg.go.dev/k8s.io/apimachinery/pkg/api/resource#Quantity, and
    ``SetDefaults_ResourceList`` of Kubernetes' core/v1 for the thousandth.

    Raises:
        ValueFormError: the text is no quantity.
    """
    value = quantity(text)
    if text.endswith("i") and value >= 1024 and value == int(value):
        return _largest_unit(int(value), 1024, _BINARY_UNITS)
    return _largest_unit(math.ceil(value * 1000), 1000, _DECIMAL_UNITS) if value else "0"


def _largest_unit(number: int, base: int, units: tuple[str, ...]) -> str:
    unit = 0
    while number % base == 0 and unit + 1 < len(units):
        number, unit = number // base, unit + 1
    return f"{number}{units[unit]}"
