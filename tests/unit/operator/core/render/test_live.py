"""What running pods take up without a restart, and what a release without the files still gets."""

from __future__ import annotations

from typing import Any

import pytest

from spark_app.live.documents import Maintenance, RoutingDocument
from spark_operator.api.fields import to_time
from spark_operator.api.status.status import MaintenanceStatus
from spark_operator.core.model.release import Release
from spark_operator.core.render.deployment import deployment, pod_template
from spark_operator.core.render.live import live, live_config_map
from tests.unit.operator.core.builders import NOW, release, resource, status

KEYS = {
    "anthropicAPIKey": {"name": "spark-providers", "key": "anthropic"},
    "apiKeys": {"name": "spark-users", "key": "list"},
}


def _older() -> Release:
    """Version 1 as an operator kept it that mounted no live files."""
    template = pod_template("spark", release(1))
    pod = template["spec"]
    pod["volumes"] = [item for item in pod["volumes"] if item["name"] != "live"]
    (container,) = pod["containers"]
    container["volumeMounts"] = [i for i in container["volumeMounts"] if i["name"] != "live"]
    container["env"] = [i for i in container["env"] if not i["name"].endswith("_FILE")]
    return Release.from_data(release(1).data() | {"template": template})


def _pod(made: Release, **spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = deployment(resource(1, **spec), made, 1)["spec"]["template"]["spec"]
    return found


def test_the_service_understands_every_file() -> None:
    files = live(resource(1, providers={"order": ["openai", "claude"]}, revokedKeys=["user-1"]))
    assert RoutingDocument.model_validate_json(files["providers.json"]).order[0] == "openai"
    assert not Maintenance.model_validate_json(files["maintenance.json"]).enabled
    assert files["revocations.json"] == '{"revoked": ["user-1"]}'


@pytest.mark.parametrize(("state", "closed"), [("Announced", False), ("Active", True)])
def test_the_service_is_closed_while_a_window_is_active(state: Any, closed: bool) -> None:
    window = MaintenanceStatus(state=state, since=to_time(NOW), begins=to_time(NOW))
    given = resource(1, status("Stable", maintenance=window), maintenance={"message": "soon"})
    told = Maintenance.model_validate_json(live(given)["maintenance.json"])
    assert (told.enabled, told.message, told.retryAfterSeconds) == (closed, "soon", 300)


def test_users_are_told_the_time_left_where_the_end_is_known() -> None:
    window = MaintenanceStatus(
        state="Active", since=to_time(NOW), begins=to_time(NOW), until=to_time(NOW + 600)
    )
    given = resource(1, status("Stable", maintenance=window))
    told = Maintenance.model_validate_json(live(given)["maintenance.json"])
    assert told.retry_after(to_time(NOW + 540)) == 60.0
    assert told.retry_after(to_time(NOW + 599.9)) == 1.0
    assert told.retry_after(to_time(NOW + 601)) == 300.0, "it is late: nobody knows the end"
    assert told.retry_after(to_time(NOW - 1e6)) == 86_400.0
    isolated = resource(1, status("Stable", maintenance=window), isolated=True)
    assert "until" not in live(isolated)["maintenance.json"]


def test_the_order_in_which_keys_were_revoked_changes_nothing() -> None:
    one, other = resource(1, revokedKeys=["b", "a"]), resource(1, revokedKeys=["a", "b"])
    assert live_config_map(one) == live_config_map(other)


def test_users_keys_are_a_file_and_no_variable() -> None:
    pod = _pod(release(1), secrets=KEYS)
    (container,) = pod["containers"]
    environment = {item["name"]: item.get("value") for item in container["env"]}
    assert environment["SPARK_API_KEYS_FILE"] == "/etc/spark/keys/api-keys"
    assert "SPARK_API_KEYS" not in environment
    assert {"name": "keys", "mountPath": "/etc/spark/keys", "readOnly": True} in container[
        "volumeMounts"
    ]
    (secret,) = (item["secret"] for item in pod["volumes"] if item["name"] == "keys")
    assert secret["secretName"] == "spark-users"
    assert secret["items"] == [{"key": "list", "path": "api-keys"}]


def test_without_users_keys_nothing_is_mounted_for_them() -> None:
    pod = _pod(release(1))
    assert [item["name"] for item in pod["volumes"]] == ["tmp", "live"]
    names = {item["name"] for item in pod["containers"][0]["env"]}
    assert "SPARK_API_KEYS_FILE" not in names


def test_a_release_that_an_older_operator_started_stays_as_it_was() -> None:
    """Else an upgrade of the operator would restart it."""
    pod = _pod(_older(), secrets=KEYS)
    assert [item["name"] for item in pod["volumes"]] == ["tmp"]
    names = {item["name"] for item in pod["containers"][0]["env"]}
    assert {"SPARK_API_KEYS", "ANTHROPIC_API_KEY"} <= names
    assert not [name for name in names if name.endswith("_FILE")]


def test_no_reference_to_users_keys_is_kept_with_the_release() -> None:
    assert "secret" not in str(pod_template("spark", release(1))).lower()
