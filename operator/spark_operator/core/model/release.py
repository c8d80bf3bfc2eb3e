"""A release: one immutable version of what runs, and its name.

The name is a hash of what a user wrote, never of rendered YAML, so that an upgrade of the operator
restarts nothing.  Members that equal their default are left out of the hash, so that a default
added later changes no name.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.jobs import Migrations
from spark_operator.api.pods import PodSettings
from spark_operator.core.model.image import canonical

if TYPE_CHECKING:
    from spark_operator.api.spec import SparkDeploymentSpec

HASH_LENGTH: Final = 10


class UnreadableReleaseError(Exception):
    """A ControllerRevision's data describes no release of this operator."""


@dataclass(frozen=True, slots=True)
class Release:
    """What one version of the service is made of."""

    image: str
    environment: str
    app_url: str
    config: tuple[tuple[str, str], ...]
    pod: PodSettings
    migrations: Migrations | None = None
    template: dict[str, Any] | None = field(default=None, repr=False, compare=False)
    """Its pod template as the operator that first saw it rendered it; None: render it now.

    No part of the identity: a newer operator renders differently, and must restart nothing.
    """
    _name: list[str] = field(default_factory=list, init=False, repr=False, compare=False)
    """The name once it was asked for: a reconcile asks a dozen times."""

    @classmethod
    def of(cls, spec: SparkDeploymentSpec) -> Release:
        """Return the release that a spec asks for."""
        return cls(
            image=spec.image,
            environment=spec.environment,
            app_url=spec.app_url,
            config=tuple(sorted({**spec.config, **_anonymous(spec)}.items())),
            pod=spec.pod,
            migrations=spec.migrations,
        )

    @classmethod
    def from_data(cls, data: Any, name: str = "") -> Release:
        """Read the release that a ControllerRevision's ``data`` describes; inverse of ``data``.

        ``name`` is the name it was given; an operator that does not know one of its members would
        compute another.

        Raises:
            UnreadableReleaseError: it describes none.
        """
        try:
            made = cls(
                image=data["image"],
                environment=data["environment"],
                app_url=data["appURL"],
                config=tuple(sorted(data.get("config", {}).items())),
                pod=PodSettings.model_validate(data.get("pod", {})),
                migrations=Migrations.model_validate(data["migrations"])
                if "migrations" in data
                else None,
                template=data.get("template"),
            )
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise UnreadableReleaseError(f"release {name}: {type(error).__name__}") from error
        if name:
            made._name.append(name)
        return made

    def data(self) -> dict[str, Any]:
        """Return the release as JSON values, defaults of its settings left out."""
        data = {
            "image": self.image,
            "environment": self.environment,
            "appURL": self.app_url,
            "config": dict(self.config),
            "pod": self.pod.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        }
        if self.migrations is not None:
            members = self.migrations.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            data["migrations"] = members
        return data

    @property
    def name(self) -> str:
        """Ten hexadecimal digits of SHA-256 over the canonical form."""
        if not self._name:
            identity = {**self.data(), "image": canonical(self.image)}
            text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
            self._name.append(hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH])
        return self._name[0]


ANONYMOUS: Final = "SPARK_ALLOW_ANONYMOUS"
"""The service's variable that lifts the limit on callers without a key."""
VOLUME: Final = "live"


def takes_up(template: dict[str, Any]) -> bool:
    """Return whether a pod template mounts the files; those of older operators do not."""
    return any(item["name"] == VOLUME for item in template["spec"].get("volumes") or ())


def _anonymous(spec: SparkDeploymentSpec) -> dict[str, str]:
    """Return the service's setting for strangers; none where it is at its default."""
    return {ANONYMOUS: "true"} if spec.allow_anonymous else {}
