"""What to type next, for reasons that the kubelet and the API server give."""

from __future__ import annotations

import re
from typing import Final

ADVICE: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (
        re.compile(r'secret "(?P<name>[^"]{1,253})" not found'),
        "create it with: kubectl create secret generic {name} --from-literal=KEY=VALUE",
    ),
    (
        re.compile(r"couldn.t find key (?P<name>\S{1,253}) in Secret"),
        "add the key {name} to that Secret, or correct spec.secrets",
    ),
    (
        re.compile(r'configmap "(?P<name>[^"]{1,253})" not found'),
        "the operator writes it anew within seconds; if it does not, read its log",
    ),
    (
        re.compile(r"ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull"),
        "check spec.image, and spec.pod.imagePullSecrets where the registry wants a login",
    ),
    (
        re.compile(r"exceeded quota|forbidden: exceeded"),
        "raise the namespace's ResourceQuota, or lower spec.replicas or spec.pod.resources",
    ),
    (
        re.compile(r"Insufficient (?:cpu|memory)|Unschedulable"),
        "give the cluster more room, or lower spec.pod.resources",
    ),
)
"""Patterns of reasons, most telling first, and what a person can do; ``{name}`` is their group."""


def advised(reason: str) -> str:
    """Return a reason with what to do about it, where that is known."""
    for pattern, advice in ADVICE:
        found = pattern.search(reason)
        if found:
            return f"{reason}: {advice.format(**found.groupdict())}"
    return reason
