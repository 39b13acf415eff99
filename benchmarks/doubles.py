"""Whom ``models`` asks: models that bound what any model can do, and a real one behind a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from rclagent import (
    ChatModel,
    Diagnosis,
    Incident,
    Limits,
    ModelAccess,
    connect,
    diagnose,
    read_settings,
)
from rclagent.testing import ClaimingModel, RandomCitingModel, SenselessModel


@dataclass(frozen=True, slots=True)
class Known:
    """What bounds are made of, and no real model ever sees."""

    ranking: tuple[str, ...]
    """Services as measurements alone rank them."""
    causes: tuple[str, ...]
    """Services at fault."""

    @property
    def cause(self) -> str:
        """The cause that measurements rank highest."""
        return next((service for service in self.ranking if service in self.causes), self.causes[0])

    @property
    def bystander(self) -> str:
        """The service that is no cause and that measurements rank highest; without any their last one."""
        named = self.ranking or self.causes
        return next((service for service in named if service not in self.causes), named[-1])


Spending: TypeAlias = Literal["suspicious", "all"]
"""Where calls go."""
Make: TypeAlias = Callable[[Known, int], ChatModel]
"""A double for one incident, by the seed."""

DOUBLES: Final[Mapping[str, Make]] = {
    "senseless": lambda known, seed: SenselessModel(seed),
    "random-citer": lambda known, seed: RandomCitingModel(seed),
    "adversary": lambda known, seed: ClaimingModel(known.bystander),
    "oracle": lambda known, seed: ClaimingModel(known.cause),
}
"""By name. ``adversary`` and ``oracle`` are told the label: they bound harm and gain, and are no results."""
BY_CHANCE: Final = ("senseless", "random-citer")
"""Those that another seed makes say something else."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody to be asked."""

    name: str
    """Shown in tables."""
    seeds: int
    """How often each case is diagnosed."""
    ask: Callable[[Incident, Spending, Known, int], Coroutine[None, None, Diagnosis]]
    """The diagnosis of an incident with it, by spending, what a double is told, and seed."""


def double(name: str, seeds: int) -> Subject:
    """One of DOUBLES, in this process."""
    make = DOUBLES[name]

    async def ask(incident: Incident, spend: Spending, known: Known, seed: int) -> Diagnosis:
        return await diagnose(incident, model=make(known, seed), spend=spend)

    return Subject(name, seeds if name in BY_CHANCE else 1, ask)


def server(name: str, base_url: str | None, timeout_s: float, limits: Limits) -> Subject:
    """A model behind a server, which is told nothing but its prompts.

    Args:
        name: Name of the model.
        base_url: Address; as the environment says without.
        timeout_s: Longest time of one request.
        limits: What one diagnosis may spend.

    Raises:
        InputError: The address or a key is missing.
    """
    settings = read_settings(os.environ, model=name, base_url=base_url)

    async def ask(incident: Incident, spend: Spending, known: Known, seed: int) -> Diagnosis:
        async with connect(settings) as model:
            access = ModelAccess(model=model, timeout_s=timeout_s)
            return await diagnose(incident, model=access, limits=limits, spend=spend)

    return Subject(name, 1, ask)
