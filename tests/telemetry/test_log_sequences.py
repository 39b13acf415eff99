"""Lines that follow one another within a span: the usual lead of each, and how often it is followed."""

from __future__ import annotations

from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rclagent.core.log import LogRecord, logs_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.telemetry.counting import Pieces
from rclagent.telemetry.log_sequences import sequence_table, usual_leads
from rclagent.telemetry.log_tables import LogLines
from rclagent.telemetry.repair import repair_spans
from rclagent.testing import written
from rclagent.testing.spec import START_NS


def lines_of(telemetry: Telemetry) -> LogLines:
    """Its log lines."""
    return LogLines.of(telemetry.logs, repair_spans(telemetry.spans))


def requests(*logged: str, every_s: int = 1) -> Telemetry:
    """Requests of the till, each with the lines that it writes, a millisecond apart."""
    text = []
    for number, words in enumerate(logged):
        at = 1000 * every_s * number
        lines = [f"    | {at + place} INFO {word}" for place, word in enumerate(words.split())]
        text.append("\n".join([f"till: POST order   {at}..{at + 100}", *lines]))
    return written("\n\n".join(text))


def leads(*logged: str) -> dict[str, str]:
    """The usual lead of each line that has one."""
    table = usual_leads(lines_of(requests(*logged)))
    return dict(table.select("template", "lead").iter_rows())


def test_a_line_is_led_in_by_the_one_that_comes_right_before_it() -> None:
    """Not the first line, which nothing leads in."""
    assert leads("asked priced paid") == {"priced": "asked", "paid": "priced"}


def test_the_lead_that_comes_most_often_is_the_usual_one() -> None:
    assert leads("asked paid", "priced paid", "asked paid") == {"paid": "asked"}


def test_of_leads_that_come_equally_often_the_first_by_name_is_the_usual_one() -> None:
    assert leads("priced paid", "asked paid") == leads("asked paid", "priced paid") == {"paid": "asked"}


def test_a_line_does_not_lead_in_itself() -> None:
    assert leads("asked asked asked paid asked") == {"paid": "asked", "asked": "paid"}


def test_lines_of_other_spans_lead_in_nothing_though_they_are_written_between() -> None:
    """Two requests at once; and one that calls another service."""
    apart = written(
        """
        till: POST order   0..100
            | 1 INFO asked
            | 5 INFO paid

        till: POST order   0..100
            | 2 INFO priced
            | 6 INFO refused
            wallet: POST charge   3..4
                | 3 INFO charged
        """
    )
    table = usual_leads(lines_of(apart))
    assert table.select("service", "lead", "template").rows() == [
        ("till", "asked", "paid"),
        ("till", "priced", "refused"),
    ]


