"""Jaeger's JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.errors import FormatError
from rclagent.telemetry.bounds import NO_SERVICE, NO_TIME
from rclagent.telemetry.jaeger import read_jaeger
from rclagent.telemetry.json_documents import INVALID_RECORD
from rclagent.telemetry.source import Source, open_sources
from rclagent.telemetry.time_filter import TimeFilter

START_US = 1_700_000_000_000_000


def tags(**values: object) -> list[dict[str, object]]:
    """Tags; two underscores in a name stand for a dot."""
    return [
        {"key": key.replace("__", "."), "type": "string", "value": value} for key, value in values.items()
    ]


def span(**fields: Any) -> dict[str, Any]:
    """A sound span with some fields changed."""
    plain = {
        "traceID": "3eabfd8525f91daa",
        "spanID": "0921c1cf2729313b",
        "operationName": "getAllFood",
        "references": [],
        "startTime": START_US,
        "duration": 250,
        "tags": [],
        "logs": [],
        "processID": "p1",
        "warnings": None,
    }
    return plain | fields


PROCESSES = {"p1": {"serviceName": "food", "tags": tags(hostname="food-1", ip="10.0.0.1")}}


def document(*spans: dict[str, Any], processes: dict[str, Any] = PROCESSES) -> dict[str, Any]:
    trace = {"traceID": "3eabfd8525f91daa", "spans": list(spans), "processes": processes, "warnings": None}
    return {"data": [trace], "total": 0, "limit": 0, "offset": 0, "errors": None}


def read(content: object, keep: TimeFilter | None = None) -> Telemetry:
    text = content if isinstance(content, str) else json.dumps(content)
    return read_jaeger(Source("traces.json", None, text.encode()), keep or TimeFilter.of(None))


def test_a_span_has_all_that_its_process_and_tags_say() -> None:
    own = tags(span__kind="client", http__status_code=500, peer__service="map", error=True)
    links = [
        {"refType": "FOLLOWS_FROM", "traceID": "3eabfd8525f91daa", "spanID": "aa"},
        {"refType": "CHILD_OF", "traceID": "another", "spanID": "bb"},
        {"refType": "CHILD_OF", "traceID": "3eabfd8525f91daa", "spanID": "B9AE1AAF8664AB74"},
    ]
    (row,) = read(document(span(tags=own, references=links))).spans.to_dicts()
    assert row == {
        "trace_id": "3eabfd8525f91daa",
        "span_id": "0921c1cf2729313b",
        "parent_id": "b9ae1aaf8664ab74",
        "service": "food",
        "pod": "food-1",
        "node": None,
        "operation": "getAllFood",
        "kind": "client",
        "start_ns": START_US * 1000,
        "end_ns": START_US * 1000 + 250_000,
        "error": True,
        "status": "500",
        "peer": "map",
        "version": None,
    }


@pytest.mark.parametrize(
    ("own", "error"),
    [
        ({}, False),
        ({"error": False}, False),
        ({"error": "true"}, True),
        ({"otel__status_code": "ERROR"}, True),
        ({"otel__status_code": "OK"}, False),
    ],
)
def test_an_error_is_a_tag_or_a_status(own: dict[str, object], error: bool) -> None:
    assert read(document(span(tags=tags(**own)))).spans["error"].to_list() == [error]


def test_a_span_without_a_parent_may_follow_from_one() -> None:
    link = {"refType": "FOLLOWS_FROM", "traceID": "3eabfd8525f91daa", "spanID": "aa"}
    spans = [span(references=[link]), span(parentSpanID="bb"), span(references=None)]
    assert read(document(*spans)).spans["parent_id"].to_list() == ["aa", "bb", None]


def test_kubernetes_names_go_before_the_host_name() -> None:
    process = {
        "serviceName": "food",
        "tags": tags(hostname="h", k8s__pod__name="food-7", k8s__node__name="n"),
    }
    (row,) = read(document(span(), processes={"p1": process})).spans.to_dicts()
    assert (row["pod"], row["node"]) == ("food-7", "n")


def test_errors_and_levels_among_span_logs_become_log_records_and_progress_does_not() -> None:
    logs = [
        {"timestamp": START_US + 1, "fields": tags(event="preHandle", handler="x")},
        {
            "timestamp": START_US + 2,
            "fields": tags(event="error", error__kind="IOException", message="reset"),
        },
        {"timestamp": START_US + 3, "fields": tags(level="warn", event="retrying")},
        {"timestamp": "odd", "fields": tags(event="exception", stack="at x.y")},
    ]
    records = read(document(span(logs=logs))).logs.to_dicts()
    assert [(row["time_ns"] - START_US * 1000, row["severity"], row["body"]) for row in records] == [
        (2_000, "ERROR", "IOException: reset"),
        (3_000, "WARN", "retrying"),
        (0, "ERROR", "at x.y"),
    ]
    assert {row["span_id"] for row in records} == {"0921c1cf2729313b"}


def test_one_bad_span_does_not_cost_the_others() -> None:
    telemetry = read(document(span(), span(tags="odd"), span(startTime=-1), span(duration=None)))
    assert len(telemetry.spans) == 1
    assert telemetry.sources[0].dropped == {INVALID_RECORD: 1, NO_TIME: 2}


def test_a_span_of_an_unknown_process_is_kept_under_a_stand_in_name() -> None:
    telemetry = read(document(span(processID="p9")))
    assert telemetry.spans["service"].to_list() == ["unknown_service"]
    assert telemetry.sources[0].repaired == {NO_SERVICE: 1}


def test_one_trace_a_list_of_traces_and_documents_by_line_are_read() -> None:
    whole = document(span())
    assert len(read(whole["data"][0]).spans) == 1
    assert len(read(whole["data"] * 2).spans) == 2
    assert len(read(json.dumps(whole) + "\n" + json.dumps(whole)).spans) == 2
    assert len(read(json.dumps(whole, indent=2)).spans) == 1


def test_a_document_cut_short_is_refused_naming_the_file() -> None:
    with pytest.raises(FormatError, match=r"'traces.json', line 1"):
        read(json.dumps(document(span()))[:-30])


def test_only_spans_inside_the_windows_are_kept() -> None:
    keep = TimeFilter.of([Window(START_US * 1000 + 1, START_US * 1000 + 2_000)])
    telemetry = read(document(span(), span(startTime=START_US + 1)), keep)
    assert telemetry.spans["start_ns"].to_list() == [START_US * 1000 + 1_000]


def test_the_real_incidents_are_read_whole(shared_data: Path) -> None:
    """Counts of the folder's own description: 700 traces with 14,456 spans."""
    (source,) = open_sources([shared_data / "shapleyiq-tt" / "normal.json.gz"])
    telemetry = read_jaeger(source, TimeFilter.of(None))
    spans = telemetry.spans
    assert (len(spans), spans["trace_id"].n_unique()) == (14_456, 700)
    assert telemetry.sources[0].dropped == {}
    assert spans.select(pl.col("service", "pod", "kind").null_count()).row(0) == (0, 0, 0)
    failed = spans.filter("error")
    assert set(failed["status"]) == {"500"}
    assert len(telemetry.logs) == len(failed)
