"""The weakest delay that is found."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.weakest import Outcome, headline, judge_delays, picture, rows, summary, weakest


def outcome(strength: float, ours: float, verdict: str = "fault") -> Outcome:
    """What two methods said of one incident."""
    return Outcome(strength, strength / 10, {"rclagent": ours, "chance": 0.25}, verdict)


OUTCOMES = [
    outcome(1.0, 1.0),
    outcome(2.0, 0.5),
    outcome(3.0, 1.0),
    outcome(10.0, 1.0),
    *(outcome(at, 1.0, "healthy") for at in (1.0, 2.0, 3.0, 10.0)),
]


def test_the_weakest_delay_is_where_recall_rises_for_good() -> None:
    """Found at 1, lost again at 2 (0.75 of two incidents), found from 3 on."""
    content = summary(OUTCOMES)
    assert content["weakest"] == {"rclagent": 3.0, "chance": None}
    assert "rclagent: 3, chance: none" in headline(content)


def test_a_method_that_misses_the_largest_delay_has_no_weakest() -> None:
    steps = [{"strength": at, "recall@1": {"m": recall}} for at, recall in ((1.0, 1.0), (2.0, 0.8))]
    assert weakest(steps, "m") is None
    assert weakest(steps[:1], "m") == 1.0


def test_each_strength_has_a_row_with_all_methods() -> None:
    """Of two incidents with a delay of two deviations one is judged a fault; recall 0.75 of 2 by Wilson."""
    head, *body = rows(summary(OUTCOMES))
    assert head == [
        "delay / std", "delay, ms", "incidents", "rclagent", "chance", "rclagent 95 %", "judged a fault",
    ]  # fmt: skip
    assert body[1] == ["2", "0.20", "2", "0.75", "0.25", "0.20-0.97", "0.50"]


def test_the_picture_has_a_line_a_method() -> None:
    root = ElementTree.fromstring(picture(summary(OUTCOMES)))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"rclagent", "chance", "recall@1", "0.9"} <= set(texts)


def test_every_method_is_judged_on_the_same_incidents() -> None:
    """A delay of fifty standard deviations is beyond doubt, one of a hundredth is not there to be seen."""
    faint, gross = judge_delays(1, seed=1, strengths=(0.01, 50.0))
    assert list(faint.recall) == ["rclagent", "whole-duration", "deepest-anomalous", "chance"]
    assert faint.recall["chance"] == gross.recall["chance"] == pytest.approx(1 / 7)
    assert gross.delay_ms == pytest.approx(5000 * faint.delay_ms)
    assert (gross.recall["rclagent"], gross.verdict) == (1.0, "fault")
