"""HTML manuals as a flat list of parts: what stands under one heading, with its anchors and links.

Navigation is left out: elements that are navigation by name, and blocks that are nothing but links
(tables of contents, "see also" lists), since those repeat headings that questions are made from.
"""

from __future__ import annotations

import gzip
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urldefrag

import lxml.html
from lxml.etree import _Element

HeadingRule = Callable[[_Element], int | None]
"""Tells the level (1 is the top) of an element that is a heading, else None."""

_BLOCKS = frozenset(
    {
        "address",
        "article",
        "blockquote",
        "body",
        "caption",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "figure",
        "hr",
        "li",
        "main",
        "ol",
        "p",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    }
)
_SKIPPED_TAGS = frozenset(
    {
        "aside",
        "button",
        "footer",
        "form",
        "head",
        "header",
        "input",
        "nav",
        "noscript",
        "script",
        "style",
        "svg",
    }
)
_SKIPPED_CLASSES = frozenset(
    {
        "bottomlang",
        "footer",
        "footnotes",
        "headerlink",
        "navfooter",
        "navheader",
        "nosearch",
        "permalink",
        "related",
        "sphinxsidebar",
        "toc",
        "top",
        "toplang",
        "up",
    }
)
_ADMONITIONS = frozenset({"caution", "important", "note", "tip", "warning"})
_SKIPPED_IDS = frozenset({"footer", "page-header", "path", "quickview", "toc"})
_NUMBER = re.compile(
    r"^(?:(?:chapter|appendix|part)\s+\w+\.|第\s*\w+\s*[章节部]|附录\s*\w+\.|\w{1,2}(?:\.\d+)+\.?)\s*", re.I
)
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Link:
    """A link inside a paragraph; `target` is "file#anchor" with file relative to the manual's root."""

    start: int
    end: int
    target: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One block of running text; the links' offsets are into `text`."""

    text: str
    links: tuple[Link, ...] = ()


@dataclass(slots=True)
class Part:
    """The text under one heading, up to the next heading of any level; `path` ends with that heading."""

    document: str
    path: tuple[str, ...]
    level: int
    anchors: set[str] = field(default_factory=set)
    paragraphs: list[Paragraph] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """The heading itself; empty for text before the first one."""
        return self.path[-1] if self.path else ""

    @property
    def text(self) -> str:
        """The paragraphs, one a line (preformatted blocks keep their own line ends)."""
        return "\n".join(paragraph.text for paragraph in self.paragraphs)


def standard_headings(element: _Element) -> int | None:
    """Headings h1..h6 by their number, but not the captions of notes and warnings."""
    tag = element.tag
    if not isinstance(tag, str) or not re.fullmatch(r"h[1-6]", tag):
        return None
    parent = element.getparent()
    boxed = parent is not None and not _ADMONITIONS.isdisjoint((parent.get("class") or "").split())
    return None if boxed else int(tag[1])


