import struct
import zipfile
from pathlib import Path

import pytest
from docx import Document
from tests.qa.parse.documents import read, refused, replace_parts

from glede.qa.parse import ParseLimits

BOMB_ADVICE = (
    ", as in an archive made to exhaust memory; "
    "if it is genuine, split it or remove large images and empty cells"
)


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.docx"
    document = Document()
    document.add_paragraph("Dear kite,")
    document.save(str(path))
    return path


def test_compression_ratio(letter: Path) -> None:
    replace_parts(letter, {"word/media/image1.bmp": b"\x00" * 30_000_000})

    assert refused(letter) == (
        "archive_bomb",
        "letter.docx: the entry 'word/media/image1.bmp' unpacks to over 200 times its size" + BOMB_ADVICE,
    )


def test_unpacked_size(letter: Path) -> None:
    code, message = refused(letter, limits=ParseLimits(max_unpacked_bytes=10_000))

    assert (code, message) == (
        "archive_bomb",
        "letter.docx: it unpacks to more than 10000 bytes" + BOMB_ADVICE,
    )


def test_sizes_in_headers_are_not_believed(letter: Path) -> None:
    replace_parts(letter, {"word/media/image1.bmp": b"\x00" * 30_000_000})
    data = letter.read_bytes().replace(struct.pack("<I", 30_000_000), struct.pack("<I", 1000))
    letter.write_bytes(data)

    assert refused(letter)[0] == "archive_bomb"


def test_too_many_entries(letter: Path) -> None:
    with zipfile.ZipFile(letter, "a") as archive:
        for number in range(20_001):
            archive.writestr(f"word/media/{number}", b"")

    code, message = refused(letter)

    assert code == "archive_bomb"
    assert "entries, and 20000 are allowed" in message


def test_archives_inside_are_not_opened(letter: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\x00" * 60_000_000)
    replace_parts(letter, {"word/embeddings/inner.zip": inner.read_bytes()})

    assert read(letter).text == "Dear kite,"


def test_encrypted_entry(letter: Path) -> None:
    data = bytearray(letter.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    letter.write_bytes(bytes(data))

    code, message = refused(letter)

    assert code == "encrypted"
    assert message.endswith("is encrypted; save a copy without a password and upload that")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("part", ["word/document.xml", "word/_rels/document.xml.rels", "customXml/odd.dat"])
def test_entities_are_forbidden_in_every_part(letter: Path, part: str, encoding: str) -> None:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "kite"}">' for i in range(9))
    document = f'<?xml version="1.0"?><!-- {"x" * 70_000} --><!DOCTYPE d [{laughs}]><d>&l8;</d>'
    replace_parts(letter, {part: document.encode(encoding)})

    code, message = refused(letter)

    assert code == "forbidden_xml"
    assert message == (
        f"letter.docx: the part {part!r} declares a DOCTYPE, which Office files never need "
        "and which can hide entity attacks; save it again in its program and upload that"
    )


def test_cut_short(letter: Path) -> None:
    letter.write_bytes(letter.read_bytes()[:-200])

    code, message = refused(letter)

    assert code == "damaged"
    assert message.startswith(
        "letter.docx: the file is a zip archive, as Office files are, but cannot be opened ("
    )


def test_garbled_entry(letter: Path) -> None:
    data = bytearray(letter.read_bytes())
    data[60:160] = b"\xff" * 100
    letter.write_bytes(bytes(data))

    assert refused(letter)[0] == "damaged"
