"""The plot of shares."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from benchmarks.plot import COLOURS, INK, Line, share_plot

LINES = (Line("ours", ((1.0, 0.0), (10.0, 0.5), (100.0, 1.0))), Line("a<b", ((1.0, 0.2), (100.0, 0.2))))


def drawn() -> str:
    """Two lines."""
    return share_plot(LINES, title="what & why", x_label="strength", y_label="recall", level=0.9)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_equal_input_gives_equal_bytes_and_a_whole_document() -> None:
    assert drawn() == drawn()
    root = ElementTree.fromstring(drawn())
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert root[0].text == "what & why"
    assert {"ours", "a<b", "strength", "recall", "0.9", "1", "10", "100"} <= set(texts)


def test_the_axis_of_strengths_is_logarithmic() -> None:
    """By hand: the field is 64-704 wide and 362-56 high, so 10 between 1 and 100 is at 384, a half at 209."""
    assert "M64.0 362.0L384.0 209.0L704.0 56.0" in drawn()


@pytest.mark.parametrize("ground", ["#ffffff", "#0d1117"])
def test_every_colour_is_seen_on_light_and_dark_pages(ground: str) -> None:
    """WCAG asks 3:1 of graphics; white on black has 21."""
    for colour in (INK, *COLOURS):
        low, high = sorted((luminance(colour), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) >= 3
    assert (luminance("#ffffff") + 0.05) / (luminance("#000000") + 0.05) == pytest.approx(21)


def test_lines_differ_without_colour_too() -> None:
    strokes = re.findall(r'fill="none" stroke="[^"]+" stroke-width="2" stroke-dasharray="([^"]+)"', drawn())
    assert len(strokes) == 4  # each line, and its sample in the legend
    assert len(set(strokes)) == 2
