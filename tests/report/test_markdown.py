"""The Markdown report."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

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
from rclagent.report import render_markdown


def hostile(name: str, statement: str) -> Diagnosis:
    """A diagnosis in which every free text comes from outside."""
    cause = RootCause(
        rank=1,
        service=name,
        pod=name,
        node=name,
        fault_type=FaultType.CPU,
        score=1,
        confidence=0.5,
        summary=statement,
    )
    weak = cause.model_copy(update={"rank": 2, "confidence": 0.1})
    return Diagnosis(
        verdict=Verdict.FAULT,
        confidence=0.5,
        summary=statement,
        incident=IncidentSummary(start_ns=0, end_ns=1, alarm_ns=0, alarm=Alarm.FOUND, entry=name),
        root_causes=(cause, weak),
        ruled_out=(RuledOut(service=name, reason=statement),),
        explanation=statement,
        agents=Agents(reasoning=Reasoning(model=name, spend="all", questions=1, candidates_weighed=(name,))),
        changes=tuple(
            Change(service=who, kind=ChangeKind.PODS, earliest_ns=0, at_ns=0, statement=statement)
            for who in (name, "another service")
        ),
    )


def test_the_report_is_a_message_with_tables(fault: Diagnosis) -> None:
    text = render_markdown(fault)
    assert text.startswith("## cart is slow to reach")
    assert "| `checkout` | waits for cart; its own time is as usual. |" in text
    assert "`cart` → `checkout` → `frontend`" in text


def test_a_path_that_fails_its_checks_is_not_shown_as_fact(fault: Diagnosis) -> None:
    assert (
        "**Spread, unverified:** `cart` → `checkout` → `frontend` (frontend slowed down"
        in render_markdown(fault)
    )


def test_every_figure_of_the_text_report_is_there(fault: Diagnosis) -> None:
    text = render_markdown(fault)
    for figure in ("97 %", "statement 4: 502 ms against 1.3 ms", "truncated line (1)", "143 agents"):
        assert figure in text


def test_what_changed_is_told_with_its_cause_and_in_a_list(
    fault: Diagnosis, changed: Callable[..., Diagnosis]
) -> None:
    text = render_markdown(changed(fault, ("cart", -130), ("stock", -600)))
    assert "\n\n**Changed:** cart changed from 1.0 to 1.1 at -130 s\n\n" in text
    assert "### Changed, which is no fault by itself\n\n- stock changed from 1.0 to 1.1 at -600 s" in text


def test_the_explanation_of_a_model_has_a_title_of_its_own(reasoned: Diagnosis) -> None:
    told = "The replies of cart are late. The others wait for it."
    assert f"### In the words of the model, which prove nothing\n\n{told}\n\n" in render_markdown(reasoned)


@given(
    st.text(max_size=40) | st.text("<>[]()`*_|#&@:/\\~!\n", max_size=40),
    st.text(max_size=200) | st.text("<>[]()`*_|#&@:/\\~!\n", max_size=80),
)
def test_hostile_text_never_changes_the_structure(name: str, statement: str) -> None:
    assume(name.split() and statement.split())
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    plain = [token.type for token in parser.parse(render_markdown(hostile("cart", "slow")))]
    tokens = parser.parse(render_markdown(hostile(name, statement)))
    assert [token.type for token in tokens] == plain
    inline = {child.type for token in tokens for child in token.children or []}
    assert inline <= {"text", "text_special", "code_inline", "strong_open", "strong_close"}
