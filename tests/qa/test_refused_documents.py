"""Documents that cannot be read, through the whole service: the exact words, and no harm done."""

import io
import zipfile

import pytest
from docx import Document
from reportlab.lib import pdfencrypt
from reportlab.pdfgen import canvas
from tests.qa.live import Live
from tests.qa.parse.documents import blank_pdf


def encrypted_pdf() -> bytes:
    out = io.BytesIO()
    sheet = canvas.Canvas(out, encrypt=pdfencrypt.StandardEncryption("secret", ownerPassword="owner"))
    sheet.drawString(72, 700, "secret text")
    sheet.save()
    return out.getvalue()


def docx_with(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    document = Document()
    document.add_paragraph("Dear grebe,")
    document.save(out)
    with zipfile.ZipFile(out) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**parts, **entries}.items():
            archive.writestr(name, data)
    return out.getvalue()


def billion_laughs() -> bytes:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(10))
    return docx_with(
        {"word/document.xml": f'<?xml version="1.0"?><!DOCTYPE d [{laughs}]><d>&l9;</d>'.encode()}
    )


FAILURES = {
    "encrypted.pdf": (
        encrypted_pdf,
        "encrypted",
        ("encrypted.pdf: the PDF is protected with a password; save a copy without one and upload that"),
    ),
    "scanned.pdf": (
        lambda: blank_pdf(3),
        "no_text_layer",
        (
            "scanned.pdf: the PDF has 3 pages but no text layer, so it is probably scanned; run OCR "
            "first (for example with ocrmypdf) and upload the result"
        ),
    ),
    "none.pdf": (
        lambda: blank_pdf(0),
        "no_pages",
        ("none.pdf: the PDF has no pages; save it again and upload that"),
    ),
    "huge.pdf": (
        lambda: blank_pdf(10_000),
        "too_many_pages",
        ("huge.pdf: it has 10000 pages, and 5000 are allowed; split it"),
    ),
    "cut.pdf": (
        lambda: encrypted_pdf()[:200],
        "damaged",
        ("cut.pdf: the PDF is damaged or cut short; save or download it again and upload that"),
    ),
    "bomb.docx": (
        lambda: docx_with({"word/media/image1.bmp": b"\x00" * 30_000_000}),
        "archive_bomb",
        (
            "bomb.docx: the entry 'word/media/image1.bmp' unpacks to over 200 times its size, as in "
            "an archive made to exhaust memory; if it is genuine, split it or remove large images "
            "and empty cells"
        ),
    ),
    "laughs.docx": (
        billion_laughs,
        "forbidden_xml",
        (
            "laughs.docx: the part 'word/document.xml' declares a DOCTYPE, which Office files never "
            "need and which can hide entity attacks; save it again in its program and upload that"
        ),
    ),
    "wrong.docx": (
        encrypted_pdf,
        "wrong_extension",
        (
            "wrong.docx: the name says a Word document, but the content is a PDF; upload the right "
            "file, or rename it if the content is what you meant"
        ),
    ),
    "blank.txt": (
        lambda: b" \n\t\n ",
        "no_text",
        ("blank.txt: there is no text in the file, so there is nothing to search"),
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_document_that_cannot_be_read_fails_with_its_reason(service: Live, name: str) -> None:
    build, code, message = FAILURES[name]
    response = service.upload(name, build())
    assert response.status_code == 202

    body = service.settled(response.json()["id"])

    assert body["error"] == {"code": code, "message": message}
    assert (body["status"], body["chunks"], body["searchable"]) == ("failed", 0, False)
    assert service.http.get(f"/v1/documents/{body['id']}/pages/1").status_code == 404
    again = service.upload(name, build())
    assert (again.status_code, again.json()["id"]) == (202, body["id"])
    assert service.settled(body["id"])["error"]["code"] == code


def test_an_unknown_kind_of_file(service: Live) -> None:
    body = service.settled(service.upload("program.bin", b"\x7fELF\x02\x01\x01" + bytes(500)).json()["id"])

    assert body["error"]["code"] == "unsupported_format"
    assert body["error"]["message"].startswith("program.bin: the file is ")
    assert "which cannot be read; supported are PDF" in body["error"]["message"]


def test_a_failed_version_leaves_the_earlier_one(service: Live) -> None:
    document = service.add("plan.txt", "The plover plan is to rest on the beach.")
    service.settled(service.upload("plan.txt", encrypted_pdf()).json()["id"])

    body = service.http.get(f"/v1/documents/{document}").json()
    assert (body["status"], body["searchable"]) == ("failed", True)
    hit = service.search("plover plan")[0]
    assert hit["document_id"] == document
    assert service.page(document, 1)[hit["start"] : hit["end"]] == hit["text"]
