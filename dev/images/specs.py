"""Which images there are, and what each is made of."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dev.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

REGISTRY = "localhost"
SCHEMA = "1"
VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}(-[a-z][a-z-]{0,30})?")
FAULTS: Mapping[str, Mapping[str, str]] = {
    "errors": {"FAULT_RATE": "0.4"},
    "half-errors": {"FAULT_RATE": "0.5"},
    "all-errors": {"FAULT_RATE": "1"},
    "few-errors": {"FAULT_RATE": "0.06"},
    # Of generate calls, four of five that users make: 0.5% of all
    "rare-errors": {"FAULT_RATE": "0.00625"},
    "late-errors": {"FAULT_RATE": "0.5", "FAULT_SWITCHED": "true"},
    "slow": {"FAULT_LATENCY": "6"},
    "crashing": {"FAULT_CRASH_AFTER": "5"},
    "never-ready": {"FAULT_NEVER_READY": "true"},
    "breaker-open": {"FAULT_PROVIDER_URL": "http://127.0.0.1:9"},
    "broken-export": {"FAULT_PATH": "/api/export", "FAULT_RATE": "1"},
    "late-broken-export": {
        "FAULT_PATH": "/api/export",
        "FAULT_RATE": "1",
        "FAULT_SWITCHED": "true",
    },
    "migration": {"MIGRATIONS": "adds"},
    "migration-fails": {"MIGRATIONS": "fails"},
    "migration-hangs": {"MIGRATIONS": "hangs"},
    "migration-slow": {"MIGRATIONS": "slow"},
    "migration-drops": {"MIGRATIONS": "adds drops"},
    "migration-errors": {"MIGRATIONS": "adds", "FAULT_RATE": "1"},
}
"""What is special about a release to what causes it: its environment, or more schema versions.

See ``dev/releases/faulty.py`` and ``dev/releases/versions``.
"""


class UnknownImageError(ClusterError):
    """A name that no image has."""


@dataclass(frozen=True)
class Image:
    """How an image is built; ``inputs`` are files and folders relative to the clone."""

    reference: str
    dockerfile: str
    target: str
    inputs: tuple[str, ...]
    arguments: Mapping[str, str] = field(default_factory=dict)
    parent: Image | None = None


OPERATOR = Image(
    reference=f"{REGISTRY}/spark-operator:dev",
    dockerfile="Dockerfile",
    target="operator",
    inputs=("Dockerfile", "requirements/operator.lock", "operator/spark_operator"),
)

SERVICES = Image(
    reference=f"{REGISTRY}/spark-services:dev",
    dockerfile="dev/services.Dockerfile",
    target="services",
    inputs=("dev/services.Dockerfile",),
)
"""What a release depends on: PostgreSQL, Redis, NATS, and a mail server that prints."""


def _app(version: str) -> Image:
    return Image(
        reference=f"{REGISTRY}/spark-app:{version}",
        dockerfile="Dockerfile",
        target="app",
        inputs=("Dockerfile", "requirements/app.lock", "spark_app"),
        arguments={"VERSION": version},
    )


def _dev(reference: str, target: str, arguments: Mapping[str, str]) -> Image:
    parent = _app("dev")
    return Image(
        reference=reference,
        dockerfile="dev/Dockerfile",
        target=target,
        inputs=("dev/Dockerfile", "dev/providers", "dev/releases", "dev/sinks", "dev/users"),
        arguments=arguments,
        parent=parent,
    )


def parse(name: str) -> Image:
    """Return the image of a name such as ``operator``, ``dev`` or ``app:3.0.0-errors``.

    Raises:
        UnknownImageError: no image has this name; the message lists those that do.
    """
    if name == "operator":
        return OPERATOR
    if name == "dev":
        return _dev(f"{REGISTRY}/spark-dev:dev", "tools", {})
    if name == "services":
        return SERVICES
    version = name.removeprefix("app:")
    if version == name or VERSION.fullmatch(version) is None:
        raise UnknownImageError(
            f"{name!r} is no image: name operator, dev, services, app:1.2.3 or app:1.2.3-FAULT"
            f" with a fault of {', '.join(FAULTS)}."
        )
    _, _, fault = version.partition("-")
    if not fault:
        return _app(version)
    if fault not in FAULTS:
        raise UnknownImageError(f"{fault!r} is no fault: use one of {', '.join(FAULTS)}.")
    return _dev(f"{REGISTRY}/spark-app:{version}", "faulty", {"VERSION": version, **FAULTS[fault]})


def digest(image: Image, clone: Path, base: str) -> str:
    """Return what the image is made from as 64 hexadecimal digits; ``base`` names its base."""
    summed = hashlib.sha256(f"{SCHEMA}\0{base}\0{image.reference}\0{image.target}".encode())
    for name, value in sorted(image.arguments.items()):
        summed.update(f"\0{name}={value}".encode())
    for path in _files(clone, image.inputs):
        summed.update(f"\0{path.relative_to(clone)}\0".encode())
        summed.update(hashlib.sha256(path.read_bytes()).digest())
    if image.parent is not None:
        summed.update(digest(image.parent, clone, base).encode())
    return summed.hexdigest()


def _files(clone: Path, inputs: tuple[str, ...]) -> Iterator[Path]:
    for each in inputs:
        top = clone / each
        found = sorted(top.rglob("*")) if top.is_dir() else [top]
        yield from (path for path in found if path.is_file() and "__pycache__" not in path.parts)
