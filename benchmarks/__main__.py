"""``python -m benchmarks``: run methods on data sets, score the runs, write the figures down."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

import rclagent
from benchmarks import calibrate as calibration
from benchmarks import cost_tables, model_cost
from benchmarks import modalities as dropped
from benchmarks import models as weighed
from benchmarks import onset as onsets
from benchmarks import quiet as quietness
from benchmarks import weakest as delays
from benchmarks.cases import CaseView
from benchmarks.datasets import DATASETS, MODALITIES, check_modalities, load_dataset
from benchmarks.doubles import DOUBLES, double, server
from benchmarks.generated import quiet_windows
from benchmarks.journal import Journal
from benchmarks.kept import RESULTS, read_kept
from benchmarks.methods import METHODS, find_method
from benchmarks.model_answers import SPENDINGS, Case, generated_cases, judge, labelled_cases
from benchmarks.protocol import WINDOW_S
from benchmarks.render import PICTURE, full_figures, insert, picture, readme_figures
from benchmarks.runs import CaseResult, RunHeader, code_digest, execute, read_run
from benchmarks.scale import HEADINGS as SCALE_HEADINGS
from benchmarks.scale import measure
from benchmarks.scale import rows as scale_rows
from benchmarks.score import Score, score_run, together
from benchmarks.tables import HEADINGS, misses, plain, printable, remarks, rows
from rclagent import InputError, Limits, RclError, __version__

_ROOT = Path(__file__).parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        Exit code: 0 done, 1 failed or figures out of date, 2 unusable input, 130 interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except InputError as error:
        print(printable(str(error)), file=sys.stderr)
        return 2
    except RclError as error:
        print(printable(str(error)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)
        return 130
    return code


def run(options: argparse.Namespace) -> int:
    """``run``: one method on one data set."""
    method = find_method(options.method)
    modalities = tuple(options.modalities.split(","))
    dataset = load_dataset(
        options.dataset, options.data, day=options.day, modalities=modalities, window_s=options.window_s
    )
    header = RunHeader(
        dataset=options.dataset,
        data=options.data.resolve().name,
        day=options.day,
        method=options.method,
        modalities=modalities,
        window_s=options.window_s,
        limit=options.limit,
        n_cases=len(dataset.cases[: options.limit]),
        version=__version__,
        code=code_digest([Path(rclagent.__file__).parent, Path(__file__).parent]),
        date=datetime.now(tz=UTC).date().isoformat(),
    )

    def progress(result: CaseResult, done: int) -> None:
        outcome = "failed" if result.error else "done"
        _tell(f"{done}/{header.n_cases}  {result.case}  {outcome} in {result.seconds:.1f} s")

    finished = execute(dataset, method, header, options.out, progress)
    for result in finished.results:
        if result.error is not None:
            print(printable(f"{result.case} failed and counts as a miss: {result.error}"), file=sys.stderr)
    print(f"{len(finished.results)} cases in {options.out}")
    return 0


def score(options: argparse.Namespace) -> int:
    """``score``: figures of one run, or of several side by side."""
    scores = [score_run(read_run(path)) for path in options.runs]
    _distinct(scores)
    if options.out:
        # Kept with the project, unlike the labels of a data set, which the misses would repeat.
        kept = [{**entry.to_json(), "misses": []} for entry in scores]
        _write(options.out, _json(kept) + "\n")
    if options.json:
        shown = scores if len({entry.label for entry in scores}) == 1 else [*scores, *together(scores)]
        content: Any = [entry.to_json() for entry in shown]
        print(_json(content[0] if len(content) == 1 else content))
        return 0
    print(plain([HEADINGS, *rows(scores)]))
    for remark in remarks(scores):
        print(remark)
    if len(scores) == 1:
        print(
            "\nNo cause at rank 1, or not alone:"
            if scores[0].misses
            else "\nA cause at rank 1 in every case."
        )
        for line in misses(scores[0]):
            print(f"  {line}")
    return 0


def quiet(options: argparse.Namespace) -> int:
    """``quiet``: verdicts on windows in which nothing was injected."""
    sources: dict[str, Iterable[CaseView]] = {}
    if options.data is not None:
        modalities = options.modalities.split(",")
        check_modalities(modalities)
        sources[options.data.resolve().name] = quietness.quiet_cases(options.data, modalities=modalities)
    if options.generated:
        sources["the generator"] = quiet_windows(options.generated)
    if not sources:
        raise InputError("No quiet windows are asked for.", "Give --data DIR, --generated or both.")
    results: dict[str, list[quietness.QuietResult]] = {source: [] for source in sources}
    for source, cases in sources.items():
        for case in islice(cases, options.limit):
            results[source].append(quietness.judge(case))
            last = results[source][-1]
            _tell(f"{last.case}  {last.verdict} in {last.seconds:.1f} s")
    parts = quietness.summaries(results)
    lines = [
        line
        for part in parts
        for line in (quietness.headline(part), *(f"  {alarm}" for alarm in quietness.alarm_lines(part)))
    ]
    return _give(options, parts, "\n".join(map(printable, lines)))


def modalities(options: argparse.Namespace) -> int:
    """``modalities``: RCLAgent with fewer kinds of telemetry."""
    parts = [part for data in options.data for part in dropped.judge_sets(data, options.limit, _tell)]
    content = dropped.summary(parts)
    lines = [*dropped.unseen(content), *remarks(dropped.scores(content))]
    return _give(options, content, "\n".join([plain(dropped.rows(content)), *map(printable, lines)]))


def weakest(options: argparse.Namespace) -> int:
    """``weakest``: the weakest delay that is found, on generated incidents."""
    content = delays.summary(list(delays.judge_delays(options.incidents, options.seed, tell=_tell)))
    return _give(options, content, f"{plain(delays.rows(content))}\n{delays.headline(content)}")


def calibrate(options: argparse.Namespace) -> int:
    """``calibrate``: confidence against how often it is right, on generated incidents."""
    judged = []
    for number, item in enumerate(calibration.judge_generated(options.incidents, options.seed), start=1):
        judged.append(item)
        _tell(f"{number} of {options.incidents}: {item.fault_type}, {item.verdict}")
    content = calibration.summary(judged)
    tables = (calibration.bin_rows(content), calibration.group_rows(content))
    return _give(options, content, "\n\n".join([calibration.headline(content), *map(plain, tables)]))


def onset(options: argparse.Namespace) -> int:
    """``onset``: how far the onset that is found lies from the injection, where no alarm is given."""
    parts: list[Iterable[onsets.Search]] = []
    if options.generated:
        parts.append(onsets.search_generated(options.generated, options.seed))
    parts += [onsets.search_data(data, options.limit) for data in options.data]
    if not parts:
        raise InputError("No incidents are asked for.", "Give --generated, --data DIR or both.")
    searches = []
    for search in chain.from_iterable(parts):
        searches.append(search)
        found = "nothing" if search.delay_s is None else f"{search.delay_s:+.1f} s"
        _tell(f"{search.data}: {found}")
    content = onsets.summary(searches)
    return _give(options, content, plain(onsets.rows(content)))


def models(options: argparse.Namespace) -> int:
    """``models``: what a language model changes, beside models that know nothing and all."""
    sources: list[Iterable[Case]] = [
        labelled_cases(data, options.limit, options.day) for data in options.data
    ]
    if options.generated:
        sources.append(generated_cases(options.generated, options.seed))
    if not sources:
        raise InputError("No incidents are asked for.", "Give --data DIR, --generated or both.")
    subjects = [double(name, options.seeds) for name in options.doubles]
    if options.model is not None:
        limits = Limits(calls=options.max_calls, seconds=options.max_seconds)
        subjects.append(server(options.model, options.base_url, options.timeout_s, limits))
    code = code_digest([Path(rclagent.__file__).parent, Path(__file__).parent])
    journal = Journal(options.answers, {"command": weighed.NAME, "code": code})
    wanted = {case.strip() for case in options.cases.split(",")} if options.cases else None
    cases = (case for case in chain.from_iterable(sources) if wanted is None or case[1].id in wanted)
    answers = judge(cases, subjects, options.spend, journal, _tell)
    if not answers:
        raise InputError("No incident has that name.", "Leave out --cases to see all.")
    content = weighed.summary(answers)
    lines = [plain(weighed.rows(content)), *map(printable, weighed.remarks(content))]
    return _give(options, content, "\n".join(lines))


def scale(options: argparse.Namespace) -> int:
    """``scale``: seconds and memory on generated incidents of some sizes, beside polars on the same spans."""
    results = []
    for spans in options.spans:
        results.append(
            measure(spans, logs=options.logs, repeats=options.repeats, seed=options.seed, tell=_tell)
        )
    content = [result.to_json() for result in results]
    return _give(options, content, plain([SCALE_HEADINGS, *scale_rows(results)]))


def cost(options: argparse.Namespace) -> int:
    """``model-cost``: calls, characters and seconds of a language model, beside the published code's."""
    content = model_cost.measure(options.data, options.server, options.repeats, _tell)
    tables = (
        cost_tables.trace_rows(content),
        cost_tables.incident_rows(content),
        cost_tables.overhead_rows(content),
    )
    return _give(options, content, "\n\n".join([*map(plain, tables), *cost_tables.headlines(content)]))


