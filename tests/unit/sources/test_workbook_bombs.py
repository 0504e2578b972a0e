"""Files made to hurt: each is refused with a reason, the reader stays within its limits, and the process that asked for it lives on."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path

import openpyxl
import pytest

from lakehouse.settings import HOME
from lakehouse.sources.workbook_child import CPU_S, MEMORY_BYTES
from tests.unit.sources.books import biff, edited, ods, ods_row, ole, profile, refusal, with_part, xlsx

HEAD = ["order", "qty", "note"]
GOOD = [HEAD, ["A", 1, "x"]]
SHEET = "xl/worksheets/sheet1.xml"
MB = 1 << 20
PARENT_MAY_GROW_MB = 64
ASK = """
import json, resource, sys
from pathlib import Path
from lakehouse.sources import workbook
from lakehouse.sources.contracts import ContractBreachError
from tests.unit.sources.books import profile
layout = profile()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    said = f"{sum(table.num_rows for table in workbook.batches(Path(sys.argv[1]), layout))} rows"
except ContractBreachError as breach:
    said = breach.differences[0].text()
child, own = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([said, child.ru_maxrss / 1024, child.ru_utime + child.ru_stime, (own.ru_maxrss - before) / 1024]))
"""


def _survived(path: Path) -> str:
    """What a fresh process is told of the file, after its child's peak memory and processor time were found within the limits."""
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    command = [sys.executable, "-c", ASK, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd=HOME, check=False)
    assert ended.returncode == 0, ended.stderr
    said, child_mb, child_cpu_s, grown_mb = json.loads(ended.stdout)
    assert child_mb <= MEMORY_BYTES / MB
    assert child_cpu_s <= CPU_S + 1
    assert grown_mb < PARENT_MAY_GROW_MB
    return str(said)


def _far(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "S"
    book.active["A1"] = "order"
    book.active["XFD1048576"] = 1
    book.save(path)
    return path


def _shared(path: Path, text_bytes: int, cells: int) -> Path:
    """One shared text that many cells show."""
    xlsx(path, GOOD, "S")
    cell = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(3, cells + 3))
    edited(path, SHEET, "</sheetData>", f"{cell}</sheetData>")
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    relation = f'<Relationship Id="rId99" Type="{kind}" Target="sharedStrings.xml"/>'
    edited(path, "xl/_rels/workbook.xml.rels", "</Relationships>", f"{relation}</Relationships>")
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return with_part(path, "xl/sharedStrings.xml", f'<sst xmlns="{space}"><si><t>'.encode() + b"a" * text_bytes + b"</t></si></sst>")


def test_x16_one_cell_at_the_far_end(tmp_path):
    said = _survived(_far(tmp_path / "a.xlsx"))
    assert said.startswith("too_large: expected at most 1000000 rows, 256 columns and 5000000 cells, found 1048576 rows of 16384 columns")


def test_x16_a_far_cell_and_a_dimension_that_lies(tmp_path):
    path = edited(_far(tmp_path / "a.xlsx"), SHEET, '<dimension ref="A1:XFD1048576" />', '<dimension ref="A1:C3" />')
    assert _survived(path).startswith("too_large")


def test_x17_one_huge_text(tmp_path):
    assert _survived(_shared(tmp_path / "a.xlsx", 64 * MB, 1)).startswith("ratio: expected at most 536870912 bytes and 100 times its size")


def test_x17_a_text_below_the_ratio_that_many_cells_show(tmp_path):
    assert _survived(_shared(tmp_path / "a.xlsx", 4 * MB, 5_000)).startswith("too_large")


def test_x18_rows_without_end(tmp_path):
    path = with_part(xlsx(tmp_path / "a.xlsx", GOOD, "S"), "xl/worksheets/sheet9.xml", b"<row/>" * (20 * MB))
    assert path.stat().st_size < MB
    assert _survived(path).startswith("ratio")


