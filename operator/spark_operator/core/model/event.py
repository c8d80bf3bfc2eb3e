"""What becomes one Kubernetes Event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling: becomes one Kubernetes Event."""

    reason: str
    message: str
    warning: bool = False
