"""What is measured: fault, sensitivity, source of the numbers, and the bound it must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FAULTS = {"50%": "3.0.0-half-errors", "100%": "3.0.0-all-errors"}
"""Share of a bad release's calls that fail, to its version."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table.

    Attributes:
        fault: key of ``FAULTS``.
        sensitivity: of ``spec.analysis``.
        ended_by: the judge on the pods' own numbers or on a Prometheus' (scraped each second), or
            an alert that is pushed in and names the release.
        bound: seconds that the median may take: first bad answer to last bad answer, or, with an
            alert, its sending to the last bad answer.
    """

    fault: str
    sensitivity: Literal["fast", "balanced", "robust"]
    ended_by: Literal["pods", "prometheus", "alert"]
    bound: float

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.fault} {self.sensitivity} {self.ended_by}"


CELLS = (
    Cell("50%", "fast", "pods", 5.0),
    Cell("100%", "fast", "pods", 4.0),
    Cell("50%", "balanced", "pods", 20.0),
    Cell("100%", "balanced", "pods", 10.0),
    Cell("50%", "fast", "prometheus", 10.0),
    # Robust would take minutes by itself: it is the alert that ends these
    Cell("50%", "robust", "alert", 3.0),
)
