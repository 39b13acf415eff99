"""A tiny system in the Nezha layout, written by the test that needs it."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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


HERE = "127.0.0.1"
CONNECT, RESOLVE = socket.socket.connect, socket.getaddrinfo
STAND_IN = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

counts = {"calls": 0, "prompt_chars": 0, "max_concurrency": 0}
reply = {"choices": [{"message": {"role": "assistant", "content": '{"claims": []}'}}]}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.say(counts)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path == "/reset":
            counts.update(calls=0, prompt_chars=0, max_concurrency=0)
            return self.say({})
        messages = json.loads(body)["messages"]
        counts["calls"] += 1
        counts["prompt_chars"] += sum(len(message["content"]) for message in messages)
        counts["max_concurrency"] = 1
        self.say(reply)

    def say(self, content):
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *told):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(json.dumps({"base_url": f"http://127.0.0.1:{server.server_address[1]}/v1"}), flush=True)
server.serve_forever()
"""


@pytest.fixture
def stand_in(tmp_path: Path, no_network: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that serves as a model without any claim, and counts; only this machine can be reached."""

    def connect(self: socket.socket, address: Any) -> None:
        assert address[0] == HERE, address
        CONNECT(self, address)

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        assert host == HERE, host
        return RESOLVE(host, *arguments, **options)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    program = tmp_path / "stand_in.py"
    program.write_text(STAND_IN, encoding="utf-8")
    return program
