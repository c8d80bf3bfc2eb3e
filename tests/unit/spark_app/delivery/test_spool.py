"""Audit records outlive their process and their receiver's absence."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from spark_app.delivery import spool as spooling
from spark_app.delivery.outbox import Outbox
from spark_app.delivery.records import AuditRecord, Record, RequestRecord, RequestRecorder
from spark_app.delivery.spool import AuditBox, Spool
from spark_app.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from pathlib import Path


class Receiver:
    """Takes records, or fails."""

    def __init__(self) -> None:
        self.away = True
        self.got: list[Record] = []
        self.asked = asyncio.Event()

    async def __call__(self, records: list[Record]) -> None:
        self.asked.set()
        if self.away:
            raise ConnectionError
        self.got += records


def audit(number: int) -> AuditRecord:
    return AuditRecord(
        actor="master", action="revoke", target=f"user-{number}", request_id="r", detail={"n": 1}
    )


def box(folder: Path | None, receiver: Receiver) -> AuditBox:
    spool = None if folder is None else Spool(folder, "database")
    return AuditBox("database", receiver, Metrics("r", "1"), spool)


async def until_delivered(made: AuditBox) -> None:
    task = asyncio.create_task(made.run())
    async with asyncio.timeout(20):
        while made.waiting:  # noqa: ASYNC110 - a delivery raises no event
            await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_killed_process_loses_no_record(tmp_path: Path) -> None:
    receiver, told = Receiver(), [audit(number) for number in range(5)]
    first = box(tmp_path / "spool", receiver)
    for record in told:
        first.put(record)
    # What a kill does: nothing is flushed, and the lock is given back.
    assert first._spool is not None
    first._spool.close()
    receiver.away = False
    second = box(tmp_path / "spool", receiver)
    assert second.waiting == 5
    await until_delivered(second)
    assert receiver.got == told
    second.close()
    assert box(tmp_path / "spool", receiver).waiting == 0


async def test_a_receiver_that_comes_back_gets_each_once(tmp_path: Path) -> None:
    receiver = Receiver()
    made = box(tmp_path, receiver)
    made.put(audit(1))
    task = asyncio.create_task(made.run())
    await receiver.asked.wait()
    receiver.away = False
    made.put(audit(2))
    async with asyncio.timeout(20):
        while made.waiting:  # noqa: ASYNC110 - a delivery raises no event
            await asyncio.sleep(0.01)
    task.cancel()
    assert [record.target for record in receiver.got if isinstance(record, AuditRecord)] == [
        "user-1",
        "user-2",
    ]
    assert made._spool is not None
    assert list(made._spool.load()) == []


async def test_more_than_the_queue_holds_is_kept_in_the_file(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.away = False
    made = box(tmp_path, receiver)
    for number in range(4500):
        made.put(audit(number))
    assert made.waiting == 2000
    assert made.dropped == 0
    await until_delivered(made)
    assert made._spool is not None
    assert made._spool.size == 0
    targets = {record.target for record in receiver.got if isinstance(record, AuditRecord)}
    assert targets == {f"user-{number}" for number in range(4500)}


def test_a_line_that_was_cut_off_costs_only_itself(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "nats")
    for number in range(3):
        assert spool.add(audit(number))
    assert spool.path is not None
    data = spool.path.read_bytes()
    spool.close()
    (tmp_path / "audit-nats-0.ndjson").write_bytes(data[:-20] + b"\n\xff\n[]\n{}\n")
    again = Spool(tmp_path, "nats")
    assert [record.target for record, _ in again.load()] == ["user-0", "user-1"]
    assert (tmp_path / "audit-nats-0.ndjson").stat().st_mode & 0o777 == 0o600


def test_two_processes_on_one_volume_have_a_file_each(tmp_path: Path) -> None:
    one, other = Spool(tmp_path, "nats"), Spool(tmp_path, "nats")
    assert one.add(audit(1))
    assert other.add(audit(2))
    assert one.path != other.path
    assert [record.target for record, _ in one.load()] == ["user-1"]


@pytest.mark.parametrize("place", ["file", "full"])
def test_a_volume_that_takes_nothing_costs_no_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place == "file":
        (tmp_path / "spool").write_text("in the way")
    else:
        monkeypatch.setattr(spooling, "MAX_BYTES", 10)
    made = box(tmp_path / "spool", Receiver())
    made.put(audit(1))
    assert made.waiting == 1


def test_what_is_lost_is_said(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    request = RequestRecord(
        kind="export", request_id="r", key_id="user-a", release="r", script_name="A", duration_ms=1
    )
    metrics = Metrics("r", "1")
    usage: Outbox[Record] = Outbox("database", Receiver(), metrics, size=2)
    kept, gone = box(tmp_path, Receiver()), box(None, Receiver())
    recorder = RequestRecorder([usage], [kept, gone])
    for _ in range(5):
        recorder.tell(request)
    recorder.tell(audit(1))
    assert (usage.waiting, usage.dropped, kept.waiting, gone.waiting) == (2, 3, 1, 1)
    for one in (usage, kept, gone):
        one.close()
    said = "\n".join(caplog.messages)
    assert "the queue for database is full" in said
    assert "2 records for database are lost" in said
    assert "1 audit records wait in" in said
    assert "1 audit records for database are lost" in said
    assert b'spark_events_dropped_total{sink="database"} 5.0' in metrics.render()
