"""Why this cause, why not that service."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rclagent.core.coverage import Modality
from rclagent.core.diagnosis import (
    Agents,
    Change,
    ChangeKind,
    Diagnosis,
    RootCause,
    RuledOut,
    Verdict,
)
from rclagent.core.evidence import Channel, Component, Evidence, EvidenceKind, FaultType
from rclagent.core.report import AgentReport, Failed, SelfState
from rclagent.errors import InputError
from rclagent.report import render_explanation_markdown, render_explanation_text, render_json
from rclagent.report.explanation import Explanation, Standing, explain
from rclagent.report.text import WIDTH


def observed(
    key: str,
    service: str,
    strength: float,
    *,
    kind: EvidenceKind = EvidenceKind.RESPONSE_LEG,
    channel: Channel = Channel.LEGS,
    peer: str | None = None,
) -> Evidence:
    """One piece of evidence."""
    return Evidence(
        id=key,
        channel=channel,
        kind=kind,
        component=Component(service=service),
        peer=peer,
        strength=strength,
        statement=f"statement {key}",
    )


def candidate(rank: int, service: str, score: float, *evidence: str) -> RootCause:
    """A candidate root cause."""
    return RootCause(
        rank=rank,
        service=service,
        fault_type=FaultType.CPU,
        score=score,
        confidence=score / 10,
        evidence=evidence,
        summary=f"{service}: shortage of CPU.",
    )


def report(number: int, service: str, suspect: str | None, state: SelfState) -> AgentReport:
    """What one agent reported."""
    return AgentReport(
        agent_id=f"t{number}/s",
        trace_id=f"t{number}",
        span_ids=("s",),
        service=service,
        operation="GET",
        state=state,
        suspect=None if suspect is None else Component(service=suspect),
        confidence=0.2 * number,
    )


@pytest.fixture
def shop(fault: Diagnosis) -> Diagnosis:
    """cart is the cause, stock a rival, email ruled out, web the entry, ads quiet but seen by an agent."""
    return fault.model_copy(
        update={
            "root_causes": (
                fault.root_causes[0].model_copy(
                    update={"score": 8.0, "evidence": ("slow", "slower", "busy")}
                ),
                candidate(2, "stock", 5.0, "odd"),
                candidate(3, "mail", 0.5, "slow"),
            ),
            "evidence": (
                observed("busy", "cart", 30.0, kind=EvidenceKind.SELF_LEG),
                observed("felt", "web", 50.0, kind=EvidenceKind.ENTRY_SLOW, channel=Channel.ENTRY),
                observed("odd", "cart", 4.0, kind=EvidenceKind.LOG_APPEARED, channel=Channel.LOGS),
                observed("slow", "cart", 12.0, peer="web"),
                observed("slower", "cart", 20.0, peer="web"),
            ),
            "ruled_out": (RuledOut(service="email", reason="Waits for cart.", evidence=()),),
            "agents": Agents(
                traces=("t1", "t2", "t3"),
                spawned=5,
                root_reports=("t1/s", "t2/s", "t3/s"),
                results=(
                    report(1, "web", "cart", SelfState.ABNORMAL),
                    report(2, "web", "cart", SelfState.WITHIN_BASELINE),
                    report(3, "web", "stock", SelfState.WITHIN_BASELINE),
                    report(4, "ads", "stock", SelfState.SETTLED),
                    Failed(
                        agent_id="f",
                        trace_id="t3",
                        span_ids=("f",),
                        service="ads",
                        operation="GET",
                        reason="x",
                    ),
                ),
            ),
        }
    )


def text(explanation: Explanation) -> str:
    """The explanation as text with every sentence in one line."""
    return " ".join(render_explanation_text(explanation).split())


def test_the_figures_that_decide_come_in_the_order_in_which_they_weigh(shop: Diagnosis) -> None:
    cart = explain(shop).causes[0]
    told = [(item.evidence.id, item.alike, item.counts_for) for item in cart.observations]
    assert told == [("slow", 1, ("cart", "mail")), ("busy", 0, ("cart",))]
    assert (cart.cited, cart.strongest) == (3, 30.0)


def test_what_speaks_against_a_cause_is_told(shop: Diagnosis) -> None:
    assert explain(shop).causes[0].against == (
        "Others score more or nearly as much: stock (5) against its 8.",
        "Some of what was observed at it counts for others: 1 for mail and 1 for stock.",
        "Only legs speak for it; calls, errors and resources do not.",
        "Its path to frontend is unverified: frontend slowed down 8 s before checkout did.",
    )


@pytest.mark.parametrize(("chance", "told"), [(0.034, True), (0.0009, False), (1.0, False)])
def test_what_quiet_time_shows_as_well_speaks_against_a_cause(
    shop: Diagnosis, chance: float, told: bool
) -> None:
    """Not what it hardly ever shows, nor what nobody knows."""
    causes = (shop.root_causes[0].model_copy(update={"chance": chance}), *shop.root_causes[1:])
    against = explain(shop.model_copy(update={"root_causes": causes})).causes[0].against
    assert ("Quiet time shows as much in 3.4% of its windows." in against) is told
    assert any("Quiet time" in sentence for sentence in against) is told


def test_a_channel_without_records_is_not_held_against_a_cause(shop: Diagnosis) -> None:
    spans = {"spans": Modality(incident=9, baseline=9), "logs": Modality(baseline=9)}
    blind = shop.model_copy(update={"coverage": shop.coverage.model_copy(update={"modalities": spans})})
    assert "Only legs speak for it; calls and errors do not." in explain(blind).causes[0].against


def test_where_nothing_speaks_against_a_cause_that_is_said(shop: Diagnosis) -> None:
    alone = candidate(1, "cart", 9.0, "slow", "odd")
    told = explain(shop.model_copy(update={"root_causes": (alone,)}))
    assert told.causes[0].against == ()
    assert "What speaks against cart: Nothing on record." in text(told)


def test_the_agents_view_counts_root_level_reports_and_agents_of_its_own_spans(shop: Diagnosis) -> None:
    assert explain(shop).causes[0].agents == (
        "Suspected by 2 of 3 root-level reports, at most 40 % sure; the others suspect stock (1).",
        "No agent looked after a span of it by itself.",
    )
    asked = explain(shop, "ads").asked
    assert asked is not None
    assert asked.agents[1] == "2 agents looked after its spans: 1 settled it at a glance and 1 failed."


def test_what_changed_of_a_service_is_told_and_counts_for_nothing(
    shop: Diagnosis, changed: Callable[..., Diagnosis]
) -> None:
    """Of the cause under a title of its own, of the service asked about among the rest."""
    before = explain(shop, "stock")
    told = explain(changed(shop, ("cart", -9000), ("stock", -130)), "stock")
    assert told.asked is not None and before.asked is not None
    assert told.asked.changes == ("stock changed from 1.0 to 1.1 at -130 s",)
    assert told.asked.model_copy(update={"changes": ()}) == before.asked
    assert "stock changed from 1.0 to 1.1 at -130 s" in text(told)
    cause = explain(changed(shop, ("cart", -9000), ("stock", -130)))
    assert "What changed of cart: cart changed from 1.0 to 1.1 at -9000 s How the agents" in text(cause)


def test_a_service_of_which_nothing_but_a_change_is_recorded_was_seen(
    shop: Diagnosis, changed: Callable[..., Diagnosis]
) -> None:
    asked = explain(changed(shop, ("payment", -130)), "payment").asked
    assert asked is not None
    assert (asked.standing, len(asked.changes)) == (Standing.NO_EVIDENCE, 1)


def test_without_a_walked_trace_the_agents_say_nothing(shop: Diagnosis) -> None:
    told = explain(shop.model_copy(update={"agents": Agents()}))
    assert told.causes[0].agents[0] == "There is no root-level report: no trace was walked."


@pytest.mark.parametrize(
    ("service", "standing", "sentence"),
    [
        ("cart", Standing.FIRST, "It ranks 1 of 3 candidates."),
        ("stock", Standing.SCORED_LOWER, "It ranks 2 of 3 candidates."),
        ("email", Standing.RULED_OUT, "Ruled out: Waits for cart."),
        (
            "web",
            Standing.COUNTS_ELSEWHERE,
            "3 observations at it or at its calls, and none counts for it: 2 for cart, 1 for mail and"
            " 1 for nobody (felt there, not caused).",
        ),
        (
            "ads",
            Standing.NO_EVIDENCE,
            "It was seen, and no evidence about it is recorded: in what was measured"
            " (legs, calls, errors and resources) nothing of it stands out.",
        ),
        (
            "payment",
            Standing.NOT_NAMED,
            "No evidence about it is recorded, and nothing recorded names it: in what was measured"
            " (legs, calls, errors and resources) nothing of it stands out, or it was not seen at all."
            " Names most like it: cart, frontend and checkout.",
        ),
    ],
)
def test_a_service_is_told_where_it_stands(
    shop: Diagnosis, service: str, standing: Standing, sentence: str
) -> None:
    asked = explain(shop, service).asked
    assert asked is not None
    assert (asked.standing, asked.sentence) == (standing, sentence)


def test_a_candidate_whose_changes_another_explains_is_ruled_out(shop: Diagnosis) -> None:
    out = RuledOut(service="stock", reason="its changes follow from those of cart", evidence=("odd",))
    asked = explain(shop.model_copy(update={"ruled_out": (out,)}), "stock").asked
    assert asked is not None
    assert (asked.standing, asked.cited) == (Standing.RULED_OUT, 1)
    assert asked.against[0] == "Ruled out: its changes follow from those of cart."


def test_the_service_asked_about_stands_beside_the_first_cause(shop: Diagnosis) -> None:
    told = text(explain(shop, "stock"))
    for row in (
        "cart stock",
        "score 8 5",
        "confidence 97 % 50 %",
        "observations that speak for it 3 1",
        "strongest, standard deviations 30 4",
        "root-level reports that suspect it 2 of 3 1 of 3",
    ):
        assert row in told
    assert "Why not stock: It ranks 2 of 3 candidates. Others score more or nearly as much: cart (8)" in told


def test_observations_near_a_service_say_for_whom_they_count(shop: Diagnosis) -> None:
    told = text(explain(shop, "web"))
    assert "statement felt [50 standard deviations, counts for nobody]" in told
    assert "statement slower [20 standard deviations, 1 more of this kind, counts for cart]" in told


def test_asking_about_the_first_cause_explains_it_in_full(shop: Diagnosis) -> None:
    told = text(explain(shop, "cart"))
    assert "Why not" not in told
    assert "What speaks against cart" in told
    assert "Why stock" not in told


@pytest.mark.parametrize("name", ["Cart", "frontnd", "STOCK"])
def test_a_slip_of_a_recorded_name_is_refused_with_that_name(shop: Diagnosis, name: str) -> None:
    with pytest.raises(InputError, match="Nothing is recorded about a service") as caught:
        explain(shop, name)
    assert caught.value.remedy in (
        "Did you mean 'cart'?",
        "Did you mean 'frontend'?",
        "Did you mean 'stock'?",
    )


def test_a_name_that_differs_in_a_number_is_another_service(shop: Diagnosis) -> None:
    causes = (candidate(1, "ts-travel2-service", 9.0, "slow"),)
    asked = explain(shop.model_copy(update={"root_causes": causes}), "ts-travel-service").asked
    assert asked is not None
    assert asked.standing is Standing.NOT_NAMED


def test_a_healthy_incident_says_why_its_strongest_deviation_is_no_fault(shop: Diagnosis) -> None:
    told = explain(shop.model_copy(update={"verdict": Verdict.HEALTHY}))
    assert [account.service for account in told.causes] == ["cart"]
    assert told.causes[0].against[0].startswith("The verdict is healthy: what it shows is too little")


def test_without_any_cause_there_is_still_an_answer(healthy: Diagnosis) -> None:
    told = explain(healthy, "cart")
    assert told.asked is not None
    assert told.asked.sentence.endswith("Names most like it: none.")
    assert "what was measured (nothing)" in text(told)
    assert "score" not in text(told)


def test_a_cause_whose_evidence_is_not_there_is_told_by_its_summary(shop: Diagnosis) -> None:
    told = explain(shop.model_copy(update={"evidence": ()}))
    assert told.causes[0].observations == ()
    assert shop.root_causes[0].summary in text(told)


def test_what_was_not_seen_and_what_was_read_is_told(shop: Diagnosis) -> None:
    told = text(explain(shop))
    assert "No logs were given." in told
    assert "Read 12,044 spans" in told


def test_the_order_of_what_is_recorded_does_not_matter(shop: Diagnosis) -> None:
    turned = shop.model_copy(
        update={
            "evidence": shop.evidence[::-1],
            "agents": shop.agents.model_copy(update={"root_reports": shop.agents.root_reports[::-1]}),
        }
    )
    assert render_json(explain(turned, "web")) == render_json(explain(shop, "web"))


def test_the_json_becomes_the_same_explanation_again(shop: Diagnosis) -> None:
    told = explain(shop, "web")
    assert Explanation.model_validate_json(render_json(told)) == told


def test_markdown_sets_the_figures_in_a_table(shop: Diagnosis) -> None:
    told = render_explanation_markdown(explain(shop, "stock"))
    assert told.startswith("## cart is slow to reach")
    assert "|  | cart | stock |\n| --- | --- | --- |\n| score | 8 | 5 |\n" in told


names = st.text(max_size=40) | st.text("<>[]()`*_|#&@:/\\~!\n\x1b", max_size=40) | st.text("x", min_size=100)
statements = st.text(max_size=200) | st.text("<>[]()`*_|#&@:/\\~!\n\x1b", max_size=80)


def hostile(shop: Diagnosis, name: str, statement: str) -> Explanation:
    """An explanation in which every free text comes from outside."""
    pieces = tuple(
        piece.model_copy(update={"statement": statement, "component": Component(service=name)})
        for piece in shop.evidence
    )
    first, second, *_ = shop.root_causes
    causes = (first.model_copy(update={"service": name}), second)
    changes = tuple(
        Change(service=who, kind=ChangeKind.PODS, earliest_ns=0, at_ns=0, statement=statement)
        for who in (name, "stock")
    )
    changed = {"summary": statement, "evidence": pieces, "root_causes": causes, "changes": changes}
    return explain(shop.model_copy(update=changed), "stock")


def test_no_telemetry_text_reaches_the_terminal_raw(fault: Diagnosis) -> None:
    @given(names, statements)
    def check(name: str, statement: str) -> None:
        lines = render_explanation_text(hostile(fault, name, statement)).split("\n")
        assert all(line.isprintable() for line in lines)
        assert max(map(len, lines)) <= WIDTH

    fault = fault.model_copy(update={"root_causes": (fault.root_causes[0], candidate(2, "stock", 0.1, "e0"))})
    check()


def test_hostile_text_never_changes_the_structure_of_markdown(fault: Diagnosis) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    fault = fault.model_copy(update={"root_causes": (fault.root_causes[0], candidate(2, "stock", 0.1, "e0"))})
    usual = [
        token.type for token in parser.parse(render_explanation_markdown(hostile(fault, "cart", "slow")))
    ]

    @given(names, statements)
    def check(name: str, statement: str) -> None:
        assume(name.split() and statement.split() and name != "stock")
        tokens = parser.parse(render_explanation_markdown(hostile(fault, name, statement)))
        assert [token.type for token in tokens] == usual
        inline = {child.type for token in tokens for child in token.children or []}
        assert inline <= {"text", "text_special", "code_inline", "strong_open", "strong_close"}

    check()
