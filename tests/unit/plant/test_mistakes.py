"""Every mistake of a plant file, each with the line and the path at which it stands."""

import pytest

from lakehouse.errors import PlantModelError
from lakehouse.plant import load_plant

SITE = """\
site_id: a
zone: Europe/Berlin
machine_defaults: {line_id: L1, area_id: A, state_source: state, quantity_source: counter}
machines: [{machine_id: M1}, {machine_id: M2, line_id: L2}]
shifts:
  - {shift_id: early, start: "06:00", end: "14:00", breaks: [{start: "10:00", minutes: 30}]}
  - {shift_id: late, start: "14:00", end: "22:00"}
reasons:
  - {code: P01, text: Maintenance, category: planned_down}
  - {code: B01, text: Breakdown, category: unplanned_stop}
"""
"""Ten lines; what a test adds begins on line 11."""


def mistakes(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(PlantModelError) as caught:
        load_plant([tmp_path])
    return caught.value.cause.split(" || ")


def added(tmp_path, text):
    return mistakes(tmp_path, SITE + text)


def test_the_site_itself_is_sound(tmp_path):
    (tmp_path / "a.yaml").write_text(SITE)
    assert load_plant([tmp_path]).site("a").machines


STOP = '{machine_id: M1, start: "2026-03-01T10:00", end: "2026-03-01T11:00", reason_code: P01}'
WORKS = "date: 2026-03-02, shift_id: early, works: true"
SERIAL = "line_id: L1, flow: serial, first: M1, constraint: M1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("profile: oee", "profile: Input should be 'iso22400' or 'tpm', not 'oee'"),
        ("policies: {no_order: ignored}", "policies.no_order: Input should be 'counted' or 'planned', not 'ignored'"),
        ("colour: red", "colour: is no field of a plant file"),
        # lines
        ("lines: [{line_id: L1, flow: serial, first: M1, exit: M1}]", "lines[0]: serial line L1 needs constraint"),
        ("lines: [{line_id: L1, flow: parallel, exit: M1}]", "lines[0].exit: parallel line L1 has no exit"),
        (f"lines: [{{{SERIAL}, exit: M9}}]", "lines[0].exit: line L1 names unknown machine M9"),
        (f"lines: [{{{SERIAL}, exit: M2}}]", "lines[0].exit: machine M2 does not stand in line L1 but in L2 on 2000-01-01"),
        ("lines: [{line_id: L, flow: parallel}, {line_id: L, flow: parallel}]", "lines[1]: line_id L 2000-01-01 is declared twice"),
        # exceptions
        ("exceptions: [{date: 2026-03-02, shift_id: x, works: false}]", "exceptions[0].shift_id: exception of 2026-03-02 names unknown shift x"),
        (f"exceptions: [{{{WORKS}}}, {{{WORKS}}}]", "exceptions[1]: exception 2026-03-02 early is declared twice"),
        (f'exceptions: [{{{WORKS}, end: "15:00"}}]', "exceptions[0]: exception makes shift early of 2026-03-02 overlap shift late of 2026-03-02"),
        (f'exceptions: [{{{WORKS}, start: "23:00", end: "06:30"}}]', "overlap shift early of 2026-03-03"),
        (f'exceptions: [{{{WORKS}, breaks: [{{start: "14:00", minutes: 5}}]}}]', "exceptions[0].breaks[0]: break does not lie within shift early"),
        ("exceptions: [{date: 2026-02-30, shift_id: early, works: true}]", "exceptions[0].date: Input should be a valid date"),
        # holidays
        ("holidays: [{date: 2026-03-02, name: H, shifts: [early, x]}]", "holidays[0].shifts[1]: holiday 2026-03-02 names unknown shift x"),
        ("holiday_calendar: {country: XX}", "holiday_calendar: Country XX not available"),
        ("holiday_calendar: {country: DE, subdivision: QQ}", "holiday_calendar: Entity `DE` does not have subdivision QQ"),
        # planned stops
        (f"planned_stops: [{STOP.replace('M1', 'M9')}]", "planned_stops[0].machine_id: planned stop names unknown machine M9"),
        (f"planned_stops: [{STOP.replace('P01', 'P9')}]", "planned_stops[0].reason_code: planned stop names unknown reason P9"),
        (f"planned_stops: [{STOP.replace('P01', 'B01')}]", "planned_stops[0].reason_code: planned stop names reason B01 of category unplanned_stop"),
        (f"planned_stops: [{STOP.replace('T11:00', 'T10:00')}]", "planned_stops[0].end: planned stop ends at 2026-03-01T10:00"),
        (f"planned_stops: [{STOP.replace('03-01T10:00', '02-30T10:00')}]", "planned_stops[0].start: day is out of range"),
        (f"planned_stops: [{STOP.replace('2026-03-01T10:00', '1899-03-01T10:00')}]", "planned_stops[0].start: must lie between the years 1900 and"),
        (f"planned_stops: [{STOP.replace('T11:00', 'T11:00+01:00')}]", "planned_stops[0].end: String should match pattern"),
        # the plant's words
        ("scrap_reasons: [{code: x, text: X}, {code: x, text: X}]", "scrap_reasons[1]: scrap reason code x is declared twice"),
        ("scrap_reasons: [{code: x, text: X, kind: start}]", "scrap_reasons[0].kind: Input should be 'process' or 'startup'"),
        ("parts: [{part_no: P}, {part_no: P}]", "parts[1]: part_no P is declared twice"),
        ("parts: [{part_no: P, planned_scrap_ratio: 1.01}]", "parts[0].planned_scrap_ratio: Input should be less than or equal to 1"),
        ("ideal_cycles: [{part_no: P, cycle_s: 1}, {part_no: P, cycle_s: 2}]", "ideal_cycles[1]: ideal cycle P 2000-01-01 is declared twice"),
        ("ideal_cycles: [{part_no: P, machine_id: M9, cycle_s: 1}]", "ideal_cycles[0].machine_id: ideal cycle names unknown machine M9"),
    ],
)
def test_each_mistake_is_named_with_its_line(tmp_path, text, expected):
    found = added(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith("a.yaml:11: ")
    assert expected in found[0]


@pytest.mark.parametrize(
    ("reason", "path", "expected"),
    [
        ("{code: W, text: W, category: starved, planned_s: 60}", "reasons[2].planned_s", "no meaning for a reason of category starved"),
        ("{code: S, text: S, category: setup, planned_s: 0}", "reasons[2].planned_s", "greater than 0"),
        ("{code: S, text: S, category: set-up}", "reasons[2].category", "not 'set-up'"),
        ("{code: B, text: B, category: organisational, maintenance: none}", "reasons[2].maintenance", "'corrective' or 'preventive'"),
        ("{code: B01, text: B, category: blocked}", "reasons[2]", "reason code B01 is declared twice"),
        ("{code: B, code: C, text: B, category: blocked}", "reasons[2].code", "stands twice"),
    ],
)
def test_mistakes_of_reasons(tmp_path, reason, path, expected):
    (found,) = added(tmp_path, f"  - {reason}\n")
    assert found.startswith(f"a.yaml:11: {path}: ")
    assert expected in found


MACHINE = """\
  - machine_id: M3
    changes:
      - {valid_from: 2026-03-01, line_id: L2}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("L2}\n", "L2}\n      - {valid_from: 2026-03-01, kind: oven}\n", "a.yaml:8: machines[0].changes[1].valid_from: 2026-03-01 is not after"),
        ("line_id: L2", "heartbeat_s: 0", "a.yaml:7: machines[0].changes[0].heartbeat_s: Input should be greater than 0, not 0"),
        ("line_id: L2", "machine_id: M4", "a.yaml:7: machines[0].changes[0].machine_id: machine_id cannot change"),
        ("line_id: L2", "colour: red", "a.yaml:7: machines[0].changes[0].colour: is no field of a plant file"),
        (", line_id: L2", "", "a.yaml:7: machines[0].changes[0]: names no attribute that changes"),
        ("valid_from: 2026-03-01, ", "", "a.yaml:7: machines[0].changes[0].valid_from: Field required"),
        ("    changes:", "    micro_stop_s: 86401\n    changes:", "a.yaml:6: machines[0].micro_stop_s: Input should be less than or equal to 86400"),
        ("- machine_id: M3", "- machine_id: M3\n    state_source: guess", "a.yaml:6: machines[0].state_source: "),
    ],
)
def test_mistakes_of_machines_and_their_changes(tmp_path, old, new, expected):
    whole = SITE.replace("machines: [{machine_id: M1}, {machine_id: M2, line_id: L2}]\n", "machines:\n" + MACHINE.replace(old, new))
    (found,) = mistakes(tmp_path, whole)
    assert found.startswith(expected)


def test_a_mistake_of_the_defaults_is_told_once_where_it_stands(tmp_path):
    assert mistakes(tmp_path, SITE.replace("state_source: state", "state_source: guess")) == [
        "a.yaml:3: machine_defaults.state_source: Input should be 'state', 'mes', 'confirmation_only' or 'none', not 'guess'"
    ]


def test_what_is_wrong_between_entries_is_told_beside_what_is_wrong_within_one(tmp_path):
    text = SITE.replace("M1}", "M1, heartbeat_s: -1}") + f"lines: [{{{SERIAL}, exit: M9}}]\n"
    text += f"planned_stops:\n  - {STOP}\n  - {STOP.replace('M1', 'M8')}\n"
    (tmp_path / "b.yaml").write_text(SITE.replace("site_id: a", "site_id: b").replace("Europe/Berlin", "Europe"))
    assert [each.rsplit(": ", 1)[0] for each in mistakes(tmp_path, text)] == [
        "a.yaml:4: machines[0].heartbeat_s",
        "a.yaml:11: lines[0].exit",
        "a.yaml:14: planned_stops[1].machine_id",
        "b.yaml:2: zone",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zone: [\n", "a.yaml:2: not YAML: "),
        ("", "a.yaml:1: file: "),
        ("- a\n", "a.yaml:1: file: "),
        ("machines: 5\n", "machines: "),
    ],
)
def test_what_is_no_plant_file_at_all(tmp_path, text, expected):
    assert any(each.startswith(expected) or expected in each for each in mistakes(tmp_path, text))


BI = "rotation: {weeks: 2, week: %d, since: 2026-01-05}"


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ('start: "06:00", end: "14:00"', 'start: "13:00", end: "20:00"', True),
        ('start: "06:00", end: "14:00"', 'start: "14:00", end: "20:00"', False),
        ('start: "22:00", end: "06:00"', 'start: "05:00", end: "12:00"', True),
        ('start: "22:00", end: "06:00", weekdays: [5]', 'start: "05:00", end: "12:00", weekdays: [1, 2, 3, 4, 5]', False),
        ('start: "22:00", end: "06:00", weekdays: [7]', 'start: "05:00", end: "12:00", weekdays: [1]', True),
        (f'start: "06:00", end: "14:00", {BI % 1}', f'start: "08:00", end: "16:00", {BI % 2}', False),
        (f'start: "06:00", end: "14:00", {BI % 1}', f'start: "08:00", end: "16:00", {BI % 1}', True),
        (f'start: "06:00", end: "14:00", {BI % 1}', 'start: "08:00", end: "16:00"', True),
        # The night of the last Sunday of week 1 runs into the Monday of week 2.
        (f'start: "22:00", end: "06:00", {BI % 1}', f'start: "05:00", end: "12:00", weekdays: [1], {BI % 2}', True),
        (f'start: "22:00", end: "06:00", {BI % 1}', f'start: "05:00", end: "12:00", weekdays: [2], {BI % 2}', False),
        # Cycles of 2 and 3 weeks meet within 6 weeks, cycles of 2 and 4 that begin apart never do.
        (f'start: "06:00", end: "14:00", {BI % 1}', 'start: "08:00", end: "16:00", rotation: {weeks: 3, week: 3, since: 2026-01-05}', True),
        (f'start: "06:00", end: "14:00", {BI % 1}', 'start: "08:00", end: "16:00", rotation: {weeks: 4, week: 2, since: 2026-01-05}', False),
        ('start: "06:00", end: "14:00", valid_to: 2026-01-05', 'start: "08:00", end: "16:00", valid_from: 2026-01-05', False),
        ('start: "06:00", end: "14:00", valid_to: 2026-01-06', 'start: "08:00", end: "16:00", valid_from: 2026-01-05', True),
        ('start: "22:00", end: "06:00", valid_to: 2026-01-05', 'start: "05:00", end: "13:00", valid_from: 2026-01-05', True),
    ],
)
def test_shifts_overlap_only_where_they_can_hold_together(tmp_path, one, other, clash):
    text = f"site_id: a\nzone: UTC\nshifts:\n  - {{shift_id: x, {one}}}\n  - {{shift_id: y, {other}}}\n"
    if clash:
        (found,) = mistakes(tmp_path, text)
        assert found.startswith("a.yaml:5: shifts[1]: shifts x and y overlap, for instance on ")
    else:
        (tmp_path / "a.yaml").write_text(text)
        assert load_plant([tmp_path]).sites


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [
        ("[]", "shifts: a site needs at least one shift"),
        ("[{%s, valid_from: 2026-01-05, valid_to: 2026-01-05}]", "shifts[0].valid_to: valid_to must lie after valid_from"),
        ("[{%s, rotation: {weeks: 2, week: 3, since: 2026-01-05}}]", "shifts[0].rotation.week: week 3 does not exist in a cycle of 2 weeks"),
        ("[{%s, rotation: {weeks: 1, week: 1, since: 2026-01-05}}]", "shifts[0].rotation.weeks: Input should be greater than or equal to 2, not 1"),
        ("[{%s, shift_id: x}]", "shifts[0].shift_id: stands twice"),
    ],
)
def test_mistakes_of_shifts(tmp_path, shifts, expected):
    shift = 'shift_id: x, start: "06:00", end: "08:00"'
    assert mistakes(tmp_path, f"site_id: a\nzone: UTC\nshifts: {shifts.replace('%s', shift)}\n") == [f"a.yaml:3: {expected}"]


def test_two_exceptions_that_overlap_are_told_once(tmp_path):
    late = WORKS.replace("early", "late")
    (found,) = added(tmp_path, f'exceptions: [{{{late}, start: "13:00"}}, {{{WORKS}, end: "13:30"}}]')
    assert found == "a.yaml:11: exceptions[1]: exception makes shift early of 2026-03-02 overlap shift late of 2026-03-02"


def test_a_line_may_name_a_machine_that_moves_into_it_on_its_first_day(tmp_path):
    whole = SITE.replace("machines: [{machine_id: M1}, {machine_id: M2, line_id: L2}]\n", "machines:\n" + MACHINE)
    line = "lines: [{line_id: L2, flow: serial, first: M3, constraint: M3, exit: M3, valid_from: %s}]\n"
    (tmp_path / "a.yaml").write_text(whole + line % "2026-03-01")
    assert load_plant([tmp_path]).sites
    assert len(mistakes(tmp_path, whole + line % "2026-02-28")) == 3


def test_one_shift_may_not_start_twice_on_a_date(tmp_path):
    shift = 'shift_id: x, start: "{}", end: "{}"'
    twice = f"site_id: a\nzone: UTC\nshifts:\n  - {{{shift.format('06:00', '08:00')}}}\n  - {{{shift.format('10:00', '12:00')}}}\n"
    (found,) = mistakes(tmp_path, twice)
    assert found.startswith("a.yaml:5: shifts[1]: shift x starts twice on one date")
    (tmp_path / "a.yaml").write_text(twice.replace('"08:00"', '"08:00", weekdays: [5]').replace('"12:00"', '"12:00", weekdays: [1, 2, 3, 4]'))
    assert load_plant([tmp_path]).sites


def test_an_exception_must_say_its_times_where_the_pattern_leaves_them_open(tmp_path):
    friday = '  - {shift_id: early, start: "06:00", end: "12:00", weekdays: [5]}\n'
    monday = '  - {shift_id: early, start: "06:00", end: "14:00", weekdays: [1]}\n'
    head = "site_id: a\nzone: UTC\nshifts:\n" + friday + monday + "exceptions:\n"
    saturday = "  - {date: 2026-03-07, shift_id: early, works: true%s}\n"
    (found,) = mistakes(tmp_path, head + saturday % "")
    assert found.startswith("a.yaml:7: exceptions[0]: exception must say start and end")
    (tmp_path / "a.yaml").write_text(head + saturday % ', start: "06:00", end: "10:00"')
    assert load_plant([tmp_path]).sites
