"""The one table of what nothing may be sent to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_operator.adapters.addresses import embedded, is_forbidden

METADATA = ipaddress.IPv4Address("169.254.169.254")

ALLOWED = (
    "93.184.216.34",
    "10.0.0.7",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "fd12::1",
    "2606:2800:220:1::1",
    "64:ff9b::93.184.216.34",
    "2002:5db8:d822::1",
)
REFUSED = (
    "0.0.0.0",  # noqa: S104
    "0.1.2.3",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.23",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "::ffff:169.254.169.254",
    "::ffff:127.0.0.1",
    "::169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::100.100.100.200",
    "64:ff9b:1::169.254.169.254",
    "64:ff9b:1:a9fe:a9:fe00::",
    "2002:a9fe:a9fe::",
    "2002:7f00:1::1",
    "2001:0:a9fe:a9fe::",
    "2001:0:5db8:d822::5601:5601",
    "fd12::5efe:a9fe:a9fe",
    "fd12::200:5efe:a9fe:a9fe",
)


@pytest.mark.parametrize("address", ALLOWED)
def test_private_and_public_networks_are_allowed(address: str) -> None:
    assert not is_forbidden(ipaddress.ip_address(address), loopback=False)


@pytest.mark.parametrize("address", REFUSED)
def test_this_machine_metadata_and_what_leads_there_are_not(address: str) -> None:
    assert is_forbidden(ipaddress.ip_address(address), loopback=False)


@pytest.mark.parametrize("form", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_allowed_outside_of_a_cluster(form: str) -> None:
    assert not is_forbidden(ipaddress.ip_address(form), loopback=True)


@pytest.mark.parametrize("form", ["10.96.0.1", "::ffff:10.96.0.1", "64:ff9b::10.96.0.1"])
def test_the_api_server_is_forbidden_in_every_form(form: str) -> None:
    address, server = ipaddress.ip_address(form), ipaddress.ip_address("10.96.0.1")
    assert is_forbidden(address, loopback=False, also={server})
    assert not is_forbidden(address, loopback=False)


@pytest.mark.parametrize(
    ("address", "carried"),
    [
        ("10.0.0.1", []),
        ("fd12::1", []),
        ("::1", []),
        ("::ffff:1.2.3.4", ["1.2.3.4"]),
        ("::1.2.3.4", ["1.2.3.4"]),
        ("2002:102:304::", ["1.2.3.4"]),
        ("2001:0:102:304::", ["1.2.3.4", "255.255.255.255"]),
        ("64:ff9b::102:304", ["1.2.3.4"]),
        ("64:ff9b:1:102:3:400:0:304", ["0.0.3.4", "1.2.3.4"]),
        ("fd12::5efe:102:304", ["1.2.3.4"]),
    ],
)
def test_what_an_address_carries(address: str, carried: list[str]) -> None:
    assert [str(item) for item in embedded(ipaddress.ip_address(address))] == carried


def mapped(number: int) -> list[str]:
    """Every form of an IPv4 address as an IPv6 one, with Teredo's client in its complement."""
    v4 = ipaddress.IPv4Address(number)
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    turned = number ^ 0xFFFF_FFFF
    return [
        f"::ffff:{v4}",
        f"64:ff9b::{v4}",
        f"64:ff9b:1::{v4}",
        f"2002:{high}:{low}::1",
        f"2001:0:{high}:{low}::ffff:ffff",
        f"2001:0:102:304::{turned >> 16:x}:{turned & 0xFFFF:x}",
        f"fe90::5efe:{v4}",
    ]


@given(number=st.integers(1 << 24, (1 << 32) - 1))
def test_an_address_is_never_allowed_in_another_form_of_a_forbidden_one(number: int) -> None:
    plain = is_forbidden(ipaddress.IPv4Address(number), loopback=False)
    for form in mapped(number):
        assert not plain or is_forbidden(ipaddress.ip_address(form), loopback=False)
        assert ipaddress.IPv4Address(number) in embedded(ipaddress.IPv6Address(form))


@given(address=st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_every_address_has_an_answer(address: ipaddress.IPv4Address) -> None:
    assert is_forbidden(address, loopback=False) or not is_forbidden(address, loopback=True)
