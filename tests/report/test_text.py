"""The text report."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from rclagent.core.coverage import SourceCoverage
from rclagent.core.diagnosis import (
    Agents,
    Change,
    ChangeKind,
    Diagnosis,
    IncidentSummary,
    Reasoning,
    RootCause,
    RuledOut,
    Verdict,
)
from rclagent.core.evidence import FaultType
from rclagent.core.incident import Alarm
from rclagent.report import render_text
from rclagent.report.text import WIDTH

Changed = Callable[..., Diagnosis]


def test_the_verdict_comes_first(fault: Diagnosis) -> None:
    assert render_text(fault).startswith(fault.summary)


def test_the_message_is_short_enough_to_read_at_night(fault: Diagnosis) -> None:
    lines = render_text(fault).splitlines()
    assert len(lines) <= 35
    assert max(map(len, lines)) <= WIDTH


def test_the_cause_is_told_with_place_kind_and_confidence(fault: Diagnosis) -> None:
    expected = "1. cart (pod cart-7d8f on node worker-2): network delay, confidence 97 %"
    assert expected in render_text(fault).splitlines()


def test_five_proofs_are_told_and_the_rest_is_counted(fault: Diagnosis) -> None:
    lines = [line.strip() for line in render_text(fault).splitlines()]
    told = [line for line in lines if line.startswith("- Replies of cart, statement")]
    assert len(told) == 5
    assert "- and 2 more in the JSON report" in lines


def test_a_path_that_fails_its_checks_is_not_shown_as_fact(fault: Diagnosis) -> None:
    text = " ".join(render_text(fault).split())
    assert "Spread, unverified: cart -> checkout -> frontend (frontend slowed down 8 s before" in text
    assert "Spread:" not in text


def test_a_checked_path_is_shown_from_cause_to_entry(fault: Diagnosis) -> None:
    cause = fault.root_causes[0]
    assert cause.propagation_path is not None
    path = cause.propagation_path.model_copy(update={"verified": True, "problem": None})
    checked = cause.model_copy(update={"propagation_path": path})
    text = render_text(fault.model_copy(update={"root_causes": (checked,)}))
    assert "   Spread: cart -> checkout -> frontend" in text.splitlines()


def test_candidates_and_the_cleared_stand_in_a_line_each(fault: Diagnosis) -> None:
    lines = render_text(fault).splitlines()
    assert "  2. email, a fault of unknown kind, 3 %: CPU went from 2 % to 9 %." in lines
    assert "  checkout: waits for cart; its own time is as usual." in lines


def test_gaps_drops_and_repairs_are_told(fault: Diagnosis) -> None:
    text = render_text(fault)
    assert "No logs were given." in text
    assert "Left out: truncated line (1), of incident/traces.jsonl." in text
    assert "Mended or noted: missing parent (4), unit (2)." in text
    assert "The baseline holds 3 minutes only." in text


def test_files_that_are_no_telemetry_are_named(fault: Diagnosis) -> None:
    other = SourceCoverage(path="incident/notes.txt", format="ignored")
    coverage = fault.coverage.model_copy(update={"sources": [*fault.coverage.sources, other]})
    text = render_text(fault.model_copy(update={"coverage": coverage}))
    assert "Not telemetry, and not read: incident/notes.txt." in text
    assert "of the incident (2 files)" in text


def test_the_agents_work_is_told(fault: Diagnosis) -> None:
    text = " ".join(render_text(fault).split())
    assert "143 agents (statistical) walked 2 traces of 1,160 spans, 90 of them settled" in text


def test_a_second_likely_cause_is_told_at_length(fault: Diagnosis) -> None:
    second = fault.root_causes[1].model_copy(update={"confidence": 0.3})
    both = fault.model_copy(update={"root_causes": (fault.root_causes[0], second)})
    assert "2. email: a fault of unknown kind, confidence 30 %" in render_text(both).splitlines()


def test_a_healthy_incident_names_no_cause(healthy: Diagnosis) -> None:
    text = render_text(healthy)
    assert text.startswith("Nothing deviates from the baseline.")
    assert "1." not in text


def test_what_changed_of_a_cause_is_told_with_it(fault: Diagnosis, changed: Changed) -> None:
    """What changed of others stands at the end, and nothing twice."""
    lines = render_text(changed(fault, ("cart", -130), ("stock", -600))).splitlines()
    assert "   Changed: cart changed from 1.0 to 1.1 at -130 s" in lines
    title = lines.index("Changed, which is no fault by itself:")
    assert lines[title + 1 : title + 3] == ["  stock changed from 1.0 to 1.1 at -600 s", ""]


def test_where_nothing_changed_nothing_is_said_of_it(fault: Diagnosis) -> None:
    assert "hanged" not in render_text(fault)


def test_a_healthy_incident_tells_what_changed(healthy: Diagnosis, changed: Changed) -> None:
    assert "  cart changed from 1.0 to 1.1 at -130 s" in render_text(changed(healthy, ("cart", -130)))


def test_the_explanation_of_a_model_is_told_as_its_words(reasoned: Diagnosis) -> None:
    lines = render_text(reasoned).splitlines()
    title = lines.index("In the words of the model, which prove nothing:")
    assert lines[title + 1 : title + 3] == [
        "  The replies of cart are late. The others wait for it.",
        "",
    ]


def test_a_long_explanation_keeps_its_end_and_the_width(reasoned: Diagnosis) -> None:
    """1,500 characters are what a model may write."""
    words = "late " * 299 + "done."
    lines = render_text(reasoned.model_copy(update={"explanation": words})).splitlines()
    assert any(line.endswith(" done.") for line in lines)
    assert max(map(len, lines)) <= WIDTH


@given(st.text(max_size=40), st.text(max_size=200))
def test_no_telemetry_text_reaches_the_terminal_raw(name: str, statement: str) -> None:
    diagnosis = Diagnosis(
        verdict=Verdict.FAULT,
        confidence=0.5,
        summary=statement,
        incident=IncidentSummary(start_ns=0, end_ns=1, alarm_ns=0, alarm=Alarm.FOUND, entry=name),
        root_causes=(
            RootCause(
                rank=1,
                service=name,
                pod=name,
                fault_type=FaultType.CPU,
                score=1,
                confidence=0.5,
                summary=statement,
            ),
        ),
        ruled_out=(RuledOut(service=name, reason=statement),),
        explanation=statement,
        agents=Agents(reasoning=Reasoning(model=name, spend="all", questions=1, candidates_weighed=(name,))),
        changes=tuple(
            Change(service=who, kind=ChangeKind.PODS, earliest_ns=0, at_ns=0, statement=statement)
            for who in (name, "cart")
        ),
    )
    lines = render_text(diagnosis).split("\n")
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) <= WIDTH
