"""Root causes that a model names without evidence: nodes, services and pods, the most likely first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from rclagent.core.evidence import Component
from rclagent.llm.loose_json import read_value

LEVELS: Final = ("pod", "service", "node")
"""The most precise first."""
MOST_NAMED: Final = 20
"""Causes that are read; further ones are not."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where each name belongs: pods and nodes to services, services to themselves."""

    services: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Level to name to services: of a pod or a service the one, of a node all that run there."""

    @staticmethod
    def of(components: Iterable[Component]) -> Places:
        """The places of all components of an incident."""
        found: dict[str, dict[str, set[str]]] = {level: {} for level in LEVELS}
        for component in components:
            for level in LEVELS:
                name = getattr(component, level)
                if name is not None:
                    found[level].setdefault(name, set()).add(component.service)
        return Places(
            {
                level: {name: tuple(sorted(services)) for name, services in sorted(names.items())}
                for level, names in found.items()
            }
        )


class NamedCauses(BaseModel):
    """What a model named, each place once, in its order."""

    model_config = ConfigDict(frozen=True)

    places: tuple[tuple[str, str], ...] = ()
    """(level, name), of places that there are."""
    invented: int = 0
    """Names of nothing that there is."""
    repeated: int = 0
    """Places named again."""

    def services(self, places: Places) -> tuple[str, ...]:
        """The services that are meant, in the model's order; a node of several services means none."""
        meant = (places.services[level][name] for level, name in self.places)
        return tuple(dict.fromkeys(services[0] for services in meant if len(services) == 1))


def read_causes(value: Any, places: Places) -> NamedCauses | None:
    """The causes in the argument of a call; None where it is no list of any.

    Args:
        value: A list of objects with ``node``, ``service`` or ``pod``, of which the most precise known one
            counts; names alone, names at the wrong level, and the list as text are understood, too.
        places: What there is.
    """
    if isinstance(value, str):
        value = read_value(value)
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list) or not value:
        return None
    counts: Counter[str] = Counter()
    named: dict[tuple[str, str], None] = {}
    for entry in value[:MOST_NAMED]:
        place = _place(entry, places)
        if place is None:
            counts["invented"] += 1
        elif place in named:
            counts["repeated"] += 1
        else:
            named[place] = None
    return NamedCauses(places=tuple(named), invented=counts["invented"], repeated=counts["repeated"])


def _place(entry: Any, places: Places) -> tuple[str, str] | None:
    names = [entry.get(level) for level in LEVELS] if isinstance(entry, dict) else [entry]
    told = [
        (level, name.strip()) for level, name in zip(LEVELS, names, strict=False) if isinstance(name, str)
    ]
    elsewhere = [(level, name) for _, name in told for level in LEVELS]
    return next((place for place in [*told, *elsewhere] if place[1] in places.services[place[0]]), None)
