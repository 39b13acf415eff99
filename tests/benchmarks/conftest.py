"""A tiny system in the Nezha layout, written by the test that needs it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

DAY = "2023-01-30"
WEB, SHOP = "web-6f9d-aaaaa", "shop-5c7b-bbbbb"
TRACE_HEAD = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration"
LOG_HEAD = "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log"
METRIC_HEAD = "Time,TimeStamp,PodName,CpuUsage(m),CpuUsageRate(%)"


@dataclass(frozen=True)
class NezhaSystem:
    """Two services, one calling the other every two seconds, 10:40-10:41 and 11:00-11:20."""

    root: Path
    """Folder that ``write`` fills."""

    def write(
        self,
        alarms: Sequence[str] = ("11:05:00",),
        *,
        zipped: bool = False,
        logs: bool = True,
        construct: bool = True,
        kind: str = "network_delay",
    ) -> Path:
        """Writes the system, its calls to ``shop`` delayed for two minutes from each alarm on."""
        day = self.root / "rca_data" / DAY
        slow = [(at(alarm), at(alarm) + 120_000_000_000) for alarm in alarms]
        starts = range(at("11:00:00"), at("11:20:00"), 2_000_000_000)
        _write_traces(day, starts, slow, zipped)
        _put(day / "metric" / f"{SHOP}_metric.csv", [METRIC_HEAD, *_samples(starts)], zipped)
        if logs:
            _put(day / "log" / "11_20_log.csv", [LOG_HEAD, *map(_log, starts)], zipped)
        if construct:
            quiet = range(at("10:40:00"), at("10:41:00"), 2_000_000_000)
            _write_traces(self.root / "construct_data" / DAY, quiet, [], zipped)
        faults = [
            {
                "inject_time": f"{DAY} {alarm}",
                "inject_timestamp": "0",
                "inject_pod": SHOP,
                "inject_type": kind,
            }
            for alarm in alarms
        ]
        (day / f"{DAY}-fault_list.json").write_text(json.dumps({"11": faults}), encoding="utf-8")
        return self.root

    def at(self, clock: str) -> int:
        """Nanoseconds since the Unix epoch of a time of the day, UTC."""
        return at(clock)


@pytest.fixture
def nezha_system(tmp_path: Path) -> NezhaSystem:
    """A system not yet written."""
    return NezhaSystem(tmp_path / "system")


def at(clock: str) -> int:
    """Nanoseconds since the Unix epoch of a time on DAY, UTC."""
    time = datetime.fromisoformat(f"{DAY} {clock}").replace(tzinfo=UTC)
    return int(time.timestamp()) * 1_000_000_000


def _write_traces(day: Path, starts: range, slow: Sequence[tuple[int, int]], zipped: bool) -> None:
    minutes: dict[int, list[str]] = {}
    for start in starts:
        delayed = any(begin <= start < end for begin, end in slow)
        minutes.setdefault(start // 60_000_000_000, []).extend(_trace(start, 200 if delayed else 2))
    for minute, rows in minutes.items():
        name = datetime.fromtimestamp((minute + 1) * 60, tz=UTC).strftime("%H_%M_trace.csv")
        _put(day / "trace" / name, [TRACE_HEAD, *rows], zipped)


def _trace(start: int, gap_ms: int) -> list[str]:
    gap, work = gap_ms * 1_000_000, 5_000_000
    trace = f"{start:032x}"
    spans = [
        ("01", "root", WEB, "GET /", start, start + 2 * gap + work),
        ("02", "01", WEB, "HTTP GET", start, start + 2 * gap + work),
        ("03", "02", SHOP, "buy", start + gap, start + gap + work),
    ]
    return [f"{trace},{i},{up},{pod},{op},{a},{b},{(b - a) // 1000}" for i, up, pod, op, a, b in spans]


def _log(start: int) -> str:
    text = datetime.fromtimestamp(start // 1_000_000_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f'{text},{start},node-1,{SHOP},server,{start:032x},03,"{{""log"":""sold one""}}"'


def _samples(starts: range) -> list[str]:
    minutes = sorted({start // 60_000_000_000 for start in starts})
    texts = [datetime.fromtimestamp(minute * 60, tz=UTC).strftime("%Y-%m-%d %H:%M:%S") for minute in minutes]
    return [
        f"{text}.000000000 +0000 UTC m=+1.0,{minute * 60},{SHOP},10,2"
        for text, minute in zip(texts, minutes, strict=True)
    ]


def _put(path: Path, lines: Sequence[str], zipped: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = ("\n".join(lines) + "\n").encode()
    if zipped:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, mtime=0))
    else:
        path.write_bytes(content)
