"""For tests, ours and those of plug-in authors: incidents made to order or written by hand, files of them."""

from rclagent.testing.bakery import bakery
from rclagent.testing.builder import repeated, written
from rclagent.testing.claiming_models import Citing, ClaimingModel, ObedientModel
from rclagent.testing.faults import Fault
from rclagent.testing.fleet import Deploy
from rclagent.testing.generator import GeneratedIncident, Truth, generate
from rclagent.testing.leg_spread import leg_std_ms
from rclagent.testing.models import (
    FailingModel,
    ScriptedModel,
    SenselessModel,
    SlowModel,
    ToolLoopModel,
)
from rclagent.testing.otlp_writer import write_otlp
from rclagent.testing.parquet_writer import write_parquet
from rclagent.testing.parts import Call, External, Publish, Query
from rclagent.testing.random_citing import RandomCitingModel
from rclagent.testing.random_system import random_system
from rclagent.testing.recursing_model import Dialect, RecursingModel
from rclagent.testing.shapes import big, chain, star
from rclagent.testing.shop import shop
from rclagent.testing.spec import IncidentSpec
from rclagent.testing.system import Entry, Line, Operation, Pod, Service, System

__all__ = [
    "Call",
    "Citing",
    "ClaimingModel",
    "Deploy",
    "Dialect",
    "Entry",
    "External",
    "FailingModel",
    "Fault",
    "GeneratedIncident",
    "IncidentSpec",
    "Line",
    "ObedientModel",
    "Operation",
    "Pod",
    "Publish",
    "Query",
    "RandomCitingModel",
    "RecursingModel",
    "ScriptedModel",
    "SenselessModel",
    "Service",
    "SlowModel",
    "System",
    "ToolLoopModel",
    "Truth",
    "bakery",
    "big",
    "chain",
    "generate",
    "leg_std_ms",
    "random_system",
    "repeated",
    "shop",
    "star",
    "write_otlp",
    "write_parquet",
    "written",
]
