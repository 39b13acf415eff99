"""For tests, ours and those of plug-in authors: incidents made to order or written by hand, files of them."""

from rclagent.testing.builder import repeated, written
from rclagent.testing.faults import Fault
from rclagent.testing.generator import GeneratedIncident, Truth, generate
from rclagent.testing.otlp_writer import write_otlp
from rclagent.testing.parquet_writer import write_parquet
from rclagent.testing.random_system import random_system
from rclagent.testing.shapes import big, chain, star
from rclagent.testing.shop import shop
from rclagent.testing.spec import IncidentSpec
from rclagent.testing.system import Call, Entry, Line, Operation, Pod, Query, Service, System

__all__ = [
    "Call",
    "Entry",
    "Fault",
    "GeneratedIncident",
    "IncidentSpec",
    "Line",
    "Operation",
    "Pod",
    "Query",
    "Service",
    "System",
    "Truth",
    "big",
    "chain",
    "generate",
    "random_system",
    "repeated",
    "shop",
    "star",
    "write_otlp",
    "write_parquet",
    "written",
]
