"""Profiles: what was saved comes back, the same bytes each time, and no damage ends in anything but words."""

from __future__ import annotations

import json
import random
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from rclagent.core.baseline import Baseline
from rclagent.core.metric import MetricPoint, metrics_to_frame
from rclagent.core.telemetry import Telemetry
from rclagent.core.window import Window
from rclagent.errors import ProfileError
from rclagent.evidence.learning import learn
from rclagent.telemetry.frame_store import FrameStore
from rclagent.telemetry.profile import load_profile, save_profile
from rclagent.testing import repeated, written
from rclagent.testing.spec import START_NS

TRAFFIC = """
    counter: GET /   0..120
        | 1 INFO request 7 «für 茶»
        | 119 INFO answered
        counter: call shelf   10..110  client
            shelf: GET items   40..90  error
                shelf: SELECT items   50..80  client peer=shelf-db
        counter: call nobody   110..115  client
"""


def learned() -> Baseline:
    """A baseline with rows in each of its tables."""
    quiet = repeated(written(TRAFFIC), 5)
    samples = [
        MetricPoint(START_NS + time, "cpu", 0.1 * time, "shelf", "shelf-0", "node-a") for time in range(5)
    ]
    store = FrameStore(Telemetry(quiet.spans, quiet.logs, metrics_to_frame(samples)))
    return learn(
        store, [Window(START_NS, START_NS + 5 * 10**11), Window(START_NS + 10**12, START_NS + 10**13)]
    )


def tables(baseline: Baseline) -> dict[str, pl.DataFrame]:
    """The tables of a baseline by name."""
    values = {field.name: getattr(baseline, field.name) for field in fields(baseline)}
    return {name: value for name, value in values.items() if isinstance(value, pl.DataFrame)}


def assert_same(one: Baseline, other: Baseline) -> None:
    """Equal in every field, rows and types of all tables included."""
    assert (one.windows, one.counts) == (other.windows, other.counts)
    for name, table in tables(one).items():
        assert_frame_equal(table, tables(other)[name], check_exact=True)


def packed(path: Path, **changes: bytes | str | None) -> Path:
    """A copy of a profile with other members; None leaves one out."""
    target = path.with_name("changed.profile")
    names = {"manifest": "manifest.json"}
    changed = {names.get(name, f"{name}.parquet"): content for name, content in changes.items()}
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.namelist():
            content = changed.get(member, old.read(member))
            if content is not None:
                new.writestr(member, content)
    return target


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    """Learned once."""
    return learned()


@pytest.fixture
def saved(baseline: Baseline, tmp_path: Path) -> Path:
    """A profile in a file."""
    path = tmp_path / "shop.profile"
    save_profile(baseline, path)
    return path


def test_a_profile_comes_back_as_it_was_saved(baseline: Baseline, saved: Path) -> None:
    assert all(table.height for table in tables(baseline).values())
    assert_same(load_profile(saved), baseline)


def test_a_baseline_of_nothing_comes_back_too(tmp_path: Path) -> None:
    nothing = learn(FrameStore(Telemetry()), [])
    save_profile(nothing, tmp_path / "p")
    assert_same(load_profile(tmp_path / "p"), nothing)


