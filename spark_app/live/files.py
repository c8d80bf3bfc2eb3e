"""What may change while the service runs: provider order, maintenance, keys, revocations.

Each is a mounted file, looked at four times a second. kubelet swaps a mounted volume by a symbolic
link, so the target's identity is compared, not only its time. A change is taken up once it has been
the same for two looks: whoever writes in place is then done. A file that is gone, or that can't be
read or understood, changes nothing: the last good content stays in force, and log and metrics say
so.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_FILE = 4 * 1024 * 1024
FileName = Literal["master_key", "api_keys", "providers", "maintenance", "revocations"]
INTERVAL = 0.25
"""Seconds; a change is in force after two of them."""
_log = logging.getLogger(__name__)


class LiveFile:
    """One file and what to do with its content.

    Args:
        name: for the metric.
        apply: takes the text; a ValueError means that it is wrong.
    """

    def __init__(self, name: FileName, path: str, apply: Callable[[str], None]) -> None:
        self.name: FileName = name
        self._path = Path(path)
        self._apply = apply
        self._seen: tuple[int, int, int] | None = None
        self._settled = False
        self._digest: bytes | None = None
        self.good: bool | None = None

    def goodness(self) -> float:
        """1 while the file's content is in force, else 0: for the metric."""
        return float(self.good is True)

    def look(self, *, at_once: bool = False) -> None:
        """Apply the content if it changed and has settled; `at_once` doesn't wait for that."""
        try:
            status = self._path.stat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            if seen != self._seen:
                self._seen, self._settled = seen, False
                if not at_once:
                    return
            if not self._settled:
                self._settled = True
                self._take(status.st_size)
        except FileNotFoundError:
            if self._seen is not None:
                _log.warning("%s is gone; its last content stays in force", self._path)
            self._seen, self.good = None, False
        except Exception as error:
            # Whatever it is, the watch goes on. The text may hold secrets: the mistake is told.
            _log.error("%s is not taken up: %s", self._path, _explain(error))
            self.good = False

    def _take(self, size: int) -> None:
        if size > MAX_FILE:
            raise ValueError(f"it is larger than {MAX_FILE} bytes")
        data = self._path.read_bytes()
        digest = hashlib.sha256(data).digest()
        # kubelet writes a volume anew when any of its files changes; what an operator has set
        # through the admin endpoints lasts until the content itself is another.
        if digest != self._digest:
            self._apply(data.decode("utf-8"))
            self._digest = digest
            _log.info("took up %s", self._path)
        self.good = True


class FileWatch:
    """Looks at all files, again and again."""

    def __init__(self, files: Sequence[LiveFile]) -> None:
        self.files = tuple(files)

    def begin(self) -> None:
        """Take up every file now."""
        for file in self.files:
            file.look(at_once=True)

    async def watch(self) -> None:
        """Look until cancelled."""
        while self.files:
            await asyncio.sleep(INTERVAL)
            for file in self.files:
                file.look()


def _explain(error: Exception) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    found = errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found)
