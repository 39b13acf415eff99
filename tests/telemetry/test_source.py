"""Opening files, folders and streams, compressed or not."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard

from rclagent.errors import FormatError, InputError
from rclagent.telemetry.source import CUT_SHORT, STDIN, Source, decompress, open_sources
from rclagent.telemetry.tally import Tally

TEXT = b"one line\n" * 50_000


def write(path: Path, data: bytes) -> Source:
    path.write_bytes(data)
    return open_sources([path])[0]


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:]),
        zstandard.compress(TEXT),
        zstandard.compress(TEXT[:9]) + zstandard.compress(TEXT[9:]),
        b"\xef\xbb\xbf" + TEXT,
    ],
    ids=["plain", "gzip", "gzip of two members", "zstd", "zstd of two frames", "byte order mark"],
)
def test_content_is_unpacked_by_its_magic_number_whatever_the_name(packed: bytes, tmp_path: Path) -> None:
    source = write(tmp_path / "anything.txt", packed)
    tally = Tally()
    assert source.read(tally) == TEXT
    assert (
        source.head().removeprefix(b"\xef\xbb\xbf")
        == TEXT[: len(source.head().removeprefix(b"\xef\xbb\xbf"))]
    )
    assert not tally.dropped


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_what_comes_before_a_missing_end_is_used_and_said(pack: object, tmp_path: Path) -> None:
    noise = os.urandom(300_000)
    packed = pack(noise)  # type: ignore[operator]
    tally = Tally()
    data = write(tmp_path / "cut", packed[: len(packed) // 2]).read(tally)
    assert data and noise.startswith(data)
    assert tally.dropped == {CUT_SHORT: 1}


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd"], ids=["gzip", "zstd"])
def test_damaged_compression_names_the_file(magic: bytes, tmp_path: Path) -> None:
    source = write(tmp_path / "bad.gz", magic + b"\xff" * 200)
    assert source.head() == b""
    with pytest.raises(FormatError, match=r"bad\.gz"):
        source.read(Tally())


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_small_archive_of_much_data_is_refused(pack: object) -> None:
    with pytest.raises(FormatError, match="more than 1000 bytes"):
        decompress(pack(b"\x00" * 10_000_000), 1000, "A frame")  # type: ignore[operator]


def test_a_folder_is_walked_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b/2.csv", "b/1.csv", "a.json", ".git/config", "b/.hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "broken link").symlink_to(tmp_path / "nowhere")
    names = [source.name for source in open_sources([tmp_path])]
    assert names == [str(tmp_path / name) for name in ("a.json", "b/1.csv", "b/2.csv")]


def test_a_file_that_two_paths_lead_to_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("x")
    assert len(open_sources([tmp_path / "a.json", tmp_path, tmp_path / "." / "a.json"])) == 1


@pytest.mark.parametrize("path", ["nowhere", "nul\x00byte"])
def test_a_path_that_cannot_be_read_is_named(path: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        open_sources([tmp_path / path])


def test_no_path_at_all_is_an_error() -> None:
    with pytest.raises(InputError, match="No path"):
        open_sources([])


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(gzip.compress(TEXT))))
    (source,) = open_sources([STDIN])
    assert source.head() and source.read(Tally()) == TEXT


def test_a_pipe_gives_its_bytes_to_the_head_and_to_the_reader(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"hello")
    os.close(writing)
    (source,) = open_sources([f"/dev/fd/{reading}"])
    os.close(reading)
    assert source.head() == source.read(Tally()) == b"hello"
