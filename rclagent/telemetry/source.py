"""Where telemetry comes from: files, folders and standard input, compressed or not."""

from __future__ import annotations

import os
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zstandard

from rclagent.errors import FormatError, InputError
from rclagent.telemetry.tally import Tally

STDIN: Final = "-"
"""The path that stands for standard input."""
MAX_BYTES: Final = 4 << 30
"""Decompressed size of one file; more is refused, so that a small archive cannot fill the memory."""
HEAD_BYTES: Final = 1 << 16
"""Decompressed bytes that are looked at to find the format."""
CUT_SHORT: Final = "compressed data cut short"

_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW: Final = 31  # zlib's code for a gzip header and the largest window
_ZSTD_STEP: Final = 8192  # the library cannot bound its output; a step of input unpacks to 256 MiB at worst
_RAW_HEAD_BYTES: Final = 1 << 18  # enough compressed bytes for one block of zstd


@dataclass(frozen=True, slots=True)
class Source:
    """One file, not yet read, or a stream that has been."""

    name: str
    """As the user named it, or below the folder that the user named."""
    path: Path | None
    """Where to read it; None for a stream."""
    content: bytes | None = None
    """Raw bytes of a stream, which cannot be read twice."""

    @property
    def folder(self) -> str:
        """Name of the folder that it lies in."""
        return str(Path(self.name).parent)

    def head(self) -> bytes:
        """First HEAD_BYTES decompressed bytes; fewer where the file is shorter or damaged.

        Raises:
            InputError: The file cannot be read.
        """
        raw = self._raw(_RAW_HEAD_BYTES)
        try:
            return _unpack(raw, HEAD_BYTES, self.name)[0]
        except FormatError:
            return b""

    def read(self, tally: Tally) -> bytes:
        """All decompressed bytes, without a byte order mark.

        Args:
            tally: Told where compressed data end too early; what came before is used.

        Raises:
            InputError: The file cannot be read.
            FormatError: The compressed data are damaged or larger than MAX_BYTES.
        """
        data, complete, more = _unpack(self._raw(None), MAX_BYTES, self.name)
        if more:
            raise FormatError(
                f"{self.name!r} holds more than {MAX_BYTES >> 30} GiB once decompressed.",
                "Split it, for example by time, and give the parts that cover the incident.",
            )
        if not complete:
            tally.drop(CUT_SHORT)
        return data.removeprefix(b"\xef\xbb\xbf")

    def _raw(self, limit: int | None) -> bytes:
        if self.content is not None or self.path is None:
            return (self.content or b"")[:limit]
        try:
            with self.path.open("rb") as file:
                return file.read(-1 if limit is None else limit)
        except OSError as error:
            raise _unreadable(self.name, error) from error


def open_sources(paths: Sequence[str | Path]) -> list[Source]:
    """Every file under the given paths, in order of path, each once.

    Args:
        paths: Files, folders (walked; names that start with a dot are left out) or ``-``.

    Raises:
        InputError: A path does not exist or cannot be read, or none is given.
    """
    if not paths:
        raise InputError(
            "No path is given.", "Name a file or folder of telemetry, or '-' for standard input."
        )
    sources: dict[str, Source] = {}
    for path in paths:
        for source in _sources_of(str(path)):
            key = source.name if source.path is None else os.path.realpath(source.path)
            sources.setdefault(key, source)
    return list(sources.values())


def decompress(data: bytes, limit: int, name: str) -> bytes:
    """Decompressed bytes by magic number; the bytes themselves where they are not compressed.

    Args:
        data: A complete gzip or zstd stream, or anything else.
        limit: Bytes that the result may have.
        name: What the data are, for the error.

    Raises:
        FormatError: Damaged, cut short, or larger than ``limit``.
    """
    result, complete, more = _unpack(data, limit, name)
    if more or not complete:
        problem = f"holds more than {limit} bytes" if more else "ends too early"
        raise FormatError(f"{name} {problem} once decompressed.", "Export the telemetry again.")
    return result


def _sources_of(name: str) -> Iterator[Source]:
    if name == STDIN:
        yield Source("<stdin>", None, sys.stdin.buffer.read())
        return
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    if stat.S_ISDIR(mode):
        yield from _walk(path)
    elif stat.S_ISREG(mode):
        yield Source(_shown(path), path)
    else:  # a pipe, such as a shell's process substitution, gives its bytes only once
        yield Source(name, None, Source(name, path)._raw(None))


def _shown(path: Path) -> str:
    """The path as text that every report can hold: a file name may be no text at all."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _walk(folder: Path) -> Iterator[Source]:
    def fail(error: OSError) -> None:
        raise _unreadable(str(folder), error) from error

    found: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in files if not name.startswith(".")]
    for path in sorted(found, key=lambda path: path.parts):
        if path.is_file():  # pipes and broken links in a folder are nobody's telemetry
            yield Source(_shown(path), path)


def _unpack(raw: bytes, limit: int, name: str) -> tuple[bytes, bool, bool]:
    """Bytes, whether they end where they should, and whether there are more than ``limit``."""
    try:
        if raw.startswith(_GZIP_MAGIC):
            return _gunzip(raw, limit)
        if raw.startswith(_ZSTD_MAGIC):
            return _unzstd(raw, limit)
    except (zlib.error, zstandard.ZstdError, MemoryError) as error:
        raise FormatError(
            f"{name!r} is damaged: its compressed data cannot be read ({error}).",
            "Copy or export it again.",
        ) from error
    return raw[:limit], True, len(raw) > limit


def _gunzip(raw: bytes, limit: int) -> tuple[bytes, bool, bool]:
    parts: list[bytes] = []
    left = limit
    while raw.startswith(_GZIP_MAGIC):  # files of several members come from appending
        stream = zlib.decompressobj(_GZIP_WINDOW)
        parts.append(stream.decompress(raw, left + 1))
        left -= len(parts[-1])
        if left < 0 or not stream.eof:
            return b"".join(parts)[:limit], stream.eof or left < 0, left < 0
        raw = stream.unused_data.lstrip(b"\x00")
    return b"".join(parts), True, False


def _unzstd(raw: bytes, limit: int) -> tuple[bytes, bool, bool]:
    parts: list[bytes] = []
    left = limit
    place = 0
    stream = zstandard.ZstdDecompressor().decompressobj()
    while place < len(raw):
        parts.append(stream.decompress(raw[place : place + _ZSTD_STEP]))
        left -= len(parts[-1])
        place += _ZSTD_STEP
        if left < 0:
            return b"".join(parts)[:limit], True, True
        if stream.eof:
            place = min(place, len(raw)) - len(stream.unused_data)
            if not raw.startswith(_ZSTD_MAGIC, place):
                return b"".join(parts), True, False
            stream = zstandard.ZstdDecompressor().decompressobj()
    return b"".join(parts), False, False


def _unreadable(name: str, error: OSError | ValueError) -> InputError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(f"{name!r} cannot be read: {reason}.", "Check the path and its permissions.")
