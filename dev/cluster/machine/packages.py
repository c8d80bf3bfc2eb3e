"""Distribution packages that the tool brings by itself."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.errors import CommandError, PreconditionError
from dev.cluster.machine import shell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dev.cluster.machine.progress import Progress

CLUSTER = {
    "containerd": "containerd",
    "runc": "runc",
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "mount": "mount",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
}
"""Command, or file, to the Debian package that has it."""

APT_GET = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")
INSTALL_SECONDS = 1200
POLICY = Path("/usr/sbin/policy-rc.d")


def missing(needed: Mapping[str, str]) -> list[str]:
    """Return the packages whose command or file the machine lacks."""
    return sorted({package for tool, package in needed.items() if not _is_there(tool)})


def _is_there(tool: str) -> bool:
    return Path(tool).exists() if tool.startswith("/") else shutil.which(tool) is not None


def ensure(needed: Mapping[str, str], progress: Progress) -> None:
    """Install what is missing, without starting any service that comes with it.

    Raises:
        PreconditionError: there is no apt-get, or it failed.
    """
    lacking = missing(needed)
    if not lacking:
        return
    names = " ".join(lacking)
    if shutil.which("apt-get") is None:
        raise PreconditionError(
            f"The machine lacks {names} and has no apt-get: install them by its own means."
        )
    try:
        with progress.step(f"installing {names}"), _no_services():
            environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            shell.run([*APT_GET, "update"], env=environment)
            install = [*APT_GET, "install", "-y", "--no-install-recommends"]
            shell.run([*install, *lacking], env=environment, timeout=INSTALL_SECONDS)
    except CommandError as error:
        raise PreconditionError(
            f"apt-get could not install {names}: install them by hand and try again. {error}"
        ) from error


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep packages from starting their services, as Debian's invoke-rc.d(8) provides for."""
    if POLICY.exists():
        yield
        return
    with tempfile.NamedTemporaryFile("w", dir=POLICY.parent, delete=False) as draft:
        draft.write("#!/bin/sh\nexit 101\n")
    Path(draft.name).chmod(0o755)
    Path(draft.name).rename(POLICY)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
