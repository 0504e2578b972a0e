from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from known_figures import KNOWN

from lakehouse.errors import RequirementError
from lakehouse.flow.real_data import RealData, write_plants
from lakehouse.flow.real_figures import Figure, figures, union_minutes
from lakehouse.plant import load_plant

T0 = datetime(2012, 1, 1)


def at(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


def test_union_of_intervals():
    assert union_minutes([(at(30), at(40)), (at(0), at(20)), (at(10), at(15)), (at(20), at(25)), (at(50), at(50))]) == 35


def test_a_figure_agrees_with_the_same_number_only():
    figure = Figure("f", Decimal("0.6369"), "SELECT 1")
    assert figure.agrees(Decimal("0.6369000000"))
    assert not figure.agrees(Decimal("0.637"))
    assert not figure.agrees(None)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(RequirementError, match=r"Production_Data\.csv"):
        RealData(tmp_path).check()


@pytest.mark.shared
def test_counting_the_files_gives_the_known_figures(shared_data):
    counted = {figure.name: figure.counted for figure in figures(RealData(shared_data))}
    assert {name: counted[name] for name in KNOWN} == {name: Decimal(value) for name, value in KNOWN.items()}


@pytest.mark.shared
def test_resolved_plants_are_valid_and_stay_as_they_are(shared_data, tmp_path):
    plants = RealData(shared_data).plants()
    assert len(write_plants(plants, tmp_path)) == 8
    assert write_plants(plants, tmp_path) == []
    model = load_plant([tmp_path])
    assert {site: len(model.site(site).machines) for site in ("production-log", "molding", "nab")} == {"production-log": 31, "molding": 9, "nab": 1}
    assert len(model.site("molding").ideal_cycles) == 66


@pytest.mark.shared
def test_messages_keep_their_identity_and_order(shared_data):
    data = RealData(shared_data)
    first, again = list(data.messages()), list(data.messages())
    assert first == again
    assert len(first) == len({value for _, value in first}) == 22_695
    assert {key for key, _ in first} == {b"nab-machine"}
