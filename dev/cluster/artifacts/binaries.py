"""The node's binaries, built from Go modules once per version and kept in the shared cache."""

from __future__ import annotations

import fcntl
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.artifacts import go
from dev.cluster.config import KUBERNETES

if TYPE_CHECKING:
    from dev.cluster.machine.progress import Progress

SOURCES = Path(__file__).parent / "sources"


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
            toolchain = go.ensure(cache, progress)
            with progress.step("building Kubernetes, etcd and CoreDNS from their Go modules"):
                _build(toolchain, folder)
    return found


def _build(toolchain: Path, folder: Path) -> None:
    version, (major, minor, _) = "k8s.io/component-base/version", KUBERNETES.split(".")
    stamps = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    flags = " ".join(f"-X {version}.{name}={value}" for name, value in stamps.items())
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        out = Path(draft) / "out"
        out.mkdir()
        go.build(toolchain, SOURCES, f"{out}/", (".", "./pause"), flags=flags)
        (out / "kubectl").symlink_to("node")
        out.rename(folder)
