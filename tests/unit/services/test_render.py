import json
import stat

import pytest

from lakehouse.errors import SettingsError
from lakehouse.ports import PORTS
from lakehouse.services import environment
from lakehouse.services.render import fill, placeholders, render
from lakehouse.settings import HOME, SECRET_NAMES, Settings


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    settings = Settings(stack="unit", lake_home=tmp_path_factory.mktemp("lake"), port_offset=20000)
    render(settings)
    return settings


def files(settings):
    return [path for path in (settings.run / "conf").rglob("*") if path.is_file()]


def test_every_rendered_file_is_for_its_owner_only(rendered):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files(rendered)}
    assert len(modes) > 10
    assert set(modes.values()) == {0o600}


def test_rendering_again_changes_nothing(rendered):
    before = {path: path.read_bytes() for path in files(rendered)}
    render(rendered)
    assert {path: path.read_bytes() for path in files(rendered)} == before


def test_no_placeholder_is_left(rendered):
    left = [path.name for path in files(rendered) if path.parent.name in ("kafka", "nessie", "trino", "catalog") and "$" in path.read_text()]
    assert left == []


def test_what_all_processes_are_told_holds_no_secret(rendered):
    shared = environment.env_file(rendered).read_text() + (HOME / "conf" / "process-compose.yaml").read_text()
    assert [name for name in SECRET_NAMES if rendered.secret(name) in shared] == []


def test_each_secret_file_holds_only_its_own(rendered):
    values = {name: rendered.secret(name) for name in SECRET_NAMES}
    holds = {path.name: {name for name, value in values.items() if value in path.read_text()} for path in files(rendered)}
    assert holds["spark.env"] == set()
    assert holds["minio.env"] == {"minio_root_password"}
    assert holds["spark.properties"] == {"s3_writer_secret"}
    assert holds["lake.properties"] == holds["kpi.properties"] == {"s3_reader_secret"}
    assert holds["application.properties"] == {"s3_writer_secret"}
    assert {name.split("_")[0] for name in holds["airflow.env"]} == {"airflow"}
    assert {name.split("_")[0] for name in holds["superset.env"]} == {"superset"}


def test_every_port_comes_from_the_one_list_and_moves_with_the_offset(rendered):
    variables = environment.stack_variables(rendered)
    assert {name: int(variables[f"PORT_{name.upper()}"]) for name in PORTS} == {name: port + 20000 for name, port in PORTS.items()}
    text = "".join(path.read_text() for path in files(rendered) if path.name != "stack.env")
    assert [port for port in PORTS.values() if f":{port}" in text or f"={port}\n" in text] == []


def test_children_read_the_same_settings(rendered, monkeypatch):
    for name, value in environment.settings_environment(rendered).items():
        monkeypatch.setenv(name, value)
    assert Settings() == rendered


def test_trino_rules_are_json_and_nobody_may_write_the_lake(rendered):
    rules = json.loads((rendered.run / "conf" / "trino" / "rules.json").read_text())
    assert {rule["allow"] for rule in rules["catalogs"] if rule["catalog"] == "lake"} == {"read-only"}
    writers = [rule for rule in rules["tables"] if {"INSERT", "DELETE", "UPDATE"} & set(rule["privileges"])]
    assert writers == []


def test_an_unknown_placeholder_is_named(tmp_path, rendered):
    template = HOME / "conf" / "kafka" / "server.properties"
    values = placeholders(rendered)
    del values["port_kafka"]
    with pytest.raises(SettingsError, match="port_kafka"):
        fill(template, values)


def test_shell_and_env_texts_keep_odd_values():
    assert environment.shell_text({"A": "it's $HOME"}) == "export A='it'\"'\"'s $HOME'\n"
    assert environment.dotenv_text({"A": "/a b"}) == "A='/a b'\n"
