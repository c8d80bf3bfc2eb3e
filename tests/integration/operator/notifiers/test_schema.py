"""What the API server says of channels that are wrong, and what a real kustomization mounts."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from spark_operator.runtime.settings import Settings
from tests.integration.conftest import ROOT
from tests.unit.operator.core.builders import body
from tests.unit.operator.core.notifications.told import ALL, EMAIL, SLACK, WEBHOOK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

BOTH = {**WEBHOOK, "urlFrom": {"name": "hook", "key": "url"}}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "both addresses": ({"webhook": [BOTH]}, "set url, or urlFrom where it is a secret"),
    "no address": ({"webhook": [{}]}, "one address is needed, not none or both"),
    "credentials in the address": (
        {"webhook": [{"url": "https://user:secret@hooks.example.com"}]},
        "one with credentials belongs into a mounted file: use urlFrom",
    ),
    "attribute in a template": (
        {"slack": [{**SLACK, "template": "{message.__class__}"}]},
        "in braces write one of state, severity",
    ),
    "unknown field in a template": (
        {"slack": [{**SLACK, "template": "{password}"}]},
        "in braces write one of state, severity",
    ),
    "the same name twice": ({"slack": [SLACK, SLACK]}, "Duplicate value"),
    "a long name": ({"slack": [{**SLACK, "name": "x" * 17}]}, "may not be more than 16"),
    "five of a kind": (
        {"slack": [{**SLACK, "name": f"c{number}"} for number in range(5)]},
        "must have at most 4 items",
    ),
    "a way out of the directory": (
        {"slack": [{"webhookURL": {"name": "..", "key": "url"}}]},
        "not the name of a mounted file",
    ),
    "a display name": (
        {"email": [{**EMAIL, "to": ["Ops <ops@example.com>"]}]},
        "not a mail address: write NAME@DOMAIN alone",
    ),
    "nobody to mail to": ({"email": [{**EMAIL, "to": []}]}, "should have at least 1 items"),
    "a severity that is none": (
        {"slack": [{**SLACK, "minSeverity": "error"}]},
        'supported values: "info", "warning", "critical"',
    ),
}


def manifest(told: dict[str, Any], namespace: str = "default") -> str:
    made = body(1, notifications=told)
    made["metadata"] = {"name": "spark", "namespace": namespace}
    return json.dumps(made)


@pytest.mark.parametrize(("told", "says"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_refused(kubectl: Kubectl, told: dict[str, Any], says: str) -> None:
    done = kubectl.try_run("create", "--dry-run=server", "-f", "-", stdin=manifest(told))
    assert done.returncode != 0
    assert says in done.stderr


def test_a_channel_of_each_kind_is_taken(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "-f", "-", stdin=manifest(ALL, namespace))
    stored = kubectl.json("get", "sdep", "spark", f"--namespace={namespace}")
    told = stored["spec"]["notifications"]
    assert told["slack"][0]["name"] == "default"
    assert told["pagerDuty"][0]["minSeverity"] == "critical"
    assert told["email"][0]["minSeverity"] == "warning"


def test_credentials_are_mounted_where_the_operator_looks(kubectl: Kubectl, tmp_path: Path) -> None:
    """An overlay as docs/notifications.md writes it."""
    manifests = os.path.relpath(ROOT / "manifests", tmp_path)
    overlay = {"resources": [f"{manifests}/install"], "components": [f"{manifests}/notifications"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    made = kubectl("kustomize", "--load-restrictor=LoadRestrictionsNone", str(tmp_path))
    (pod,) = (
        item["spec"]["template"]["spec"]
        for item in yaml.safe_load_all(made)
        if item["kind"] == "Deployment"
    )
    sources = {volume["name"]: volume.get("secret") for volume in pod["volumes"]}
    mounts = {
        mount["mountPath"]: sources[mount["name"]] for mount in pod["containers"][0]["volumeMounts"]
    }
    for name in ("spark-slack", "spark-pagerduty", "spark-smtp"):
        found = mounts[f"{Settings().secrets_dir}/{name}"]
        assert (found["secretName"], found["optional"]) == (name, True)
