"""Printing the story: plain lines with the elapsed time, coloured on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dev.cluster.machine.progress import Progress
    from dev.demo.story import Kind, Line
    from dev.demo.view import Row

_STYLES: dict[Kind | Literal["users", "chapter"], str] = {
    "decision": "bold green",
    "bad": "bold red",
    "traffic": "cyan",
    "verdict": "",
    "trouble": "bold yellow",
    "users": "dim",
    "chapter": "bold",
}
PLAIN_WIDTH = 110


class Teller:
    """Writes to standard output; the elapsed time is the progress's own."""

    def __init__(self, progress: Progress) -> None:
        terminal = Console(highlight=False)
        self._console = (
            terminal
            if terminal.is_terminal
            else Console(highlight=False, width=PLAIN_WIDTH, no_color=True)
        )
        self._progress = progress

    def lines(self, standing: str, lines: Iterable[Line]) -> None:
        """Tell what happened to the resource, which stands as ``standing`` says."""
        for line in lines:
            self._print(f"{standing}  {line.text}", line.kind)

    def users(self, text: str) -> None:
        """Tell what users see."""
        self._print(f"{'users':<24} {text}", "users")

    def chapter(self, text: str) -> None:
        """Begin a chapter."""
        self._console.print()
        self._print(f"== {text}", "chapter")

    def plain(self, text: str = "") -> None:
        """Print text as it is."""
        self._console.print(text, markup=False, soft_wrap=True)

    def table(self, title: str, rows: Sequence[Row]) -> None:
        """Print the users' view."""
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2))
        for column in ("phase", "release", "requests", "errors", "p50", "p95"):
            table.add_column(column, justify="left" if column in {"phase", "release"} else "right")
        previous = ""
        for row in rows:
            seen = row.account
            table.add_row(
                "" if row.chapter == previous else row.chapter,
                row.release,
                str(seen.requests),
                Text(str(seen.errors), style="bold red" if seen.errors else ""),
                f"{seen.p50:.2f} s",
                f"{seen.p95:.2f} s",
            )
            previous = row.chapter
        self._console.print()
        self._console.print(table)

    def _print(self, text: str, kind: Kind | Literal["users", "chapter"]) -> None:
        stamp = f"[{self._progress.elapsed:6.1f} s] "
        self._console.print(Text(stamp + text, style=_STYLES[kind]), soft_wrap=True)
