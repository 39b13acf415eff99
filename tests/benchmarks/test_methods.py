"""RCLAgent as a method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.datasets import MODALITIES
from benchmarks.methods import answer, rclagent
from benchmarks.nezha import nezha

if TYPE_CHECKING:
    from tests.benchmarks.conftest import NezhaSystem


def test_rclagent_ranks_the_delayed_service_first(nezha_system: NezhaSystem) -> None:
    view = nezha(nezha_system.write(), modalities=MODALITIES).cases[0].load()
    assert answer(rclagent, view)[0][0] == "shop"


def test_a_fault_with_nothing_before_it_is_no_failure(nezha_system: NezhaSystem) -> None:
    data = nezha_system.write(("11:00:00",), construct=False)
    view = nezha(data, modalities=MODALITIES).cases[0].load()
    assert view.baseline.spans.is_empty()
    assert all(service in view.services for service, _, _ in answer(rclagent, view))
