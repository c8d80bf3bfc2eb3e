"""What moves traffic is written only over what was seen."""

from __future__ import annotations

from typing import Any

import pytest

from spark_operator.core.apply.diff import UNSEEN, Apply, Delete, diff

OWNER = {"uid": "owner", "controller": True}


def manifest(kind: str, **meta: Any) -> dict[str, Any]:
    own = {"name": "spark", "annotations": {}, "ownerReferences": [OWNER]}
    return {"kind": kind, "metadata": own | meta, "spec": {"replicas": 1}}


def written(wanted: dict[str, Any], live: list[dict[str, Any]]) -> dict[str, Any]:
    [write] = diff([wanted], live, "owner", 1)
    assert isinstance(write, Apply)
    found: dict[str, Any] = write.manifest["metadata"]
    return found


@pytest.mark.parametrize("kind", ["Service", "Deployment"])
def test_what_was_absent_is_created_and_never_overwritten(kind: str) -> None:
    assert written(manifest(kind), [])["resourceVersion"] == UNSEEN


@pytest.mark.parametrize("kind", ["Service", "Deployment"])
def test_what_was_seen_is_changed_and_never_created_again(kind: str) -> None:
    live = manifest(kind, resourceVersion="7", uid="seen") | {"spec": {"replicas": 2}}
    meta = written(manifest(kind), [live])
    assert (meta["resourceVersion"], meta["uid"]) == ("7", "seen")


def test_what_a_newer_decision_has_written_meanwhile_is_not_removed() -> None:
    """A late request of an operator that was stopped: its Deployment may serve users again."""
    live = [manifest(k, resourceVersion="7", uid="seen") for k in ("Deployment", "ConfigMap")]
    found = [write.version for write in diff([], live, "owner", 1) if isinstance(write, Delete)]
    assert found == ["7", None]


def test_what_moves_no_traffic_is_not_fenced() -> None:
    assert "resourceVersion" not in written(manifest("ConfigMap"), [])
