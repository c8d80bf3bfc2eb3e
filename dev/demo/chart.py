"""The demo's picture: who served the users, and how well, over time; one SVG file."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dev.demo.timeline import Series

WIDTH, LEFT, RIGHT = 960, 64, 24
TOP, SHARE_HEIGHT, GAP, ERROR_HEIGHT = 108, 190, 58, 150
AXIS = 46
ROW = 19
CAPTION = 120
"""Characters of a caption that fit the picture's width."""
COLOURS = ("#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00")
"""The palette of Okabe and Ito, which colour-blind people can tell apart."""
NAMELESS_COLOUR = "#555555"
INK, FAINT = "#24292f", "#d0d7de"


@dataclass(frozen=True, slots=True)
class Mark:
    """A decision: when (seconds since the start), and what it was."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the picture shows; ``labels`` names releases, ``threshold`` is an error rate in %."""

    title: str
    duration: float
    series: Sequence[Series]
    labels: Mapping[str, str]
    marks: Sequence[Mark]
    threshold: float = 10.0


def render(chart: Chart) -> str:
    """Draw the chart as an SVG document."""
    return _Drawing(chart).draw()


def ticks(highest: float, most: int = 10) -> list[float]:
    """Return round values from 0 up to ``highest``, at most about ``most`` of them."""
    if highest <= 0:
        return [0.0]
    rough = highest / most
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= rough * (1 - 1e-9))
    return [round(step * n, 6) for n in range(int(highest / step + 1e-9) + 1)]


