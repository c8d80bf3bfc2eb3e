"""The simulated nodes' binary, kwok, built from its Go module once per version and kept."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.scale.processes import RigError
from dev.cluster.machine import shell

if TYPE_CHECKING:
    from dev.cluster.machine.progress import Progress

SOURCES: Final = Path(__file__).parent / "kwok"
TOOL: Final = "sigs.k8s.io/kwok/cmd/kwok"
BUILD_SECONDS: Final = 1800.0


def kwok(cache: Path, progress: Progress) -> Path:
    """Return the binary, building it first when the cache lacks it (minutes).

    Raises:
        RigError: there is no Go.
        CommandError: the build failed.
    """
    summed = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCES.glob("go.*"))))
    binary = cache / "bin" / f"kwok-{summed.hexdigest()[:16]}"
    binary.parent.mkdir(parents=True, exist_ok=True)
    with (binary.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            with progress.step("building kwok from its Go module"):
                _build(_go(cache), binary)
    return binary


def _build(go: Path, binary: Path) -> None:
    with tempfile.TemporaryDirectory(dir=binary.parent) as draft:
        command = [
            str(go), "build", "-buildvcs=false", "-mod=readonly", "-trimpath", "-ldflags", "-s -w",
            "-o", f"{draft}/kwok", TOOL,
        ]  # fmt: skip
        environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": ""}
        shell.run(command, cwd=SOURCES, env=environment, timeout=BUILD_SECONDS)
        (Path(draft) / "kwok").rename(binary)


def _go(cache: Path) -> Path:
    """Return the machine's Go, else the one that the cluster's build has fetched."""
    fetched = cache / "go" / "go" / "bin" / "go"
    found = shutil.which("go") or (str(fetched) if fetched.exists() else None)
    if found is None:
        raise RigError("there is no Go to build kwok with: install Go and put it on PATH")
    return Path(found)
