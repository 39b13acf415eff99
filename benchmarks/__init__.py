"""Benchmarks: data sets with known faults, methods to compare, one strict protocol, and figures."""
