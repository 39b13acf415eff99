"""Levels of log lines."""

from __future__ import annotations

import polars as pl
import pytest

from rclagent.telemetry.severity import severity_of_body, severity_of_name, severity_of_number


def of(expression: pl.Expr, text: str | None) -> object:
    return pl.DataFrame({"text": [text]}, schema={"text": pl.String}).select(expression).item()


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("19:50:59.971 INFO  t.s.TravelServiceImpl#457 all good, no ERROR", "INFO"),
        ("2023-01-01 [main] WARNING disk is nearly full", "WARN"),
        ("severity: info, message: conversion request successful", "INFO"),
        ("level=warn msg=ERROR", "WARN"),
        ('{"message":"ERROR page shown","severity":"info"}', "INFO"),
        ('{"level":50,"time":1}', "ERROR"),
        ('{"msg":"INFO"}', "INFO"),
        ("2023/01/01 00:00:00 [error] 7#7: upstream timed out", "ERROR"),
        ("x" * 300 + " level=error", "ERROR"),
        ("x" * 300 + " ERROR", None),
        ("an error happened, level: odd", None),
        ("", None),
        (None, None),
    ],
)
def test_a_line_names_its_own_level(line: str | None, level: str | None) -> None:
    assert of(severity_of_body(pl.col("text")), line) == level


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("Information", "INFO"),
        ("ERROR3", "ERROR"),
        (" warning ", "WARN"),
        ("critical", "FATAL"),
        ("odd", "ODD"),
        ("", None),
    ],
)
def test_names_of_levels_become_one_vocabulary(name: str, level: str | None) -> None:
    assert of(severity_of_name(pl.col("text")), name) == level


def test_numbers_of_levels_have_four_steps_each() -> None:
    assert [severity_of_number(number) for number in (0, 1, 4, 5, 9, 13, 17, 24, 25)] == [
        None, "TRACE", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", None,
    ]  # fmt: skip