def test_x18_rows_that_pack_badly_enough_for_the_ratio(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n * 7919 % 99991}</v></c><c r="IV{n}"><v>{n}</v></c></row>' for n in range(3, 150_000))
    edited(path, SHEET, "</sheetData>", f"{rows}</sheetData>")
    said = _survived(path)
    assert said.startswith("too_large: expected a workbook that is read within 512 MB and 20 s")
    assert "memory allocation" in said


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(f'<!ENTITY {b} "{8 * f"&{a};"}">' for a, b in pairwise("abcdefghij")) + "]>"


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml"])
def test_x19_billion_laughs(tmp_path, part):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    with zipfile.ZipFile(path) as archive:
        root = archive.read(part).decode()[:10]
    assert _survived(edited(path, part, root, LAUGHS + root)).startswith("xml: expected no document type and no entities")


def test_x19_a_declaration_behind_much_else(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    assert refusal(edited(path, SHEET, "<worksheet", f"<!--{'x y ' * 300_000}-->{LAUGHS}<worksheet"), profile()).startswith("xml")


def test_x19_a_declaration_across_two_pieces(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    with zipfile.ZipFile(path) as archive:
        text = archive.read(SHEET).decode()
    root = text.index("<worksheet")
    edited(path, SHEET, "<worksheet", f"<!--{' ' * (MB - root - len('<!---->') - 5)}--><!DOCTYPE x><worksheet")
    assert refusal(path, profile()).startswith("xml")


def test_x20_external_entity(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("do not tell")
    entity = f'<!DOCTYPE x [<!ENTITY x SYSTEM "file://{secret}">]>'
    path = edited(xlsx(tmp_path / "a.xlsx", GOOD, "S"), SHEET, "<worksheet", f"{entity}<worksheet")
    assert refusal(edited(path, SHEET, "<t>x</t>", "<t>&x;</t>"), profile()).startswith("xml")


def test_x20_a_part_in_an_encoding_that_hides_a_declaration(tmp_path):
    path = with_part(xlsx(tmp_path / "a.xlsx", GOOD, "S"), "docProps/custom.xml", f"{LAUGHS}<x/>".encode("utf-16"))
    assert refusal(path, profile()).startswith("xml: expected UTF-8")


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "..\\evil", "C:\\evil", "xl/../../evil"])
def test_x21_paths_out_of_the_archive(tmp_path, name):
    assert refusal(with_part(xlsx(tmp_path / "a.xlsx", GOOD, "S"), name, b"x"), profile()).startswith("zip_path: expected paths inside the archive")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_x22_an_entry_twice(tmp_path):
    assert "entries of the same name" in refusal(with_part(xlsx(tmp_path / "a.xlsx", GOOD, "S"), SHEET, b"<x/>"), profile())


def test_x22_archives_in_the_archive(tmp_path):
    inner = xlsx(tmp_path / "inner.xlsx", GOOD, "S").read_bytes()
    assert "no archive in the archive" in refusal(with_part(xlsx(tmp_path / "a.xlsx", GOOD, "S"), "xl/more.zip", inner), profile())
    assert "no archive in the archive" in refusal(with_part(xlsx(tmp_path / "b.xlsx", GOOD, "S"), "xl/media/image1.png", inner), profile())


def test_x22_an_encrypted_entry(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert refusal(path, profile()) == "zip: expected no password, found encrypted entries"


def test_x22_entries_that_overlap(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    content = bytearray(path.read_bytes())
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 4)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    path.write_bytes(content)
    assert refusal(path, profile()).startswith("zip: expected entries that do not overlap")


def test_x22_an_entry_that_lies_about_its_length(tmp_path):
    path = tmp_path / "a.xlsx"
    xlsx(path, GOOD, "S")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/more.xml", b"a" * (32 * MB))
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 100)
    content[entry + 16 : entry + 20] = struct.pack("<I", zlib.crc32(b"b" * 100))
    path.write_bytes(content)
    assert _survived(path).startswith("zip: expected an intact archive")


def test_x22_very_many_entries(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    with zipfile.ZipFile(path, "a") as archive:
        for n in range(10_001):
            archive.writestr(f"xl/p{n}.bin", b"")
    assert _survived(path).startswith("zip: expected at most 10000 entries")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"order,qty,note\nA,1,x\n", "format: expected an xlsx, xlsb, ods or xls workbook"),
        (b"<html><table><tr><td>order</td></tr></table></html>", "format: expected an xlsx, xlsb, ods or xls workbook"),
        (b"", "format: expected an xlsx, xlsb, ods or xls workbook, found a file that starts with b''"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "format: expected a readable workbook"),
        (b"PK\x03\x04" + b"junk" * 50, "zip: expected an intact archive"),
    ],
)
def test_x23_other_files_with_the_name_of_a_workbook(tmp_path, content, said):
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    assert said in refusal(path, profile())


