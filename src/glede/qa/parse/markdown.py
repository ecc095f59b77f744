"""Markdown: readable plain text, with the markup read and left out."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from glede.qa.parse.charset import decode
from glede.qa.parse.html import html_items
from glede.qa.parse.layout import Item, sections
from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import BlockKind, DocumentInfo, Page, PageKind
from glede.qa.parse.normalise import one_line, separator, table_row

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?)\n(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_KEY = re.compile(r"^[\w-]+\s*[:=]", re.MULTILINE)
_FRONT_TITLE = re.compile(r"^title\s*[:=]\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)
_HEADING_ANCHOR = re.compile(r"\s*\{#[\w.:-]+[^}]*\}\s*$")
_LINE_BREAK_TAG = re.compile(r"<br\b", re.IGNORECASE)


def parse(path: Path, name: str, _: ParseLimits) -> tuple[DocumentInfo, Iterator[Page]]:
    """Return the document's info and its sections; see :mod:`glede.qa.parse.worker` for errors."""
    text = decode(path.read_bytes()).replace("\r\n", "\n")
    front = _FRONT_MATTER.match(text)
    title = ""
    if front and _FRONT_KEY.search(front[2]):
        found = _FRONT_TITLE.search(front[2])
        title = found[1] if found else ""
        text = text[front.end() :]
    parser = MarkdownIt("commonmark", {"maxNesting": 60}).enable(["table", "strikethrough"])
    root = SyntaxTreeNode(parser.parse(text))
    title = title or _first_heading(root) or PurePosixPath(name).stem
    return DocumentInfo(title, PageKind.SECTION, None), sections(_blocks(root.children))


def _first_heading(root: SyntaxTreeNode) -> str:
    for node in root.children:
        if node.type == "heading" and node.tag == "h1":
            return one_line(_inline(node))
    return ""


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> Iterator[Item]:
    for node in nodes:
        if node.type == "heading":
            yield Item(BlockKind.HEADING, _HEADING_ANCHOR.sub("", _inline(node)), int(node.tag[1]))
        elif node.type in ("bullet_list", "ordered_list"):
            yield from _List().items(node)
        elif node.type in ("fence", "code_block"):
            yield Item(BlockKind.CODE, node.content)
        elif node.type == "table":
            yield from _table(node)
        elif node.type == "html_block":
            yield from html_items(node.content)
        elif node.type == "paragraph":
            yield Item(BlockKind.TEXT, _inline(node))
        elif node.children:
            yield from _blocks(node.children)


def _table(node: SyntaxTreeNode) -> Iterator[Item]:
    rows = [
        table_row(_inline(cell) for cell in row.children)
        for section in node.children
        for row in section.children
    ]
    yield Item(BlockKind.TABLE, "\n".join(row for row in rows if row), header=rows[0] if rows else "")


class _List:
    """A list's lines; a listing or table inside it is a block of its own, and the list goes on after."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def items(self, node: SyntaxTreeNode) -> Iterator[Item]:
        """Yield the blocks of a list node."""
        yield from self._list(node, 0)
        yield from self._flush()

    def _flush(self) -> Iterator[Item]:
        if self._lines:
            yield Item(BlockKind.LIST, "\n".join(self._lines))
            self._lines = []

    def _list(self, node: SyntaxTreeNode, depth: int) -> Iterator[Item]:
        number = int(node.attrs.get("start", 1))
        for item in node.children:
            marker = f"{number}. " if node.type == "ordered_list" else "- "
            yield from self._item(item, "  " * depth, marker, depth)
            number += 1

    def _item(self, item: SyntaxTreeNode, indent: str, marker: str, depth: int) -> Iterator[Item]:
        for child in item.children:
            if child.type in ("bullet_list", "ordered_list"):
                yield from self._list(child, depth + 1)
            elif child.type == "paragraph":
                text = _inline(child).replace("\n", "\n" + indent + "  ")
                if text.strip():
                    self._lines.append(indent + marker + text)
                    marker = " " * len(marker)
            else:
                yield from self._flush()
                for block in _blocks([child]):  # a heading inside a list opens no section
                    heading = block.kind is BlockKind.HEADING
                    yield Item(BlockKind.TEXT, block.text) if heading else block


def _inline(node: SyntaxTreeNode) -> str:
    """Return what a reader sees of a node's inline content."""
    parts: list[str] = []
    soft = False
    for leaf in _leaves(node):
        if leaf == "\n":
            soft = True
            continue
        if soft and leaf:
            parts.append(separator("".join(parts[-2:]), leaf))
            soft = False
        parts.append("\n" if leaf == "\\\n" else leaf)
    return "".join(parts)


def _leaves(node: SyntaxTreeNode) -> Iterator[str]:
    """Yield texts, ``\\n`` for a soft break and a backslash with it for a hard one."""
    for child in node.children:
        if child.type == "softbreak":
            yield "\n"
        elif child.type == "hardbreak" or (
            child.type == "html_inline" and _LINE_BREAK_TAG.match(child.content)
        ):
            yield "\\\n"
        elif child.type in ("text", "code_inline", "text_special"):
            yield child.content
        elif child.children:
            yield from _leaves(child)
        elif child.type == "image":
            yield child.content
