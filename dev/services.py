"""Real servers for tests: Redis, PostgreSQL and NATS on free loopback ports, in temporary folders.

``ensure`` installs a Debian package where a program is missing, so that no test has to be skipped.
Each server is a process of ours that can be killed and started again on the same port and data.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOCK = Path(tempfile.gettempdir()) / "spark-apt.lock"
_POSTGRES = Path("/usr/lib/postgresql")
START_SECONDS = 30.0
_PROGRAMS = {
    "redis-server": "redis-server",
    "chromium": "chromium",
    "mono-mcs": "mcs",
    "wrk": "wrk",
    "postgresql": "postgres",
}


class MissingProgramError(RuntimeError):
    """A program is missing and cannot be installed; the message says what to do."""


def program(package: str) -> str | None:
    """Return the path of a package's program, None where it is not installed."""
    if package == "postgresql":
        found = sorted(_POSTGRES.glob("*/bin/postgres"), reverse=True)
        return str(found[0]) if found else None
    return shutil.which(_PROGRAMS.get(package, package))


def ensure(package: str) -> str:
    """Return the path of the package's program, after installing the package if need be.

    Raises MissingProgramError where that fails.
    """
    found = program(package)
    if found is not None:
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingProgramError(f"install the package {package} (it needs root and apt-get)")
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = ["no output"]
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
        ):
            done = subprocess.run(command, env=environment, capture_output=True, check=False)
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or said
    found = program(package)
    if found is None:
        raise MissingProgramError(f"apt-get could not install {package}: {said[0]}")
    return found


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Service:
    """A server process: ``url`` is what clients get, ``kill`` and ``start`` may be repeated."""

    name: str
    url: str
    port: int
    command: list[str]
    ready: Callable[[], bool]
    log: Path
    user: str | None = None
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start and wait until it answers; raises RuntimeError with the log's end otherwise."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, user=self.user, cwd=self.log.parent
            )
        ends = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > ends:
                tail = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.name} did not start: {tail}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator would."""
        self._end(signal.SIGINT if self.name == "postgresql" else signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process = None


@contextlib.contextmanager
def _running(service: Service, folder: Path) -> Iterator[Service]:
    try:
        service.start()
        yield service
    finally:
        service.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def redis_server() -> Iterator[Service]:
    """Run a Redis with nothing in it."""
    folder = Path(tempfile.mkdtemp(prefix="spark-redis-"))
    port = free_port()
    command = [ensure("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    service = Service(
        "redis", f"redis://127.0.0.1:{port}/0", port, command, _listens(port), folder / "log"
    )
    with _running(service, folder) as running:
        yield running


@contextlib.contextmanager
def nats_server() -> Iterator[Service]:
    """Run a NATS server; ``url`` is its WebSocket, ``port`` that of plain NATS."""
    folder = Path(tempfile.mkdtemp(prefix="spark-nats-"))
    port, web = free_port(), free_port()
    configuration = folder / "nats.conf"
    configuration.write_text(
        f'listen: "127.0.0.1:{port}"\nwebsocket {{ listen: "127.0.0.1:{web}", no_tls: true }}\n'
    )
    command = [str(Path(sys.executable).parent / "nats-server"), "-c", str(configuration)]
    service = Service("nats", f"ws://127.0.0.1:{web}", port, command, _listens(web), folder / "log")
    with _running(service, folder) as running:
        yield running


@contextlib.contextmanager
def postgres_server() -> Iterator[Service]:
    """Run a PostgreSQL cluster; its superuser is ``spark`` with the password ``spark``."""
    server = Path(ensure("postgresql"))
    folder = Path(tempfile.mkdtemp(prefix="spark-postgres-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data, port = folder / "data", free_port()
    secret = folder / "password"
    secret.write_text("spark")
    secret.chmod(0o644)
    initialise = [str(server.parent / "initdb"), "-D", str(data), "-U", "spark", "-A"]
    initialise += ["scram-sha-256", f"--pwfile={secret}", "--no-sync", "-E", "UTF8"]
    subprocess.run(initialise, user=user, check=True, capture_output=True, cwd=folder)
    command = [str(server), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
    command += ["-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=40"]
    url = f"postgresql://spark:spark@127.0.0.1:{port}/postgres"
    log = folder / "log"
    log.touch()
    ready = [str(server.parent / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    service = Service(
        "postgresql",
        url,
        port,
        command,
        lambda: subprocess.run(ready, check=False).returncode == 0,
        log,
        user,
    )
    with _running(service, folder) as running:
        yield running


def _listens(port: int) -> Callable[[], bool]:
    def look() -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return look