def test_each_operation_and_severity_has_sequences_of_its_own() -> None:
    table = usual_leads(
        lines_of(
            written(
                """
                till: POST order   0..100
                    | 1 INFO asked
                    | 2 INFO paid
                    | 3 WARN paid

                till: GET order   1000..1100
                    | 1001 WARN priced
                    | 1002 INFO paid
                """
            )
        )
    )
    assert table.columns == ["service", "operation", "severity", "template", "lead_severity", "lead"]
    assert table.rows() == [
        ("till", "GET order", "INFO", "paid", "WARN", "priced"),
        ("till", "POST order", "INFO", "paid", "INFO", "asked"),
        ("till", "POST order", "WARN", "paid", "INFO", "paid"),
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_lines_of_the_same_time_stand_in_order_of_their_text(turned: bool) -> None:
    """Whatever the order in which they came."""
    made = written("till: POST order   0..100\n    | 1 INFO asked\n    | 1 INFO paid")
    logs = made.logs.reverse() if turned else made.logs
    table = usual_leads(lines_of(Telemetry(made.spans, logs)))
    assert table.select("lead", "template").rows() == [("asked", "paid")]


def test_lines_that_name_no_span_neither_lead_nor_follow() -> None:
    made = requests("asked paid")
    loose = [LogRecord(START_NS + at, "till", "ticked", severity="INFO") for at in (0, 500_000, 2_000_000)]
    with_loose = Telemetry(made.spans, pl.concat([made.logs, logs_to_frame(loose)]))
    lines = lines_of(with_loose)
    assert usual_leads(lines).select("lead", "template").rows() == [("asked", "paid")]
    assert sequence_table(lines, usual_leads(lines), None).select("n", "hits").rows() == [(1, 1)]


def counted(
    quiet: Telemetry, now: Telemetry, pieces: Pieces | None = None
) -> dict[tuple[object, ...], tuple[int, int]]:
    """Spans with the usual lead, and with the line as well: lead, line (and piece) to both counts."""
    table = sequence_table(lines_of(now), usual_leads(lines_of(quiet)), pieces)
    time = [] if pieces is None else ["piece"]
    counts = table.select("n", "hits").rows()
    return dict(zip(table.select("lead", "template", *time).rows(), counts, strict=True))


def test_spans_with_the_lead_are_counted_and_those_that_go_on() -> None:
    """Of three with the lead two are paid; one is paid without, which does not count."""
    quiet = requests("asked paid")
    now = requests("asked paid", "asked", "asked priced paid", "paid")
    assert counted(quiet, now) == {("asked", "paid"): (3, 2)}


def test_a_span_counts_once_however_often_it_writes_the_lines() -> None:
    quiet = requests("asked paid")
    assert counted(quiet, requests("asked paid asked paid paid")) == {("asked", "paid"): (1, 1)}


def test_one_line_may_lead_in_several() -> None:
    quiet = requests("asked paid", "asked refused")
    now = requests("asked paid", "asked paid", "asked")
    assert counted(quiet, now) == {("asked", "paid"): (3, 2), ("asked", "refused"): (3, 0)}


def test_a_line_that_is_not_written_at_all_any_more_is_missed_after_its_lead() -> None:
    assert counted(requests("asked paid"), requests("asked", "asked priced")) == {("asked", "paid"): (2, 0)}


def test_without_the_lead_or_its_operation_nothing_is_missed() -> None:
    quiet = requests("asked paid")
    other = written("till: GET order   0..100\n    | 1 INFO asked")
    assert counted(quiet, requests("priced", "paid")) == {}
    assert counted(quiet, other) == {}
    assert counted(quiet, Telemetry()) == {}
    assert counted(Telemetry(), quiet) == {}


def test_pieces_of_time_are_counted_each_for_itself() -> None:
    """Requests at 0, 10, 20 and 30 s in pieces of 20 s, also where the line never comes."""
    quiet = requests("asked paid")
    now = requests("asked paid", "asked", "asked", "priced", every_s=10)
    pieces = Pieces(origin_ns=START_NS, length_s=20.0)
    assert counted(quiet, now, pieces) == {("asked", "paid", 0): (2, 1), ("asked", "paid", 1): (1, 0)}
    columns = sequence_table(lines_of(now), usual_leads(lines_of(quiet)), pieces).columns
    assert columns[-3:] == ["piece", "n", "hits"]


WORDS = st.lists(st.sampled_from(["asked", "priced", "paid", "refused"]), max_size=6).map(" ".join)


@settings(max_examples=40)
@given(st.lists(WORDS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_lines_of_different_times_does_not_matter(logged: list[str], chance: Random) -> None:
    made = requests(*logged)
    order = list(range(made.logs.height))
    chance.shuffle(order)
    one, other = (lines_of(Telemetry(made.spans, logs)) for logs in (made.logs, made.logs[order]))
    assert_frame_equal(usual_leads(one), usual_leads(other))
    for pieces in (None, Pieces(START_NS, 2.0)):
        assert_frame_equal(
            sequence_table(one, usual_leads(one), pieces), sequence_table(other, usual_leads(other), pieces)
        )


@settings(max_examples=40)
@given(st.lists(WORDS, min_size=1, max_size=4))
def test_counts_are_those_of_looking_at_every_request(logged: list[str]) -> None:
    made = requests(*logged)
    lines = lines_of(made)
    for lead, line, n, hits in (
        sequence_table(lines, usual_leads(lines), None).select("lead", "template", "n", "hits").iter_rows()
    ):
        led = [words.split() for words in logged if lead in words.split()]
        assert (n, hits) == (len(led), sum(line in words for words in led))
