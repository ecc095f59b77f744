"""Check the handbook's question sets: every expected answer stands word for word in the document it names.

Run as ``python bench/qa/questions/check.py``; the exit status is 1 when anything is wrong. Text is compared
as a reader sees it: Markdown and HTML markup removed, white space ignored. For a PDF the page is checked too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import docx
import pypdfium2
import yaml
from lxml import html
from markdown_it import MarkdownIt
from markdown_it.token import Token

HERE = Path(__file__).resolve().parent
HANDBOOK = HERE.parents[2] / "examples" / "handbook"
ANSWERABLE = ("handbook.en.yaml", "handbook.zh.yaml")
UNANSWERABLE = ("unanswerable.en.yaml", "unanswerable.zh.yaml")
AT_LEAST = {"questions": 70, "near": 30, "far": 10}
FIELDS = {"question", "document", "answer", "page"}


@cache
def pages_of(document: str) -> tuple[str, ...]:
    """The text of each page without white space; one page if the format has none. ValueError for others."""
    path = HANDBOOK / document
    readers = {".md": _markdown, ".pdf": _pdf, ".docx": _docx, ".html": _html}
    if path.suffix not in readers:
        raise ValueError(f"{document}: suffix {path.suffix!r} found, expected one of {sorted(readers)}")
    return tuple(squeeze(page) for page in readers[path.suffix](path))


def squeeze(text: str) -> str:
    """The text without any white space."""
    return "".join(text.split())


def _markdown(path: Path) -> list[str]:
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))
    return ["\n".join(_visible(tokens))]


def _visible(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "inline":
            yield "".join(_inline(child) for child in token.children or [])
        elif token.type in {"fence", "code_block"}:
            yield token.content


def _inline(child: Token) -> str:
    return "\n" if child.type in {"softbreak", "hardbreak"} else child.content


def _pdf(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_range() for page in document]


def _docx(path: Path) -> list[str]:
    document = docx.Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return ["\n".join([paragraph.text for paragraph in document.paragraphs] + cells)]


def _html(path: Path) -> list[str]:
    body = html.fromstring(path.read_bytes()).find("body")
    return ["" if body is None else "".join(str(part) for part in body.itertext())]


def problems_of(entry: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one answerable question, in words; nothing when it is right."""
    if missing := {"question", "document", "answer"} - entry.keys():
        yield f"fields {sorted(missing)} missing"
        return
    if unknown := entry.keys() - FIELDS:
        yield f"fields {sorted(unknown)} unknown, expected {sorted(FIELDS)}"
    document = entry["document"]
    if not (HANDBOOK / document).is_file():
        yield f"document {document} not found under {HANDBOOK.name}/"
        return
    answer = squeeze(entry["answer"])
    found = [number for number, text in enumerate(pages_of(document), start=1) if answer in text]
    if not found:
        yield f"answer not in {document}: {entry['answer']!r}"
    elif document.endswith(".pdf") and entry.get("page") not in found:
        yield f"page {entry.get('page')} given, but the answer is on {found}"
    elif "page" in entry and not document.endswith(".pdf"):
        yield f"page given, but {document} has no pages"


def check_file(name: str, keys: tuple[str, ...]) -> list[str]:
    """All problems of one file whose top-level lists are ``keys``."""
    content = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    if content.keys() != set(keys):
        return [f"{name}: keys {sorted(content)} found, expected {sorted(keys)}"]
    problems = []
    for key in keys:
        entries = content[key]
        if len(entries) < AT_LEAST[key]:
            problems.append(f"{name}: {len(entries)} {key} found, expected at least {AT_LEAST[key]}")
        asked = [entry.get("question", "") if isinstance(entry, dict) else entry for entry in entries]
        problems += [f"{name}: asked twice: {text}" for text, count in Counter(asked).items() if count > 1]
        for entry in entries:
            if isinstance(entry, dict):
                problems += [f"{name}: {entry.get('question')}: {problem}" for problem in problems_of(entry)]
    return problems


def coverage() -> list[str]:
    """Handbook files that no question asks about."""
    asked = {
        entry["document"]
        for name in ANSWERABLE
        for entry in yaml.safe_load((HERE / name).read_text(encoding="utf-8"))["questions"]
    }
    files = {
        str(path.relative_to(HANDBOOK)) for folder in ("en", "zh") for path in (HANDBOOK / folder).iterdir()
    }
    return [f"{name}: no question about it" for name in sorted(files - asked)]


def main() -> int:
    """Print every problem; 1 when there is one."""
    problems = [problem for name in ANSWERABLE for problem in check_file(name, ("questions",))]
    problems += [problem for name in UNANSWERABLE for problem in check_file(name, ("near", "far"))]
    problems += coverage()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems" if problems else "all answers found")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
