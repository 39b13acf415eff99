"""A plot of shares as SVG, without a plotting library: equal input gives equal bytes.

A page may be light or dark and an embedded picture is not told which, so the ground stays clear and every
colour has a contrast of at least 3:1 to both. Lines differ in their marks and dashes, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log10
from typing import Final

INK: Final = "#7a7a7a"
"""Axes and text."""
COLOURS: Final = ("#2f7fe0", "#d0651b", "#2f8f4e", "#a05fd6")
"""Of the lines, in their order."""

_DASHES: Final = ("none", "7 4", "2 4", "9 3 2 3")
_MARKS: Final = (
    "M-4.5-4.5H4.5V4.5H-4.5Z",  # square
    "M0-5.5L5.5 4H-5.5Z",  # triangle up
    "M0-5.5L5.5 0L0 5.5L-5.5 0Z",  # diamond
    "M0 5.5L5.5-4H-5.5Z",  # triangle down
)
_WIDTH, _HEIGHT = 720.0, 420.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 704.0, 56.0, 362.0
"""Edges of the field that the lines lie in."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot."""

    name: str
    """As the legend shows it."""
    points: tuple[tuple[float, float], ...]
    """x, over 0, and a share, 0..1; in order of x."""


def share_plot(lines: Sequence[Line], *, title: str, x_label: str, y_label: str, level: float) -> str:
    """Shares against something that runs over orders of magnitude.

    Args:
        lines: At least one with two points, four at most.
        title: What the picture shows, for those who cannot see it.
        x_label: What the logarithmic axis shows; it has a tick at every x.
        y_label: What the shares are.
        level: Share that a line across the field marks.

    Returns:
        An SVG document.
    """
    ticks = sorted({x for line in lines for x, _ in line.points})
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="14" fill="{INK}">',
        f"<title>{escape(title)}</title>",
        *(_row(fifths / 5, 'stroke-opacity="0.45"') for fifths in range(6)),
        _row(level, 'stroke-dasharray="4 4"'),
        *(_column(x, ticks) for x in ticks),
        _text((_LEFT + _RIGHT) / 2, _HEIGHT - 16, x_label, "middle"),
        f'<g transform="rotate(-90)">{_text(-(_TOP + _BOTTOM) / 2, 16, y_label, "middle")}</g>',
        # The first line is drawn last, so that none hides it.
        *(_drawn(line, number, ticks) for number, line in reversed(list(enumerate(lines)))),
        *_legend([line.name for line in lines]),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _row(share: float, style: str) -> str:
    y = _y(share)
    rule = f'<path d="M{_LEFT:g} {y:.1f}H{_RIGHT:g}" stroke="{INK}" {style}/>'
    return rule + _text(_LEFT - 8, y + 5, f"{share:.1f}", "end")


def _column(x: float, ticks: Sequence[float]) -> str:
    at = _x(x, ticks)
    tick = f'<path d="M{at:.1f} {_BOTTOM:g}v5" stroke="{INK}"/>'
    return tick + _text(at, _BOTTOM + 21, f"{x:g}", "middle")


def _drawn(line: Line, number: int, ticks: Sequence[float]) -> str:
    places = [(_x(x, ticks), _y(share)) for x, share in line.points]
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    marks = "".join(_mark(x, y, number) for x, y in places)
    return _stroke(f"M{way}", number) + marks


def _legend(names: Sequence[str]) -> list[str]:
    """One beside the other above the field, each with as much room as its name is long."""
    middle, left = _TOP / 2, _LEFT
    parts = []
    for number, name in enumerate(names):
        sample = _stroke(f"M{left:.1f} {middle:g}h30", number) + _mark(left + 15, middle, number)
        parts.append(sample + _text(left + 36, middle + 5, name, "start"))
        left += 56 + 8 * len(name)
    return parts


def _stroke(way: str, number: int) -> str:
    colour, dashes = COLOURS[number], _DASHES[number]
    return f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'


def _mark(x: float, y: float, number: int) -> str:
    colour = COLOURS[number]
    place = f"translate({x:.1f} {y:.1f})"
    return f'<path d="{_MARKS[number]}" transform="{place}" fill="{colour}" stroke="{colour}"/>'


def _text(x: float, y: float, content: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def _x(x: float, ticks: Sequence[float]) -> float:
    low, high = log10(ticks[0]), log10(ticks[-1])
    return _LEFT + (log10(x) - low) / (high - low) * (_RIGHT - _LEFT)


def _y(share: float) -> float:
    return _BOTTOM - share * (_BOTTOM - _TOP)
