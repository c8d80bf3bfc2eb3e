"""The process that reads C#: one question after the other on its standard input, until it ends.

It holds no secret and has three limits: processor time and address space for one question, and its
place as the first that the kernel ends when memory is short. Whatever the grammar does with a text,
it ends this process at worst.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_app.core.csharp import Analysis, Finding

HEAD = struct.Struct("!I")
"""What goes before each message: its length in bytes."""
CPU_SECONDS = 2.0
"""Processor time for one question; reading itself gives up after half a second, where it can."""
MEMORY = 128 * 1024 * 1024
"""Bytes of address space beyond what the process begins with: 200 000 characters take 12 MiB."""
RETIRES = 48 * 1024 * 1024
"""Bytes that a process may have grown by before a new one takes its place."""
_NICE = 5


def main() -> None:
    """Answer questions until there are no more."""
    from spark_app.core.csharp import analyse  # noqa: PLC0415 - the reader's side needs no grammar

    analyse("")
    _limit()
    began = _resident()
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    while (question := _receive(questions)) is not None:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        answer = json.dumps(_answer(question) | {"grown": _resident() - began}).encode()
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        answers.write(HEAD.pack(len(answer)) + answer)
        answers.flush()


def _answer(question: dict[str, Any]) -> dict[str, object]:
    from spark_app.core.csharp import analyse, extract_code  # noqa: PLC0415 - as above

    text = question["text"]
    code = extract_code(text) if question["answer"] else text
    found = _document(analyse(code, question["name"]))
    return found | ({"code": code} if question["answer"] else {})


def _document(analysis: Analysis) -> dict[str, object]:
    return {
        "class_name": analysis.class_name,
        "problems": _pairs(analysis.problems),
        "warnings": _pairs(analysis.warnings),
    }


def _pairs(findings: Sequence[Finding]) -> list[tuple[int, str]]:
    return [(finding.line, finding.message) for finding in findings]


def _receive(stream: BinaryIO) -> dict[str, Any] | None:
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    found: dict[str, Any] = json.loads(stream.read(HEAD.unpack(head)[0]))
    return found


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    os.nice(_NICE)


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
