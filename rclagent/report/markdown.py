"""A diagnosis as Markdown, to paste into an incident channel or a ticket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rclagent.agents.assertions import MAX_EXPLANATION
from rclagent.core.diagnosis import Diagnosis
from rclagent.report.digest import CHANGED, EXPLAINED, CauseDigest, Digest, digest
from rclagent.report.escape import MAX_NAME, code, markdown
from rclagent.report.explanation import Explanation
from rclagent.report.sections import sections


def render_markdown(diagnosis: Diagnosis) -> str:
    """The same message as the text report, with tables; telemetry in it stays text wherever it is shown."""
    return "\n\n".join(_blocks(digest(diagnosis))) + "\n"


def render_explanation_markdown(explanation: Explanation) -> str:
    """The same explanation as the text; telemetry in it stays text wherever it is shown."""
    blocks = [f"## {markdown(explanation.headline)}", f"**Verdict:** {markdown(explanation.verdict)}."]
    for section in sections(explanation):
        blocks += [f"### {markdown(section.title)}", _bullets(section.sentences)]
        if section.rows:
            head, *rows = [tuple(map(markdown, row)) for row in section.rows]
            blocks.append(_table(head, rows))
    return "\n\n".join(blocks) + "\n"


def _blocks(told: Digest) -> Iterator[str]:
    yield f"## {markdown(told.headline)}"
    yield f"**Verdict:** {markdown(told.verdict)}. **Incident:** {markdown(told.incident)}."
    for cause in told.leading:
        yield from _cause(cause)
    if told.explanation:
        yield f"### {EXPLAINED}"
        yield markdown(told.explanation, MAX_EXPLANATION)
    if told.others:
        yield f"### {told.others_title}"
        yield _table(
            ("rank", "service", "fault", "confidence", "why"),
            [
                (str(c.rank), _name(c.service), c.fault, c.confidence, markdown(c.proofs[0]))
                for c in told.others
            ],
        )
        yield from _more(told.further_others)
    if told.ruled_out:
        yield "### Ruled out"
        yield _table(
            ("service", "why"), [(_name(out.service), markdown(out.reason)) for out in told.ruled_out]
        )
        yield from _more(told.further_ruled_out)
    if told.changes:
        yield f"### {CHANGED}"
        yield _bullets(told.changes)
        yield from _more(told.further_changes)
    if told.unseen:
        yield "### Not seen, and what else to know"
        yield _bullets(told.unseen)
    yield "### Looked at"
    yield _bullets(told.work)


def _cause(cause: CauseDigest) -> Iterator[str]:
    yield f"### {cause.rank}. {_name(cause.service)}: {cause.fault}, confidence {markdown(cause.confidence)}"
    if cause.place:
        yield markdown(cause.place)
    yield _bullets(cause.proofs)
    yield from _more(cause.further_proofs)
    for change in cause.changes:
        yield f"**Changed:** {markdown(change)}"
    spread = " → ".join(map(_name, cause.path))
    if cause.path_problem:
        yield f"**Spread, unverified:** {spread} ({markdown(cause.path_problem)})"
    elif len(cause.path) > 1:
        yield f"**Spread:** {spread}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bullets(entries: Sequence[str]) -> str:
    return "\n".join(f"- {markdown(entry)}" for entry in entries)


def _more(further: int) -> Iterator[str]:
    if further:
        yield f"and {further} more in the JSON report"


def _name(text: str) -> str:
    return code(text, MAX_NAME)
