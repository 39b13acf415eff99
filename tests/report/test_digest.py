"""What of a diagnosis is told first."""

from __future__ import annotations

from collections.abc import Callable

from rclagent.core.diagnosis import Diagnosis, Reasoning
from rclagent.report.digest import MAX_LISTED, RECENT_S, digest

Changed = Callable[..., Diagnosis]


def services(statements: tuple[str, ...]) -> list[str]:
    """Whom statements of changes are about."""
    return [statement.split()[0] for statement in statements]


def test_changes_of_candidates_come_first_and_then_the_latest(fault: Diagnosis, changed: Changed) -> None:
    """Mail is the second candidate, and too unlikely to be told at length."""
    told = digest(changed(fault, ("ads", -600), ("email", -500), ("zoo", -60), ("bill", -60)))
    assert services(told.changes) == ["email", "bill", "zoo", "ads"]


def test_of_many_changes_few_are_told_and_the_rest_is_counted(fault: Diagnosis, changed: Changed) -> None:
    told = digest(changed(fault, *((f"s{number}", number) for number in range(12))))
    assert services(told.changes) == [f"s{number}" for number in range(11, 11 - MAX_LISTED, -1)]
    assert told.further_changes == 12 - MAX_LISTED


def test_a_cause_comes_with_its_changes_of_late_the_latest_first(fault: Diagnosis, changed: Changed) -> None:
    """What changed longer ago is listed with the others."""
    told = digest(changed(fault, ("cart", -RECENT_S - 1), ("cart", -RECENT_S), ("cart", 20)))
    assert told.leading[0].changes == (
        "cart changed from 1.0 to 1.1 at 20 s",
        "cart changed from 1.0 to 1.1 at -1800 s",
    )
    assert told.changes == ("cart changed from 1.0 to 1.1 at -1801 s",)


def test_what_a_model_was_asked_and_changed_is_one_sentence(reasoned: Diagnosis) -> None:
    assert digest(reasoned).work[-1] == (
        "Model 'tiny' (spending suspicious) answered 2 of 3 questions (4 requests, 2,500 tokens, 0.0125 USD)"
        ", made 3 claims that count and changed the order between cart and email."
    )


def test_another_strategy_than_the_usual_one_is_named(fault: Diagnosis) -> None:
    """Who reads of eight questions wants to know that they were eight descents."""
    told = Reasoning(model="tiny", strategy="recursion-of-thought", spend="all")
    agents = fault.agents.model_copy(update={"reasoning": told})
    assert (
        digest(fault.model_copy(update={"agents": agents}))
        .work[-1]
        .startswith("Model 'tiny' (recursion-of-thought, spending all) ")
    )


def test_a_model_with_nothing_to_ask_is_named(fault: Diagnosis) -> None:
    """No price, no tokens: there is nothing to count."""
    idle = fault.agents.model_copy(update={"reasoning": Reasoning(model="tiny", spend="suspicious")})
    told = digest(fault.model_copy(update={"agents": idle}))
    assert told.work[-1] == (
        "Model 'tiny' (spending suspicious) was asked nothing: the measurements leave nothing open."
    )


def test_what_a_model_failed_with_is_told_and_bounded(reasoned: Diagnosis) -> None:
    """In its own words, with what was not seen; of many ways to fail the first two."""
    reasoning = reasoned.agents.reasoning
    assert reasoning is not None
    problems = {"problems": ("no key", "no name", "no time", "no luck")}
    agents = reasoned.agents.model_copy(update={"reasoning": reasoning.model_copy(update=problems)})
    assert digest(reasoned.model_copy(update={"agents": agents})).unseen[-3:] == (
        "What the model failed with: no key",
        "What the model failed with: no name",
        "It failed in 2 other ways, told in the JSON report.",
    )


def test_agents_that_failed_are_told_with_what_was_not_seen(fault: Diagnosis) -> None:
    """So only that none did stands with the work."""
    assert digest(fault).work[-1].endswith("90 of them settled at a glance.")
    agents = fault.agents.model_copy(update={"failed": 0})
    assert digest(fault.model_copy(update={"agents": agents})).work[-1].endswith("at a glance; none failed.")


def test_without_a_model_none_is_spoken_of(fault: Diagnosis) -> None:
    told = digest(fault)
    assert told.explanation == ""
    assert not any("odel" in sentence for sentence in told.work)
