"""A diagnosis as plain text: the message that a good colleague would write at night."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Final

from rclagent.agents.assertions import MAX_EXPLANATION
from rclagent.core.diagnosis import Diagnosis
from rclagent.report.digest import CHANGED, EXPLAINED, CauseDigest, Digest, digest
from rclagent.report.escape import MAX_NAME, plain
from rclagent.report.explanation import Explanation
from rclagent.report.sections import sections

WIDTH: Final = 100
"""Columns."""
_CELL: Final = 24  # so that a label and two cells fit into a line


def render_text(diagnosis: Diagnosis) -> str:
    """The diagnosis in about 25 lines of at most 100 columns, safe to print on a terminal."""
    return _page(_blocks(digest(diagnosis)))


def render_explanation_text(explanation: Explanation) -> str:
    """The explanation in lines of at most 100 columns, safe to print on a terminal."""
    verdict = [*_line(explanation.headline), *_line(f"Verdict: {explanation.verdict}.")]
    told = ([*_section(s.title, list(s.sentences)), *map(_row, s.rows)] for s in sections(explanation))
    return _page([verdict, *told])


def _page(blocks: Iterable[list[str]]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _blocks(told: Digest) -> Iterator[list[str]]:
    yield [*_line(told.headline), *_line(f"Verdict: {told.verdict}. Incident: {told.incident}.")]
    for cause in told.leading:
        yield list(_cause(cause))
    if told.explanation:
        yield [f"{EXPLAINED}:", *_wrapped(plain(told.explanation, MAX_EXPLANATION), "  ", "  ")]
    yield _section(
        told.others_title,
        [f"{c.rank}. {_name(c.service)}, {c.fault}, {c.confidence}: {c.proofs[0]}" for c in told.others],
        told.further_others,
    )
    yield _section(
        "Ruled out", [f"{_name(out.service)}: {out.reason}" for out in told.ruled_out], told.further_ruled_out
    )
    yield _section(CHANGED, list(told.changes), told.further_changes)
    yield _section("Not seen, and what else to know", list(told.unseen))
    yield _section("Looked at", list(told.work))


def _cause(cause: CauseDigest) -> Iterator[str]:
    place = f" ({cause.place})" if cause.place else ""
    yield from _line(
        f"{cause.rank}. {_name(cause.service)}{place}: {cause.fault}, confidence {cause.confidence}",
        "",
        "   ",
    )
    for proof in cause.proofs:
        yield from _line(proof, "   - ", "     ")
    if cause.further_proofs:
        yield f"   - and {cause.further_proofs} more in the JSON report"
    for change in cause.changes:
        yield from _line(f"Changed: {change}", "   ", "     ")
    spread = " -> ".join(map(_name, cause.path))
    if cause.path_problem:
        yield from _line(f"Spread, unverified: {spread} ({cause.path_problem})", "   ", "     ")
    elif len(cause.path) > 1:
        yield from _line(f"Spread: {spread}", "   ", "     ")


def _section(title: str, entries: list[str], further: int = 0) -> list[str]:
    if not entries:
        return []
    lines = [line for entry in entries for line in _line(entry, "  ", "     ")]
    more = [f"  and {further} more in the JSON report"] if further else []
    return [*_line(f"{title}:"), *lines, *more]


def _row(cells: Sequence[str]) -> str:
    label, *values = map(plain, cells)
    short = (value if len(value) <= _CELL else f"{value[: _CELL - 1]}…" for value in values)
    return f"  {label:<36}" + "".join(f"{value:>{_CELL + 2}}" for value in short)


def _line(text: str, first: str = "", rest: str = "") -> list[str]:
    return _wrapped(plain(text), first, rest)


def _wrapped(shown: str, first: str, rest: str) -> list[str]:
    return wrap(shown, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _name(text: str) -> str:
    return plain(text, MAX_NAME)
