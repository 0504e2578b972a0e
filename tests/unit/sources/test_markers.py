"""Text without delimiter is read by its grammar or told as broken, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.sources import feed, markers
from lakehouse.sources.contracts import BROKEN, RAW, ContractBreachError
from lakehouse.sources.formats import Marked, MarkersContract

RECORD = (Marked(marker="<<ID>>", column="ID"), Marked(marker="<<Name>>", column="Name"), Marked(marker="<<On>>", column="On"))
CONTRACT = MarkersContract(kind="markers", title="a test", bronze="b", silver="s", record=RECORD, end="<<EOR>>")
BY_LINE = CONTRACT.model_copy(update={"end": "\n"})
GOOD = "<<ID>>1<<Name>>A<<On>>x<<EOR>>"


def read(tmp_path: Path, content: str | bytes, contract: MarkersContract = CONTRACT) -> list[tuple[int, dict[str, str]]]:
    path = tmp_path / "drop.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    count = markers.check(path, contract)
    rows = [(row["row_no"], dict(row["cells"])) for table in markers.batches(path, contract) for row in table.to_pylist()]
    assert count == len(rows)
    return rows


def test_glued_records(tmp_path):
    assert read(tmp_path, GOOD + "<<ID>>2<<Name>><<On>>a|b, <c>\n\n<<EOR>>\n") == [
        (1, {"ID": "1", "Name": "A", "On": "x"}), (2, {"ID": "2", "On": "a|b, <c>\n\n"}),
    ]  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_can_be_a_record(tmp_path, end):
    rows = read(tmp_path, end.join(["<<ID>>1<<Name>>A<<On>>x", "", "<<ID>>2<<Name>>B<<On>>y"]), BY_LINE)
    assert rows == [(1, {"ID": "1", "Name": "A", "On": "x"}), (2, {"ID": "2", "Name": "B", "On": "y"})]


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ("<<ID>>2<<On>>x", "grammar"),
        ("<<ID>>2<<On>>x<<Name>>B", "grammar"),
        ("<<Name>>B<<ID>>2<<On>>x", "grammar"),
        ("x<<ID>>2<<Name>>B<<On>>x", "grammar"),
        ("nothing of it", "grammar"),
        ("<<ID>>2<<Name>>B<<Name>>C<<On>>x", "marker_in_value"),
        ("<<ID>>2<<Name>>B<<On>>x<<ID>>3<<Name>>C<<On>>y", "marker_in_value"),
        ("<<ID>>2<<Name>>B\x00<<On>>x", "control_char"),
        ("<<ID>>2<<Name>>" + "z" * 70_000 + "<<On>>x", "too_large"),
    ],
)
def test_a_record_outside_the_grammar_is_one_broken_row(tmp_path, record, rule):
    rows = read(tmp_path, GOOD + record + "<<EOR>>" + GOOD)
    assert [cells.get(BROKEN) for _, cells in rows] == [None, rule, None]
    assert rows[1][1][RAW] == record
    assert rows[2] == (3, {"ID": "1", "Name": "A", "On": "x"})


def test_an_end_sign_in_a_value_breaks_both_pieces(tmp_path):
    rows = read(tmp_path, "<<ID>>2<<Name>>B<<EOR>>C<<On>>x<<EOR>>" + GOOD)
    assert [cells.get(BROKEN) for _, cells in rows] == ["grammar", "grammar", None]


def test_a_record_that_is_cut_off(tmp_path):
    rows = read(tmp_path, GOOD + "<<ID>>2<<Name>>B<<On>>x")
    assert [cells.get(BROKEN) for _, cells in rows] == [None, "unfinished"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n ", "empty: expected at least one record, found none"),
        (b"a|b|c\n1|2|3\n", "record row 1: expected <<ID>> <<Name>> <<On>>, each once and in this order, found unfinished: a|b|c"),
        (GOOD.encode() + b"<<ID>>\xff<<EOR>>", "encoding: expected utf-8, found byte 0xff at 36 that cannot be decoded"),
        (GOOD.encode("utf-16"), "encoding: expected utf-8, found UTF-16"),
        (b"\x1f\x8b\x08", "compression: expected plain text, found gzip"),
    ],
)
def test_refused_as_a_whole(tmp_path, content, said):
    with pytest.raises(ContractBreachError) as caught:
        read(tmp_path, content)
    assert said in caught.value.cause


words = st.text(alphabet=st.sampled_from(list("aé<>IDN |\n,\t")), max_size=8).filter(lambda text: "<<" not in text and ">>" not in text)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(st.tuples(words, words, words), min_size=1, max_size=8), chunk=st.integers(1, 40))
def test_what_is_written_by_the_grammar_is_read_back(tmp_path, monkeypatch, records, chunk):
    monkeypatch.setattr(feed, "CHUNK", chunk)
    content = "".join(f"<<ID>>{one}<<Name>>{two}<<On>>{three}<<EOR>>" for one, two, three in records)
    rows = read(tmp_path, content)
    expected = [{name: value for name, value in zip(("ID", "Name", "On"), each, strict=True) if value} for each in records]
    assert [cells for _, cells in rows] == expected