def render(options: argparse.Namespace) -> int:
    """``render``: the figures into README.md and docs/benchmarks.md, with their picture."""
    kept = read_kept(options.results)
    readme, page = options.root / "README.md", options.root / "docs" / "benchmarks.md"
    texts = {readme: insert(readme, readme_figures(kept)), page: insert(page, full_figures(kept))}
    drawn = picture(kept)
    if drawn is not None:
        texts[page.with_name(PICTURE)] = drawn
    stale = 0
    for path, text in texts.items():
        if not options.check:
            _write(path, text)
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path} does not show the figures of {options.results}.", file=sys.stderr)
            stale = 1
    return stale


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("run", help=_summary(run.__doc__))
    command.add_argument("--dataset", required=True, choices=DATASETS)
    command.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder of the data set")
    command.add_argument("--day", help="nezha: only this day, such as 2023-01-30")
    command.add_argument("--method", required=True, help=f"{', '.join(METHODS)}, or module:object")
    command.add_argument(
        "--out", required=True, type=Path, metavar="RUN.jsonl", help="continued if it was killed"
    )
    command.add_argument("--limit", type=_positive, help="only the first faults")
    command.add_argument("--modalities", default=",".join(MODALITIES), help="kinds of telemetry to read")
    command.add_argument("--window-s", type=float, default=WINDOW_S, help="length of the incident, seconds")
    command.set_defaults(command=run)

    command = commands.add_parser("score", help=_summary(score.__doc__))
    command.add_argument("runs", nargs="+", type=Path, metavar="RUN.jsonl")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="write the JSON to a file too, less the misses"
    )
    command.set_defaults(command=score)

    command = commands.add_parser("quiet", help=_summary(quiet.__doc__))
    command.add_argument("--data", type=Path, metavar="DIR", help="recording in the Nezha layout")
    command.add_argument(
        "--generated",
        type=_positive,
        nargs="?",
        const=24,
        metavar="N",
        help="generated windows, too; 24 unless N is given",
    )
    command.add_argument("--limit", type=_positive, help="only the first windows of each source")
    command.add_argument(
        "--modalities", default=",".join(MODALITIES), help="kinds of telemetry to read of the recording"
    )
    _outputs(command)
    command.set_defaults(command=quiet)

    command = commands.add_parser("modalities", help=_summary(modalities.__doc__))
    command.add_argument(
        "--data", required=True, nargs="+", type=Path, metavar="DIR", help="folders of data sets"
    )
    command.add_argument("--limit", type=_positive, help="only the first faults of each day")
    _outputs(command)
    command.set_defaults(command=modalities)

    command = commands.add_parser("weakest", help=_summary(weakest.__doc__))
    command.add_argument("--incidents", type=_positive, default=30, help="how many for each strength")
    command.add_argument("--seed", type=int, default=0, help="number of the first incident")
    _outputs(command)
    command.set_defaults(command=weakest)

    command = commands.add_parser("calibrate", help=_summary(calibrate.__doc__))
    command.add_argument("--incidents", type=_positive, default=400, help="how many to generate")
    command.add_argument("--seed", type=int, default=0, help="number of the first incident")
    _outputs(command)
    command.set_defaults(command=calibrate)

    command = commands.add_parser("onset", help=_summary(onset.__doc__))
    command.add_argument(
        "--generated",
        type=_positive,
        nargs="?",
        const=240,
        metavar="N",
        help="generated incidents; 240 unless N is given",
    )
    command.add_argument("--seed", type=int, default=0, help="number of the first generated incident")
    command.add_argument(
        "--data", default=(), nargs="+", type=Path, metavar="DIR", help="folders of data sets and recordings"
    )
    command.add_argument("--limit", type=_positive, help="only the first cases of each recording")
    _outputs(command)
    command.set_defaults(command=onset)

    command = commands.add_parser("models", help=_summary(models.__doc__))
    command.add_argument(
        "--data", default=(), nargs="+", type=Path, metavar="DIR", help="folders of data sets"
    )
    command.add_argument("--limit", type=_positive, help="only the first faults of each day")
    command.add_argument("--day", help="nezha: only this day, such as 2023-01-30")
    command.add_argument("--cases", metavar="ID,ID", help="only these")
    command.add_argument(
        "--generated",
        type=_positive,
        nargs="?",
        const=200,
        metavar="N",
        help="generated incidents that are hard; 200 unless N is given",
    )
    command.add_argument("--seed", type=int, default=0, help="number of the first generated incident")
    command.add_argument(
        "--spend",
        nargs="+",
        choices=SPENDINGS,
        default=SPENDINGS[:1],
        help="where calls go; suspicious unless given",
    )
    command.add_argument(
        "--doubles", nargs="*", choices=tuple(DOUBLES), default=tuple(DOUBLES), help="in-process models; all"
    )
    command.add_argument(
        "--seeds", type=_positive, default=5, help="how often those are asked that go by chance"
    )
    command.add_argument("--model", metavar="NAME", help="a model behind a server, too")
    command.add_argument("--base-url", metavar="URL", help="its address; as the environment says without")
    command.add_argument("--timeout-s", type=float, default=600.0, help="longest time of one request")
    command.add_argument("--max-calls", type=_positive, help="most requests of one diagnosis")
    command.add_argument("--max-seconds", type=float, help="longest time that one diagnosis asks")
    command.add_argument(
        "--answers", type=Path, metavar="RUN.jsonl", help="written as it goes; continued if it was killed"
    )
    _outputs(command)
    command.set_defaults(command=models)

    command = commands.add_parser("scale", help=_summary(scale.__doc__))
    command.add_argument(
        "--spans", required=True, nargs="+", type=_positive, help="about how many; several sizes"
    )
    command.add_argument("--logs", action="store_true", help="generate log lines, too")
    command.add_argument(
        "--repeats", type=_positive, default=3, help="turns; the one with the median ratio counts"
    )
    command.add_argument("--seed", type=int, default=0, help="where chance starts")
    _outputs(command)
    command.set_defaults(command=scale)

    command = commands.add_parser("model-cost", help=_summary(cost.__doc__))
    command.add_argument(
        "--data", required=True, type=Path, metavar="DIR", help=f"Nezha recording that holds {model_cost.DAY}"
    )
    command.add_argument(
        "--server", required=True, type=Path, metavar="FILE", help="program of the server that stands in"
    )
    command.add_argument("--repeats", type=_positive, default=3, help="runs of each trace and spending")
    _outputs(command)
    command.set_defaults(command=cost)

    command = commands.add_parser("render", help=_summary(render.__doc__))
    command.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="score files")
    command.add_argument("--root", type=Path, default=_ROOT, metavar="DIR", help="folder of README.md")
    command.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where figures are out of date"
    )
    command.set_defaults(command=render)
    return parser


def _outputs(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--out", type=Path, metavar="FILE", help="write the JSON to a file as well")


def _summary(docstring: str | None) -> str:
    return (docstring or "").splitlines()[0].split(": ", 1)[1].rstrip(".")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def _distinct(scores: Sequence[Score]) -> None:
    seen: set[tuple[str, str]] = set()
    for entry in scores:
        if (entry.label, entry.method) in seen:
            raise InputError(
                f"{entry.label} by {entry.method} is given twice.",
                "Give each run once; no fault may count twice.",
            )
        seen.add((entry.label, entry.method))


def _give(options: argparse.Namespace, content: Any, text: str) -> int:
    """Prints a result as text or JSON, and writes the JSON where it is to be kept."""
    if options.out:
        _write(options.out, _json(content) + "\n")
    print(_json(content) if options.json else text)
    return 0


def _json(content: Any) -> str:
    return json.dumps(content, indent=1)


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        print(printable(line), file=sys.stderr)


def _write(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


if __name__ == "__main__":
    sys.exit(main())
