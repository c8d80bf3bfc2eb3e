"""What may change while the service runs: provider order, maintenance, keys.

Each is a mounted file, looked at once a second. kubelet swaps a mounted volume by a symbolic link,
so the target's identity is compared, not only its time. A file that can't be read or understood
changes nothing: the last good content stays in force, and the log says what is wrong.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from spark_app.core.routing import Routing
from spark_app.metrics import PROVIDERS, Provider

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["FileWatch", "LiveFile", "Maintenance", "RoutingDocument"]

MAX_FILE = 4 * 1024 * 1024
INTERVAL = 1.0
_log = logging.getLogger(__name__)


class RoutingDocument(BaseModel):
    """Providers as an operator sets them: a mounted JSON file, or `PUT /api/admin/providers`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    order: Annotated[tuple[Provider, ...], Field(min_length=1, max_length=len(PROVIDERS))]
    models: dict[Provider, Annotated[str, Field(pattern=r"^[A-Za-z0-9._:/-]{1,128}$")]] = {}
    forcedOpen: tuple[Provider, ...] = ()  # noqa: N815 - the document's name

    def routing(self) -> Routing:
        """The same for the gateway."""
        order = tuple(dict.fromkeys(self.order))
        return Routing(order, dict(self.models), frozenset(self.forcedOpen))


class Maintenance(BaseModel):
    """Whether the service is closed on purpose, and what to tell users."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    enabled: bool = False
    message: Annotated[str, Field(max_length=500)] = "SPARK is in maintenance; please come back."
    retryAfterSeconds: Annotated[int, Field(ge=1, le=86_400)] = 300  # noqa: N815


class LiveFile:
    """One file and what to do with its content.

    Args:
        apply: takes the text; a ValueError means that it is wrong.
    """

    def __init__(self, path: str, apply: Callable[[str], None]) -> None:
        self._path = Path(path)
        self._apply = apply
        self._seen: tuple[int, int, int] | None = None

    def look(self) -> None:
        """Apply the content if it changed."""
        try:
            status = self._path.stat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            if seen == self._seen:
                return
            self._seen = seen
            self._take(status.st_size)
            _log.info("took up %s", self._path)
        except FileNotFoundError:
            if self._seen is not None:
                _log.warning("%s is gone; its last content stays in force", self._path)
                self._seen = None
        except Exception as error:
            # Whatever it is, the watch goes on. The text may hold secrets: the mistake is told.
            _log.error("%s is not taken up: %s", self._path, _explain(error))

    def _take(self, size: int) -> None:
        if size > MAX_FILE:
            raise ValueError(f"it is larger than {MAX_FILE} bytes")
        self._apply(self._path.read_text(encoding="utf-8"))


class FileWatch:
    """Looks at all files, once a second."""

    def __init__(self, files: Sequence[LiveFile]) -> None:
        self._files = files

    def look(self) -> None:
        """Look at every file now."""
        for file in self._files:
            file.look()

    async def watch(self) -> None:
        """Look until cancelled."""
        while self._files:
            await asyncio.sleep(INTERVAL)
            self.look()


def _explain(error: Exception) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    found = errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found)
