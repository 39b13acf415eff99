"""Generate an incident as files: ``python -m rclagent.testing OUT --fault cpu --service till``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from rclagent.core.evidence import FaultType
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import NS_PER_S
from rclagent.errors import InputError
from rclagent.testing.bakery import bakery
from rclagent.testing.faults import Fault
from rclagent.testing.fleet import Deploy
from rclagent.testing.generator import GeneratedIncident, generate
from rclagent.testing.otlp_writer import write_otlp
from rclagent.testing.parquet_writer import write_parquet
from rclagent.testing.random_system import random_system
from rclagent.testing.shop import shop
from rclagent.testing.spec import IncidentSpec
from rclagent.testing.system import System

_HEALTHY: Final = "none"
_SYSTEMS: Final = {"bakery": bakery, "shop": shop}
_FAILED: Final = 1
_USAGE_ERROR: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        incident = generate(_spec(options))
        _write(incident, options)
    except InputError as error:
        print(error, file=sys.stderr)
        return _USAGE_ERROR
    except OSError as error:
        print(f"Cannot write to {options.out}: {error.strerror}. Name another folder.", file=sys.stderr)
        return _FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rclagent.testing",
        description="Generate an incident of a simulated system as files, with baseline and truth.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    kinds = [_HEALTHY, *(kind.value for kind in FaultType if kind is not FaultType.UNKNOWN)]
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    parser.add_argument("--fault", choices=kinds, default=_HEALTHY, help="what goes wrong")
    parser.add_argument("--service", help="service, database, external service or topic at fault")
    parser.add_argument("--pod", help="instance at fault, if not all")
    parser.add_argument("--operation", help="operation at fault, if not all")
    parser.add_argument("--magnitude", type=float, help="delay, pause or wait in ms, share lost, or scale")
    parser.add_argument("--share", type=float, default=1.0, help="share of the requests that meet the fault")
    parser.add_argument("--variant", choices=["usual", "egress"], default="usual", help="of a network delay")
    parser.add_argument("--system", choices=sorted(_SYSTEMS), default="shop", help="who calls whom")
    parser.add_argument("--services", type=int, help="services of a random system, in place of --system")
    parser.add_argument("--requests", type=int, default=800, help="about how many requests to generate")
    parser.add_argument("--spans", type=int, help="about how many spans, in place of --requests")
    parser.add_argument("--baseline-s", type=float, default=600.0, help="seconds before the alarm")
    parser.add_argument("--incident-s", type=float, default=180.0, help="seconds after the alarm")
    parser.add_argument("--lead-s", type=float, default=60.0, help="of those before: in the incident's files")
    parser.add_argument("--load", type=float, default=1.0, help="factor on the load from the alarm on")
    parser.add_argument("--load-drift", type=float, default=0.0, help="swing of the load over a day, 0..1")
    parser.add_argument(
        "--deploy",
        nargs=3,
        action="append",
        default=[],
        metavar=("SERVICE", "AT_S", "VERSION"),
        help="harmless deploy, seconds after the alarm (negative: before it); may be repeated",
    )
    parser.add_argument("--clock-skew-ms", type=float, default=0.0, help="spread of the machines' clocks")
    parser.add_argument("--clock-drift-ppm", type=float, default=0.0, help="drift of one machine's clock")
    parser.add_argument("--clock-drift-node", help="which machine's, if not the first's")
    parser.add_argument("--no-logs", action="store_true", help="leave out the logs")
    parser.add_argument("--no-metrics", action="store_true", help="leave out the metrics")
    parser.add_argument("--no-kinds", action="store_true", help="leave out the kinds of the spans")
    parser.add_argument("--server-spans-only", action="store_true", help="leave out what callers record")
    parser.add_argument(
        "--encoding",
        choices=["json", "protobuf", "parquet"],
        default="json",
        help="of OTLP, or Parquet tables",
    )
    parser.add_argument("--compress", choices=["gz", "zst"], help="the files of OTLP")
    parser.add_argument("--seed", type=int, default=0, help="where chance starts")
    return parser


def _spec(options: argparse.Namespace) -> IncidentSpec:
    system = _system(options)
    length_s = options.baseline_s + options.incident_s
    if not length_s > 0:
        raise InputError("There is no time to generate.", "Give positive --baseline-s and --incident-s.")
    faults: tuple[Fault, ...] = ()
    if options.fault != _HEALTHY:
        if options.service is None:
            names = ", ".join(sorted({service.name for service in system.services} | system.peers))
            raise InputError("A fault needs a place.", f"Give --service, one of: {names}.")
        faults = (
            Fault(
                fault_type=FaultType(options.fault),
                service=options.service,
                pod=options.pod,
                operation=options.operation,
                magnitude=options.magnitude,
                share=options.share,
                variant=options.variant,
            ),
        )
    requests = options.requests if options.spans is None else options.spans / _spans_per_request(system)
    return IncidentSpec(
        seed=options.seed,
        system=system,
        faults=faults,
        requests_per_s=requests / length_s,
        baseline_s=options.baseline_s,
        incident_s=options.incident_s,
        lead_s=options.lead_s,
        incident_load=options.load,
        load_drift=options.load_drift,
        deploys=tuple(_deploy(*words) for words in options.deploy),
        clock_skew_ms=options.clock_skew_ms,
        clock_drift_node=options.clock_drift_node or system.nodes[0],
        clock_drift_ppm=options.clock_drift_ppm,
        logs=not options.no_logs,
        metrics=not options.no_metrics,
        kinds=not options.no_kinds,
        client_spans=not options.server_spans_only,
    )


def _system(options: argparse.Namespace) -> System:
    if options.services is not None:
        return random_system(options.services, options.seed)
    return _SYSTEMS[options.system]()


def _deploy(service: str, at_s: str, version: str) -> Deploy:
    try:
        return Deploy(service, float(at_s), version)
    except ValueError as error:
        raise InputError(
            f"{at_s!r} is no time of a deploy.", "Give --deploy SERVICE AT_S VERSION, AT_S in seconds."
        ) from error


def _spans_per_request(system: System) -> float:
    """Mean over a sample."""
    sample = generate(IncidentSpec(system=system, requests_per_s=5.0, logs=False, metrics=False))
    spans = pl.concat([sample.baseline.spans, sample.incident.spans])
    return spans.height / spans["trace_id"].n_unique()


def _write(incident: GeneratedIncident, options: argparse.Namespace) -> None:
    for name, telemetry in (("baseline", incident.baseline), ("incident", incident.incident)):
        for path in _write_part(telemetry, options.out / name, options):
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
        spans, logs, metrics = telemetry.spans.height, telemetry.logs.height, telemetry.metrics.height
        print(f"  {spans} spans, {logs} log lines, {metrics} metric samples")
    truth_path = options.out / "truth.json"
    truth_path.write_text(json.dumps(_truth(incident), indent=2) + "\n", encoding="utf-8")
    print(f"{truth_path}: what was injected")
    print("\nNext:")
    print(f"  rclagent diagnose {options.out / 'incident'} --baseline {options.out / 'baseline'}")


def _write_part(telemetry: Telemetry, folder: Path, options: argparse.Namespace) -> list[Path]:
    if options.encoding == "parquet":
        return write_parquet(telemetry, folder)
    return write_otlp(telemetry, folder, compress=options.compress, encoding=options.encoding)


def _truth(incident: GeneratedIncident) -> dict[str, object]:
    truth = incident.truth
    return {
        "services": truth.services,
        "pods": truth.pods,
        "fault_types": truth.fault_types,
        "inject_time": None if truth.inject_ns is None else _time(truth.inject_ns),
        "inject_ns": truth.inject_ns,
        "alarm_time": _time(incident.alarm_ns),
        "alarm_ns": incident.alarm_ns,
    }


def _time(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    sys.exit(main())