def test_x23_an_archive_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    assert refusal(tmp_path / "a.xlsx", profile()).endswith("an archive of something else")


def test_x23_a_document_in_an_ole_container(tmp_path):
    assert "an OLE file with Root Entry, WordDocument" in refusal(ole(tmp_path / "a.xls", WordDocument=b"x"), profile())


def test_x23_a_password(tmp_path):
    said = "format: expected a workbook without a password, found a password"
    assert refusal(ole(tmp_path / "a.xlsx", EncryptionInfo=b"x", EncryptedPackage=b"y"), profile()) == said
    locked = biff(GOOD, before=b"\x2f\x00\x06\x00" + bytes(6))
    assert refusal(ole(tmp_path / "b.xls", Workbook=locked), profile()) == said


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_x23_cut_off(tmp_path, share):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert refusal(path, profile()).startswith("zip")


@pytest.mark.parametrize("part", [SHEET, "xl/styles.xml", "docProps/core.xml"])
def test_x23_one_bit_flipped_in_any_part(tmp_path, part):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(part)
    content = bytearray(path.read_bytes())
    content[entry.header_offset + 30 + len(part) + entry.compress_size // 2] ^= 0x10
    path.write_bytes(content)
    assert refusal(path, profile()).startswith("zip: expected an intact archive")


def test_x23_an_ole_chain_that_bites_its_tail(tmp_path):
    path = ole(tmp_path / "a.xls", Workbook=biff(GOOD))
    content = bytearray(path.read_bytes())
    table = content.rindex(struct.pack("<I", 0xFFFFFFFD)) // 512 * 512
    content[table : table + 4] = struct.pack("<I", 0)
    path.write_bytes(content)
    assert _survived(path).startswith("format: expected a readable workbook")


def test_x23_a_sheet_that_lies_behind_the_end_of_the_file(tmp_path):
    stream = biff(GOOD)
    place = stream.index(b"\x85\x00") + 4
    path = ole(tmp_path / "a.xls", Workbook=stream[:place] + struct.pack("<I", 1 << 28) + stream[place + 4 :])
    assert _survived(path).startswith("format: expected a readable workbook, found the reader ended with status 1")


def test_ods_that_repeats_a_row_without_end(tmp_path):
    wide = ods_row("A").replace("<table:table-cell", '<table:table-cell table:number-columns-repeated="16384"')
    table = ods_row(*HEAD) + wide.replace("<table:table-row", '<table:table-row table:number-rows-repeated="1048570"')
    assert _survived(ods(tmp_path / "a.ods", table)).startswith("too_large")


def test_very_many_styles(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    styles = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" applyProtection="1"/>' * 200_000
    assert _survived(edited(path, "xl/styles.xml", "</cellXfs>", f"{styles}</cellXfs>")) == "1 rows"
    more = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" applyProtection="1"/>' * 1_000_000
    assert _survived(edited(path, "xl/styles.xml", "</cellXfs>", f"{more}</cellXfs>")).startswith("ratio")


def test_merged_cells_that_overlap_by_the_thousand(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    merges = "".join(f'<mergeCell ref="A2:C{n}"/>' for n in range(3, 100_000))
    edited(path, SHEET, "</sheetData>", f"</sheetData><mergeCells>{merges}</mergeCells>")
    assert _survived(path).startswith("format: expected merged cells that do not overlap")


def test_columns_hidden_again_and_again(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", GOOD, "S")
    columns = '<col min="1" max="16384" width="9" hidden="1"/>' * 100_000
    assert _survived(edited(path, SHEET, "<sheetData", f"<cols>{columns}</cols><sheetData")).startswith(("too_large", "1 rows"))
