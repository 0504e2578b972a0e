from pathlib import Path

import pytest
import yaml

from lakehouse.errors import SettingsError
from lakehouse.sources.contracts import SOURCES_FILE, Difference, load_sources
from lakehouse.sources.formats import MarkerObject
from lakehouse.sources.tables import bronze_table, declared_table, file_tables, readings
from lakehouse.tables import bronze, silver
from lakehouse.tables.silver_mes import MES_TABLES, PRODUCTION_PLAN


def _changed(tmp_path: Path, change) -> Path:
    raw = yaml.safe_load(SOURCES_FILE.read_text())
    change(raw["files"])
    path = tmp_path / "sources.yaml"
    path.write_text(yaml.safe_dump(raw, sort_keys=False))
    return path


DUMPS = {
    "mes-plan-shift": "production_plan", "mes-result": "production_result", "mes-work-order": "work_order",
    "mes-routing-stage": "routing_stage", "mes-item": "item", "erp-item": "erp_item_row", "erp-warehouse": "stock_movement",
    "erp-bill-of-material": "bill_of_material",
}  # fmt: skip


def test_committed_contracts_name_declared_tables():
    contracts = load_sources().files
    assert {name: contracts[name].silver_name for name in DUMPS} == DUMPS
    assert {"mes-production-log", "confirmations"} <= set(contracts)
    bronze_tables, silver_tables = file_tables(load_sources())
    assert bronze_tables[: len(bronze.FILE_TABLES)] == bronze.FILE_TABLES
    assert silver_tables[: len(silver.FILE_TABLES + MES_TABLES)] == silver.FILE_TABLES + MES_TABLES
    assert {each.bronze for each in contracts.values()} == {table.name for table in bronze_tables}
    assert len(bronze_tables) == len(contracts)


COLUMNS = {
    "mes-plan-shift": 15, "mes-result": 23, "mes-work-order": 32, "mes-routing-stage": 69, "erp-item": 25, "erp-warehouse": 43,
    "erp-bill-of-material": 26, "sap-confirmation": 82,
}  # fmt: skip


@pytest.mark.parametrize(("source", "count"), COLUMNS.items())
def test_each_dump_has_its_columns(source, count):
    assert len(load_sources().contract(source).columns) == count


def test_the_warehouse_may_lack_its_last_two_columns():
    assert list(load_sources().contract("erp-warehouse").widths) == [41, 42, 43]


def test_fields_are_resolved_in_the_table_s_order():
    sources = load_sources()
    plan = readings(sources.contract("mes-plan-shift"))
    assert [name for name in PRODUCTION_PLAN.column_names if name in plan] == list(plan)
    assert (plan["planned_qty"].as_, plan["plan_date"].as_, plan["plan_date"].layouts) == ("quantity", "date", ("yyyy-MM-dd",))
    assert (plan["slot_hour"].as_, plan["slot_hour"].layouts[0]) == ("hour_of_day", "yyyy-MM-dd HH:mm:ss")
    start = readings(sources.contract("sap-confirmation"))["start_at"]
    assert (start.as_, start.layouts, start.time_layouts) == ("instant", (), ("iso_duration",))
    assert readings(sources.contract("maintenance-log"))["downtime_h"].as_ == "duration_h"


def test_a_table_by_contract_alone():
    contract = load_sources().contract("maintenance-log")
    table = declared_table(contract)
    assert (table.schema_name, table.key, table.write) == ("silver.maintenance_intervention", ("site_id", "intervention_id"), "merge")
    assert table.column_names[0] == "site_id" and table.column_names[-2:] == ("source_ref", "landed_at")
    assert [column.name for column in table.columns if column.required] == [
        "site_id", "intervention_id", "intervention_date", "machine_id", "downtime_h", "source_ref", "landed_at",
    ]  # fmt: skip
    assert bronze_table(contract).row == "One row of a maintenance log, as it stood in the file."


