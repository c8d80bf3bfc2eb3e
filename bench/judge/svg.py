"""The frontier as a picture: how long a fault stays against how often a good release goes."""

from __future__ import annotations

from math import log10
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 1000, 420, 60, 40, 60
COLOURS = {
    "fast": "#d95f02",
    "balanced": "#7fb3d5",
    "balanced+history": "#1f78b4",
    "robust": "#b2df8a",
    "robust+history": "#33a02c",
}
PANELS = (
    ("independent errors", "independent, 0.5%", "from the start"),
    ("bursts inside a block", "bursts of 5 inside a block, 0.5%", "among bursts of 5"),
    ("pod episodes of 30 s", "pod episodes of 30 s", "among episodes of 30 s"),
    ("uneven pods", "uneven pods, sigma 1", "among uneven pods, sigma 1"),
    ("cold start", "cold start, 4% for 2 min", "from the start"),
)
"""Title, the cell that counts false rollbacks, and what the faults' cells are called."""

FAULTS = (("50%", 7), ("10%", 4))


def _x(share: float, left: float, width: float) -> float:
    """Return the place of a share on a log axis from 0.03% to 100%."""
    return left + width * (log10(max(share, 0.0003)) + 3.53) / 3.53


def _y(seconds: float) -> float:
    """Return the place of a delay on a log axis from 2 s to 2000 s."""
    height = HEIGHT - TOP - BOTTOM
    return TOP + height * (1 - (log10(min(max(seconds, 2.0), 2000.0)) - 0.301) / 3.0)


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 11) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}">{text}</text>'


def _axes(left: float, width: float, title: str) -> list[str]:
    parts = [_text(left + width / 2, TOP - 14, title, size=13)]
    parts.append(
        f'<rect x="{left:.0f}" y="{TOP}" width="{width:.0f}" height="{HEIGHT - TOP - BOTTOM}" '
        'fill="none" stroke="#999"/>'
    )
    for share, label in ((0.001, "0.1%"), (0.01, "1%"), (0.1, "10%"), (1.0, "100%")):
        parts.append(_text(_x(share, left, width), HEIGHT - BOTTOM + 16, label, size=10))
    line = _x(0.01, left, width)
    parts.append(
        f'<line x1="{line:.0f}" x2="{line:.0f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
        'stroke="#c00" stroke-dasharray="3 3"/>'
    )
    return parts


def _marks(results: dict[str, Any], cell: str, where: str, left: float, width: float) -> list[str]:
    parts = []
    for rate, radius in FAULTS:
        fault = f"{rate} {where}"
        for name, by in results["faults"][fault].items():
            if name in {"trials", "promised"} or by["median"] is None:
                continue
            x = _x(results["false"][cell][name]["found"], left, width)
            colour = COLOURS.get(name, "#777")
            parts.append(
                f'<circle cx="{x:.1f}" cy="{_y(by["median"]):.1f}" r="{radius}" fill="{colour}" '
                f'fill-opacity="0.8"><title>{name}: {fault} {by["median"]:.0f} s</title></circle>'
            )
    return parts


def frontier(results: dict[str, Any]) -> str:
    """Return an SVG: per fault class, false rollbacks in an hour (x) and delay (y), log scales."""
    step = (WIDTH - LEFT) / len(PANELS)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
    head += 'font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>'
    marks = (2, 5, 10, 30, 60, 120, 300, 1000)
    parts = [head, *(_text(LEFT - 6, _y(s) + 4, f"{s} s", "end", 10) for s in marks)]
    for place, (title, cell, where) in enumerate(PANELS):
        left, width = LEFT + place * step, step - 18
        parts += _axes(left, width, title) + _marks(results, cell, where, left, width)
    for place, (name, colour) in enumerate([*COLOURS.items(), ("Flagger, Argo rules", "#777")]):
        x = LEFT + place * 150
        parts.append(f'<circle cx="{x}" cy="{HEIGHT - 14}" r="6" fill="{colour}"/>')
        parts.append(_text(x + 10, HEIGHT - 10, name, "start"))
    parts.append(
        _text(
            WIDTH / 2,
            HEIGHT - 28,
            "rolled back in an hour without a fault; large dots: delay for a 50% fault, small: 10%",
        )
    )
    return "\n".join([*parts, "</svg>"]) + "\n"
