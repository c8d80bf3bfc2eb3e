"""A watched file, look by look: nothing half written is taken, nothing good is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark_app.live.files import LiveFile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def taken() -> list[str]:
    return []


@pytest.fixture
def file(tmp_path: Path, taken: list[str]) -> LiveFile:
    def apply(text: str) -> None:
        if text == "wrong":
            raise ValueError("it is wrong")
        taken.append(text)

    (tmp_path / "file").write_text("first")
    made = LiveFile("providers", str(tmp_path / "file"), apply)
    made.look(at_once=True)
    return made


def test_a_start_waits_for_nothing(file: LiveFile, taken: list[str]) -> None:
    assert (taken, file.good) == (["first"], True)


def test_a_change_counts_once_it_has_settled(
    file: LiveFile, taken: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("sec")
    file.look()
    assert taken == ["first"]
    (tmp_path / "file").write_text("second")
    file.look()
    assert taken == ["first"]
    file.look()
    file.look()
    assert taken == ["first", "second"]


def test_equal_content_in_a_new_file_is_no_change(
    file: LiveFile, taken: list[str], tmp_path: Path
) -> None:
    (tmp_path / "other").write_text("first")
    (tmp_path / "other").rename(tmp_path / "file")
    file.look()
    file.look()
    assert taken == ["first"]


@pytest.mark.parametrize("content", [b"wrong", b"\xff", b"x" * (4 * 1024 * 1024 + 1)])
def test_what_is_wrong_leaves_the_last_good_content(
    file: LiveFile, taken: list[str], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "file").write_bytes(content)
    for _ in range(3):
        file.look()
    assert (taken, file.good) == (["first"], False)
    (tmp_path / "file").write_text("second")
    for _ in range(2):
        file.look()
    assert (taken, file.good) == (["first", "second"], True)


def test_a_file_that_is_gone_is_not_an_empty_one(
    file: LiveFile, taken: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").unlink()
    for _ in range(3):
        file.look()
    assert (taken, file.good, file.goodness()) == (["first"], False, 0.0)
    (tmp_path / "file").write_text("first")
    for _ in range(2):
        file.look()
    assert (taken, file.good, file.goodness()) == (["first"], True, 1.0)
