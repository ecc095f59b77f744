import datetime as dt
from pathlib import Path

from openpyxl import Workbook
from tests.qa.parse.documents import read, refused

from glede.qa.parse import BlockKind, PageKind, ParseLimits


def book(path: Path, rows: int = 3) -> Path:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Prices"
    sheet.append(["Price list"])
    sheet.append([])
    sheet.append(["Article", "Price", "Share", "Since"])
    for number in range(rows):
        sheet.append([f"Kite\n{number}", number + 0.5, 0.25, dt.date(2024, 5, number % 28 + 1)])
        sheet.cell(sheet.max_row, 3).number_format = "0%"
    hidden = workbook.create_sheet("Internal")
    hidden.append(["not for readers"])
    hidden.sheet_state = "hidden"
    notes = workbook.create_sheet("备注")
    notes.append(["价格不含税", True])
    workbook.save(path)
    return path


def test_sheets_are_tables_with_their_header(tmp_path: Path) -> None:
    document = read(book(tmp_path / "prices.xlsx"))

    assert document.info.page_kind is PageKind.SHEET
    assert [(page.number, page.label) for page in document.pages] == [(1, "Prices!A1:D6"), (2, "备注!A1:B1")]
    assert document.texts(BlockKind.TEXT) == ["Price list"]
    table, block = document.blocks(BlockKind.TABLE)[0]
    assert table.split("\n") == [
        "Article | Price | Share | Since",
        "Kite 0 | 0.5 | 25% | 2024-05-01",
        "Kite 1 | 1.5 | 25% | 2024-05-02",
        "Kite 2 | 2.5 | 25% | 2024-05-03",
    ]
    assert (block.header, block.heading) == ("Article | Price | Share | Since", ("Prices",))
    assert document.pages[1].text == "价格不含税 | TRUE"
    assert "not for readers" not in document.text


def test_long_sheets_are_sliced_and_each_slice_knows_the_header(tmp_path: Path) -> None:
    document = read(book(tmp_path / "prices.xlsx", rows=450))

    assert [page.label for page in document.pages[:3]] == [
        "Prices!A1:D201",
        "Prices!A202:D401",
        "Prices!A402:D453",
    ]
    headers = [block.header for _, block in document.blocks(BlockKind.TABLE)][:3]
    assert headers == ["Article | Price | Share | Since"] * 3
    assert sum(text.count("Kite") for text in document.texts()) == 450


def test_too_many_pages(tmp_path: Path) -> None:
    path = book(tmp_path / "prices.xlsx", rows=450)

    assert refused(path, limits=ParseLimits(max_pages=2)) == (
        "too_many_pages",
        "prices.xlsx: it has more than 2 sheets, the limit; split it",
    )
