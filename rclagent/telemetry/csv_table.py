"""CSV as text columns, mended where it can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from rclagent.errors import FormatError
from rclagent.telemetry.tally import Tally

NOT_UTF8 = "bytes that are not UTF-8 replaced"
BAD_QUOTES = "quotes that do not match taken as text"


def read_table(data: bytes, name: str, tally: Tally) -> pl.DataFrame:
    """All rows as text, absent cells null.

    Rows with too many cells are cut to the header's, rows with too few get nulls: their
    reader sees what is missing and counts it.

    Args:
        data: CSV with a header.
        name: The file, for the error.
        tally: Told what was mended.

    Raises:
        FormatError: Not a table, or two columns have the same name in lower case.
    """
    frame = _parse_any(data, name, tally)
    columns = [column.strip().strip('"') for column in frame.columns]
    if len({column.lower() for column in columns}) < len(columns):
        raise FormatError(
            f"{name!r}, line 1: two columns have the same name.", "Rename one of them in the header."
        )
    frame.columns = columns
    return frame


def pick_columns(
    table: pl.DataFrame, columns: Mapping[str, str], required: Iterable[str], name: str
) -> pl.DataFrame:
    """Known columns under our names; those that the table lacks are null.

    Args:
        table: As read_table gives it.
        columns: Name in the table in lower case -> our name.
        required: Names in the table, in lower case, that must be there.
        name: The file, for the error.

    Raises:
        FormatError: A required column is missing.
    """
    present = {column.lower(): column for column in table.columns}
    missing = sorted(set(required) - set(present))
    if missing:
        raise FormatError(
            f"{name!r}, line 1: there is no column {missing[0]!r}.", "Check that the header line is complete."
        )
    nothing = pl.lit(None, dtype=pl.String)
    return table.select(
        (pl.col(present[theirs]) if theirs in present else nothing).alias(ours)
        for theirs, ours in columns.items()
    )


def decode_text(data: bytes, tally: Tally) -> str:
    """Text of UTF-8 bytes; what is not UTF-8 becomes U+FFFD and is counted, once a file."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        tally.repair(NOT_UTF8)
        return data.decode("utf-8", "replace")


def _parse_any(data: bytes, name: str, tally: Tally) -> pl.DataFrame:
    try:
        return _parse(data, '"')
    except pl.exceptions.NoDataError:
        return pl.DataFrame()
    except pl.exceptions.PolarsError:
        clean = decode_text(data, tally).encode()
    try:
        return _parse(clean, '"')
    except pl.exceptions.PolarsError:
        tally.repair(BAD_QUOTES)
    try:
        return _parse(clean, None).with_columns(pl.all().str.strip_chars('"'))
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0][:200]
        raise FormatError(f"{name!r} cannot be read as CSV: {reason}.", "Export it again.") from error


def _parse(data: bytes, quote: str | None) -> pl.DataFrame:
    # Types are not inferred: a reader casts the columns that it knows, and counts what does not fit.
    return pl.read_csv(data, infer_schema=False, truncate_ragged_lines=True, quote_char=quote)
