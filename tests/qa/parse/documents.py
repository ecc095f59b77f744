"""Documents built for the parser tests, and a way to read them whole."""

import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from reportlab.lib import pdfencrypt
from reportlab.pdfgen import canvas

from glede.qa.parse import Block, BlockKind, DocumentInfo, Page, ParseError, ParseLimits, open_document


@dataclass(frozen=True)
class Read:
    """A document read to its end."""

    info: DocumentInfo
    pages: list[Page]

    @property
    def text(self) -> str:
        return "\n\n".join(page.text for page in self.pages)

    def blocks(self, kind: BlockKind | None = None) -> list[tuple[str, Block]]:
        """The blocks with their text, checked to be in order and inside their page."""
        found = []
        for page in self.pages:
            at = 0
            for block in page.blocks:
                assert at <= block.start < block.end <= len(page.text)
                at = block.end
                if kind in (None, block.kind):
                    found.append((page.text[block.start : block.end], block))
        return found

    def texts(self, kind: BlockKind | None = None) -> list[str]:
        return [text for text, _ in self.blocks(kind)]

    def path_of(self, part: str) -> tuple[str, ...]:
        return next(block.heading for text, block in self.blocks() if part in text)


def read(path: Path, name: str | None = None, limits: ParseLimits | None = None) -> Read:
    with open_document(path, name or path.name, limits or ParseLimits()) as document:
        return Read(document.info, list(document.pages()))


def refused(path: Path, name: str | None = None, limits: ParseLimits | None = None) -> tuple[str, str]:
    """The code and message with which a document is refused."""
    with pytest.raises(ParseError) as caught:
        read(path, name, limits)
    return caught.value.code, caught.value.message


def save(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def pdf(path: Path, draw: Callable[[Any], None], password: str | None = None) -> Path:
    encrypt = pdfencrypt.StandardEncryption(password, ownerPassword="owner") if password else None
    sheet = canvas.Canvas(str(path), encrypt=encrypt)
    draw(sheet)
    sheet.save()
    return path


def blank_pdf(pages: int) -> bytes:
    """A valid PDF of empty pages, written by hand: thousands of them in milliseconds."""
    kids = " ".join(f"{number} 0 R" for number in range(3, 3 + pages))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>"]
    objects += ["<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>"] * pages
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    start = out.tell()
    rows = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}".encode())
    out.write(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def replace_parts(path: Path, parts: dict[str, bytes]) -> Path:
    """Rewrite a zip archive with some entries replaced or added."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries.update(parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)
