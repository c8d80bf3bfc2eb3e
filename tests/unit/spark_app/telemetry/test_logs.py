"""What the logs say of an exception: where it happened, never what it quotes."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from spark_app.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "a prompt that nobody may read"


@pytest.fixture
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def _fail() -> None:
    raise ValueError(SECRET)


@pytest.mark.usefixtures("_logging")
def test_an_exception_is_logged_by_its_place_and_not_by_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("info", "r1")
    try:
        try:
            _fail()
        except ValueError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError:
        logging.getLogger("spark_app").exception("it failed")
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["level"], line["release"]) == ("it failed", "error", "r1")
    assert "RuntimeError" in line["exception"]
    assert "ValueError" in line["exception"]
    assert "test_logs.py" in line["exception"]
    assert SECRET not in line["exception"]
