"""The figures as a Markdown table and as a picture."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 1000, 300, 60, 40, 60, 60
COLOURS: Final = ("#d95f02", "#1f78b4", "#33a02c", "#6a3d9a", "#777777")
LOWEST: Final = 1e-3

Item = dict[str, Any]


def _of(part: str, name: str, scale: float = 1.0) -> Callable[[Item], float | None]:
    def read(item: Item) -> float | None:
        value = (item.get(part) or {}).get(name)
        return None if value is None else float(value) * scale

    return read


PANELS: Final[tuple[tuple[str, Callable[[Item], float | None]], ...]] = (
    ("start, s", _of("start", "seconds")),
    ("at rest: % of a core", _of("rest", "processor", 100)),
    ("at rest: MiB", _of("rest", "memory")),
    ("at rest: requests/s", _of("rest", "requests")),
    ("rollouts: looks late, p99, s", _of("rollouts", "late_p99")),
)
COLUMNS: Final[tuple[tuple[str, Callable[[Item], float | None], int], ...]] = (
    ("start, s", _of("start", "seconds"), 1),
    ("processes for it", _of("start", "attempts"), 0),
    ("its processor, s", _of("start", "processor"), 1),
    ("its requests", _of("start", "requests"), 0),
    ("rest: core, %", _of("rest", "processor", 100), 1),
    ("MiB", _of("rest", "memory"), 0),
    ("requests/s", _of("rest", "requests"), 1),
    ("writes/s", _of("rest", "writes"), 2),
    ("scrapes/s", _of("rest", "scrapes"), 1),
    ("rollouts", _of("rollouts", "count"), 0),
    ("ended", _of("rollouts", "finished"), 0),
    ("bad ones out", _of("rollouts", "out"), 0),
    ("good ones harmed", _of("rollouts", "harmed"), 0),
    ("looks late p50, s", _of("rollouts", "late_p50"), 2),
    ("p99, s", _of("rollouts", "late_p99"), 2),
    ("exposure p50, s", _of("rollouts", "exposure_p50"), 1),
    ("p99, s", _of("rollouts", "exposure_p99"), 1),
    ("core, %", _of("rollouts", "processor", 100), 0),
    ("peak, MiB", _of("rollouts", "peak"), 0),
)


def table(results: dict[str, list[Item]]) -> str:
    """Return one row for each label and number of resources."""
    head = ["", "resources", *(name for name, _, _ in COLUMNS)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for label, items in results.items():
        for item in items:
            cells = [_cell(read(item), digits) for _, read, digits in COLUMNS]
            lines.append(f"| {label} | {item['resources']} | " + " | ".join(cells) + " |")
    notes = [
        f"- {label}, {item['resources']} resources: {' '.join(note.split())[:300]}"
        for label, items in results.items()
        for item in items
        for note in item.get("notes", [])
    ]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def _cell(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def plot(results: dict[str, list[Item]]) -> str:
    """Return an SVG: one panel for each measure over the number of resources, both log scales."""
    width = (WIDTH - LEFT) / len(PANELS)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
    parts = [head + 'font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>']
    for place, (title, read) in enumerate(PANELS):
        parts += _panel(results, title, read, LEFT + place * width, width - GAP)
    for place, label in enumerate(results):
        x = LEFT + place * 150
        parts.append(
            f'<circle cx="{x}" cy="{HEIGHT - 12}" r="5" fill="{COLOURS[place % len(COLOURS)]}"/>'
        )
        parts.append(_text(x + 10, HEIGHT - 8, label, "start"))
    parts.append(_text(WIDTH / 2, HEIGHT - 30, "resources"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(
    results: dict[str, list[Item]],
    title: str,
    read: Callable[[Item], float | None],
    left: float,
    width: float,
) -> list[str]:
    lines = {
        label: [(float(it["resources"]), max(value, LOWEST)) for it in items if (value := read(it))]
        for label, items in results.items()
    }
    points = [point for line in lines.values() for point in line]
    if not points:
        return []
    x = _axis([resources for resources, _ in points], left, width)
    y = _axis([value for _, value in points], HEIGHT - BOTTOM, TOP + BOTTOM - HEIGHT)
    height = HEIGHT - TOP - BOTTOM
    frame = f'<rect x="{left:.0f}" y="{TOP}" width="{width:.0f}" height="{height}"'
    parts = [_text(left + width / 2, TOP - 14, title, size=12)]
    parts.append(f'{frame} fill="none" stroke="#999"/>')
    parts += [_text(x(n), HEIGHT - BOTTOM + 14, f"{n:.0f}", size=9) for n in {n for n, _ in points}]
    values = {value for _, value in points}
    parts += [_text(left - 4, y(v) + 3, f"{v:.3g}", "end", 9) for v in (min(values), max(values))]
    for place, line in enumerate(lines.values()):
        colour = COLOURS[place % len(COLOURS)]
        path = " ".join(f"{x(n):.1f},{y(value):.1f}" for n, value in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}"/>')
        parts += [
            f'<circle cx="{x(n):.1f}" cy="{y(value):.1f}" r="4" fill="{colour}">'
            f"<title>{n:.0f}: {value:.3g}</title></circle>"
            for n, value in line
        ]
    return parts


def _axis(values: list[float], start: float, length: float) -> Callable[[float], float]:
    low, high = log10(min(values)), log10(max(values))
    span = high - low or 1.0
    return lambda value: start + length * (log10(value) - low) / span


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 11) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}">{text}</text>'
