"""Lines of Prometheus' text format, each read once from left to right.

The client library reads a label's value again for every quote in it: one line of a megabyte of
escaped quotes takes it half a minute. Here every expression moves forward only, so that a line
costs time in proportion to its length.

Source of the format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from typing import Final

from prometheus_client.samples import Sample

MAX_LABELS: Final = 32
_NAME: Final = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*+")
_LABEL: Final = re.compile(
    r'[ \t,]*+([A-Za-z_][A-Za-z0-9_]*+)[ \t]*+=[ \t]*+"([^"\\]*+(?:\\.[^"\\]*+)*+)"[ \t]*+(?=[,}])'
)
_END: Final = re.compile(r"[ \t,]*+\}")
_VALUE: Final = re.compile(r"[ \t]*+([-+.0-9A-Za-z]{1,64})(?:[ \t]++-?[0-9]{1,20})?[ \t\r]*+")
_ESCAPED: Final = re.compile(r'\\([\\n"])')
_MEANT: Final = {"\\": "\\", "n": "\n", '"': '"'}


class SampleLineError(ValueError):
    """A line is no sample; the message says what is wrong and where, never what was sent."""


def parse(line: str) -> Sample:
    """Read one line that is neither empty nor a comment; its timestamp is not kept.

    Raises:
        SampleLineError: it is no sample, or has more than ``MAX_LABELS`` labels.
    """
    name = _NAME.match(line)
    if name is None:
        raise SampleLineError("a line does not begin with the name of a metric")
    labels, end = _labels(line, name.end())
    value = _VALUE.fullmatch(line, end)
    if value is None:
        raise SampleLineError(f"{name[0][:64]}: no number at character {end}")
    try:
        return Sample(name[0], labels, float(value[1]))
    except ValueError:
        raise SampleLineError(f"{name[0][:64]}: no number at character {end}") from None


def _labels(line: str, start: int) -> tuple[dict[str, str], int]:
    """Return the labels in braces from ``start`` on, and where the value begins."""
    while line.startswith((" ", "\t"), start):
        start += 1
    if not line.startswith("{", start):
        return {}, start
    found: dict[str, str] = {}
    at = start + 1
    while (label := _LABEL.match(line, at)) is not None:
        if label[1] in found or len(found) >= MAX_LABELS:
            raise SampleLineError(
                f"a label at character {at} is there twice, or one of more than {MAX_LABELS}"
            )
        found[label[1]] = _ESCAPED.sub(lambda escaped: _MEANT[escaped[1]], label[2])
        at = label.end()
    end = _END.match(line, at)
    if end is None:
        raise SampleLineError(f"no label and no end of labels at character {at}")
    return found, end.end()
