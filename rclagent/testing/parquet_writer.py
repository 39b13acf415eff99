"""Write telemetry as Parquet tables, in the columns that rclagent.telemetry.parquet reads."""

from __future__ import annotations

from pathlib import Path

from rclagent.core.telemetry import Telemetry


def write_parquet(telemetry: Telemetry, folder: Path) -> list[Path]:
    """Write one file for each modality that has records, in place of those of an earlier call.

    Args:
        telemetry: What to write; reads back as it is, in the same order.
        folder: Where to; made where it is missing. Each file appears when it is complete.

    Returns:
        The files: ``spans.parquet``, ``logs.parquet``, ``metrics.parquet``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"spans": telemetry.spans, "logs": telemetry.logs, "metrics": telemetry.metrics}
    paths = []
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        path.unlink(missing_ok=True)  # a file left from an earlier call would be read as well
        if table.is_empty():
            continue
        unfinished = path.with_name(path.name + ".partial")
        table.write_parquet(unfinished)
        unfinished.replace(path)
        paths.append(path)
    return paths
