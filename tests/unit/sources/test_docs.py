"""The example in docs/sources.md works as it is written."""

from __future__ import annotations

import re

import yaml

from lakehouse.settings import HOME
from lakehouse.sources import readers
from lakehouse.sources.contracts import SOURCES_FILE, load_sources
from lakehouse.sources.tables import declared_table, readings

PAGE = (HOME / "docs" / "sources.md").read_text(encoding="utf-8")


def _block(begin: str) -> str:
    found = re.search(rf"```(?:yaml)?\n({re.escape(begin)}.*?)```", PAGE, re.DOTALL)
    assert found, begin
    return found[1]


def test_the_worked_example_is_a_contract_and_reads_its_file(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text(yaml.safe_dump({"files": yaml.safe_load(_block("files:"))["files"]}))
    contract = load_sources(path).contract("tool-change")
    assert declared_table(contract).key == ("site_id", "change_no")
    assert readings(contract)["life_h"].as_ == "duration_h"
    drop = tmp_path / "2026-11.csv"
    drop.write_text(_block("Nr;Zeit"))
    assert readers.check(drop, contract) == 2
    rows = [dict(row["cells"]) for table in readers.batches(drop, contract) for row in table.to_pylist()]
    assert rows[0] == {"Nr": "1", "Zeit": "20.11.2026 06:14", "Maschine": "M03", "Werkzeug": "T-118", "Standzeit": "41h45", "Grund": "V"}


def test_every_source_but_workbooks_and_every_key_is_on_the_page():
    for source, contract in load_sources(SOURCES_FILE).files.items():
        if contract.kind != "workbook":
            assert f"`{source}`" in PAGE, source
            for key in type(contract).model_fields:
                assert f"`{key}" in PAGE or f"{key}:" in PAGE or key == "timestamp_layouts", (contract.kind, key)
