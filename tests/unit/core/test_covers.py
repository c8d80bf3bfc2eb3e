"""``covers``: what in a live object is a difference from what is wanted."""

from __future__ import annotations

from spark_operator.core.objects import covers

SERVICE = {"spec": {"selector": {"app": "spark"}, "ports": [{"port": 80}]}}


def test_what_the_api_server_adds_is_no_difference() -> None:
    live = {"spec": {"selector": {"app": "spark"}, "ports": [{"port": 80, "protocol": "TCP"}]}}
    assert covers(live | {"status": {}}, SERVICE)


def test_one_label_more_in_a_selector_is_a_difference() -> None:
    live = {"spec": {"selector": {"app": "spark", "tier": "gold"}, "ports": [{"port": 80}]}}
    assert not covers(live, SERVICE)


def test_a_foreign_port_is_a_difference() -> None:
    live = {"spec": {"selector": {"app": "spark"}, "ports": [{"port": 80}, {"port": 81}]}}
    assert not covers(live, SERVICE)
