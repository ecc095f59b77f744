"""Checks of a zip-based document before any library opens it.

Sizes are measured by inflating, not read from headers; archives inside the archive are never opened.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import ParseError

MAX_ENTRIES = 20_000
_CHUNK = 64 * 1024
_RATIO_FROM = 4 * 1024 * 1024  # small parts of repeated markup compress very well
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED_FLAG = 0x1
_XML_SUFFIXES = (".xml", ".rels", ".vml")


class _DoctypeError(Exception):
    """A DOCTYPE was met."""


class _PrologueReadError(Exception):
    """The root element was met: no DOCTYPE can follow."""


class _Prologue:
    """Reads an XML part up to its root element, looking for a DOCTYPE."""

    def __init__(self) -> None:
        self.open = True
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._element

    @staticmethod
    def _doctype(*_: object) -> None:
        raise _DoctypeError

    @staticmethod
    def _element(*_: object) -> None:
        raise _PrologueReadError

    def feed(self, data: bytes) -> None:
        """Read on; raises _DoctypeError, or expat.ExpatError for what is not XML."""
        try:
            self._parser.Parse(data, False)
        except _PrologueReadError:
            self.open = False


def check_archive(path: Path, name: str, limits: ParseLimits) -> None:
    """Inflate every entry once, keeping nothing.

    Raises ParseError: ``archive_bomb`` (too many entries, too large, too compressible), ``encrypted``,
    ``forbidden_xml`` (a part declares a DOCTYPE) or ``damaged``.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            _check_entries(archive.infolist(), file, name, limits)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError) as error:
        raise ParseError(
            "damaged", f"{name}: the file is damaged ({error}); save it again in its program and upload that"
        ) from error


def _check_entries(entries: list[zipfile.ZipInfo], file: BinaryIO, name: str, limits: ParseLimits) -> None:
    if len(entries) > MAX_ENTRIES:
        raise _bomb(name, f"it has {len(entries)} entries, and {MAX_ENTRIES} are allowed")
    total = 0
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED_FLAG:
            raise ParseError(
                "encrypted",
                f"{name}: the entry {entry.filename!r} is encrypted; "
                "save a copy without a password and upload that",
            )
        size = 0
        prologue: _Prologue | None = None
        for chunk in _inflated(file, entry):
            if size == 0 and _is_xml(entry.filename, chunk):
                prologue = _Prologue()
            size += len(chunk)
            _check_size(name, entry, size, total + size, limits)
            if prologue and prologue.open:
                _feed(prologue, chunk, entry.filename, name)
        total += size


def _check_size(name: str, entry: zipfile.ZipInfo, size: int, total: int, limits: ParseLimits) -> None:
    if total > limits.max_unpacked_bytes:
        raise _bomb(name, f"it unpacks to more than {limits.max_unpacked_bytes} bytes")
    if size > _RATIO_FROM and size > limits.max_compression_ratio * max(entry.compress_size, 1):
        raise _bomb(
            name,
            f"the entry {entry.filename!r} unpacks to over {limits.max_compression_ratio} times its size",
        )


def _bomb(name: str, found: str) -> ParseError:
    return ParseError(
        "archive_bomb",
        f"{name}: {found}, as in an archive made to exhaust memory; "
        "if it is genuine, split it or remove large images and empty cells",
    )


def _is_xml(filename: str, start: bytes) -> bool:
    if filename.lower().endswith(_XML_SUFFIXES):
        return True
    bare = start[:64].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return bare.startswith(b"<")


def _feed(prologue: _Prologue, chunk: bytes, part: str, name: str) -> None:
    try:
        prologue.feed(chunk)
    except _DoctypeError as error:
        raise ParseError(
            "forbidden_xml",
            f"{name}: the part {part!r} declares a DOCTYPE, which Office files never need and which can hide "
            "entity attacks; save it again in its program and upload that",
        ) from error
    except (expat.ExpatError, ValueError) as error:
        if part.lower().endswith(_XML_SUFFIXES):
            raise ParseError("damaged", f"{name}: the part {part!r} is not valid XML ({error})") from error
        prologue.open = False


def _inflated(file: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the entry's content in chunks, whatever sizes its headers claim for it."""
    file.seek(entry.header_offset)
    magic, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if magic != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"the entry {entry.filename!r} has no header")
    file.seek(name_length + extra_length, 1)
    left = entry.compress_size
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"the entry {entry.filename!r} uses an unusual compression")
    inflate = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0:
        data = file.read(min(_CHUNK, left))
        if not data:
            raise zipfile.BadZipFile(f"the entry {entry.filename!r} is cut short")
        left -= len(data)
        if inflate is None:
            yield data
            continue
        while data:
            chunk = inflate.decompress(data, _CHUNK)
            data = inflate.unconsumed_tail
            if chunk:
                yield chunk