def test_a_marker_object_lies_beside_the_drop():
    assert MarkerObject(marker=".done").key_of("s/demo/a.csv") == "s/demo/a.csv.done"
    assert MarkerObject(marker="_SUCCESS").key_of("s/demo/a.csv") == "s/demo/_SUCCESS"


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
        (lambda files: files["mes-production-log"].pop("timestamp_layouts"), "silver.production_event needs timestamp_layouts"),
        (lambda files: files["mes-plan-shift"].update(silver="nowhere"), "mes-plan-shift: no silver table nowhere is declared"),
        (lambda files: files["mes-plan-shift"].pop("silver"), "needs either silver"),
        (lambda files: files["mes-plan-shift"]["fields"].update(plan_date="Day"), "plan_date reads 'Day', which is not among the columns"),
        (lambda files: files["mes-plan-shift"]["fields"].pop("item_no"), "item_no of silver.production_plan is required and has no field"),
        (lambda files: files["mes-plan-shift"]["fields"].update(colour="Bay"), "silver.production_plan has no column colour"),
        (lambda files: files["mes-plan-shift"]["fields"].update(site_id="Bay"), "site_id is filled by the pipeline"),
        (lambda files: files["mes-plan-shift"]["fields"].update(bay={"column": "Bay", "as": "date"}), "bay is string, which is not read as date"),
        (lambda files: files["mes-plan-shift"]["fields"].update(bay={"column": "Bay", "constant": "x"}), "exactly one of column, constant"),
        (lambda files: files["mes-plan-shift"]["fields"].update(bay={"column": "Bay", "as": "code"}), "a code needs values"),
        (lambda files: files["mes-plan-shift"]["fields"].update(bay={"date": "Date", "as": "instant"}), "date and time stand together"),
        (lambda files: files["mes-plan-shift"].update(key=["Nr"]), "the key 'Nr' is not among the columns"),
        (lambda files: files["mes-plan-shift"].update(zone="Europe/Atlantis"), "no time zone Europe/Atlantis"),
        (lambda files: files["mes-plan-shift"].update(encoding="utf-9"), "no encoding utf-9"),
        (lambda files: files["mes-plan-shift"].update(delimiter='"'), "the delimiter is a quote"),
        (lambda files: files["mes-plan-shift"]["columns"].append("ID"), "column 'ID' twice"),
        (lambda files: files["mes-plan-shift"]["columns"].append("#raw"), "column '#raw' begins with '#'"),
        (lambda files: files["mes-plan-shift"].update(bronze="Plan Shift"), "mes-plan-shift.*bronze.*pattern"),
        (lambda files: files["mes-plan-shift"].update(bronze="nest_plan_shift"), "bronze.nest_plan_shift belongs to mes-plan-shift"),
        (lambda files: files["mes-plan-shift"].update(complete="soon"), "complete"),
        (lambda files: files["mes-result"].update(optional=["Company"]), "optional columns need a header"),
        (lambda files: files["mes-result"].update(trailing_optional=23), "trailing_optional leaves no column"),
        (lambda files: files["mes-result"].update(taken_back={"Nope": ["1"]}), "taken_back reads 'Nope', which is not among the columns"),
        (lambda files: files["mes-production-log"].update(taken_back={"Rework": ["Y"]}), "taken_back belongs to sources that are typed by `fields`"),
        (lambda files: files["confirmations"].update(taken_back={"order_no": ["1"]}), "theirs is `reversal`"),
        (lambda files: files["mes-result"].update(header="foreign"), "foreign_header belongs to"),
        (lambda files: files["mes-result"]["fields"]["is_reinspection_needed"].pop("values"), "is a boolean and needs values"),
        (lambda files: files["mes-item"].update(end="<<ID>>"), "'<<ID>>' twice, so a record"),
        (lambda files: files["mes-item"]["record"][1].update(marker="<<ID>>x"), "contains '<<ID>>'"),
        (lambda files: files["mes-routing-stage"].update(types={"nr": "int64"}), "types names 'nr'"),
        (lambda files: files["maintenance-log"]["table"].update(name="item"), "silver.item is declared already"),
        (lambda files: files["maintenance-log"]["table"].update(key=["nr"]), "the key nr is no column"),
        (lambda files: files["maintenance-log"]["table"]["columns"]["parts"].update(type="array<string>"), "is none of string, int"),
        (lambda files: files["maintenance-log"]["table"]["rules"][0]["good"].update(x=1), "rule downtime_range shows x, which is no column"),
        (lambda files: files["maintenance-log"]["table"]["rules"][0].pop("bad"), "bad"),
        (lambda files: files.update({"Bad Name": files.pop("mes-result")}), "Bad Name"),
    ],
)
def test_mistakes_are_named(tmp_path, change, said):
    with pytest.raises(SettingsError, match=said):
        load_sources(_changed(tmp_path, change))


def test_all_mistakes_are_told_at_once(tmp_path):
    def change(files):
        files["mes-plan-shift"]["fields"].update(colour="Bay")
        files["mes-result"]["fields"].pop("board_id")

    with pytest.raises(SettingsError, match=r"no column colour.*board_id of silver.production_result"):
        load_sources(_changed(tmp_path, change))


def test_not_yaml(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text("files: [")
    with pytest.raises(SettingsError, match="not YAML"):
        load_sources(path)


def test_difference_is_one_line():
    assert Difference("header", "once", "2 times", column="qty").text() == "header column 'qty': expected once, found 2 times"
    assert Difference("quoting", "RFC 4180", "eof", row=7).text() == "quoting row 7: expected RFC 4180, found eof"
