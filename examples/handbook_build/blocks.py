"""A Markdown source as a flat list of blocks, the common input of the PDF and DOCX writers.

The subset the sources use: headings, paragraphs, one-level lists, pipe tables, fenced code; emphasis and
code inline. Anything else raises ValueError, so that no text is dropped silently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

Style = Literal["plain", "bold", "italic", "code"]
Kind = Literal["heading", "paragraph", "bullet", "number", "code", "table"]
STYLES: dict[str, Style] = {"strong_open": "bold", "em_open": "italic"}


@dataclass(frozen=True)
class Run:
    """A piece of text in one style."""

    text: str
    style: Style = "plain"


@dataclass
class Block:
    """One block: ``runs`` of text, the ``text`` of code, or the ``rows`` of a table, header first."""

    kind: Kind
    runs: list[Run] = field(default_factory=list)
    text: str = ""
    level: int = 0
    rows: list[list[list[Run]]] = field(default_factory=list)


def parse_blocks(source: str) -> list[Block]:
    """The blocks of a Markdown text in reading order; ValueError names an element outside the subset."""
    blocks: list[Block] = []
    context: list[Token] = []
    for token in MarkdownIt("commonmark").enable("table").parse(source):
        if token.nesting == 1:
            _open(token, blocks)
            context.append(token)
        elif token.nesting == -1:
            context.pop()
        else:
            _leaf(token, context, blocks)
    return blocks


def _open(token: Token, blocks: list[Block]) -> None:
    if token.type == "table_open":
        blocks.append(Block("table"))
    elif token.type == "tr_open":
        blocks[-1].rows.append([])


def _leaf(token: Token, context: list[Token], blocks: list[Block]) -> None:
    if token.type == "fence":
        blocks.append(Block("code", text=token.content.rstrip("\n")))
        return
    if token.type != "inline":
        raise ValueError(f"line {_line(token)}: {token.type} is not in the handbook's Markdown subset")
    runs = _runs(token)
    parent = context[-1].type
    kinds = [one.type for one in context]
    if parent in {"th_open", "td_open"}:
        blocks[-1].rows[-1].append(runs)
    elif parent == "heading_open":
        blocks.append(Block("heading", runs, level=int(context[-1].tag[1:])))
    elif "list_item_open" in kinds:
        blocks.append(Block("bullet" if "bullet_list_open" in kinds else "number", runs))
    else:
        blocks.append(Block("paragraph", runs))


def _runs(inline: Token) -> list[Run]:
    runs: list[Run] = []
    style: Style = "plain"
    for child in inline.children or []:
        if child.type == "text":
            runs.append(Run(child.content, style))
        elif child.type == "code_inline":
            runs.append(Run(child.content, "code"))
        elif child.type == "softbreak":
            runs.append(Run(" ", style))
        elif child.type in STYLES:
            style = STYLES[child.type]
        elif child.type in {"strong_close", "em_close"}:
            style = "plain"
        else:
            raise ValueError(f"line {_line(inline)}: {child.type} is not in the handbook's Markdown subset")
    return [run for run in runs if run.text]


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0
