"""Names and addresses: of the clone alone, never another's, never the machine's."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.cluster.config import Layout, clone_key
from dev.cluster.errors import PreconditionError, SubnetsTakenError
from dev.cluster.machine.subnets import CANDIDATES, Subnets, choose

LONGEST_SOCKET_PATH = 107
LONGEST_INTERFACE_NAME = 15


def test_each_clone_has_a_key_of_its_own_and_keeps_it() -> None:
    first, second = Path("/home/someone/spark"), Path("/home/someone/spark2")
    assert clone_key(first) == clone_key(Path("/home/someone/spark"))
    assert clone_key(first) != clone_key(second)


def test_names_fit_what_linux_allows(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / ("deep/" * 40))
    assert len(layout.host_interface) <= LONGEST_INTERFACE_NAME
    assert len(str(layout.containerd_socket)) <= LONGEST_SOCKET_PATH


def test_state_and_caches_follow_the_users_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    layout = Layout.of(tmp_path)
    assert layout.cache == tmp_path / "c" / "spark-operator"
    assert layout.state.is_relative_to(tmp_path / "s")


def test_a_clone_gets_the_same_range_again() -> None:
    assert choose("0000002a", []) == choose("0000002a", [])


def test_the_parts_lie_in_the_range_and_apart() -> None:
    subnets = choose("0000002a", [])
    parts = (subnets.pods, subnets.services, subnets.link)
    assert all(part.subnet_of(subnets.whole) for part in parts)
    assert not any(a.overlaps(b) for a in parts for b in parts if a != b)
    assert subnets.host.ip != subnets.node.ip
    assert subnets.dns in subnets.services
    assert subnets.kubernetes in subnets.services


def test_a_default_route_is_no_obstacle() -> None:
    assert choose("00000000", [IPv4Network("0.0.0.0/0")]).whole == CANDIDATES[0]


@given(
    st.integers(0, 2**32 - 1),
    st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 32)).map(
            lambda pair: IPv4Network(pair, strict=False)
        ),
        max_size=20,
    ),
)
def test_the_choice_never_overlaps_what_is_taken(key: int, taken: list[IPv4Network]) -> None:
    try:
        chosen = choose(f"{key:08x}", taken)
    except SubnetsTakenError:
        assert all(any(each.overlaps(other) for other in taken) for each in CANDIDATES)
    else:
        assert not any(chosen.whole.overlaps(other) for other in taken)


def test_nothing_left_says_what_to_set() -> None:
    taken = [IPv4Network("10.0.0.0/8"), IPv4Network("100.64.0.0/10"), IPv4Network("172.16.0.0/12")]
    with pytest.raises(SubnetsTakenError, match=r"SPARK_CLUSTER_SUBNET"):
        choose("0000002a", taken)


def test_the_users_own_range_is_used_or_refused() -> None:
    wanted = "10.20.0.0/16"
    assert choose("0000002a", [], wanted) == Subnets(IPv4Network(wanted))
    with pytest.raises(SubnetsTakenError, match=r"^10\.20\.0\.0/16 overlaps"):
        choose("0000002a", [IPv4Network("10.20.3.0/24")], wanted)


@pytest.mark.parametrize("wanted", ["10.0.0.0/8", "nonsense", "fd00::/16", "10.20.3.0/16"])
def test_a_wrong_range_is_explained(wanted: str) -> None:
    with pytest.raises(PreconditionError, match=r"write one such as"):
        choose("0000002a", [], wanted)
