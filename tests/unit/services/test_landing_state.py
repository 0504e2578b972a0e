from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from lakehouse.bronze.landing_zone import Listed, ready
from lakehouse.cli.landed import lines
from lakehouse.errors import SettingsError
from lakehouse.services import landing_state
from lakehouse.services.landing_state import LandedObject, Pending, landed, pending
from lakehouse.services.sql import Answer
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources
from lakehouse.sources.formats import MarkerObject

SITES = {"demo"}
CONTRACT = load_sources().contract("mes-production-log")


def listed(*keys):
    return [Listed(key, f"etag-{key}", 10, datetime(2026, 11, 20, tzinfo=UTC)) for key in keys]


def keys(found):
    return [each.key for each in found]


def test_new_objects_of_known_sites_and_of_none_are_ready():
    found = ready(listed("s/demo/a.csv", "s/nowhere/b.csv", "s/c.csv"), set(), SITES, CONTRACT.complete)
    assert keys(found) == ["s/demo/a.csv", "s/c.csv"]


def test_what_was_landed_is_not_ready_until_its_bytes_change():
    one = listed("s/demo/a.csv")
    assert ready(one, {("s/demo/a.csv", "etag-s/demo/a.csv")}, SITES, CONTRACT.complete) == []
    assert keys(ready([replace(one[0], etag="another")], {("s/demo/a.csv", "etag-s/demo/a.csv")}, SITES, CONTRACT.complete)) == ["s/demo/a.csv"]


@pytest.mark.parametrize("name", ["~$a.xlsx", ".a.csv", "a.csv.part", "a.tmp", ""])
def test_temporary_objects_are_left_out(name):
    assert ready(listed(f"s/demo/{name}"), set(), SITES, CONTRACT.complete) == []


@pytest.mark.parametrize(("marker", "beside"), [(".done", "s/demo/a.csv.done"), ("_SUCCESS", "s/demo/_SUCCESS")])
def test_a_drop_with_a_marker_waits_for_it_and_the_marker_is_no_file(marker, beside):
    contract = CONTRACT.model_copy(update={"complete": MarkerObject(marker=marker)})
    assert ready(listed("s/demo/a.csv"), set(), SITES, contract.complete) == []
    assert keys(ready(listed("s/demo/a.csv", beside), set(), SITES, contract.complete)) == ["s/demo/a.csv"]


@dataclass
class Lake:
    """A stand-in for Trino and the bucket."""

    objects: dict
    recorded: list
    asked: list

    def run_sql(self, _settings, sql, user="engineer", values=()):
        self.asked.append(sql)
        (value,) = values if sql in (landing_state.RECORDED_SQL, landing_state.LANDED_SQL, landing_state.SEEN_SQL) else (None,)
        if sql == landing_state.RECORDED_SQL:
            names = sorted({row["source"] for row in self.recorded if row["run_id"] == value + row["source"]})
            counts = [(n, [r for r in self.recorded if r["source"] == n and r["run_id"] == value + n]) for n in names]
            return Answer([], [(n, len(rows), sum(r["bytes"] for r in rows)) for n, rows in counts])
        if sql == landing_state.SEEN_SQL:
            return Answer([], [(r["key"], r["etag"]) for r in self.recorded if r["source"] == value])
        raise AssertionError(sql)

    def listed(self, source):
        return listed(*self.objects.get(source, ()))


@pytest.fixture
def lake(monkeypatch):
    objects = {"mes-production-log": ["mes-production-log/demo/new.csv"], "confirmations": ["confirmations/demo/new.xlsx"]}
    made = Lake(objects, [], [])
    monkeypatch.setattr(landing_state, "run_sql", made.run_sql)
    monkeypatch.setattr(landing_state, "LandingZone", lambda _: made)
    return made


def record(lake, source, run, name):
    key = f"{source}/demo/{name}"
    lake.recorded.append({"source": source, "run_id": f"{run}/{source}", "key": key, "etag": f"etag-{key}", "bytes": 7})


def test_workbooks_and_files_are_asked_for_apart(lake, tmp_path):
    settings = Settings(lake_home=tmp_path)
    assert pending(settings, "files") == [Pending("mes-production-log", 1, 10, "production_event")]
    assert pending(settings, "workbooks") == [Pending("confirmations", 1, 10, "confirmation")]


def test_one_source_can_be_asked_for_and_an_unknown_one_is_named(lake, tmp_path):
    settings = Settings(lake_home=tmp_path)
    assert pending(settings, "files", source="mes-item") == []
    with pytest.raises(SettingsError, match="source mes-itme"):
        pending(settings, "files", source="mes-itme")


def test_a_run_that_landed_before_answers_what_it_landed_not_what_is_new(lake, tmp_path):
    settings = Settings(lake_home=tmp_path)
    record(lake, "mes-item", "run-1", "old.txt")
    record(lake, "mes-item", "run-10", "older.txt")
    record(lake, "confirmations", "run-1", "old.xlsx")
    assert pending(settings, "files", "run-1") == [Pending("mes-item", 1, 7, "item")]
    assert pending(settings, "workbooks", "run-1") == [Pending("confirmations", 1, 7, "confirmation")]
    assert pending(settings, "files", "run-2") == [Pending("mes-production-log", 1, 10, "production_event")]


def test_a_run_id_with_a_wildcard_matches_itself_only(lake, tmp_path):
    record(lake, "mes-item", "manual__1", "old.txt")
    assert pending(Settings(lake_home=tmp_path), "files", "manual_x1") == [Pending("mes-production-log", 1, 10, "production_event")]


def test_what_became_of_a_runs_objects_counts_the_rows_in_quarantine_of_landed_ones(monkeypatch, tmp_path):
    def answer(_settings, sql, user="engineer", values=()):
        if sql == landing_state.LANDED_SQL:
            assert values == ["r/"]
            rows = [("confirmations", "a", "sha-a", "landed", "", [], 9), ("confirmations", "b", "sha-b", "rejected", "E_CONTRACT", ["sheet"], 0)]
            return Answer([], [*rows, ("confirmations", "c", "sha-a", "duplicate", "", [], 0)])
        assert values == ["sha-a"]
        assert "lake.silver.confirmation_quarantine" in sql
        assert "sensor_reading" not in sql
        assert "rule NOT IN ('repeated_header', 'total_row')" in sql
        return Answer([], [("sha-a", 2, 1)])

    monkeypatch.setattr(landing_state, "run_sql", answer)
    found = landed(Settings(lake_home=tmp_path), "r")
    assert [(each.status, each.rows, each.quarantined, each.to_mend) for each in found] == [
        ("landed", 9, 2, 1), ("rejected", 0, 0, 0), ("duplicate", 0, 0, 0),
    ]  # fmt: skip
    assert found[1].differences == ("sheet",)
    counts = "landed 1, duplicate 1, rejected 1; rows 9, quarantined 2"
    assert lines(found) == [f"confirmations: {counts}", counts]


def test_the_last_line_counts_all_sources_or_says_nothing_new():
    one = LandedObject("a", "a/x", "landed", "", (), 3, 1, 1)
    assert lines([one, replace(one, source="b", rows=4)])[-1] == "landed 2, duplicate 0, rejected 0; rows 7, quarantined 2"
    assert lines([]) == ["nothing new"]
