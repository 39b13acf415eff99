"""JSON files by line or as one document."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rclagent.errors import FormatError
from rclagent.telemetry.json_documents import BROKEN_LINE, TRUNCATED_LINE, decode_documents
from rclagent.telemetry.tally import Tally


def read(data: bytes, tally: Tally | None = None) -> list[object]:
    return list(decode_documents(data, msgspec.json.decode, "f.json", tally or Tally()))


@given(st.lists(st.integers() | st.text()), st.sampled_from([b"\n", b"\r\n", b"\n\n  \n"]))
def test_every_line_is_a_document_and_blank_lines_are_none(values: list[object], end: bytes) -> None:
    # msgspec reads integers beyond 64 bits as floats; those are no business of this test.
    values = [value for value in values if isinstance(value, str) or abs(value) < 2**53]  # type: ignore[arg-type]
    data = end + end.join(msgspec.json.encode(value) for value in values)
    if values:
        assert read(data) == values


def test_a_document_may_spread_over_lines() -> None:
    assert read(b'{\n "a":\n 1}\n') == [{"a": 1}]


def test_broken_lines_are_counted_and_the_last_one_apart() -> None:
    tally = Tally()
    assert read(b"1\n{\n\xff\n" + b"[" * 100_000 + b"\n2\n{", tally) == [1, 2]
    assert tally.dropped == {BROKEN_LINE: 3, TRUNCATED_LINE: 1}


@pytest.mark.parametrize(("data", "line"), [(b"", 1), (b"\n\n{\n{", 3)])
def test_a_file_without_a_document_is_refused_naming_its_first_bad_line(data: bytes, line: int) -> None:
    with pytest.raises(FormatError, match=rf"'f.json', line {line}: "):
        read(data)
