"""`lakehouse contracts`: listed, printed, sampled, checked."""

from __future__ import annotations

import json

import pytest
import yaml
from typer.testing import CliRunner

from lakehouse.cli.contracts import app
from lakehouse.errors import SettingsError
from lakehouse.sources.contracts import ContractBreachError, load_sources


def run(*arguments: str) -> str:
    answer = CliRunner().invoke(app, list(arguments))
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_all_sources_are_listed():
    listed = json.loads(run("--json"))
    assert [row["source"] for row in listed] == list(load_sources().files)
    assert {"source": "maintenance-log", "kind": "delimited", "bronze": "maintenance_log", "silver": "maintenance_intervention",
            "title": "a maintenance log"} in listed  # fmt: skip


def test_a_contract_is_printed_as_it_could_be_written():
    told = yaml.safe_load(run("show", "nest-work-order"))["nest-work-order"]
    assert (told["header"], told["first_row"], len(told["foreign_header"])) == ("foreign", "mangled", 32)
    assert told["fields"]["started_at"] == {"column": "StartDate", "layouts": ["d/M/yyyy H:mm", "dd-MM-yyyy HH:mm:ss"]}
    assert json.loads(run("show", "nest-work-order", "--json"))["delimiter"] == ","


def test_a_sample_passes_its_check(tmp_path):
    path = tmp_path / "drop"
    assert "250 rows" in run("sample", "erp-item", "--rows", "250", "--seed", "3", "--out", str(path))
    assert json.loads(run("check", "erp-item", str(path), "--json")) == {"row_count": 250, "broken_count": 0, "broken": {}}


def test_broken_rows_are_counted_by_rule(tmp_path):
    path = tmp_path / "drop"
    run("sample", "mes-result", "--rows", "20", "--out", str(path))
    path.write_bytes(path.read_bytes() + b"1,2\n\x00" + b"," * 22 + b"\n")
    assert run("check", "mes-result", str(path)).strip().endswith("22 rows, 2 broken, columns 1, control_char 1")


def test_differences_are_printed_and_end_the_command(tmp_path):
    path = tmp_path / "drop"
    path.write_text("a|b\n1|2\n")
    answer = CliRunner().invoke(app, ["check", "mes-plan-shift", str(path)])
    assert isinstance(answer.exception, ContractBreachError)
    assert "- header column 'ID': expected present, found missing among 'a', 'b'" in answer.stdout


@pytest.mark.parametrize("arguments", [("show", "nowhere"), ("check", "nowhere", __file__), ("sample", "nowhere", "--out", "/dev/null")])
def test_an_unknown_source_names_the_known_ones(arguments):
    with pytest.raises(SettingsError, match="mes-plan-shift"):
        run(*arguments)
