"""Lines that vanished or appeared, and what only looks like it."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from rclagent.core.baseline import Baseline
from rclagent.core.log import LogRecord, logs_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S, Window
from rclagent.evidence.logs import compare_templates, silent_services, stronger
from rclagent.telemetry.frame_store import FrameStore
from rclagent.testing import repeated, written
from rclagent.testing.spec import START_NS

Compared = Callable[[Telemetry, Telemetry], tuple[FrameStore, Window, Baseline]]

QUOTED = "pricing: GET /quote   0..10\n    | 1 INFO quote for item 7\n    | 2 INFO quoted 5.00"
CUT = "pricing: GET /quote   0..10\n    | 1 INFO quote for item 7"
FAILED = "pricing: GET /quote   0..10\n    | 1 INFO quote for item 7\n    | 2 ERROR no price for 7"


def texts(text: str, times: int) -> Telemetry:
    """A written trace again and again."""
    return repeated(written(text), times)


def unnamed(requests: int, lines: int) -> Telemetry:
    """Requests of the pricing, and lines that name no span."""
    spans = repeated(written("pricing: GET /quote   0..10"), requests, every_s=0.01).spans
    times = [START_NS + number % requests * NS_PER_S // 100 for number in range(lines)]
    return Telemetry(
        spans, logs_to_frame([LogRecord(time, "pricing", "cache missed", "WARN") for time in times])
    )


def test_a_line_that_vanished(compared: Compared) -> None:
    """0 of 10 against 20 of 20: p = 20.5 / 31, z = -1 / sqrt(0.66129 x 0.33871 x 0.15)."""
    table = compare_templates(*compared(texts(QUOTED, 20), texts(CUT, 10)))
    assert table.select("service", "operation", "severity", "template").rows() == [
        ("pricing", "GET /quote", "INFO", "quoted <*>")
    ]
    assert table.select("n", "hits", "base_n", "base_hits", "change").rows() == [(10, 0, 20, 20, -1.0)]
    assert table["z"][0] == pytest.approx(-5.45562, abs=1e-5)


def test_a_line_that_appeared_in_place_of_another(compared: Compared) -> None:
    table = compare_templates(*compared(texts(QUOTED, 20), texts(FAILED, 10)))
    assert table.select("severity", "template", "change").rows() == [
        ("ERROR", "no price for <*>", 1.0),
        ("INFO", "quoted <*>", -1.0),
    ]
    assert table["z"].abs().to_list() == pytest.approx([5.45562, 5.45562], abs=1e-5)


def test_the_same_lines_are_no_change(compared: Compared) -> None:
    assert compare_templates(*compared(texts(QUOTED, 20), texts(QUOTED, 10))).is_empty()


def asked(quoted: int, cut: int, idle: int, told: str = "INFO quoted 5.00") -> Telemetry:
    """Requests that ask for a price and get it, that ask and do not, and that do not ask."""
    idles = "pricing: GET /quote   0..10\n    | 1 INFO pinged"
    quotes = CUT + f"\n    | 2 {told}"
    parts = [(quotes, quoted), (CUT, cut), (idles, idle)]
    made = [texts(text, times) for text, times in parts]
    for number, telemetry in enumerate(made):
        ids = pl.col("trace_id").str.replace("^0000", f"{number}{number}{number}{number}")
        made[number] = Telemetry(telemetry.spans.with_columns(ids), telemetry.logs.with_columns(ids))
    return Telemetry.concat(made)


def test_a_line_that_is_missing_after_its_lead_is_told_though_few_requests_get_that_far(
    compared: Compared,
) -> None:
    """20 % of the requests, then 8 %, is no change; 8 of 20 that ask against 40 of 40 is one:
    p = 48.5 / 61, z = -0.6 / sqrt(0.79508 x 0.20492 x 0.075)."""
    table = compare_templates(*compared(asked(40, 0, 160), asked(8, 12, 80)))
    assert table.select("template", "lead_severity", "lead", "n", "hits", "base_n", "base_hits").rows() == [
        ("quoted <*>", "INFO", "quote for item <*>", 20, 8, 40, 40)
    ]
    assert table["change"].to_list() == pytest.approx([-0.6])
    assert table["z"].to_list() == pytest.approx([-5.42781], abs=1e-5)


@pytest.mark.parametrize(("followed", "told"), [(38, 1), (37, 0)])
def test_only_a_line_that_follows_its_lead_nearly_always_is_missed(
    compared: Compared, followed: int, told: int
) -> None:
    """95 % of 40 are 38."""
    assert compare_templates(*compared(asked(followed, 40 - followed, 160), asked(8, 12, 80))).height == told


@pytest.mark.parametrize(("before", "after"), [((7, 0, 193), (8, 12, 80)), ((40, 0, 160), (0, 2, 98))])
def test_too_few_spans_with_the_lead_show_nothing(
    compared: Compared, before: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    """Eight in the baseline, three in the incident."""
    assert compare_templates(*compared(asked(*before), asked(*after))).is_empty()


def test_an_error_that_no_longer_follows_its_lead_is_no_evidence(compared: Compared) -> None:
    quiet, now = (asked(*counts, told="ERROR no price") for counts in ((40, 0, 160), (8, 12, 80)))
    assert compare_templates(*compared(quiet, now)).is_empty()


def test_of_both_comparisons_of_a_line_the_one_that_says_more_is_told(compared: Compared) -> None:
    """Of the operation 0 of 28 against 48 of 50 say more than 0 of 9 against 48 of 48 after the lead; where
    they say the same, no lead is needed."""
    table = compare_templates(*compared(texts(QUOTED, 20), texts(CUT, 10)))
    assert table["lead"].to_list() == [None]
    row = {"service": "a", "operation": "op", "severity": "INFO", "template": "x"}
    figures = {"n": 9, "hits": 0, "base_n": 48, "base_hits": 48}
    alone = pl.DataFrame([row | figures | {"n": 28, "base_n": 50, "change": -0.96, "z": -8.0}])
    for z, lead in ((-7.0, None), (-9.0, "y")):
        led = pl.DataFrame([row | figures | {"change": -1.0, "z": z, "lead_severity": "INFO", "lead": "y"}])
        assert stronger(alone, led)["lead"].to_list() == [lead]
        assert stronger(alone.clear(), led)["lead"].to_list() == ["y"]


def test_errors_that_vanished_are_no_evidence(compared: Compared) -> None:
    """The past was worse."""
    table = compare_templates(*compared(texts(FAILED, 20), texts(QUOTED, 10)))
    assert table["template"].to_list() == ["quoted <*>"]


def test_a_change_of_the_traffic_mix_is_no_change_of_lines(compared: Compared) -> None:
    """What counts is the share given the operation: 9 of 10 requests were quotes, now 1 of 5."""
    other = "pricing: GET /tier   0..10\n    | 1 INFO tier 3"
    ids = pl.col("trace_id").str.replace("^0000", "1111")

    def mixed(quotes: int, tiers: int) -> Telemetry:
        tier = texts(other, tiers)
        renamed = Telemetry(tier.spans.with_columns(ids), tier.logs.with_columns(ids))
        return Telemetry.concat([texts(QUOTED, quotes), renamed])

    assert compare_templates(*compared(mixed(90, 10), mixed(10, 40))).is_empty()


def test_a_branch_that_moves_with_the_requests_is_no_change(compared: Compared) -> None:
    """Many requests, certain, but only 10 % more of them take it."""
    quiet = written("\n\n".join([QUOTED] * 5 + [CUT] * 5))
    now = written("\n\n".join([QUOTED] * 4 + [CUT] * 6))
    assert compare_templates(*compared(repeated(quiet, 100), repeated(now, 100))).is_empty()


@pytest.mark.parametrize(("before", "after"), [(7, 10), (20, 2)])
def test_too_few_requests_show_nothing(compared: Compared, before: int, after: int) -> None:
    assert compare_templates(*compared(texts(QUOTED, before), texts(CUT, after))).is_empty()


def test_a_service_without_any_lines_lost_its_collection_of_logs(compared: Compared) -> None:
    """Its spans go on: told as missing, not as a symptom."""
    quiet, now = texts(QUOTED, 20), texts("pricing: GET /quote   0..10", 10)
    scene = compared(quiet, now)
    assert silent_services(*scene) == ["pricing"]
    assert compare_templates(*scene).is_empty()


@pytest.mark.parametrize("now", [CUT, "counter: GET /   0..10"])
def test_a_service_that_still_logs_or_sends_no_spans_either_is_not_silent(
    compared: Compared, now: str
) -> None:
    assert silent_services(*compared(texts(QUOTED, 20), texts(now, 10))) == []


def test_lines_that_name_no_span_are_compared_as_a_rate(compared: Compared) -> None:
    """100 in 20 requests against 40 in 40: r = 140.5 / 60, z = 4 / sqrt(2.341667 x 0.075)."""
    table = compare_templates(*compared(unnamed(40, 40), unnamed(20, 100)))
    assert table.select("operation", "template", "n", "hits", "change").rows() == [
        ("", "cache missed", 20, 100, 4.0)
    ]
    assert table["z"][0] == pytest.approx(9.5448, abs=1e-4)


@pytest.mark.parametrize(
    ("before", "after"), [((400, 400), (400, 760)), ((4000, 4000), (100, 190)), ((40, 40), (10, 30))]
)
def test_a_rate_that_did_not_double_or_may_have_by_chance_is_no_change(
    compared: Compared, before: tuple[int, int], after: tuple[int, int]
) -> None:
    """1 to 1.9 in many requests (z = 10.6 and 8.8), whatever the length of the quiet time; 1 to 3 in few."""
    assert compare_templates(*compared(unnamed(*before), unnamed(*after))).is_empty()


@pytest.mark.parametrize("side", [0, 1])
def test_without_logs_on_a_side_nothing_changed(compared: Compared, side: int) -> None:
    """Logs that only the incident has were collected, not written, for the first time."""
    sides = [texts(QUOTED, 20), texts(QUOTED, 20)]
    sides[side] = Telemetry(spans=sides[side].spans)
    assert compare_templates(*compared(*sides)).is_empty()


def test_logs_without_spans_cannot_be_compared(compared: Compared) -> None:
    lines = Telemetry(logs=texts(QUOTED, 20).logs)
    assert compare_templates(*compared(lines, lines)).is_empty()
    assert compare_templates(*compared(Telemetry(), Telemetry())).is_empty()
