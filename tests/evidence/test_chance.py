"""Chance: how often quiet time shows as much, and what that leaves of a suspicion, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from math import e

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.baseline import QUIET_SCHEMA
from rclagent.core.evidence import Channel, Evidence, EvidenceKind
from rclagent.evidence.chance import FAILURES, Chance, channel_of, mere_chance, temper
from rclagent.evidence.fusion import Suspicion

Shown = Callable[..., Evidence]

LOGS, LEGS = Channel.LOGS.value, Channel.LEGS.value


def quiet(channel: str, *strengths: float) -> pl.DataFrame:
    """What a channel sees in each piece of quiet time."""
    rows = [(channel, 180 * number, strength) for number, strength in enumerate(strengths)]
    return pl.DataFrame(rows, schema=QUIET_SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("channel", "strength"),
    [
        (LOGS, 0.24),
        (Channel.CALLS.value, 0.24),
        (LEGS, 2.0),
        (Channel.RESOURCES.value, 0.5),
        (FAILURES, 0.04),
    ],
)
def test_without_quiet_time_only_what_was_seen_elsewhere_counts(channel: str, strength: float) -> None:
    """Ten pieces, each with a tenth of the strength: 10 x 0.1^2 / 10."""
    assert Chance().tail(channel, strength) == pytest.approx(0.01)
    assert Chance().tail(channel, 0.05 * strength) == 1


def test_a_weaker_piece_counts_by_the_square_of_what_it_lacks() -> None:
    """0.5 after pieces of 0.1 and 0: (10 x 0.048^2 + 0.2^2) / 12."""
    assert Chance({LOGS: (0.1, 0.0)}).tail(LOGS, 0.5) == pytest.approx(0.06304 / 12)


def test_a_piece_that_showed_as_much_or_more_counts_whole() -> None:
    """(10 x 0.048^2 + 1 + 1) / 12."""
    assert Chance({LOGS: (0.5, 0.9)}).tail(LOGS, 0.5) == pytest.approx(2.02304 / 12)


def test_each_channel_is_compared_with_itself() -> None:
    loud = Chance({LOGS: (1.0,) * 90})
    assert loud.tail(LOGS, 0.5) > 0.9
    assert loud.tail(Channel.CALLS.value, 0.5) == Chance().tail(Channel.CALLS.value, 0.5)


def test_nothing_is_shown_by_all_quiet_time() -> None:
    assert Chance().tail(LOGS, 0.0) == 1


@pytest.mark.parametrize(
    ("strengths", "kept"),
    [
        ((0.3, 0.0, 0.9, 0.1, 0.2), (0.0, 0.1, 0.2, 0.3)),
        ((0.3, 0.0, 0.9, 0.1, 0.2, 0.8), (0.0, 0.1, 0.2, 0.3)),
        ((0.9, 0.1), (0.1,)),
        ((0.9,), ()),
    ],
)
def test_the_strongest_fifth_may_be_residue_and_is_left_out(
    strengths: tuple[float, ...], kept: tuple[float, ...]
) -> None:
    """And one piece at least."""
    assert Chance.of(quiet(LOGS, *strengths)).strengths == {LOGS: kept}


def test_residue_is_left_out_of_each_channel_for_itself() -> None:
    table = pl.concat([quiet(LOGS, 0.9, 0.1), quiet(LEGS, 3.0, 7.0)])
    assert Chance.of(table).strengths == {LOGS: (0.1,), LEGS: (3.0,)}


def test_without_pieces_no_channel_is_known() -> None:
    assert Chance.of(quiet(LOGS)).strengths == {}


@given(
    st.lists(st.floats(0, 1), max_size=30),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_stronger_the_rarer(seen: list[float], one: float, other: float) -> None:
    chance = Chance.of(quiet(LOGS, *seen))
    weak, strong = sorted((one, other))
    assert 0 <= chance.tail(LOGS, strong) <= chance.tail(LOGS, weak) <= 1
    assert mere_chance(chance.tail(LOGS, strong)) <= mere_chance(chance.tail(LOGS, weak))


@pytest.mark.parametrize(
    ("tail", "probability"),
    [(0.005, 0.0672), (0.05, 0.2893), (1 / e, 0.5), (1.0, 0.5), (1e-9, 5.6e-8), (0.0, 0.0)],
)
def test_the_probability_of_mere_chance(tail: float, probability: float) -> None:
    """1 / (1 + 1 / (-e P ln P)): for 0.005 that is 1 / (1 + 1 / 0.0720), for 0.05 1 / (1 + 1 / 0.4072)."""
    assert mere_chance(tail) == pytest.approx(probability, rel=0.01)


@pytest.mark.parametrize(
    ("kind", "severity", "channel"),
    [
        (EvidenceKind.LOG_APPEARED, "ERROR", FAILURES),
        (EvidenceKind.LOG_APPEARED, "FATAL", FAILURES),
        (EvidenceKind.LOG_APPEARED, "WARN", "logs"),
        (EvidenceKind.LOG_APPEARED, None, "logs"),
        (EvidenceKind.LOG_VANISHED, "INFO", "logs"),
        (EvidenceKind.ERROR_RATE, None, FAILURES),
        (EvidenceKind.SILENCE, None, FAILURES),
        (EvidenceKind.BREAK_POINT, None, "calls"),
        (EvidenceKind.RESPONSE_LEG, None, "legs"),
        (EvidenceKind.SATURATION, None, "resources"),
    ],
)
def test_failure_itself_is_a_channel_of_its_own(
    shown_by: Shown, kind: EvidenceKind, severity: str | None, channel: str
) -> None:
    assert channel_of(shown_by("e1", kind, severity=severity)) == channel


def test_each_observation_counts_as_far_as_its_channel_is_not_mere_chance(shown_by: Shown) -> None:
    """Logs: P = 0.048^2 = 0.002304, so 1 - 1 / (1 + 1 / 0.03804) = 0.96336 are left; calls: P = 0.12^2,
    0.85764 are left."""
    evidence = {
        "e1": shown_by("e1", EvidenceKind.LOG_VANISHED),
        "e2": shown_by("e2", EvidenceKind.CALL_VANISHED),
    }
    before = Suspicion(code=0.5, code_left=0.5, weights={"e1": 0.5, "e2": 0.2})
    after = temper(before, evidence, Chance(), lost=0.0)
    assert after.weights == pytest.approx({"e1": 0.48168, "e2": 0.17153}, abs=1e-5)
    assert after.code_left == pytest.approx(0.48168, abs=1e-5)
    assert after.code == 0.5
    assert after.chance == pytest.approx(0.002304)


def test_a_channel_that_is_loud_in_quiet_time_is_believed_half(shown_by: Shown) -> None:
    """Every piece shows as much; the calls, which are silent in quiet time, then weigh more."""
    evidence = {
        "e1": shown_by("e1", EvidenceKind.LOG_VANISHED),
        "e2": shown_by("e2", EvidenceKind.CALL_VANISHED),
    }
    loud = Chance({LOGS: (1.0,) * 40, "calls": (0.0,) * 40})
    after = temper(Suspicion(code=0.5, code_left=0.5, weights={"e1": 0.5, "e2": 0.3}), evidence, loud, 0.0)
    assert after.weights["e1"] == 0.25
    assert after.code_left == after.weights["e2"] > 0.29


@pytest.mark.parametrize(
    ("lost", "tail", "left"),
    [(3.2, (0.2 / 3.2) ** 2, 0.75552), (0.8, (0.2 / 0.8) ** 2, 0.54383)],
)
def test_legs_add_up_and_are_judged_by_the_time_lost(
    shown_by: Shown, lost: float, tail: float, left: float
) -> None:
    """0.3 and 0.5 in the score, which knows no more than one unit; 3.2 units in quiet time are rarer."""
    evidence = {name: shown_by(name, EvidenceKind.RESPONSE_LEG) for name in ("e1", "e2")}
    after = temper(Suspicion(timing=0.8, weights={"e1": 0.3, "e2": 0.5}), evidence, Chance(), lost)
    assert after.chance == pytest.approx(tail)
    assert after.timing == pytest.approx(left, abs=1e-5)
    assert after.weights["e2"] == pytest.approx(left * 5 / 8, abs=1e-5)


def test_what_is_explained_away_is_judged_by_what_is_left(shown_by: Shown) -> None:
    """0.1 of 0.5: P = 0.24^2 = 0.0576, so 0.1 x (1 - 1 / (1 + 1 / 0.44691)) is left."""
    evidence = {"e1": shown_by("e1", EvidenceKind.LOG_VANISHED)}
    before = Suspicion(code=0.5, code_left=0.1, explained_by="till", weights={"e1": 0.1})
    after = temper(before, evidence, Chance(), lost=0.0)
    assert after.chance == pytest.approx(0.0576)
    assert after.code_left == pytest.approx(0.06911, abs=1e-5)
    assert after.explained_by == "till"


def test_the_rarest_channel_tells_how_much_chance_there_is(shown_by: Shown) -> None:
    """A full resource is seen by a tail of 0.05^2, its slow legs by 0.2^2; failure by 0.008^2."""
    evidence = {
        "e1": shown_by("e1", EvidenceKind.SATURATION),
        "e2": shown_by("e2", EvidenceKind.SELF_LEG),
        "e3": shown_by("e3", EvidenceKind.ERROR_RATE),
    }
    slow = Suspicion(timing=1.0, resources=1.0, weights={"e1": 1.0, "e2": 1.0})
    assert temper(slow, evidence, Chance(), 1.0).chance == pytest.approx(0.05**2)
    failing = Suspicion(timing=1.0, code=0.5, code_left=0.5, weights={"e2": 1.0, "e3": 0.5})
    assert temper(failing, evidence, Chance(), 1.0).chance == pytest.approx(0.008**2)


def test_families_stay_apart(shown_by: Shown) -> None:
    evidence = {
        "e1": shown_by("e1", EvidenceKind.SATURATION),
        "e2": shown_by("e2", EvidenceKind.SELF_LEG),
        "e3": shown_by("e3", EvidenceKind.LOG_APPEARED),
    }
    before = Suspicion(0.6, 0.4, 0.4, 0.3, weights={"e1": 0.3, "e2": 0.6, "e3": 0.4})
    after = temper(before, evidence, Chance(), 1.0)
    assert (after.resources, after.timing) == (after.weights["e1"], after.weights["e2"])
    assert after.code_left == pytest.approx(after.weights["e3"])
    assert after.score < before.score


def test_nothing_shown_is_chance() -> None:
    assert temper(Suspicion(), {}, Chance(), 0.0) == Suspicion()
