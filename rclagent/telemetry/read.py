"""Reads telemetry of any known format from files, folders and standard input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from rclagent.core.coverage import SourceCoverage
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.errors import InputError
from rclagent.telemetry.aiops import read_aiops_logs, read_aiops_metrics, read_aiops_traces
from rclagent.telemetry.detect import FORMATS, OTLP, Layout, detect
from rclagent.telemetry.jaeger import read_jaeger
from rclagent.telemetry.nezha import read_nezha_traces
from rclagent.telemetry.nezha_logs import read_nezha_logs
from rclagent.telemetry.nezha_metrics import read_nezha_metrics
from rclagent.telemetry.otlp_json import read_otlp_json
from rclagent.telemetry.otlp_protobuf import read_otlp_frames
from rclagent.telemetry.parquet import read_parquet
from rclagent.telemetry.pod_services import name_services
from rclagent.telemetry.source import Source, open_sources
from rclagent.telemetry.time_filter import TimeFilter

AUTO: Final = "auto"
"""Find the format of each file by its content."""
IGNORED: Final = "ignored"
"""Format of files that are no telemetry, as the coverage lists them."""

_FILE_READERS: Final[dict[Layout, Callable[[Source, TimeFilter], Telemetry]]] = {
    Layout.OTLP_JSON: read_otlp_json,
    Layout.OTLP_FRAMES: read_otlp_frames,
    Layout.JAEGER_JSON: read_jaeger,
    Layout.AIOPS_TRACES: read_aiops_traces,
    Layout.AIOPS_LOGS: read_aiops_logs,
    Layout.AIOPS_METRICS: read_aiops_metrics,
    Layout.PARQUET: read_parquet,
}
_FOLDER_READERS: Final[dict[Layout, Callable[[Sequence[Source], TimeFilter, str], Telemetry]]] = {
    Layout.NEZHA_TRACES: read_nezha_traces,
    Layout.NEZHA_LOGS: read_nezha_logs,
    Layout.NEZHA_METRICS: read_nezha_metrics,
}


def read_telemetry(
    paths: str | Path | Sequence[str | Path],
    *,
    format: str = AUTO,
    windows: Sequence[Window] | None = None,
) -> Telemetry:
    """Spans, logs and metrics of files and folders.

    Args:
        paths: A file, a folder (with all files below) or ``-`` for standard input, or several; ``.gz``
            and ``.zst`` are unpacked. A file that two paths lead to is read once.
        format: ``auto``, or one of FORMATS where only that is to be read.
        windows: Keep only records whose time, for spans the start, lies in any of these; what
            is left out so is not counted. None keeps all.

    Returns:
        All records, in no particular order. The sources say what each file gave (a folder of
        the Nezha layout counts as one); files that are no telemetry are listed as IGNORED.

    Raises:
        InputError: A path cannot be read, the format is unknown, or nothing is telemetry.
        FormatError: A file is damaged, or is not what its first bytes promise.
    """
    if format not in (AUTO, *FORMATS):
        raise InputError(f"There is no format {format!r}.", f"Use one of {', '.join((AUTO, *FORMATS))}.")
    # A text is a sequence of texts, too.
    paths = [paths] if isinstance(paths, str | Path) else paths
    sources = open_sources(paths)
    recognised = [(source, _layout(source, format)) for source in sources]
    if all(layout is None for _, layout in recognised):
        raise _nothing_recognised(paths, sources, format)
    keep = TimeFilter.of(windows)
    parts = [
        part
        for (layout, _), group in groupby(recognised, lambda item: (item[1], item[0].folder))
        for part in _read_group([source for source, _ in group], layout, keep)
    ]
    return _joined(parts)


def _layout(source: Source, format: str) -> Layout | None:
    layout = detect(source.head())
    return layout if layout is not None and format in (AUTO, layout.family) else None


def _read_group(sources: list[Source], layout: Layout | None, keep: TimeFilter) -> list[Telemetry]:
    """Telemetry of neighbouring files of one folder and layout."""
    if layout is None:
        return [Telemetry(sources=(SourceCoverage(path=source.name, format=IGNORED),)) for source in sources]
    if layout in _FOLDER_READERS:
        name = sources[0].folder if len(sources) > 1 else sources[0].name
        return [_FOLDER_READERS[layout](sources, keep, name)]
    return [_FILE_READERS[layout](source, keep) for source in sources]


def _joined(parts: list[Telemetry]) -> Telemetry:
    """All parts; those of OTLP find services by pod together, because each signal may be in its own file."""
    otlp = [part for part in parts if all(source.format == OTLP for source in part.sources)]
    others = [part for part in parts if any(source.format != OTLP for source in part.sources)]
    named = [name_services(Telemetry.concat(otlp))] if otlp else []
    telemetry = Telemetry.concat(named + others)
    order = sorted(telemetry.sources, key=lambda source: source.path)
    return Telemetry(telemetry.spans, telemetry.logs, telemetry.metrics, tuple(order))


def _nothing_recognised(paths: Sequence[str | Path], sources: list[Source], format: str) -> InputError:
    names = ", ".join(repr(str(path)) for path in paths[:3]) + (", ..." if len(paths) > 3 else "")
    wanted = "telemetry" if format == AUTO else f"telemetry in the format {format!r}"
    seen = f"none of its {len(sources)} files is" if len(sources) != 1 else "this is no"
    return InputError(
        f"{names}: {seen} {wanted} that can be read.",
        "Readable are OTLP (JSON or length-prefixed protobuf), Jaeger's JSON, the Nezha layout, "
        "the AIOps challenge's CSV and Parquet in rclagent's columns, plain, .gz or .zst.",
    )
