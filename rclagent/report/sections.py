"""An explanation as titled sections, once for every layout; strings as raw as the telemetry they quote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rclagent.agents.wording import FAULT_NAMES
from rclagent.report.explanation import Account, Explanation, Observation, Standing
from rclagent.report.words import listing, percent


@dataclass(frozen=True, slots=True)
class Section:
    """What stands below one title."""

    title: str
    """Without a closing colon."""
    sentences: tuple[str, ...]
    """One a line."""
    rows: tuple[tuple[str, ...], ...] = ()
    """A table below them; the first row is its head."""


def sections(explanation: Explanation) -> Iterator[Section]:
    """Each cause, or the service asked about beside the first one; and what the answer rests on."""
    asked = explanation.asked
    other = asked is not None and asked.standing is not Standing.FIRST
    for account in explanation.causes:
        yield from list(_cause(account))[: 1 if other else None]
    if asked is not None and other:
        proofs = (_observation(item, owed=not asked.cited) for item in asked.observations)
        told = (asked.sentence, *asked.against, *proofs, *asked.changes, *asked.agents)
        yield Section(f"Why not {asked.service}", told, tuple(_compared(*explanation.causes[:1], asked)))
    if explanation.unseen:
        yield Section("Not seen, and what else to know", explanation.unseen)
    yield Section("Looked at", explanation.work)


def _cause(account: Account) -> Iterator[Section]:
    if account.cause is None:
        return
    score, confidence, *_ = _figures(account)
    fault = f"{FAULT_NAMES[account.cause.fault_type]}, confidence {confidence}, score {score}"
    proofs = tuple(map(_observation, account.observations)) or (account.cause.summary,)
    yield Section(f"Why {account.service}: {fault}", proofs)
    yield Section(f"What speaks against {account.service}", account.against or ("Nothing on record.",))
    if account.changes:
        yield Section(f"What changed of {account.service}", account.changes)
    yield Section(f"How the agents saw {account.service}", account.agents)


def _observation(item: Observation, *, owed: bool = False) -> str:
    """One observation; ``owed`` adds for whom it counts."""
    notes = [f"{item.evidence.strength:.3g} standard deviations"] if item.evidence.strength else []
    notes += [f"{item.alike:,} more of this kind"] if item.alike else []
    notes += [f"counts for {listing(item.counts_for) or 'nobody'}"] if owed else []
    return f"{item.evidence.statement} [{', '.join(notes)}]" if notes else item.evidence.statement


def _compared(*accounts: Account) -> Iterator[tuple[str, ...]]:
    """Rows of figures side by side; none where there is but one account."""
    if len(accounts) > 1:
        yield ("", *(account.service for account in accounts))
        yield from zip(_LABELS, *map(_figures, accounts), strict=True)


def _figures(account: Account) -> tuple[str, ...]:
    """What _LABELS names."""
    cause = account.cause
    return (
        f"{cause.score:.3g}" if cause else "none",
        percent(cause.confidence) if cause else "none",
        f"{account.cited:,}",
        f"{account.strongest:.3g}" if account.cited else "none",
        f"{account.suspecting:,} of {account.reports:,}",
    )


_LABELS: Final = (
    "score",
    "confidence",
    "observations that speak for it",
    "strongest, standard deviations",
    "root-level reports that suspect it",
)
