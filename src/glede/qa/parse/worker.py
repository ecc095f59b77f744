"""The parser's process: one document in, frames out, under limits it sets itself first.

Run by :mod:`glede.qa.parse.process` and not by hand. It reads no standard input, opens no connection
and starts no other program.
"""

import contextlib
import json
import os
import resource
import sys
import traceback
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from glede.qa.parse import wire
from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import DocumentInfo, Page, ParseError
from glede.qa.parse.sniff import Format, sniff

_OPEN_FILES = 64
_FILE_BYTES = 1024 * 1024  # for Python's own bytecode cache, nothing else is written
_NICE = 10
_FORBIDDEN_EVENTS = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "pty.")

_PARSERS = {
    Format.PDF: "glede.qa.parse.pdf",
    Format.DOCX: "glede.qa.parse.docx",
    Format.PPTX: "glede.qa.parse.pptx",
    Format.XLSX: "glede.qa.parse.xlsx",
    Format.HTML: "glede.qa.parse.html",
    Format.MARKDOWN: "glede.qa.parse.markdown",
    Format.TEXT: "glede.qa.parse.text",
}


def _refuse(event: str, _: tuple[object, ...]) -> None:
    if event.startswith(_FORBIDDEN_EVENTS):
        raise PermissionError(f"a parser may not do this: {event}")


def confine(limits: ParseLimits) -> None:
    """Set this process's limits; they cannot be raised again."""
    os.nice(_NICE)
    bounds = {
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (limits.cpu_seconds, limits.cpu_seconds + 1),
        resource.RLIMIT_FSIZE: (_FILE_BYTES, _FILE_BYTES),
        resource.RLIMIT_NOFILE: (_OPEN_FILES, _OPEN_FILES),
        resource.RLIMIT_AS: (limits.memory_bytes, limits.memory_bytes),
    }
    for kind, wanted in bounds.items():
        ceiling = resource.getrlimit(kind)[1]
        capped = (
            wanted if ceiling == resource.RLIM_INFINITY else tuple(min(bound, ceiling) for bound in wanted)
        )
        resource.setrlimit(kind, (capped[0], capped[1]))
    sys.addaudithook(_refuse)


def parse(path: Path, name: str, limits: ParseLimits) -> tuple[DocumentInfo, Iterator[Page]]:
    """Return the document's info and its pages, or raise ParseError."""
    kind = sniff(path, name)
    if kind in (Format.DOCX, Format.PPTX, Format.XLSX):
        from glede.qa.parse.archive import check_archive  # noqa: PLC0415 - text needs no expat

        check_archive(path, name, limits)
    parsed: tuple[DocumentInfo, Iterator[Page]] = import_module(_PARSERS[kind]).parse(path, name, limits)
    return parsed


def _pages(path: Path, name: str, limits: ParseLimits) -> Iterator[wire.Frame]:
    info, pages = parse(path, name, limits)
    yield wire.info_frame(info)
    with_text = False
    for count, page in enumerate(pages, 1):
        if count > limits.max_pages:
            raise ParseError(
                "too_many_pages",
                f"{name}: it has more than {limits.max_pages} {info.page_kind.value}s, the limit; split it",
            )
        if len(page.text) > limits.max_page_chars:
            raise ParseError(
                "output_too_large",
                f"{name}: {info.page_kind.value} {page.number} holds {len(page.text)} characters, and "
                f"{limits.max_page_chars} are allowed on one; split it",
            )
        with_text = with_text or bool(page.blocks)
        yield wire.page_frame(page)
    if not with_text:
        raise ParseError("no_text", f"{name}: there is no text in the file, so there is nothing to search")
    yield {"type": "end"}


def _ours(error: BaseException) -> bool:
    """Tell a mistake of this package from a library's refusal of the file: by where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and Path(frames[-1].filename).parent == Path(__file__).parent


def _described(error: Exception, name: str) -> ParseError:
    if isinstance(error, ParseError):
        return error
    traceback.print_exception(error)
    reason = f"{type(error).__name__}: {str(error)[:200]}".rstrip(": ")
    if isinstance(error, RecursionError):
        return ParseError(
            "damaged", f"{name}: its parts are nested too deeply to be read; save it again flatter"
        )
    if _ours(error):
        return ParseError("parser_crashed", f"{name}: the parser failed on this file ({reason})")
    return ParseError(
        "damaged", f"{name}: the file is damaged ({reason}); save it again in its program and upload that"
    )


def _answer(out: BinaryIO, path: Path, name: str, limits: ParseLimits) -> None:
    sent = 0
    for frame in _pages(path, name, limits):
        line = wire.encode(frame)
        sent += len(line)
        if sent > limits.max_output_bytes or len(line) > wire.max_frame_bytes(limits):
            raise ParseError(
                "output_too_large",
                f"{name}: its text takes more than {limits.max_output_bytes} bytes, the limit; split it",
            )
        out.write(line)
        out.flush()


def _out_of_memory(name: str, limits: ParseLimits) -> ParseError:
    return ParseError(
        "out_of_memory",
        f"{name}: reading it needs more than {limits.memory_bytes} bytes of memory, the limit; split it",
    )


def main(argument: str) -> None:
    """Answer the request in ``argument`` (JSON: path, name, limits) on standard output."""
    request = json.loads(argument)
    limits = ParseLimits(**request["limits"])
    name = request["name"]
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up between the frames
    # openpyxl would load it, for types that no file holds.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    confine(limits)
    failure: ParseError | None = None
    try:
        _answer(out, Path(request["path"]), name, limits)
    except MemoryError:
        failure = _out_of_memory(name, limits)
    except BrokenPipeError:
        return
    except Exception as error:  # every failure must reach the parent in words
        failure = _described(error, name)
    with contextlib.suppress(BrokenPipeError):
        if failure:
            out.write(wire.encode(wire.error_frame(failure)))
        out.close()
