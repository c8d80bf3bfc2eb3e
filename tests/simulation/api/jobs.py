"""What the API server does to Jobs only.

Sources: k8s.io/kubernetes/pkg/registry/batch/job/strategy.go and pkg/apis/batch/v1/defaults.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.simulation.api import errors

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest

KIND: Final = "Job"
PREFIX: Final = "batch.kubernetes.io/"
ORPHAN: Final = "orphan"
"""Finalizer of an object whose dependents have yet to be let go."""


def defaults(spec: dict[str, Any]) -> dict[str, Any]:
    """A Job's spec without its template, completed."""
    return {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        **spec,
    }


def born(manifest: Manifest) -> Manifest:
    """A new object; a Job's pods are told apart from all others by its own UID."""
    if manifest.get("kind") != KIND:
        return manifest
    meta, spec = manifest["metadata"], manifest["spec"]
    identity = {"controller-uid": meta["uid"], "job-name": meta["name"]}
    labels = {f"{prefix}{key}": it for key, it in identity.items() for prefix in ("", PREFIX)}
    template = spec["template"]
    own = template.get("metadata") or {}
    own = own | {"labels": (own.get("labels") or {}) | labels}
    selector = {"matchLabels": {f"{PREFIX}controller-uid": meta["uid"]}}
    spec = spec | {"selector": selector, "template": template | {"metadata": own}}
    return manifest | {"spec": spec}


def check_change(plural: str, before: Manifest, after: Manifest) -> None:
    """Refuse to change what a Job runs.

    Raises:
        Refusal: its template differs.
    """
    if plural == "jobs" and before["spec"]["template"] != after["spec"]["template"]:
        why = "spec.template: Invalid value: field is immutable"
        raise errors.invalid(plural, before["metadata"]["name"], why)
