"""The loader: everything wrong in one error, with file and path; the version is content."""

from pathlib import Path

import pytest

from lakehouse.errors import PlantModelError
from lakehouse.plant import load_plant
from lakehouse.plant.checks import LISTS

ROOT = Path(__file__).resolve().parents[3]
SITE = """
site_id: a
zone: UTC
shifts: [{shift_id: day, start: "00:00", end: "00:00"}]
machine_defaults: {line_id: L, area_id: A, state_source: state, quantity_source: counter}
machines: [{machine_id: M1}]
"""


def write(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def wrong(tmp_path, text):
    write(tmp_path, "a.yaml", text)
    with pytest.raises(PlantModelError) as caught:
        load_plant([tmp_path])
    return caught.value.cause


def test_the_committed_models_load():
    plant = load_plant([ROOT / "conf" / "plant", ROOT / "conf" / "plant" / "examples"])
    assert sorted(plant.sites) == ["bottling", "demo", "maintenance", "molding", "nab", "nest", "press", "production-log", "sap"]
    demo = plant.site("demo")
    assert sorted(demo.machines) == [f"M0{n}" for n in range(1, 9)]
    categories = {"planned_down", "setup", "unplanned_stop", "blocked_starved", "no_order"}
    assert {reason.category for reason in demo.reasons.values()} == categories
    assert plant.machine("demo", "M99") is None
    found = plant.machine("production-log", "Machine 4 - Turning & Milling")
    assert found is not None
    assert found.state_source == "mes"


def test_all_mistakes_at_once_with_file_and_path(tmp_path):
    write(tmp_path, "b.yaml", SITE.replace("site_id: a", "site_id: b").replace("UTC", "Europe/Berlim"))
    machines = "machines: [{machine_id: M1, state_source: guess}, {machine_id: M2, heartbeat_s: 0}]"
    cause = wrong(tmp_path, SITE.replace("machines: [{machine_id: M1}]", machines))
    assert "a.yaml:6: machines[0].state_source: " in cause
    assert "a.yaml:6: machines[1].heartbeat_s: " in cause
    assert "b.yaml:3: zone: " in cause


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('start: "00:00"', "start: 22:00", "shifts[0].start"),
        ("machines: [{machine_id: M1}]", "machines: [{machine_id: M1}, {machine_id: M1}]", "machine_id M1 is declared twice"),
        ('end: "00:00"}]', 'end: "08:00"}, {shift_id: late, start: "07:00", end: "09:00"}]', "shifts day and late overlap"),
        ("zone: UTC", "zone: UTC\nideal_cycles: [{part_no: P, cycle_s: 0}]", "ideal_cycles[0].cycle_s"),
        ("zone: UTC", "zone: UTC\nideal_cycles: [{part_no: P, cycle_s: 1, machine_id: M9}]", "unknown machine M9"),
        ("zone: UTC", "zone: UTC\nholidays: [{date: 2025-01-01, name: N, shifts: [x]}]", "unknown shift x"),
        ("zone: UTC", "zone: UTC\ncolour: red", "colour: "),
        ("zone: UTC", "zone: [", "not YAML"),
        ('end: "00:00"}]', 'end: "08:00"}, {shift_id: b, start: "00:00", end: "09:00"}]', "shifts day and b overlap"),
        ('end: "00:00"', 'end: "06:00", breaks: [{start: "05:45", minutes: 30}]', "break at 05:45"),
    ],
)
def test_each_mistake_is_named(tmp_path, old, new, part):
    assert part in wrong(tmp_path, SITE.replace(old, new))


def test_version_is_content(tmp_path):
    write(tmp_path, "a.yaml", SITE)
    first = load_plant([tmp_path]).version
    write(tmp_path, "a.yaml", "# a comment\n" + SITE)
    assert load_plant([tmp_path]).version == first
    write(tmp_path, "a.yaml", SITE.replace("M1", "M2"))
    assert load_plant([tmp_path]).version != first


def test_a_later_folder_replaces_a_site_but_one_folder_may_not_declare_it_twice(tmp_path):
    write(tmp_path / "one", "a.yaml", SITE)
    write(tmp_path / "two", "a.yaml", SITE.replace("M1", "M2"))
    assert load_plant([tmp_path / "one", tmp_path / "two"]).machine("a", "M2")
    write(tmp_path / "two", "b.yaml", SITE)
    with pytest.raises(PlantModelError, match=r"b\.yaml:2: site_id: a is declared in a\.yaml too"):
        load_plant([tmp_path / "two"])


def test_the_example_of_the_page_is_a_whole_plant_file(tmp_path):
    page = (ROOT / "docs" / "plant-model.md").read_text()
    write(tmp_path, "a.yaml", page.split("```yaml\n")[1].split("```")[0])
    declared = load_plant([tmp_path]).site("example").declared
    optional = {"discover"}
    assert {name for name in type(declared).model_fields if name not in declared.model_fields_set} == optional
    fields = {name for kind in (type(declared), *LISTS.values()) for name in kind.model_fields}
    assert {name for name in fields if f"`{name}`" not in page and name not in page.split("## A whole file")[1]} == set()
