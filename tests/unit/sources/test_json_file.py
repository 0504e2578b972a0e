"""JSON Lines and arrays: both ways of reading an object have one outcome, and nothing is repaired."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lakehouse.sources import feed, json_array, json_file
from lakehouse.sources.contracts import BROKEN, RAW, ContractBreachError, load_sources
from lakehouse.sources.formats import JsonContract
from lakehouse.sources.json_blocks import scan
from lakehouse.sources.json_text import parse

CONTRACT = JsonContract(kind="json", title="a test", bronze="b", silver="s", columns=("id", "qty"), optional=("name",))
STRICT = CONTRACT.model_copy(update={"extra": "refuse"})


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "drop.json"
    path.write_bytes(content)
    return path


def read(path: Path, contract: JsonContract = CONTRACT) -> list[tuple[int, dict[str, str]]]:
    rows = []
    for table in json_file.batches(path, contract):
        table.validate(full=True)
        rows += [(row["row_no"], dict(row["cells"])) for row in table.to_pylist()]
    return sorted(rows, key=lambda row: row[0])


def one(tmp_path: Path, line: bytes, contract: JsonContract = CONTRACT) -> dict[str, str]:
    """The row of a line that stands between two good ones."""
    good = b'{"id":"1","qty":2}\n'
    rows = read(written(tmp_path, good + line + b"\n" + good), contract)
    assert [number for number, _ in rows] == [1, 2, 3]
    assert rows[0][1] == rows[2][1] == {"id": "1", "qty": "2"}
    return rows[1][1]


texts = st.text(max_size=12)
numbers = st.one_of(
    st.integers(), st.integers(-(10**30), 10**30), st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([b"1e5", b"-0", b"1.10", b"01", b"1.", b".5", b"+1", b"1E+400", b"0", b"-", b"0x1", b"1 2", b"tru", b"nulll", b"1" * 70]),
)  # fmt: skip
values = st.one_of(
    texts, texts, numbers, st.booleans(), st.none(), st.lists(st.integers(), max_size=2), st.dictionaries(texts, st.integers(), max_size=2)
)
names = st.sampled_from(["id", "qty", "name", "id", "qty", "extra", "a b", "é", "#x", "", "it,s", "a:b", "{"])


def rendered(pairs, style: int) -> bytes:
    """An object as bytes, not necessarily a valid one."""

    def value_of(value) -> bytes:
        return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=style % 2 == 0).encode("utf-8", "surrogatepass")

    colon, comma = [(b":", b","), (b": ", b", "), (b" : ", b" ,"), (b":\t", b",  ")][style % 4]
    return b"{" + comma.join(json.dumps(name, ensure_ascii=False).encode() + colon + value_of(value) for name, value in pairs) + b"}"


objects = st.tuples(st.lists(st.tuples(names, values), max_size=5), st.integers(0, 7)).map(lambda both: rendered(*both))
rubbish = st.sampled_from([
    b"", b" ", b"\t \r", b"[]", b"42", b"null", b'"x"', b"{}", b"{ }", b'{"id":1,"qty":2}{"id":1}', b'{"id":1,"qty":2} x', b"{'id':1}",
    b'{"id":1,"qty":2,}', b'{"id":1 "qty":2}', b'{"id":1,,"qty":2}', b'{"id":"1","qty":"2', b'{"id":\xff,"qty":1}', b'{"id":"\xff","qty":1}',
    b'{"id":"a\tb","qty":1}', b'{"id":"\\u0000","qty":1}', b'{"id":"\\ud800","qty":1}', b'{"id":"\\\\","qty":"\\""}', b'{"id":1,"id":1,"qty":1}',
    b'\xef\xbb\xbf{"id":1,"qty":2}', b' {"id":1,"qty":2} ', b'{"id":1,"qty":{"a":[1, 2.50]}}', b'{"id":NaN,"qty":1}', b'{"id":"1","qty":"2"}\r',
    b'{"id":"1","qty":2,"a""b":3}', b'{"id":' + b"1" * 70 + b'x,"qty":2}', b'{"id":"1""2","qty":2}',
    b'{"id":"1" "x","qty":2}', b'{"id":"1"2,"qty":2}', b'{"id"x:"1","qty":2}', b'{id:"1","qty":2}', b'{"id":,"qty":2}', b'{"a":1}',
])  # fmt: skip
lines = st.lists(st.one_of(objects, objects, rubbish), min_size=1, max_size=12)


def one_by_one(parts: list[bytes], contract: JsonContract) -> list[tuple[int, dict[str, str]]]:
    texts = [part.removesuffix(b"\r") for part in parts if part.strip(b" \t\r\n")]
    return [(number, parse(text, contract).row(text)) for number, text in enumerate(texts, start=1)]


@pytest.mark.parametrize("contract", [CONTRACT, STRICT], ids=["keep", "refuse"])
@pytest.mark.parametrize("chunk", [9, 1 << 20])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=lines, repeat=st.integers(1, 3))
@example(parts=[b'{"id":1 ,"qty": 2 }', b'{"id" :1,"qty":22}', b'{"id":"","qty":null}'], repeat=2)
def test_lines_read_at_once_and_one_by_one_agree(tmp_path, monkeypatch, contract, chunk, parts, repeat):
    monkeypatch.setattr(feed, "CHUNK", chunk)
    parts = [part for part in parts if b"\n" not in part] * repeat
    path = written(tmp_path, b'{"id":"0","qty":0}\n' + b"\n".join(parts))
    expected = one_by_one([b'{"id":"0","qty":0}', *parts], contract)
    assert read(path, contract) == expected
    assert json_file.check(path, contract) == len(expected)


@pytest.mark.parametrize("chunk", [9, 1 << 20])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=lines, comma=st.sampled_from([b",", b",\n", b" ,\t", b"\n,\r\n  "]), ends=st.sampled_from([(b"[", b"]"), (b" [\n ", b"\n] \n")]))
@example(parts=[b'{"id":1,"qty":2}', b"1\n2"], comma=b",", ends=(b"[", b"]"))
@example(parts=[b'{"id":1,"qty":2}\n{"id":1,"qty":2}'], comma=b",", ends=(b"[", b"]"))
@example(parts=[b'{"id":1\n2,"qty":1}'], comma=b",", ends=(b"[", b"]"))
@example(parts=[b'{"id":"a]\\"[,{","qty":"\\\\"}', b'{"id":1,"qty":[{"a":"]"}]}'], comma=b",", ends=(b"[", b"]"))
def test_an_array_is_read_as_the_standard_library_reads_it(tmp_path, monkeypatch, chunk, parts, comma, ends):
    monkeypatch.setattr(feed, "CHUNK", chunk)
    monkeypatch.setattr(json_array, "CHUNK", chunk)
    content = ends[0] + comma.join(parts) + ends[1]
    path = written(tmp_path, content)
    try:
        json.loads(content.decode("utf-8"), parse_constant=_no_constant)
        valid = content.strip() != b"[]" and not _opens_as_lines(content)
    except (ValueError, RecursionError):
        valid = False
    if valid:
        elements = [json.dumps(each, separators=(",", ":")) for each in json.loads(content, parse_int=str, parse_float=str)]
        found = read(path)
        assert [number for number, _ in found] == list(range(1, len(elements) + 1))
        assert [cells for _, cells in found] == [cells for _, cells in one_by_one([_compacted(part) for part in parts], CONTRACT)]
    else:
        with pytest.raises(ContractBreachError):
            json_file.check(path, CONTRACT)


def _opens_as_lines(content: bytes) -> bool:
    return not content.lstrip(b" \t\r\n").startswith(b"[")


def _no_constant(name: str):
    raise ValueError(name)


def _compacted(part: bytes) -> bytes:
    """White space outside strings taken off, character by character."""
    out, inside, escaped = bytearray(), False, False
    for code in part:
        if inside:
            inside, escaped = (code != 34 or escaped), code == 92 and not escaped
        elif code in b" \t\r\n":
            continue
        else:
            inside = code == 34
        out.append(code)
    return bytes(out)


@pytest.mark.parametrize("line", [b'{"id":"1","qty":2}', b'{"id": "1", "qty": -2.50}', b'{"id":"\xc3\xa4, {:}","qty":null,"extra":true}'])
def test_plain_objects_are_read_at_once(line):
    found = scan((line + b"\n") * 3, CONTRACT)
    assert (len(found), found.left.tolist()) == (3, [])


def test_a_line_whose_string_does_not_end_leaves_the_others_plain():
    good = b'{"id":"1","qty":2}\n'
    assert scan(good + b'{"id":"1,"qty":2}\n' + good * 2, CONTRACT).left.tolist() == [1]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"[1]", "not_object"),
        (b"42", "not_object"),
        (b"null", "not_object"),
        (b'{"id":"1","qty":2', "malformed"),
        (b'{"id":"1","qty":2} trailing', "trailing_data"),
        (b'{"id":"1","qty":2}{"id":"2","qty":3}', "trailing_data"),
        (b'{"id":"1","qty":2,"qty":3}', "duplicate_key"),
        (b'{"id":"1","qty":{"a":1,"a":1}}', "duplicate_key"),
        (b"{'id':'1','qty':2}", "malformed"),
        (b'{"id":"1","qty":2,}', "malformed"),
        (b'{"id":"1","qty":2,"a""b":3}', "malformed"),
        (b'{"id":' + b"1" * 64 + b'x,"qty":2}', "malformed"),
        (b'{"id":"1","qty":NaN}', "non_finite"),
        (b'{"id":"1","qty":-Infinity}', "non_finite"),
        (b'{"id":"1","qty":007}', "malformed"),
        (b'{"id":"1","qty":0x10}', "malformed"),
        (b'{"id":"1","qty":+1}', "malformed"),
        (b'{"id":"1"}', "missing_field"),
        (b'{"Id":"1","QTY":2}', "missing_field"),
        (b'{"id":"a\\u0000b","qty":2}', "control_char"),
        (b'{"id":"a\x01b","qty":2}', "malformed"),
        (b'{"id":"\\ud800","qty":2}', "bad_unicode"),
        (b'{"id":"1","qty":{"a":"\\ud800"}}', "bad_unicode"),
        (b'{"id":"\xe4","qty":2}', "encoding"),
        (b'{"id":"\xc0\xaf","qty":2}', "encoding"),
        (b'\xef\xbb\xbf{"id":"1","qty":2}', "malformed"),
        (b'{"id":"1","qty":2,"x":' + b"[" * 120 + b"]" * 120 + b"}", "depth"),
        (b'{"id":"1","qty":2,"x":' + b"[" * 9000 + b"]" * 9000 + b"}", "depth"),
        (b'{"id":"1","qty":2,"#broken":"x"}', "reserved_name"),
        (b'{"id":"' + b"x" * 70_000 + b'","qty":2}', "too_large"),
    ],
)
def test_a_bad_line_is_one_broken_row_with_its_text(tmp_path, line, rule):
    cells = one(tmp_path, line)
    assert cells[BROKEN] == rule
    assert cells[RAW] == line.decode("utf-8", "backslashreplace")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"1e5", "1e5"), (b"1E400", "1E400"), (b"-0.0", "-0.0"), (b"2.50", "2.50"), (b"1234567890" * 3, "1234567890" * 3),
        (b"true", "true"), (b'"00012"', "00012"), (b'"NaN"', "NaN"), (b'{"a": [1.50, "x y"], "b": null}', '{"a":[1.50,"x y"],"b":null}'),
        (b"[]", "[]"), (b'"\\u00e4\\n"', "ä\n"), (b'"=cmd|x"', "=cmd|x"), (b'"' + b"\xf0\x9f\x98\x80" + b'"', "😀"),
    ],
)  # fmt: skip
def test_values_keep_their_text(tmp_path, value, text):
    assert one(tmp_path, b'{"id":"1","qty":' + value + b"}") == {"id": "1", "qty": text}
    array = written(tmp_path, b'[{"id":"1",\n "qty": ' + value + b"\n}]")
    assert read(array) == [(1, {"id": "1", "qty": text})]


def test_null_and_empty_are_absent_and_other_fields_are_kept(tmp_path):
    assert one(tmp_path, b'{"id":"","qty":null,"more":1}') == {"more": "1"}


def test_other_fields_can_be_refused(tmp_path):
    cells = one(tmp_path, b'{"id":"1","qty":2,"more":1}', STRICT)
    assert (cells[BROKEN], cells["more"]) == ("unknown_field", "1")


def _breach(tmp_path, content: bytes) -> str:
    path = written(tmp_path, content)
    with pytest.raises(ContractBreachError) as caught:
        json_file.check(path, CONTRACT)
    return caught.value.cause


ELEMENT = b'{"id":"1","qty":2}'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty: expected rows, found 0 bytes"),
        (b" \n\n", "empty: expected at least one object, found none"),
        (b"[]", "empty: expected at least one object, found none"),
        (b"[" + ELEMENT, "format row 1: expected an array that is closed, found the end of the file at byte 19"),
        (b"[" + ELEMENT + b",", "format row 2: expected an array that is closed, found the end of the file at byte 20"),
        (b"[" + ELEMENT + b",]", "format row 2: expected an element, found none at byte 20"),
        (b"[," + ELEMENT + b"]", "format row 1: expected an element, found none at byte 1"),
        (b"[" + ELEMENT + b"}", "format row 1: expected a closing ], found '}' at byte 19"),
        (b"[" + ELEMENT + b"] x", "format row 1: expected nothing after the array, found 'x' at byte 20"),
        (b"[" + ELEMENT + b"][" + ELEMENT + b"]", "format row 1: expected nothing after the array"),
        (b"[" + ELEMENT + b',{"id":"1","qty":tru}]', 'record row 2: expected one JSON object, found malformed: {"id":"1","qty":tru}'),
        (b"[" + ELEMENT + b',{"id":"1" "qty":2}]', "record row 2"),
        (b"[" + ELEMENT + b',{"id":NaN,"qty":2}]', "record row 2: expected finite numbers"),
        (b"[" + ELEMENT + b',{"id":"\xff","qty":2}]', "record row 2: expected UTF-8"),
        (b'{\n "id": 1,\n "qty": 2\n}\n', "record row 1: expected one JSON object, found malformed: {"),
        (b'{"ID":1,"QTY":2}\n' * 20, "record column 'id' row 1: expected present, found missing_field"),
        ("{}".encode("utf-16"), "encoding: expected utf-8, found UTF-16"),
        (b"\x1f\x8b\x08", "compression"),
        (b"\x00\x01\x02 rubbish", "record row 1"),
    ],
)
def test_files_refused_as_a_whole(tmp_path, content, said):
    assert said in _breach(tmp_path, content)
    assert _breach(tmp_path, content).count("; ") <= 9


def test_a_mark_at_the_beginning_is_taken_off(tmp_path):
    assert read(written(tmp_path, b"\xef\xbb\xbf" + ELEMENT + b"\n")) == [(1, {"id": "1", "qty": "2"})]
    assert read(written(tmp_path, b"\xef\xbb\xbf [" + ELEMENT + b"]")) == [(1, {"id": "1", "qty": "2"})]


def test_an_element_that_is_json_but_no_good_row_leaves_its_neighbours(tmp_path):
    rows = read(written(tmp_path, b"[" + ELEMENT + b', 7, {"id":1},\n' + ELEMENT + b"]"))
    assert [cells.get(BROKEN) for _, cells in rows] == [None, "not_object", "missing_field", None]


@pytest.mark.shared
def test_real_confirmations(shared_data):
    contract = load_sources().contract("sap-confirmation")
    folder = shared_data / "sap-confirmations-json"
    path = folder / "production-order-confirmation-conf-by-orderid-01-confirmation-sample.json"
    rows = [cells for _, cells in read(path, contract)]
    assert json_file.check(path, contract) == len(rows) == 4
    assert [row["OrderID"] for row in rows] == ["2000022"] * 4
    assert {row["OrderOperation"]: row["ConfirmationYieldQuantity"] for row in rows} == {"0010": "10", "0020": "10", "0030": "10", "0040": "10"}
    assert rows[0]["ConfirmationEntryTime"] == "PT11H16M37S" and rows[0]["CapacityRequirementSplit"] == "0"
    assert "LastChangeDate" not in rows[0] and rows[0]["IsReversed"] == "false"
    with pytest.raises(ContractBreachError, match="missing_field"):
        json_file.check(folder / "production-order-confirmation-material-movements-01-material-movements-sample.json", contract)
