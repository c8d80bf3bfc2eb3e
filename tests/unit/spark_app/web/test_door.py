"""Strangers: from where they come, how often, and what a guess at a key costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark_app.core.keys import KeyRing, parse_keys
from spark_app.errors import RateLimitedError, UnauthenticatedError
from spark_app.web.door import Door, Rates, address_of

if TYPE_CHECKING:
    from starlette.types import Scope

ALICE, BOB = "user-alice-0123456789abcdef", "user-bob-0123456789abcdef"
MASTER = "master-key-0123456789"


class Clock:
    def __init__(self) -> None:
        self.now = 6000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def door(clock: Clock, *, enabled: bool = True, anonymous: bool = False, replicas: int = 1) -> Door:
    keys = KeyRing(b"pepper", enabled=enabled)
    keys.replace([MASTER] if enabled else [], parse_keys(f"{ALICE},{BOB}" if enabled else ""))
    rates = Rates(address="3/minute", together="8/minute", wrong="4/minute", replicas=replicas)
    return Door(keys, rates, anonymous=anonymous, now=clock)


def scope(key: str | None = None, address: str = "10.0.0.1") -> Scope:
    headers = [] if key is None else [(b"x-api-key", key.encode())]
    return {"client": (address, 1), "headers": headers}


def knock(made: Door, key: str, address: str = "10.0.0.1") -> str:
    try:
        found = made.caller(scope(key, address))
    except RateLimitedError:
        return "limited"
    except UnauthenticatedError:
        return "wrong"
    return found.key_id if found else "nobody"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("testclient", "-"),
    ],
)
def test_of_ipv6_the_network_is_the_address(host: str, address: str) -> None:
    assert address_of(scope(address=host)) == address
    assert address_of({"client": None}) == "-"


def test_strangers_have_a_small_rate_for_each_address_and_one_together(clock: Clock) -> None:
    made = door(clock, enabled=False)
    assert made.policy == "limited"
    for address, passing in (("10.0.0.1", 3), ("10.0.0.2", 3), ("10.0.0.3", 2), ("10.0.0.4", 0)):
        decisions = [made.stranger(scope(address=address)) for _ in range(5)]
        assert sum(decision is not None and decision.allowed for decision in decisions) == passing
    clock.now += 120.0
    again = made.stranger(scope(address="10.0.0.4"))
    assert again is not None
    assert again.allowed


def test_what_is_allowed_together_is_shared_by_the_pods(clock: Clock) -> None:
    made = door(clock, enabled=False, replicas=4)
    decisions = [made.stranger(scope(address=f"10.0.0.{n}")) for n in range(8)]
    assert sum(decision is not None and decision.allowed for decision in decisions) == 2


def test_who_allows_everybody_limits_nobody(clock: Clock) -> None:
    made = door(clock, enabled=False, anonymous=True)
    assert made.policy == "allowed"
    assert [made.stranger(scope()) for _ in range(100)] == [None] * 100
    assert knock(made, "whatever") == "nobody"


def test_wrong_keys_are_limited_and_right_ones_served_beside_them(clock: Clock) -> None:
    made = door(clock)
    assert made.policy == "refused"
    wrong = [knock(made, f"user-eve-0123456789{n:06}") for n in range(6)]
    assert wrong == ["wrong"] * 4 + ["limited"] * 2
    assert knock(made, ALICE) == "user-alice"
    assert knock(made, "user-eve-0123456789000000", "10.0.0.2") == "wrong"


@pytest.mark.parametrize("right", [ALICE, MASTER])
def test_the_right_guess_is_no_better_than_the_others(clock: Clock, right: str) -> None:
    made = door(clock)
    for number in range(10):
        knock(made, f"{right[:-2]}{number:02}")
    assert knock(made, right) == "limited"
    assert knock(made, BOB) == "user-bob"
    assert knock(made, right, "10.0.0.2") != "limited"
    clock.now += 120.0
    assert knock(made, right) in {"user-alice", "master"}


def test_who_repeats_an_old_key_guesses_nothing(clock: Clock) -> None:
    made = door(clock)
    for _ in range(50):
        knock(made, ALICE[:-1])
    assert knock(made, ALICE) == "user-alice"