def test_the_same_baseline_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    """Learned and saved a second time, under another name."""
    save_profile(learned(), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


def test_the_order_of_the_records_does_not_show_in_the_bytes(saved: Path, tmp_path: Path) -> None:
    quiet = repeated(written(TRAFFIC), 5)
    samples = [
        MetricPoint(START_NS + time, "cpu", 0.1 * time, "shelf", "shelf-0", "node-a")
        for time in (3, 0, 4, 2, 1)
    ]
    shuffled = Telemetry(
        quiet.spans.sample(fraction=1, shuffle=True, seed=1),
        quiet.logs.sample(fraction=1, shuffle=True, seed=1),
        metrics_to_frame(samples),
    )
    save_profile(learn(FrameStore(shuffled), learned().windows), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


def test_saving_replaces_the_file_and_leaves_nothing_beside_it(baseline: Baseline, saved: Path) -> None:
    saved.write_text("old")
    save_profile(baseline, saved)
    assert_same(load_profile(saved), baseline)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("place", ["no/such/folder/p", ".", "a-folder"])
def test_a_place_that_cannot_be_written_is_told(
    baseline: Baseline, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing half-written stays."""
    monkeypatch.chdir(tmp_path)
    Path("a-folder").mkdir()
    with pytest.raises(ProfileError, match=r"cannot be written.*--out"):
        save_profile(baseline, place)
    assert [path.name for path in tmp_path.iterdir()] == ["a-folder"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="No such file"):
        load_profile(tmp_path / "missing")


@pytest.mark.parametrize("version", [1, 99])
def test_a_profile_of_another_version_is_refused(saved: Path, version: int) -> None:
    manifest = json.dumps({"profile_version": version, "windows": [], "counts": {}})
    with pytest.raises(ProfileError, match=rf"a profile of version {version}, not 2\. .*baseline learn"):
        load_profile(packed(saved, manifest=manifest))


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        "7",
        "null",
        "{}",
        "{",
        '{"profile_version": 2}',
        '{"profile_version": 2, "windows": 7, "counts": {}}',
        '{"profile_version": 2, "windows": [[1]], "counts": {}}',
        '{"profile_version": 2, "windows": [[2, 1]], "counts": {}}',
        '{"profile_version": 2, "windows": [["a", "b"]], "counts": {}}',
        '{"profile_version": 2, "windows": [[Infinity, Infinity]], "counts": {}}',
        '{"profile_version": 2, "windows": [], "counts": []}',
        '{"profile_version": 2, "windows": [], "counts": {"spans": NaN}}',
        "[" * 100_000,
        b"\xff\xfe\x00",
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(saved: Path, manifest: str | bytes) -> None:
    with pytest.raises(ProfileError, match=r"changed\.profile' is not a profile: .*baseline learn"):
        load_profile(packed(saved, manifest=manifest))


@pytest.mark.parametrize("content", [None, b"", b"PAR1", b"not parquet at all"])
def test_a_missing_or_foreign_table_is_refused(saved: Path, content: bytes | None) -> None:
    with pytest.raises(ProfileError, match=r"changed\.profile"):
        load_profile(packed(saved, legs=content))


def test_a_table_with_other_columns_is_refused(saved: Path, baseline: Baseline, tmp_path: Path) -> None:
    other = replace(baseline, legs=baseline.legs.rename({"p95_ms": "p96_ms"}))
    save_profile(other, tmp_path / "other")
    with pytest.raises(ProfileError, match="holds a damaged table"):
        load_profile(tmp_path / "other")


def test_a_compressed_member_is_refused(saved: Path) -> None:
    """Profiles are stored as they are: a small file must not unpack to a huge one."""
    target = saved.with_name("packed")
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, old.read(member))
    with pytest.raises(ProfileError, match="compressed or encrypted"):
        load_profile(target)


def test_a_file_cut_anywhere_is_refused(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    chance = random.Random(1)
    for length in [0, 1, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(60))]:
        cut = tmp_path / "cut"
        cut.write_bytes(whole[:length])
        with pytest.raises(ProfileError):
            load_profile(cut)


def test_a_flipped_bit_anywhere_is_refused_or_harmless(
    saved: Path, baseline: Baseline, tmp_path: Path
) -> None:
    """Only dates and the like, which no one reads, may change unseen; half of the flips hit the directory."""
    whole = saved.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    chance = random.Random(2)
    refused = 0
    places = [chance.randrange(len(whole)) for _ in range(150)]
    for place in places + [chance.randrange(directory, len(whole)) for _ in range(150)]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            assert_same(load_profile(tmp_path / "damaged"), baseline)
        except ProfileError:
            refused += 1
    assert refused > 150