def parse(path: Path) -> _Element:
    """The root element of an HTML file, compressed (.gz) or not. Raises ValueError for an empty file."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if not data.strip():
        raise ValueError(f"{path}: the file is empty, expected an HTML page")
    return lxml.html.document_fromstring(data, parser=lxml.html.HTMLParser(encoding="utf-8"))


def read_parts(path: Path, document: str, headings: HeadingRule = standard_headings) -> list[Part]:
    """The parts of the page in order; `document` is the page's path relative to the manual's root.

    On a page without a top heading the page's title stands above the others.
    """
    root = parse(path)
    body = root.find("body")
    title = strip_number(squeeze(root.findtext("head/title") or ""))
    walker = _Walker(document, headings, title)
    walker.visit(body if body is not None else root)
    walker.flush()
    return [part for part in walker.parts if part.paragraphs or part.anchors]


def strip_number(heading: str) -> str:
    """The heading without its chapter or section number."""
    return _NUMBER.sub("", heading).strip()


def squeeze(text: str) -> str:
    """The text with every run of white space made one space."""
    return _SPACES.sub(" ", text).strip()


class _Walker:
    def __init__(self, document: str, headings: HeadingRule, title: str) -> None:
        self._title = title
        self._document = document
        self._headings = headings
        self._stack: list[tuple[int, str]] = []
        self._run = ""
        self._links: list[Link] = []
        self._anchors: dict[str, int] = {}
        self.parts = [Part(document, (), 0)]

    def visit(self, element: _Element) -> None:
        if not isinstance(element.tag, str) or _is_navigation(element):
            return
        self._note_anchors(element)
        level = self._headings(element)
        if level is not None:
            self._open(level, element)
        elif element.tag == "pre":
            self.flush()
            self._append(Paragraph(str(element.xpath("string()")).strip("\n")))
        else:
            self._descend(element)

    def flush(self) -> None:
        """End the running paragraph; one that is only links is dropped."""
        text, links = self._run.rstrip(), tuple(self._links)
        self._run, self._links = "", []
        linked = sum(link.end - link.start for link in links)
        letters = len(re.sub(r"\W", "", text))
        if text and not (links and letters <= linked):
            self._append(Paragraph(text, links))
        self._anchors = dict.fromkeys(self._anchors, 0)

    def _descend(self, element: _Element) -> None:
        block = element.tag in _BLOCKS
        if block:
            self.flush()
        start = len(self._run)
        self._add(element.text)
        for child in element:
            self.visit(child)
            self._add(child.tail)
        target = self._target(element)
        if target and start < len(self._run):
            self._links.append(Link(start, len(self._run), target))
        if block:
            self.flush()

    def _add(self, text: str | None) -> None:
        squeezed = _SPACES.sub(" ", text or "")
        if self._run == "" or self._run.endswith(" "):
            squeezed = squeezed.lstrip()
        self._run += squeezed

    def _append(self, paragraph: Paragraph) -> None:
        """Add the paragraph; an anchor that no text follows waits, for it may belong to the next heading."""
        if not paragraph.text.strip():
            return
        here = {name for name, place in self._anchors.items() if place < len(paragraph.text)}
        self.parts[-1].anchors |= here
        self._anchors = {name: place for name, place in self._anchors.items() if name not in here}
        self.parts[-1].paragraphs.append(paragraph)

    def _open(self, level: int, element: _Element) -> None:
        self.flush()
        for inner in element.iter():
            if isinstance(inner.tag, str):
                self._note_anchors(inner)
        heading = strip_number(_heading_text(element))
        self._stack = [(depth, text) for depth, text in self._stack if depth < level] + [(level, heading)]
        path = tuple(text for _, text in self._stack if text)
        if self._stack[0][0] > 1 and self._title and path[:1] != (self._title,):
            path = (self._title, *path)
        self.parts.append(Part(self._document, path, level, anchors=set(self._anchors)))
        self._anchors = {}

    def _note_anchors(self, element: _Element) -> None:
        for name in (element.get("id"), element.get("name")):
            if name:
                self._anchors.setdefault(name, len(self._run))

    def _target(self, element: _Element) -> str | None:
        href = element.get("href") if element.tag == "a" else None
        if not href or re.match(r"[a-z][a-z0-9+.-]*:", href, re.I):
            return None
        page, anchor = urldefrag(href)
        folder = posixpath.dirname(self._document)
        document = posixpath.normpath(posixpath.join(folder, unquote(page))) if page else self._document
        return f"{document}#{unquote(anchor)}"


def _heading_text(element: _Element) -> str:
    pieces: list[str] = []

    def collect(node: _Element) -> None:
        if not isinstance(node.tag, str) or _is_navigation(node):
            return
        pieces.append(node.text or "")
        for child in node:
            collect(child)
            pieces.append(child.tail or "")

    collect(element)
    return squeeze("".join(pieces))


def _is_navigation(element: _Element) -> bool:
    return (
        element.tag in _SKIPPED_TAGS
        or element.get("id") in _SKIPPED_IDS
        or not _SKIPPED_CLASSES.isdisjoint((element.get("class") or "").split())
    )
