"""HTML: what a reader of the page sees, without navigation and other boilerplate."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from lxml import etree, html

from glede.qa.parse.charset import decode
from glede.qa.parse.layout import Item, sections
from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import BlockKind, DocumentInfo, Page, PageKind
from glede.qa.parse.normalise import one_line, separator, table_row

_META_BYTES = 4096
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""\A\s*<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{1,40})""")
_NEVER = frozenset(
    {
        "script", "style", "noscript", "template", "head", "title", "meta", "link", "svg", "canvas",
        "iframe", "object", "embed", "applet", "audio", "video", "map", "button", "select",
        "textarea", "input", "datalist", "dialog", "nav", "menu",
    }
)  # fmt: skip
_BOILERPLATE = frozenset({"header", "footer", "aside"})
_BOILERPLATE_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "menu", "dialog"})
_BOILERPLATE_CLASSES = frozenset(
    {"headerlink", "anchor-link", "sphinxsidebar", "breadcrumb", "breadcrumbs", "sr-only", "navheader"}
    | {"navfooter", "navigation", "navbar", "nav", "sidebar", "site-header", "site-footer", "toc"}
    | {"table-of-contents", "skip-link", "cookie-banner"}
)

_CONTENT = frozenset({"main", "article", "section"})
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl",
        "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr",
        "legend", "li", "main", "ol", "p", "section", "summary", "tbody", "td", "tfoot", "th",
        "thead", "tr", "ul", "html",
    }
)  # fmt: skip
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_LAYOUT_INSIDE = ("table", "pre", "h1", "h2", "h3", "ul", "ol")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MAIN_SHARE = 0.25  # of the page's text; a smaller <main> is not where the content is


def parse(path: Path, name: str, _: ParseLimits) -> tuple[DocumentInfo, Iterator[Page]]:
    """Return the document's info and its sections; see :mod:`glede.qa.parse.worker` for errors."""
    data = path.read_bytes()
    root = _tree(decode(data, _declared(data)))
    if root is None:
        return DocumentInfo(PurePosixPath(name).stem, PageKind.SECTION, None), iter(())
    found = root.find(".//title")
    title = one_line(found.text or "") if found is not None else ""
    info = DocumentInfo(title or PurePosixPath(name).stem, PageKind.SECTION, None)
    return info, sections(_content(root))


def html_items(fragment: str) -> Iterator[Item]:
    """Yield the blocks of a piece of HTML, such as stands inside Markdown."""
    root = _tree(f"<div>{fragment}</div>")
    if root is not None:
        yield from _Walker(keep_boilerplate=True).items(root)


def _declared(data: bytes) -> str:
    found = _CHARSET.search(data[:_META_BYTES]) or _XML_ENCODING.match(data[:_META_BYTES])
    return found[1].decode("ascii", "replace") if found else ""


def _tree(text: str) -> etree._Element | None:
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    data = text.replace("\x00", "").encode("utf-8", "replace")
    try:
        return html.document_fromstring(data, parser=parser) if data.strip() else None
    except etree.ParserError:  # nothing but comments
        return None


def _content(root: etree._Element) -> Iterator[Item]:
    """Yield the blocks of the page's main part, or of all of it when that leaves nothing."""
    body = root.find("body")
    whole = body if body is not None else root
    items = list(_Walker().items(_main(whole)))
    if not items:
        items = list(_Walker(keep_boilerplate=True).items(whole))
    yield from items


def _main(body: etree._Element) -> etree._Element:
    total = _text_length(body)
    candidates = [e for e in body.iter() if _tag(e) == "main" or e.get("role") == "main"]
    candidates = candidates or list(body.iter("article"))
    if len(candidates) == 1 and _text_length(candidates[0]) >= _MAIN_SHARE * total:
        return candidates[0]
    return body


def _text_length(element: etree._Element) -> int:
    return sum(len(text.strip()) for text in element.itertext())


def _tag(element: etree._Element) -> str:
    return element.tag.lower() if isinstance(element.tag, str) else ""


def _classes(element: etree._Element) -> set[str]:
    return set((element.get("class") or "").lower().split())


