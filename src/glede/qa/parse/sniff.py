"""What a file is: by its content first, by its name second; the two must agree."""

import zipfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from glede.qa.parse.model import ParseError

HEAD_BYTES = 8192
_PDF_WITHIN = 1024  # readers accept bytes before %PDF- up to here


class Format(StrEnum):
    """The formats that can be read."""

    PDF = "pdf"
    DOCX = "docx"
    PPTX = "pptx"
    XLSX = "xlsx"
    HTML = "html"
    MARKDOWN = "markdown"
    TEXT = "text"


EXTENSIONS: dict[str, Format] = {
    ".pdf": Format.PDF,
    ".docx": Format.DOCX,
    ".docm": Format.DOCX,
    ".pptx": Format.PPTX,
    ".pptm": Format.PPTX,
    ".xlsx": Format.XLSX,
    ".xlsm": Format.XLSX,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xhtml": Format.HTML,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".txt": Format.TEXT,
    ".text": Format.TEXT,
    ".rst": Format.TEXT,
    ".adoc": Format.TEXT,
    ".log": Format.TEXT,
    ".csv": Format.TEXT,
    ".tsv": Format.TEXT,
}
SUPPORTED = "PDF, Word (.docx), PowerPoint (.pptx), Excel (.xlsx), HTML, Markdown and plain text"

_NAMES = {
    Format.PDF: "a PDF",
    Format.DOCX: "a Word document",
    Format.PPTX: "a PowerPoint presentation",
    Format.XLSX: "an Excel workbook",
    Format.HTML: "an HTML page",
    Format.MARKDOWN: "Markdown",
    Format.TEXT: "plain text",
}
_TEXTUAL = (Format.HTML, Format.MARKDOWN, Format.TEXT)

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"BM", "a BMP image"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"ID3", "an MP3 recording"),
    (b"OggS", "an Ogg recording"),
    (b"RIFF", "a WAV, AVI or WebP file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"AT&TFORM", "a DjVu document"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS = (
    ("WordDocument", "an old Word document (.doc); save it as .docx"),
    ("PowerPoint Document", "an old PowerPoint presentation (.ppt); save it as .pptx"),
    ("Workbook", "an old Excel workbook (.xls); save it as .xlsx"),
)
_ZIP_MIMETYPES = {
    b"application/vnd.oasis.opendocument.text": "an OpenDocument text (.odt)",
    b"application/vnd.oasis.opendocument.spreadsheet": "an OpenDocument spreadsheet (.ods)",
    b"application/vnd.oasis.opendocument.presentation": "an OpenDocument presentation (.odp)",
    b"application/epub+zip": "an EPUB book",
}


@dataclass(frozen=True, slots=True)
class _Found:
    """What the content says: a format, or words for one that cannot be read."""

    format: Format | None
    words: str


def extension(name: str) -> str:
    """Return the extension of a user's file name, lower case, with its dot."""
    return PurePosixPath(name.replace("\\", "/")).suffix.lower()


def sniff(path: Path, name: str) -> Format:
    """Return the format of ``path``, which the user calls ``name``.

    Raises ParseError: ``empty_file``, ``unsupported_format``, ``wrong_extension``, ``encrypted`` (an
    Office file under a password) or ``damaged`` (a zip archive that cannot be listed).
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise ParseError("empty_file", f"{name}: the file is empty (0 bytes); upload it again")
    claimed = EXTENSIONS.get(extension(name))
    found = _content(path, name, head)
    if found.format is None and claimed is None:
        raise _unsupported(name, found.words)
    if found.format is None:
        raise _wrong_extension(name, claimed, found.words)
    if found.format is Format.TEXT:
        return _textual(name, claimed, head)
    if claimed is not None and claimed is not found.format:
        raise _wrong_extension(name, claimed, found.words)
    return found.format


def _content(path: Path, name: str, head: bytes) -> _Found:
    if b"%PDF-" in head[:_PDF_WITHIN] and not head.startswith(b"PK"):
        return _Found(Format.PDF, _NAMES[Format.PDF])
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip(path, name)
    if head.startswith(_OLE):
        return _ole(path, name)
    for signature, words in _SIGNATURES:
        if head.startswith(signature) and not _is_prose(head, signature):
            return _Found(None, words)
    if _is_binary(head):
        return _Found(None, "binary data of an unknown kind")
    return _Found(Format.TEXT, _NAMES[Format.TEXT])


def _is_prose(head: bytes, signature: bytes) -> bool:
    """Tell text that happens to begin with a signature of letters ("BM25 ranks…") from the real thing."""
    return signature in (b"BM", b"MZ", b"ID3", b"BZh", b"RIFF") and not _is_binary(head)


def _is_binary(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return False
    nuls = head.count(0)
    if nuls:
        # UTF-16 without a mark: the zeros of ASCII text stand at every other byte.
        even, odd = head[0::2].count(0), head[1::2].count(0)
        return not (max(even, odd) > len(head) * 0.2 and min(even, odd) <= len(head) * 0.02)
    control = sum(head.count(byte) for byte in range(32) if byte not in b"\t\n\r\f\x1b\x08\x0b\x1a")
    return control > len(head) * 0.02 + 4


def _zip(path: Path, name: str) -> _Found:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            mimetype = archive.read("mimetype")[:100] if names[:1] == ["mimetype"] else b""
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ParseError(
            "damaged",
            f"{name}: the file is a zip archive, as Office files are, but cannot be opened ({error}); "
            "it may be cut short: upload it again",
        ) from error
    for prefix, kind in (("word/", Format.DOCX), ("ppt/", Format.PPTX), ("xl/", Format.XLSX)):
        if "[Content_Types].xml" in names and any(entry.startswith(prefix) for entry in names):
            if f"{prefix}workbook.bin" in names:
                return _Found(None, "a binary Excel workbook (.xlsb); save it as .xlsx")
            return _Found(kind, _NAMES[kind])
    return _Found(None, _ZIP_MIMETYPES.get(mimetype.strip(), "a zip archive"))


def _ole(path: Path, name: str) -> _Found:
    data = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise ParseError(
            "encrypted",
            f"{name}: the Office file is protected with a password; save a copy without one and upload that",
        )
    for stream, words in _OLE_STREAMS:
        if stream.encode("utf-16-le") in data:
            return _Found(None, words)
    return _Found(None, "an old Office file or e-mail; save it in a current format")


def _textual(name: str, claimed: Format | None, head: bytes) -> Format:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    markup = start.startswith((b"<!doctype html", b"<html")) or (
        start.startswith((b"<?xml", b"<!--")) and b"<html" in start
    )
    if claimed is not None and claimed not in _TEXTUAL:
        raise _wrong_extension(name, claimed, "an HTML page" if markup else "plain text")
    if markup:
        return Format.HTML
    if claimed is not None:
        return claimed
    if extension(name) == "":
        return Format.TEXT
    raise _unsupported(name, f"a text file of the kind {extension(name)!r}")


def _unsupported(name: str, words: str) -> ParseError:
    return ParseError(
        "unsupported_format", f"{name}: the file is {words}, which cannot be read; supported are {SUPPORTED}"
    )


def _wrong_extension(name: str, claimed: Format | None, words: str) -> ParseError:
    expected = _NAMES[claimed] if claimed else "another format"
    return ParseError(
        "wrong_extension",
        f"{name}: the name says {expected}, but the content is {words}; "
        "upload the right file, or rename it if the content is what you meant",
    )
