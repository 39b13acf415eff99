"""Saved baselines: one file that holds what normal looks like.

A profile is a zip archive of a manifest (JSON) and one Parquet table for each aggregate. Nothing in it
is executed when it is read. The same baseline gives the same bytes.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Final

import polars as pl

from rclagent.core.baseline import (
    ATTEMPT_SCHEMA,
    BREAK_SCHEMA,
    CALL_SCHEMA,
    CLOCK_SCHEMA,
    COMPONENT_SCHEMA,
    ENTRY_SCHEMA,
    ERROR_SCHEMA,
    LEG_SCHEMA,
    OPERATION_SCHEMA,
    QUIET_SCHEMA,
    REVISION_SCHEMA,
    SEQUENCE_SCHEMA,
    SERIES_SCHEMA,
    TEMPLATE_SCHEMA,
    Baseline,
)
from rclagent.core.window import Window
from rclagent.errors import InputError, ProfileError

PROFILE_VERSION: Final = 2
"""Layout of the file; raised when a reader of the old one could not use the new one."""
MAX_TABLE_BYTES: Final = 1 << 30
"""Unpacked size of a table beyond which a file is refused: a small archive can unpack to a huge one."""

_MANIFEST: Final = "manifest.json"
_TABLES: Final = {
    "components": COMPONENT_SCHEMA,
    "operations": OPERATION_SCHEMA,
    "clocks": CLOCK_SCHEMA,
    "legs": LEG_SCHEMA,
    "templates": TEMPLATE_SCHEMA,
    "sequences": SEQUENCE_SCHEMA,
    "calls": CALL_SCHEMA,
    "breaks": BREAK_SCHEMA,
    "errors": ERROR_SCHEMA,
    "attempts": ATTEMPT_SCHEMA,
    "entries": ENTRY_SCHEMA,
    "series": SERIES_SCHEMA,
    "revisions": REVISION_SCHEMA,
    "quiet": QUIET_SCHEMA,
}
_ENCRYPTED: Final = 0x1
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def save_profile(baseline: Baseline, path: str | Path) -> None:
    """Write a baseline to one file; an existing file is replaced only when the new one is whole.

    Raises:
        ProfileError: The file cannot be written.
    """
    target = Path(path)
    beside = target.parent / f"{target.name}.part"
    manifest = {
        "profile_version": PROFILE_VERSION,
        "windows": [[window.start_ns, window.end_ns] for window in baseline.windows],
        "counts": baseline.counts,
    }
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(_MANIFEST, _EPOCH), json.dumps(manifest, sort_keys=True))
            for name in _TABLES:
                table = io.BytesIO()
                getattr(baseline, name).write_parquet(table)
                archive.writestr(zipfile.ZipInfo(f"{name}.parquet", _EPOCH), table.getvalue())
        os.replace(beside, target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ProfileError(
            f"{str(target)!r} cannot be written: {error.strerror}.", "Choose another --out."
        ) from error


def load_profile(path: str | Path) -> Baseline:
    """Read a baseline from a file that save_profile wrote.

    Raises:
        ProfileError: The file cannot be read, is no profile, or is of another version.
    """
    remedy = "Make it anew with `rclagent baseline learn PATH --out FILE`."
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(_member(archive, _MANIFEST))
            version = manifest["profile_version"]
            if version != PROFILE_VERSION:
                raise ProfileError(
                    f"{str(path)!r} is a profile of version {version!r}, not {PROFILE_VERSION}.", remedy
                )
            windows = tuple(Window(int(start), int(end)) for start, end in manifest["windows"])
            counts = {str(name): int(count) for name, count in manifest["counts"].items()}
            tables = {name: _table(archive, name, schema) for name, schema in _TABLES.items()}
    except ProfileError:
        raise
    except OSError as error:
        raise ProfileError(
            f"{str(path)!r} cannot be read: {error.strerror or error}.", "Check the path."
        ) from error
    except InputError as error:  # a window that ends before it starts
        raise ProfileError(f"{str(path)!r} is not a profile: {error.problem}", remedy) from error
    except (
        zipfile.BadZipFile,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        ArithmeticError,
        NotImplementedError,
        RecursionError,
    ) as error:
        raise ProfileError(f"{str(path)!r} is not a profile: {error}.", remedy) from error
    except pl.exceptions.PolarsError as error:
        raise ProfileError(f"{str(path)!r} holds a damaged table.", remedy) from error
    return Baseline(windows=windows, counts=counts, **tables)


def _table(archive: zipfile.ZipFile, name: str, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    table = pl.read_parquet(io.BytesIO(_member(archive, f"{name}.parquet")))
    return table.select(*schema).cast(dict(schema))  # type: ignore[arg-type]


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    member = archive.getinfo(name)
    if member.file_size > MAX_TABLE_BYTES:
        raise ValueError(f"its {name} unpacks to {member.file_size} bytes")
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _ENCRYPTED:
        raise ValueError(f"its {name} is compressed or encrypted")
    # The archive's checksum is verified while reading.
    return archive.read(member)
