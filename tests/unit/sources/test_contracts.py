from pathlib import Path

import pytest
import yaml

from lakehouse.errors import SettingsError
from lakehouse.sources.contracts import SOURCES_FILE, Difference, load_sources
from lakehouse.tables import bronze, silver


def _changed(tmp_path: Path, change) -> Path:
    raw = yaml.safe_load(SOURCES_FILE.read_text())
    change(raw["files"])
    path = tmp_path / "sources.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def test_committed_contracts_name_declared_tables():
    contracts = load_sources().files
    assert {table.name for table in bronze.FILE_TABLES} <= {each.bronze for each in contracts.values()}
    assert {table.name for table in silver.FILE_TABLES} <= {each.silver for each in contracts.values()}


def test_profile_by_site():
    contract = load_sources().contract("confirmations")
    assert contract.profile_name("molding") == "molding_monthly_report"
    assert contract.profile_name("demo") == "generic"
    assert "recordDate" in contract.profile("molding").columns


def test_unknown_source_names_the_known_ones():
    with pytest.raises(SettingsError, match="mes-production-log"):
        load_sources().contract("erp")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files["confirmations"]["profiles"]["generic"]["key"].append("nope"), "not among the columns: nope"),
        (lambda files: files["confirmations"]["site_profiles"].update(x="absent"), "no such profile: absent"),
        (lambda files: files["mes-production-log"].update(delimeter=";"), "delimeter"),
        (lambda files: files["mes-production-log"].pop("columns"), "columns"),
    ],
)
def test_mistakes_are_named(tmp_path, change, said):
    with pytest.raises(SettingsError, match=said):
        load_sources(_changed(tmp_path, change))


def test_not_yaml(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text("files: [")
    with pytest.raises(SettingsError, match="not YAML"):
        load_sources(path)


def test_difference_is_one_line():
    assert Difference("header", "once", "2 times", column="qty").text() == "header column 'qty': expected once, found 2 times"
    assert Difference("quoting", "RFC 4180", "eof", row=7).text() == "quoting row 7: expected RFC 4180, found eof"
