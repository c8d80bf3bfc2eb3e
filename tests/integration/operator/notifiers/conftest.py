"""Channels as the operator builds them, on credentials in a folder and sinks on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from dev.cluster.node.certs import Authority
from spark_operator.adapters import http
from spark_operator.adapters.clock import SystemClock
from spark_operator.adapters.notifiers.channels import Channels
from spark_operator.adapters.notifiers.outgoing import Outgoing
from spark_operator.adapters.secret_files import SecretFiles
from spark_operator.runtime.wiring import trusted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DEADLINE_SECONDS = 0.5
Put = Callable[[str, str, str], None]
"""Writes one credential: name and key of the Secret, value."""


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The directory that Secrets are mounted in."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    return folder


@pytest.fixture
def put(secrets: Path) -> Put:
    """Write one credential."""

    def write(name: str, key: str, value: str) -> None:
        (secrets / name).mkdir(exist_ok=True)
        (secrets / name / key).write_text(value)

    return write


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs the sinks' certificates; the operator trusts it by its file."""
    return Authority(tmp_path_factory.mktemp("ca"), "sinks")


@pytest.fixture(scope="session")
def server_tls(authority: Authority) -> ssl.SSLContext:
    """For a sink that is called ``localhost``."""
    pair = authority.issue("localhost", user="localhost", hosts=("localhost",))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.cert, pair.key)
    return context


@pytest.fixture
async def channels(secrets: Path, authority: Authority) -> AsyncIterator[Channels]:
    """Channels with a short deadline that may send to loopback."""
    ca_file = str(authority.pair.cert)
    async with http.client(trusted(ca_file)) as client:
        yield Channels(
            Outgoing(client, loopback=True),
            SecretFiles(secrets),
            trusted(ca_file),
            SystemClock(),
            seconds=DEADLINE_SECONDS,
        )
