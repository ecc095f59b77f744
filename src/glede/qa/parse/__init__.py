"""Document parsers: a file in, pages of plain text with their blocks out.

Each document is read in a process of its own, under limits of time, memory and output:

    with open_document(path, "report.pdf", ParseLimits()) as document:
        print(document.info.title)
        for page in document.pages():
            ...

Every failure is a :class:`ParseError` with a stable ``code`` and a message for a person.
"""

from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import Block, BlockKind, DocumentInfo, Page, PageKind, ParseError
from glede.qa.parse.process import ParsedDocument, open_document

__all__ = [
    "Block",
    "BlockKind",
    "DocumentInfo",
    "Page",
    "PageKind",
    "ParseError",
    "ParseLimits",
    "ParsedDocument",
    "open_document",
]
