"""``rclagent explain``."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rclagent.cli.entry_point import run
from rclagent.report.explanation import Explanation

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def saved(shop: Path) -> str:
    """A diagnosis on disk: pricing answers late."""
    target = str(shop / "diagnosis.json")
    command = ["diagnose", str(shop / "incident"), "--baseline", str(shop / "baseline")]
    assert run([*command, "-o", "json", "--out", target]) == 0
    return target


def test_the_cause_is_explained_on_stdout(saved: str, capsys: Capture) -> None:
    assert run(["explain", saved]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    for title in (
        "Why pricing: network delay",
        "What speaks against pricing:",
        "How the agents saw pricing:",
    ):
        assert title in shown.out


def test_a_service_is_compared_with_the_cause(saved: str, capsys: Capture) -> None:
    assert run(["explain", saved, "--service", "till", "-o", "json"]) == 0
    told = Explanation.model_validate_json(capsys.readouterr().out)
    assert told.asked is not None
    assert (told.causes[0].service, told.asked.service) == ("pricing", "till")
    assert told.asked.suspecting < told.causes[0].suspecting


def test_markdown_goes_to_a_file(saved: str, tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "why.md"
    assert run(["explain", saved, "--service", "wallet", "-o", "md", "--out", str(target)]) == 0
    assert "### Why not wallet" in target.read_text(encoding="utf-8")
    assert capsys.readouterr().out == ""


def test_stdin_is_read(saved: str, capsys: Capture) -> None:
    command = [sys.executable, "-m", "rclagent", "explain", "-"]
    done = subprocess.run(command, input=Path(saved).read_bytes(), capture_output=True)
    run(["explain", saved])
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == capsys.readouterr().out


def test_a_compressed_diagnosis_is_read(saved: str, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "diagnosis.json.gz").write_bytes(gzip.compress(Path(saved).read_bytes()))
    assert run(["explain", str(tmp_path / "diagnosis.json.gz")]) == 0


def test_a_later_layout_of_the_same_kind_is_read(saved: str, tmp_path: Path) -> None:
    content = {**json.loads(Path(saved).read_text()), "schema_version": "1.9", "news": 1}
    (tmp_path / "later.json").write_text(json.dumps(content))
    assert run(["explain", str(tmp_path / "later.json")]) == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("nothing to see here", "is no diagnosis: Invalid JSON"),
        ("", "is no diagnosis: Invalid JSON"),
        ("[]", "is no diagnosis"),
        ('{"traces": []}', "is no diagnosis: schema_version: Field required."),
        ('{"schema_version": "1.0"}', "is no diagnosis: verdict: Field required."),
        ('{"schema_version": "2.0"}', "has schema_version '2.0'; this program reads 1.2."),
        ('{"schema_version": "\\u001b[31m"}', "has schema_version '\\x1b[31m'"),
    ],
)
def test_what_is_no_diagnosis_is_one_line(
    content: str, problem: str, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "input.json").write_text(content)
    assert run(["explain", str(tmp_path / "input.json")]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert "input.json' " in shown.err
    assert problem in shown.err


def test_a_folder_and_a_missing_file_are_told(tmp_path: Path, capsys: Capture) -> None:
    assert run(["explain", str(tmp_path)]) == 2
    assert "is a folder, not a diagnosis. Give what `rclagent diagnose" in capsys.readouterr().err
    assert run(["explain", str(tmp_path / "missing.json")]) == 2
    assert "missing.json' cannot be read" in capsys.readouterr().err


def test_standard_input_without_a_diagnosis_is_one_line() -> None:
    done = subprocess.run([sys.executable, "-m", "rclagent", "explain", "-"], input=b"{", capture_output=True)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert b"'<stdin>' is no diagnosis" in done.stderr


@pytest.mark.parametrize(
    ("service", "problem"),
    [("pricng", "Did you mean 'pricing'?"), (" ", "--service names nothing.")],
)
def test_a_misspelt_service_is_one_line(saved: str, service: str, problem: str, capsys: Capture) -> None:
    assert run(["explain", saved, "--service", service]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert problem in shown.err


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_no_damaged_diagnosis_ends_in_a_traceback(
    data: st.DataObject, saved: str, tmp_path: Path, capsys: Capture
) -> None:
    content = json.loads(Path(saved).read_text())
    place, key = content, data.draw(st.sampled_from(sorted(content)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    place[key] = data.draw(st.sampled_from([None, "", "x\x1b[0m", -1, 10**400, 0.5, [], {}]))
    (tmp_path / "damaged.json").write_text(json.dumps(content))
    code = run(["explain", str(tmp_path / "damaged.json"), "--service", "till"])
    shown = capsys.readouterr()
    assert code in (0, 2)
    assert "\x1b" not in shown.out + shown.err
    assert shown.err.count("\n") == (code == 2)
