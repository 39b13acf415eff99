"""Generated incidents as cases."""

from __future__ import annotations

import polars as pl

from benchmarks.generated import QUIET_LOAD, case_view, quiet_window, quiet_windows, varied_system
from rclagent import FaultType
from rclagent.testing import Fault, IncidentSpec, generate


def test_systems_have_many_shapes_within_the_bound() -> None:
    sizes = {len(varied_system(number, 9).services) for number in (1, 2, 4, 5, 7)}
    assert len(sizes) > 2 and max(sizes) <= 9
    assert varied_system(0, 9) == varied_system(3, 9)


def test_a_case_has_what_was_recorded_and_not_what_was_injected() -> None:
    fault = Fault(FaultType.CPU, "pricing")
    generated = generate(IncidentSpec(faults=(fault,), requests_per_s=1.0, baseline_s=120.0))
    case = case_view("one", generated)
    assert (case.id, case.alarm_ns, case.window.start_ns) == ("one", generated.alarm_ns, generated.alarm_ns)
    assert case.telemetry is generated.incident
    assert {"pricing", "counter"} <= set(case.services)


def test_quiet_windows_see_a_day_change_and_deploys_but_no_fault() -> None:
    """Half of them under more load; one deploy long before, one about the start of the window."""
    specs = [quiet_window(number) for number in range(8)]
    assert sum(spec.incident_load == QUIET_LOAD for spec in specs) == 4
    for spec in specs:
        early, late = spec.deploys
        assert spec.faults == ()
        assert spec.baseline_s >= 3600 and 0.3 <= spec.load_drift <= 0.6
        assert -spec.baseline_s < early.at_s <= -900 and -600 <= late.at_s <= 120
        assert early.service != late.service
    assert specs == [quiet_window(number) for number in range(8)]


def test_a_quiet_window_is_named_after_what_happens_in_it() -> None:
    """The service that is deployed before the window has its new version in all of the window's spans."""
    (case,) = quiet_windows(1)
    early = quiet_window(0).deploys[0]
    assert case.id.startswith(f"no. 0, load x1, {early.service} deployed at {early.at_s:+.0f} s")
    spans = case.telemetry.spans.filter(pl.col("service") == early.service)
    assert spans["version"].unique().to_list() == [early.version]
    assert case.baseline.spans.filter(pl.col("service") == early.service)["version"].n_unique() == 2
