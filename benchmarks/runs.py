"""A run: one method on every case of a data set, written down as it goes.

The file has a header line and a line a case. It is written as ``RUN.jsonl.part``, which a run
that was killed continues, and gets its own name after the last case.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from benchmarks.cases import BenchmarkCase, Cause, Dataset, Truth
from benchmarks.journal import append_line, drop_unfinished_line
from benchmarks.methods import Method, answer
from benchmarks.ranking import Ranked
from rclagent import InputError

LAYOUT: Final = 1
"""Version of the file's layout."""

_REMEDY: Final = "Give a file that `python -m benchmarks run` wrote."


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What was run."""

    dataset: str
    """Kind of data set."""
    data: str
    """Name of its folder."""
    day: str | None
    """Day asked for; None for all, or where there are none."""
    method: str
    """Name of the method."""
    modalities: tuple[str, ...]
    """Kinds of telemetry read."""
    window_s: float
    """Length of the incident window, seconds."""
    limit: int | None
    """Only the first cases, where given."""
    n_cases: int
    """Cases to run."""
    version: str
    """Version of rclagent."""
    code: str
    """Digest of the library's and the benchmarks' source, so that a run never mixes two states of it."""
    date: str
    """UTC date of the start."""
    layout: int = LAYOUT
    """Version of the file's layout."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What a method answered to one case, and what would have been right."""

    case: str
    """Case id."""
    truth: Truth
    """Written down after the method answered."""
    candidates: tuple[str, ...]
    """Every service seen in the case's telemetry; empty where it could not be read."""
    ranking: tuple[Ranked, ...]
    """As the method gave it; empty where it failed."""
    seconds: float
    """From the start of reading to the answer."""
    peak_rss_mb: float
    """Largest resident memory of the process so far, MiB."""
    error: str | None = None
    """Why the case failed."""


@dataclass(frozen=True, slots=True)
class Run:
    """A complete run."""

    header: RunHeader
    """What was run."""
    results: tuple[CaseResult, ...]
    """One a case, in the data set's order."""


def execute(
    dataset: Dataset,
    method: Method,
    header: RunHeader,
    out: Path,
    progress: Callable[[CaseResult, int], None] = lambda result, done: None,
) -> Run:
    """Runs the cases that ``out`` does not hold yet, and writes each down as it is answered.

    Args:
        dataset: Cases and truths; only the first ``header.limit`` cases are run.
        method: Is given each case's view and nothing else.
        header: What is run.
        out: File to write; a complete one of the same kind of run is replaced at the end.
        progress: Told of each result, with the number of cases done.

    Raises:
        InputError: ``out`` holds another kind of run, or the unfinished file was begun by other code.
    """
    if out.exists():
        found = read_run(out).header
        _same(replace(found, version=header.version, code=header.code), header, out)
    part = _part(out)
    results = _resume(part, header)
    done = {result.case for result in results}
    with part.open("a", encoding="utf-8") as file:
        for case in dataset.cases[: header.limit]:
            if case.id not in done:
                result = run_case(case, method, dataset.truths[case.id])
                results.append(result)
                append_line(file.fileno(), _case_line(result))
                progress(result, len(results))
    os.replace(part, out)
    return Run(header, tuple(results))


def run_case(case: BenchmarkCase, method: Method, truth: Truth) -> CaseResult:
    """One case from load to answer; whatever goes wrong becomes a failed case."""
    candidates: tuple[str, ...] = ()
    ranking: tuple[Ranked, ...] = ()
    error = None
    started = perf_counter()
    try:
        view = case.load()
        candidates = view.services
        ranking = tuple(answer(method, view))
    except Exception as failure:  # the case boundary: a method may raise anything, and that is a miss
        error = f"{type(failure).__name__}: {failure}"
    return CaseResult(
        case=case.id,
        truth=truth,
        candidates=candidates,
        ranking=ranking,
        seconds=perf_counter() - started,
        peak_rss_mb=peak_rss_mb(),
        error=error,
    )


def read_run(path: Path) -> Run:
    """A complete run from its file.

    Raises:
        InputError: The file is missing, unfinished or not a run.
    """
    if not path.exists() and _part(path).exists():
        raise InputError(
            f"{path} is not finished.", "Give the same run command again; it goes on where it stopped."
        )
    header, results = _read(path)
    if len(results) != header.n_cases:
        raise InputError(
            f"{path} holds {len(results)} of {header.n_cases} cases.", "Delete it and run the method again."
        )
    return Run(header, tuple(results))


def code_digest(folders: Iterable[Path]) -> str:
    """A short digest of all Python source below some folders."""
    digest = blake2b(digest_size=6)
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB elsewhere


def _resume(part: Path, header: RunHeader) -> list[CaseResult]:
    """Results of a run that was killed; without any, a new file with the header alone."""
    results: list[CaseResult] = []
    if part.exists():
        drop_unfinished_line(part)
    if part.exists() and part.stat().st_size:
        found, results = _read(part)
        _same(found, header, part)
    else:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(asdict(header)) + "\n", encoding="utf-8")
    return results


def _same(found: RunHeader, wanted: RunHeader, path: Path) -> None:
    differing = [
        f"{name} {value!r}, not {asdict(wanted)[name]!r}"
        for name, value in asdict(replace(found, date=wanted.date)).items()
        if value != asdict(wanted)[name]
    ]
    if differing:
        raise InputError(
            f"{path} holds another run: {'; '.join(differing)}.", "Choose another --out, or delete it."
        )


def _read(path: Path) -> tuple[RunHeader, list[CaseResult]]:
    try:
        first, *rest = path.read_text(encoding="utf-8").splitlines()
        fields = json.loads(first)
        header = RunHeader(**{**fields, "modalities": tuple(fields["modalities"])})
        return header, [_case_result(json.loads(line)) for line in rest]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", _REMEDY) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a run: {error}.", _REMEDY) from None


def _case_line(result: CaseResult) -> str:
    return json.dumps(asdict(result)) + "\n"


def _case_result(fields: dict[str, Any]) -> CaseResult:
    causes = tuple(Cause(**cause) for cause in fields["truth"]["causes"])
    ranking = tuple((service, score, kind) for service, score, kind in fields["ranking"])
    typed = {"truth": Truth(causes), "candidates": tuple(fields["candidates"]), "ranking": ranking}
    return CaseResult(**{**fields, **typed})


def _part(out: Path) -> Path:
    return out.with_name(out.name + ".part")