class _Walker:
    """Walks a tree in reading order and collects inline text until a block ends."""

    def __init__(self, keep_boilerplate: bool = False) -> None:
        self._keep = keep_boilerplate
        self._inline: list[str] = []
        self._lines: list[str] = []

    def items(self, root: etree._Element) -> Iterator[Item]:
        """Yield the blocks below ``root``."""
        yield from self._children(root, inside=_tag(root) in _CONTENT)
        yield from self._flush()

    def _dropped(self, element: etree._Element, inside: bool) -> bool:
        tag = _tag(element)
        if not tag or (tag in _NEVER and not (self._keep and tag in ("nav", "menu"))):
            return True
        if element.get("hidden") is not None or _HIDDEN.search(element.get("style") or ""):
            return True
        if self._keep:
            return False
        role = (element.get("role") or "").lower()
        if role in _BOILERPLATE_ROLES or _BOILERPLATE_CLASSES & _classes(element):
            return True
        return tag in _BOILERPLATE and not inside

    def _children(self, element: etree._Element, inside: bool) -> Iterator[Item]:
        self._inline.append(element.text or "")
        for child in element:
            if not self._dropped(child, inside):
                yield from self._element(child, inside)
            self._inline.append(child.tail or "")

    def _element(self, element: etree._Element, inside: bool) -> Iterator[Item]:
        tag = _tag(element)
        if tag == "br":
            self._inline.append("\v")
        elif tag == "img":
            self._inline.append(element.get("alt") or "")
        elif tag in _HEADINGS:
            yield from self._flush()
            title = one_line(_visible_text(element, self))
            yield Item(BlockKind.HEADING, title, int(tag[1]))
        elif tag == "pre":
            yield from self._flush()
            yield Item(BlockKind.CODE, _preformatted(element))
        elif tag == "table":
            yield from self._flush()
            yield from self._table(element, inside)
        elif tag in ("ul", "ol"):
            yield from self._flush()
            yield from self._list(element, 0)
            yield from self._flush_lines()
        elif tag in _BLOCKS:
            yield from self._flush()
            yield from self._children(element, inside or tag in _CONTENT)
            yield from self._flush()
        else:
            yield from self._children(element, inside)

    def _flush(self) -> Iterator[Item]:
        text = self._take()
        if text:
            yield Item(BlockKind.TEXT, text)

    def _take(self) -> str:
        """Return the inline text so far as the browser would show it."""
        raw = "".join(self._inline)
        self._inline = []
        return "\n".join(line for part in raw.split("\v") if (line := _collapsed(part)))

    def _flush_lines(self) -> Iterator[Item]:
        if self._lines:
            yield Item(BlockKind.LIST, "\n".join(self._lines))
            self._lines = []

    def _list(self, element: etree._Element, depth: int) -> Iterator[Item]:
        ordered = _tag(element) == "ol"
        start = element.get("start") or "1"
        number = int(start) if start.isascii() and start.isdigit() and len(start) < 9 else 1
        for child in element:
            if self._dropped(child, True):
                continue
            if _tag(child) in ("ul", "ol"):
                yield from self._list(child, depth + 1)
                continue
            yield from self._list_item(child, f"{number}. " if ordered else "- ", depth)
            number += 1

    def _list_item(self, element: etree._Element, marker: str, depth: int) -> Iterator[Item]:
        indent = "  " * depth
        self._inline = [element.text or ""]
        for child in element:
            tag = _tag(child)
            nested = tag in ("ul", "ol")
            if nested:
                marker = self._line(indent, marker)
                yield from self._list(child, depth + 1)
            elif not self._dropped(child, True):
                if tag in _BLOCKS or tag in ("pre", "table"):
                    marker = self._line(indent, marker)
                for item in self._element(child, True):
                    if item.kind in (BlockKind.CODE, BlockKind.TABLE):
                        yield from self._flush_lines()
                        yield item
                    else:
                        self._inline.append(item.text.replace("\n", "\v"))
                        marker = self._line(indent, marker)
            self._inline.append(child.tail or "")
        self._line(indent, marker)

    def _line(self, indent: str, marker: str) -> str:
        """End a line of the list if there is text for one; return the marker for the next."""
        text = self._take()
        if not text:
            return marker
        self._lines.append(indent + marker + text.replace("\n", "\n" + indent + "  "))
        return " " * len(marker)

    def _table(self, table: etree._Element, inside: bool) -> Iterator[Item]:
        if any(next(table.iter(tag), table) is not table for tag in _LAYOUT_INSIDE):
            yield from self._children(table, inside)
            yield from self._flush()
            return
        rows = list(table.iter("tr"))
        caption = table.find("caption")
        if caption is not None:
            yield Item(BlockKind.TEXT, one_line(_visible_text(caption, self)))
        lines = [
            table_row(_visible_text(cell, self) for cell in row if _tag(cell) in ("td", "th")) for row in rows
        ]
        kept = [(row, line) for row, line in zip(rows, lines, strict=True) if line]
        if kept:
            yield Item(BlockKind.TABLE, "\n".join(line for _, line in kept), header=_header(table, kept))

    def visible(self, element: etree._Element) -> Iterator[str]:
        """Yield the texts below an element, without what is dropped."""
        yield element.text or ""
        for child in element:
            if not self._dropped(child, True):
                if _tag(child) == "br" or _tag(child) in _BLOCKS:
                    yield "\n"
                yield from self.visible(child)
            yield child.tail or ""


def _header(table: etree._Element, rows: list[tuple[etree._Element, str]]) -> str:
    """Return the header row: the one in thead or of th alone; else the first, unless th lead the rows."""
    first, line = rows[0]
    cells = [_tag(cell) for cell in first if _tag(cell) in ("td", "th")]
    parent = first.getparent()
    if (parent is not None and _tag(parent) == "thead") or set(cells) == {"th"}:
        return line
    return "" if next(table.iter("th"), None) is not None else line


def _visible_text(element: etree._Element, walker: _Walker) -> str:
    return "".join(walker.visible(element))


def _preformatted(element: etree._Element) -> str:
    parts = [element.text or ""]
    for child in element:
        if _tag(child) == "br":
            parts.append("\n")
        elif _tag(child) not in _NEVER:
            parts.append(_preformatted(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _collapsed(text: str) -> str:
    """Collapse white space as a browser does, and drop it where a line broke inside Chinese."""
    text = text.strip(" \t\r\n\f")
    parts = _SPACE.split(text)
    joined = parts[:1]
    for gap, run in zip(_SPACE.findall(text), parts[1:], strict=True):
        joined += [separator(joined[-1], run) if "\n" in gap else " ", run]
    return "".join(joined)
