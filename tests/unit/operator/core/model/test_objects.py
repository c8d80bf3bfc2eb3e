"""``covers``: what in a live object is a difference from what is wanted."""

from __future__ import annotations

import pytest

from spark_operator.core.model.objects import KEYED, covers

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


@pytest.mark.parametrize(("name", "key"), sorted(KEYED.items()))
def test_an_entry_more_in_a_list_with_keys_is_no_difference_but_one_less_is(
    name: str, key: str
) -> None:
    wanted = {name: [{key: "a", "value": "1"}, {key: "b"}]}
    more = {name: [{key: "x"}, {key: "b"}, {key: "a", "value": "1", "more": "2"}]}
    assert covers(more, wanted)
    assert not covers({name: [{key: "a", "value": "1"}]}, wanted)
    assert not covers({name: [{key: "a", "value": "2"}, {key: "b"}]}, wanted)
    assert not covers({}, wanted)
