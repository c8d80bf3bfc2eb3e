"""The simulated nodes' binary, kwok, built from its Go module once per version and kept."""

from __future__ import annotations

import fcntl
import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dev.cluster.artifacts import go

if TYPE_CHECKING:
    from dev.cluster.machine.progress import Progress

SOURCES: Final = Path(__file__).parent / "kwok"
TOOL: Final = "sigs.k8s.io/kwok/cmd/kwok"


def kwok(cache: Path, progress: Progress) -> Path:
    """Return the binary, building it first when the cache lacks it (minutes).

    Raises:
        PreconditionError: there is no Go and none can be had.
        CommandError: the build failed.
    """
    summed = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCES.glob("go.*"))))
    binary = cache / "bin" / f"kwok-{summed.hexdigest()[:16]}"
    binary.parent.mkdir(parents=True, exist_ok=True)
    with (binary.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            toolchain = go.ensure(cache, progress)
            with (
                progress.step("building kwok from its Go module"),
                tempfile.TemporaryDirectory(dir=binary.parent) as draft,
            ):
                go.build(toolchain, SOURCES, f"{draft}/kwok", (TOOL,))
                (Path(draft) / "kwok").rename(binary)
    return binary