class _Drawing:
    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._error_top = TOP + SHARE_HEIGHT + GAP
        self._bottom = self._error_top + ERROR_HEIGHT
        self._height = self._bottom + AXIS + ROW * (len(chart.marks) + 1) + 12
        rates = [rate for line in chart.series for _, rate in line.errors]
        self._worst = min(100.0, max(20.0, math.ceil(max(rates, default=0) / 10) * 10))
        self._svg = ET.Element(
            "svg",
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {WIDTH} {self._height}",
            width=str(WIDTH),
            height=str(self._height),
            role="img",
        )
        self._svg.set("font-family", "system-ui, 'DejaVu Sans', Arial, sans-serif")
        self._svg.set("font-size", "12")

    def draw(self) -> str:
        ET.SubElement(self._svg, "title").text = self._chart.title
        self._box(0, 0, WIDTH, self._height, fill="#ffffff")
        self._text(LEFT, 28, self._chart.title, size=17, weight="600")
        self._legend()
        self._grid(TOP, SHARE_HEIGHT, 100.0, "traffic share, %")
        self._areas()
        self._grid(self._error_top, ERROR_HEIGHT, self._worst, "failed requests, %")
        self._threshold()
        self._lines()
        self._marks()
        self._time_axis()
        self._captions()
        ET.indent(self._svg)
        return ET.tostring(self._svg, encoding="unicode") + "\n"

    def _x(self, seconds: float) -> float:
        span = WIDTH - LEFT - RIGHT
        return LEFT + span * min(1.0, max(0.0, seconds / max(self._chart.duration, 1e-9)))

    def _share_y(self, percent: float) -> float:
        return TOP + SHARE_HEIGHT * (1 - percent / 100)

    def _error_y(self, percent: float) -> float:
        return self._error_top + ERROR_HEIGHT * (1 - min(percent, self._worst) / self._worst)

    def _colours(self) -> Iterator[tuple[Series, str]]:
        colours = iter(COLOURS * (1 + len(self._chart.series) // len(COLOURS)))
        for line in self._chart.series:
            yield line, next(colours) if line.release else NAMELESS_COLOUR

    def _legend(self) -> None:
        x = float(LEFT)
        for line, colour in self._colours():
            label = self._chart.labels.get(line.release, line.release or "no release named")
            self._box(x, 44, 12, 12, fill=colour, rx="2")
            self._text(x + 18, 54, label)
            x += 18 + 7.2 * len(label) + 22

    def _grid(self, top: int, height: int, highest: float, name: str) -> None:
        for value in ticks(highest, 5):
            y = top + height * (1 - value / highest)
            self._line((LEFT, y), (WIDTH - RIGHT, y), stroke=FAINT)
            self._text(LEFT - 8, y + 4, f"{value:g}", anchor="end")
        middle = top + height / 2
        label = self._text(16, middle, name, anchor="middle")
        label.set("transform", f"rotate(-90 16 {middle:.1f})")

    def _areas(self) -> None:
        floor: dict[float, float] = {}
        for line, colour in self._colours():
            width = _bin_width(line.shares)
            below = [(t, floor.get(t, 0.0)) for t, _ in line.shares]
            above = [(t, floor.get(t, 0.0) + share) for t, share in line.shares]
            floor.update(above)
            outline = [*_stairs(above, width), *reversed(list(_stairs(below, width)))]
            points = " ".join(f"{self._x(t):.1f},{self._share_y(p):.1f}" for t, p in outline)
            ET.SubElement(
                self._svg, "polygon", {"points": points, "fill": colour, "fill-opacity": "0.75"}
            )

    def _lines(self) -> None:
        for line, colour in self._colours():
            points = [(self._x(t), self._error_y(rate)) for t, rate in line.errors]
            self._path(points, colour)
            for x, y in points:
                ET.SubElement(
                    self._svg, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="2.2", fill=colour
                )

    def _path(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        ET.SubElement(
            self._svg,
            "polyline",
            {
                "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
                "fill": "none",
                "stroke": colour,
                "stroke-width": "1.8",
                "stroke-linejoin": "round",
            },
        )

    def _threshold(self) -> None:
        y = self._error_y(self._chart.threshold)
        line = self._line((LEFT, y), (WIDTH - RIGHT, y), stroke="#a40e26")
        line.set("stroke-dasharray", "6 4")
        self._text(LEFT + 4, y - 5, f"critical: {self._chart.threshold:g}%").set("fill", "#a40e26")

    def _marks(self) -> None:
        taken: list[tuple[float, int]] = []
        for number, mark in enumerate(self._chart.marks, 1):
            x = self._x(mark.at)
            level = _free_level(x, taken)
            taken.append((x, level))
            y = TOP - 9 - 15 * level
            line = self._line((x, y), (x, self._bottom), stroke=INK)
            line.set("stroke-width", "0.8")
            line.set("stroke-dasharray", "2 3")
            self._badge(x, y, number)

    def _badge(self, x: float, y: float, number: int) -> None:
        ET.SubElement(self._svg, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="7.5", fill=INK)
        text = self._text(x, y + 3.5, str(number), anchor="middle", size=10)
        text.set("fill", "#ffffff")

    def _time_axis(self) -> None:
        self._line((LEFT, self._bottom), (WIDTH - RIGHT, self._bottom), stroke=INK)
        for value in ticks(self._chart.duration, 12):
            x = self._x(value)
            self._line((x, self._bottom), (x, self._bottom + 4), stroke=INK)
            self._text(x, self._bottom + 17, f"{value:g}", anchor="middle")
        middle = (LEFT + WIDTH - RIGHT) / 2
        self._text(middle, self._bottom + 34, "seconds since the first request", anchor="middle")

    def _captions(self) -> None:
        y = self._bottom + AXIS + ROW
        for number, mark in enumerate(self._chart.marks, 1):
            self._badge(LEFT + 7.5, y - 4, number)
            self._text(LEFT + 58, y, f"{mark.at:.0f} s", anchor="end")
            self._text(LEFT + 68, y, _clip(mark.text))
            y += ROW

    def _box(self, x: float, y: float, width: float, height: float, **style: str) -> None:
        where = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{width:g}", "height": f"{height:g}"}
        ET.SubElement(self._svg, "rect", where | style)

    def _line(
        self, start: tuple[float, float], end: tuple[float, float], *, stroke: str
    ) -> ET.Element:
        (x1, y1), (x2, y2) = start, end
        where = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
        return ET.SubElement(self._svg, "line", where | {"stroke": stroke})

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "start",
        size: int = 12,
        weight: str = "400",
    ) -> ET.Element:
        style = {
            "x": f"{x:.1f}",
            "y": f"{y:.1f}",
            "text-anchor": anchor,
            "font-size": str(size),
            "font-weight": weight,
            "fill": INK,
        }
        element = ET.SubElement(self._svg, "text", style)
        element.text = text
        return element


def _clip(text: str) -> str:
    return text if len(text) <= CAPTION else text[: CAPTION - 1] + "…"


def _bin_width(points: Sequence[tuple[float, float]]) -> float:
    gaps = [second - first for (first, _), (second, _) in itertools.pairwise(points)]
    return min(gaps, default=1.0)


def _stairs(points: Sequence[tuple[float, float]], width: float) -> Iterator[tuple[float, float]]:
    for t, value in points:
        yield t, value
        yield t + width, value


def _free_level(x: float, taken: Sequence[tuple[float, int]]) -> int:
    near = {level for other, level in taken if abs(other - x) < 16}
    return next(level for level in range(len(near) + 1) if level not in near)
