"""Audit records on the pod's own volume until their receiver has them: a restart loses none.

One file for each receiver, one line for each record, written through before anything else happens.
It is emptied when everything in it has arrived, so a record may be delivered twice: receivers
recognise it by its id. A volume that cannot be written to costs the durability, never a request.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import logging
import os
import uuid
from typing import TYPE_CHECKING

from spark_app.delivery.outbox import Outbox
from spark_app.delivery.records import AuditRecord, Record, as_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from spark_app.telemetry.metrics import Metrics

MAX_BYTES = 4 * 1024 * 1024
"""Of one file: some ten thousand records."""
SHARERS = 8
"""Processes on one volume that have a file of their own."""
_log = logging.getLogger(__name__)


class Spool:
    """The records that one receiver has not got yet.

    Args:
        folder: where the files are; it is made when the first record comes.
        name: of the receiver.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._file: int | None = None
        self.path: Path | None = None
        if folder.is_dir():
            self._open()

    def add(self, record: AuditRecord) -> bool:
        """Keep a record; False where that was not possible (the log says why)."""
        line = json.dumps(as_event(record)).encode() + b"\n"
        try:
            file = self._open()
            if os.fstat(file).st_size + len(line) > MAX_BYTES:
                _log.error("the audit spool %s is full; the record is in memory only", self.path)
                return False
            os.write(file, line)
            os.fsync(file)
        except OSError as error:
            reason = type(error).__name__
            _log.error("the audit spool in %s cannot be written (%s)", self._folder, reason)
            return False
        return True

    @property
    def size(self) -> int:
        """Bytes in the file."""
        if self._file is None:
            return 0
        with contextlib.suppress(OSError):
            return os.fstat(self._file).st_size
        return 0

    def load(self, start: int = 0) -> Iterator[tuple[AuditRecord, int]]:
        """Return the records from a byte on, each with the byte behind it; no cut-off line."""
        if self._file is None:
            return
        data = b""
        with contextlib.suppress(OSError):
            data = os.pread(self._file, MAX_BYTES, start)
        for line in data.splitlines(keepends=True):
            start += len(line)
            record = _read(line)
            if record is not None:
                yield record, start

    def clear(self) -> None:
        """Everything has arrived."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Let another process have the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is not None:
            return self._file
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(SHARERS):
            path = self._folder / f"audit-{self._name}-{number}.ndjson"
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
            else:
                self._file, self.path = file, path
                return file
        raise OSError("every file of the spool is another process's")


class AuditBox(Outbox[Record]):
    """The way of audit records to one receiver; those that were not delivered come first."""

    def __init__(
        self,
        name: str,
        deliver: Callable[[list[Record]], Awaitable[None]],
        metrics: Metrics,
        spool: Spool | None,
    ) -> None:
        super().__init__(name, deliver, metrics)
        self._spool = spool
        # What of the file went into the queue, and whether there is more of it.
        self._loaded, self._beyond = 0, False
        self._load()

    def put(self, item: Record) -> None:
        """Hand over one record; never waits for the receiver, never raises."""
        spool = self._spool
        if spool is None or not isinstance(item, AuditRecord) or not spool.add(item):
            super().put(item)
        elif self._beyond or self.full:
            self._beyond = True
        else:
            super().put(item)
            self._loaded = spool.size

    def close(self) -> None:
        """Say what was not delivered, and where it is."""
        if self._spool is not None:
            if self.waiting:
                _log.error("%d audit records wait in %s", self.waiting, self._spool.path)
            self._spool.close()
        elif self.waiting:
            _log.error("%d audit records for %s are lost", self.waiting, self.name)

    def arrived(self) -> None:
        """Note that a batch was delivered: when it was the last, nothing is left to keep."""
        if self.waiting or self._spool is None:
            return
        if self._beyond:
            self._load()
        if not self.waiting:
            self._spool.clear()
            self._loaded = 0

    def _load(self) -> None:
        self._beyond = False
        for record, end in self._spool.load(self._loaded) if self._spool is not None else ():
            if self.full:
                self._beyond = True
                return
            super().put(record)
            self._loaded = end


def _read(line: bytes) -> AuditRecord | None:
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
        found = json.loads(line)
        return AuditRecord(
            actor=found["actor"],
            action=found["action"],
            target=found["target"],
            request_id=found["request_id"],
            detail=found["detail"],
            id=uuid.UUID(found["id"]),
            at=dt.datetime.fromisoformat(found["at"]),
        )
    return None
