"""The results as Markdown tables."""

from __future__ import annotations

from typing import Any

JUDGES = ("fast", "balanced", "balanced+history", "robust", "robust+history")


def _names(cells: dict[str, Any]) -> list[str]:
    first = next(iter(cells.values()))
    return [*JUDGES, *(name for name in first if name not in {*JUDGES, "trials", "promised"})]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def _delay(cell: dict[str, Any]) -> str:
    if cell["median"] is None:
        return "never"
    missed = "" if cell["found"] > 0.995 else f" ({100 * cell['found']:.0f}%)"
    early = f" [{100 * cell['false']:.1f}% before]" if cell["false"] else ""
    return f"{cell['median']:.0f} / {cell['p90']:.0f}{missed}{early}"


def _share(cell: dict[str, Any], *, promised: bool) -> str:
    share = 100 * cell["found"]
    text = f"{share:.0f}%" if share >= 10 else f"{share:.2g}%"
    return f"**{text}**" if promised else text


def _trials(cells: dict[str, Any]) -> int:
    return int(max(by["trials"] for by in cells.values()))


def tables(results: dict[str, Any]) -> str:
    """Return both tables."""
    faults, false = results["faults"], results["false"]
    names = _names(faults)
    delays = [[cell, *(_delay(by[name]) for name in names)] for cell, by in faults.items()]
    shares = [
        [cell, *(_share(by[name], promised=name in by["promised"]) for name in names)]
        for cell, by in false.items()
    ]
    return (
        "# The judge, simulated\n\n"
        f"{_trials(faults)} trials a fault, {_trials(false)} an hour without one (half for late "
        f"faults and for three pods), seed {results['seed']}; 10 requests/s unless it says "
        "otherwise, candidate 1 of 10 pods, judged every second; with `+history`, stable was "
        "watched for an hour before.\n\n"
        "## Requests of the candidate (= seconds) until the rollback, median / p90\n\n"
        "Independent errors, stable at 0.5% unless it says otherwise. In parentheses the share "
        "found at all, if not all; in brackets what was rolled back before there was a fault.\n\n"
        + _table(["fault", *names], delays)
        + "\n## Rolled back within an hour without any fault\n\n"
        "Both sides alike. Bold: the theory promises at most 1%.\n\n"
        + _table(["errors", *names], shares)
    )
