"""Lines of a metrics page: as the client library reads them, in time linear in their length."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from spark_operator.adapters.metrics import exposition, sample_lines
from spark_operator.adapters.metrics.exposition import ExpositionError, counters, vitals
from spark_operator.adapters.metrics.sample_lines import SampleLineError, parse

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE_BYTES = 1_048_576
LONGEST_SECONDS = 0.2
NAME = "api_generate_total"

VALUES = st.text(alphabet='ab {},="\\\n#é', max_size=12)
LABELS = st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), VALUES, max_size=5)
NUMBERS = st.one_of(st.floats(), st.integers(-(2**53), 2**53))


def written(labels: dict[str, str], number: float) -> str:
    """A line as a client library writes it."""

    def escaped(value: str) -> str:
        return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

    inside = ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items())
    return f"{NAME}{{{inside}}} {number}"


@settings(max_examples=300, deadline=None)
@given(labels=LABELS, number=NUMBERS)
def test_what_is_written_is_read_as_the_client_library_reads_it(
    labels: dict[str, str], number: float
) -> None:
    line = written(labels, number)
    (family,) = text_string_to_metric_families(line + "\n")
    (theirs,) = family.samples
    ours = parse(line)
    assert (ours.name, ours.labels) == (theirs.name, theirs.labels) == (NAME, labels)
    assert ours.value == theirs.value or (math.isnan(ours.value) and math.isnan(theirs.value))


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        (f"{NAME} 3", {}),
        (f"{NAME}\t3\r", {}),
        (f"{NAME} 3 1700000000000", {}),
        (f"{NAME}{{}} 3", {}),
        (f'{NAME} {{ a = "b" , c="d", }} 3', {"a": "b", "c": "d"}),
        (f'{NAME}{{a="x}} 9"}} 3', {"a": "x} 9"}),
    ],
)
def test_forms_that_others_write(line: str, labels: dict[str, str]) -> None:
    assert (parse(line).labels, parse(line).value) == (labels, 3.0)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "9 1",
        NAME,
        f"{NAME}{{",
        f'{NAME}{{a="b" 1',
        f'{NAME}{{a="b}} 1',
        f'{NAME}{{a="b" c="d"}} 1',
        f'{NAME}{{a="b",a="c"}} 1',
        f"{NAME} 1 2 3",
        f"{NAME} 1_000",
        f"{NAME} 0x10",
        f"{NAME} " + "9" * 65,
        NAME + "{" + ",".join(f'a{number}=""' for number in range(33)) + "} 1",
    ],
)
def test_what_is_no_sample_is_named_without_what_was_sent(line: str) -> None:
    with pytest.raises(SampleLineError) as caught:
        parse(line)
    assert '"' not in str(caught.value)


FILLINGS = {
    "escaped quotes": r"\"",
    "escaped escapes": r"\\",
    "braces": "{}",
    "labels": 'a="",',
    "quotes": '"',
    "commas": ",",
    "blanks": " ",
    "equals": "a=",
    "digits": "9",
    "other letters": "é",
}


def spent(read: Callable[[bytes], object], page: bytes) -> float:
    """Seconds of the processor; the smaller of two leaves out what the rest of the process does."""
    began = time.process_time()
    with contextlib.suppress(ExpositionError):
        read(page)
    return time.process_time() - began


@pytest.mark.parametrize("read", [counters, vitals])
@pytest.mark.parametrize("filling", FILLINGS.values(), ids=FILLINGS)
@pytest.mark.parametrize("length", [120, 600, exposition.MAX_LINE, PAGE_BYTES])
@pytest.mark.parametrize("tail", ['"} 1', ""], ids=["closed", "open"])
def test_the_worst_page_of_the_largest_size_is_read_in_time(
    read: Callable[[bytes], object], filling: str, length: int, tail: str
) -> None:
    head = f'{NAME}{{a="'
    line = (head + filling * length)[: length - len(tail) - 1] + tail + "\n"
    most = exposition.MAX_SAMPLES if read is counters else exposition.MAX_VITALS
    page = (line * min(most, PAGE_BYTES // length)).encode()[: 2 * PAGE_BYTES]
    assert min(spent(read, page) for _ in range(2)) < LONGEST_SECONDS


def test_a_page_of_nothing_but_lines_is_not_read() -> None:
    with pytest.raises(ExpositionError, match="more than 20000 lines"):
        counters(b"\n" * PAGE_BYTES)


def test_a_line_without_end_is_not_read_and_not_repeated() -> None:
    with pytest.raises(ExpositionError, match="at most 8192 are read") as caught:
        counters(f'{NAME}{{a="'.encode() + b"secret" * 10_000)
    assert "secret" not in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(line=st.text(alphabet='a_{}",=\\ \t9.e+-#\né', max_size=60))
def test_no_line_raises_anything_else(line: str) -> None:
    for text in (line, NAME + line):
        try:
            sample_lines.parse(text)
        except SampleLineError:
            continue
