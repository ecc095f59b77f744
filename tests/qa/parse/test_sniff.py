import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook
from tests.qa.parse.documents import pdf, read, refused, save

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
SUPPORTED = (
    "supported are PDF, Word (.docx), PowerPoint (.pptx), Excel (.xlsx), HTML, Markdown and plain text"
)


def test_empty_file(tmp_path: Path) -> None:
    assert refused(save(tmp_path / "nil.pdf", b"")) == (
        "empty_file",
        "nil.pdf: the file is empty (0 bytes); upload it again",
    )


def test_image_named_pdf(tmp_path: Path) -> None:
    assert refused(save(tmp_path / "x", PNG), "scan.pdf") == (
        "wrong_extension",
        (
            "scan.pdf: the name says a PDF, but the content is a PNG image; "
            "upload the right file, or rename it if the content is what you meant"
        ),
    )


def test_pdf_named_docx(tmp_path: Path) -> None:
    path = pdf(tmp_path / "x", lambda sheet: sheet.drawString(72, 700, "kite"))

    code, message = refused(path, "paper.docx")

    assert code == "wrong_extension"
    assert "the name says a Word document, but the content is a PDF" in message
    assert read(path, "paper").text == "kite"


def test_workbook_named_docx(tmp_path: Path) -> None:
    path = tmp_path / "x"
    Workbook().save(path)

    assert "but the content is an Excel workbook" in refused(path, "paper.docx")[1]


def test_a_web_page_saved_as_pdf(tmp_path: Path) -> None:
    path = save(tmp_path / "x", "<!doctype html><html><body>Please log in</body></html>")

    assert "the name says a PDF, but the content is an HTML page" in refused(path, "paper.pdf")[1]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("photo.png", PNG, "a PNG image"),
        ("data.bin", bytes(range(256)), "binary data of an unknown kind"),
        ("letter.rtf", b"{\\rtf1 text}", "an RTF document"),
        ("config.xml", b"<?xml version='1.0'?><a/>", "a text file of the kind '.xml'"),
    ],
)
def test_unsupported(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    assert refused(save(tmp_path / name, data)) == (
        "unsupported_format",
        f"{name}: the file is {words}, which cannot be read; {SUPPORTED}",
    )


def test_other_archives(tmp_path: Path) -> None:
    path = tmp_path / "text.odt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")

    assert "an OpenDocument text (.odt)" in refused(path)[1]


def test_old_and_encrypted_office_files(tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600
    old = save(tmp_path / "old.doc", ole + "WordDocument".encode("utf-16-le"))
    locked = save(tmp_path / "locked.docx", ole + "EncryptedPackage".encode("utf-16-le"))

    assert refused(old)[0] == "unsupported_format"
    assert "an old Word document (.doc); save it as .docx" in refused(old)[1]
    assert refused(locked) == (
        "encrypted",
        "locked.docx: the Office file is protected with a password; save a copy without one and upload that",
    )


def test_text_that_begins_like_a_signature(tmp_path: Path) -> None:
    assert read(save(tmp_path / "bm.txt", "BM25 ranks by words.")).text == "BM25 ranks by words."


def test_text_without_extension(tmp_path: Path) -> None:
    assert read(save(tmp_path / "README", "Kites soar.")).text == "Kites soar."


def test_names_are_made_fit_for_messages(tmp_path: Path) -> None:
    path = save(tmp_path / "x", b"")

    message = refused(path, "a\nb" + "c" * 300 + ".pdf")[1]

    assert "\n" not in message
    assert len(message) < 200
    assert ".pdf: the file is empty" in message
