"""Deploys: services of which another version, or other pods, run than before.

A new version is no fault by itself, and neither are new pods: what is found here is told beside the causes,
and counts for none of them. When versions and pods come and go: rclagent.evidence.rollouts.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from rclagent.core.calendar import utc
from rclagent.core.diagnosis import Change, ChangeKind
from rclagent.core.incident import Alarm, Incident
from rclagent.core.window import NS_PER_S
from rclagent.evidence.revisions import history, members_of, visits_of
from rclagent.evidence.rollouts import Rollout, rollouts

MAX_NAMES: Final = 20
"""Versions or pods listed of a change."""
MAX_TOLD: Final = 3
"""Versions named in a sentence."""
MAX_ROLLOUTS: Final = 3
"""Rollouts of a service that are told: the latest of versions and of pods; it has lived with the others."""
SHARP_S: Final = 60.0
"""A change that is known to the minute is told with its time, any other with the times around it."""


def find_changes(incident: Incident) -> tuple[Change, ...]:
    """Versions and pods that changed up to the end of the incident, in order of time."""
    revisions, seams = history(incident)
    visits = visits_of(revisions)
    versions = {
        service: rollouts(members, visits[service], seams.get(service))
        for service, members in members_of(revisions, "version").items()
    }
    pods = {
        service: [
            rollout
            for rollout in rollouts(members, visits[service], seams.get(service))
            # New pods are how a new version comes.
            if not any(_overlap(rollout, other) for other in versions.get(service, ()))
        ]
        for service, members in members_of(revisions, "pod").items()
    }
    found = [
        change(service, rollout, incident)
        for change, rollouts_of in ((_version_change, versions), (_pod_change, pods))
        for service, group in rollouts_of.items()
        for rollout in group[-MAX_ROLLOUTS:]
    ]
    return tuple(sorted(found, key=lambda change: (change.at_ns, change.service, change.kind)))


def _overlap(one: Rollout, other: Rollout) -> bool:
    return one.begin_ns <= other.end_ns and other.begin_ns <= one.end_ns


def _version_change(service: str, rollout: Rollout, incident: Incident) -> Change:
    before, after = (sorted(names) for names in (rollout.before, rollout.after))
    what = f"changed from {_named(before)} to {_named(after)}"
    return _change(service, ChangeKind.VERSION, rollout, before, after, what, incident)


def _pod_change(service: str, rollout: Rollout, incident: Incident) -> Change:
    gone, new = rollout.before - rollout.after, rollout.after - rollout.before
    if gone and new:
        by = "" if len(gone) == len(new) else f" by {len(new)}"
        what = f"replaced {_pods(len(gone))} of {len(rollout.before)}{by}"
    else:
        what = f"went from {_pods(len(rollout.before))} to {len(rollout.after)}"
    return _change(service, ChangeKind.PODS, rollout, gone, new, what, incident)


def _change(
    service: str,
    kind: ChangeKind,
    rollout: Rollout,
    before: Collection[str],
    after: Collection[str],
    what: str,
    incident: Incident,
) -> Change:
    return Change(
        service=service,
        kind=kind,
        earliest_ns=rollout.earliest_ns,
        at_ns=rollout.at_ns,
        before=tuple(sorted(before)[:MAX_NAMES]),
        after=tuple(sorted(after)[:MAX_NAMES]),
        statement=f"{service} {what} {_when(rollout, incident)}",
    )


def _when(rollout: Rollout, incident: Incident) -> str:
    """``at 09:07:12 UTC, 2 min 10 s before the alarm``; days only where they are not the alarm's."""
    day = utc(incident.alarm_ns)[:11]
    earliest, at = (
        utc(time_ns // NS_PER_S * NS_PER_S).removeprefix(day)
        for time_ns in (rollout.earliest_ns, rollout.at_ns)
    )
    if rollout.at_ns - rollout.earliest_ns > SHARP_S * NS_PER_S:
        return f"between {earliest} and {at}"
    later_s = rollout.at_ns // NS_PER_S - incident.alarm_ns // NS_PER_S
    mark = "start of the incident window" if incident.alarm is Alarm.NONE else "alarm"
    if later_s == 0:
        return f"at {at}, the time of the {mark}"
    return f"at {at}, {_lapse(abs(later_s))} {'after' if later_s > 0 else 'before'} the {mark}"


def _lapse(seconds: int) -> str:
    """A time in its two largest units: ``2 min 10 s``."""
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    first = next(place for place, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)


def _named(names: Collection[str]) -> str:
    told = list(names)[:MAX_TOLD]
    more = [f"{len(names) - MAX_TOLD} more"] if len(names) > MAX_TOLD else []
    *first, last = [*told, *more]
    return f"{', '.join(first)} and {last}" if first else last


def _pods(number: int) -> str:
    return "1 pod" if number == 1 else f"{number} pods"
