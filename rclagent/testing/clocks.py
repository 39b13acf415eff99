"""How far the machines' clocks are off."""

from __future__ import annotations

import numpy as np

from rclagent.core.window import NS_PER_MS, NS_PER_S
from rclagent.testing.draws import FloatArray, IntArray
from rclagent.testing.spec import IncidentSpec


def clock_errors(spec: IncidentSpec, arrival_s: FloatArray, rng: np.random.Generator) -> IntArray:
    """Clock less true time on each machine at the arrival of each request, shape (nodes, n), ns.

    Args:
        spec: What is wrong with the clocks.
        arrival_s: When the requests come in, seconds after the start of the data, shape (n,).
        rng: Where the constant errors come from; the same for all requests.
    """
    nodes = spec.system.nodes
    constant = np.rint(rng.normal(0, 1, len(nodes)) * spec.clock_skew_ms * NS_PER_MS).astype(np.int64)
    errors = np.repeat(constant[:, None], len(arrival_s), axis=1)
    if spec.clock_offset_node is not None:
        errors[nodes.index(spec.clock_offset_node)] += round(spec.clock_offset_ms * NS_PER_MS)
    if spec.clock_step_node is not None:
        late = arrival_s >= spec.baseline_s
        errors[nodes.index(spec.clock_step_node)] += late * round(spec.clock_step_ms * NS_PER_MS)
    if spec.clock_drift_node is not None:
        drifted_ns = np.rint(spec.clock_drift_ppm * 1e-6 * arrival_s * NS_PER_S).astype(np.int64)
        errors[nodes.index(spec.clock_drift_node)] += drifted_ns
    return errors
