"""Diagnose an incident from its files: ``python examples/diagnose_files.py INCIDENT BASELINE``.

Telemetry to try it with: ``python -m rclagent.testing .demo --fault cpu --service stock``.
"""

import sys

from rclagent import diagnose_sync, load_incident

incident = load_incident(sys.argv[1], baseline=sys.argv[2])
diagnosis = diagnose_sync(incident)

print(diagnosis.summary)
evidence = {item.id: item for item in diagnosis.evidence}
for cause in diagnosis.root_causes:
    print(f"{cause.rank}. {cause.service}: {cause.fault_type.value}, confidence {cause.confidence:.0%}")
    for name in cause.evidence[:3]:
        print(f"   {evidence[name].statement}")
