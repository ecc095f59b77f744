"""What an answer is."""

from dataclasses import dataclass, field

from glede.qa.retrieve.passages import Passage


@dataclass(frozen=True, slots=True)
class Citation:
    """A quotation and its place: ``quote`` is ``page_text[start:end]`` of that document's page."""

    n: int
    document_id: str
    document: str
    page: int
    label: str
    page_kind: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer, the citations it leans on, and whether they bear it out."""

    text: str
    citations: tuple[int, ...]
    supported: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; ``timings`` are milliseconds by stage."""

    answer: str
    found: bool
    citations: list[Citation]
    sentences: list[Sentence]
    timings: dict[str, float] = field(default_factory=dict)


def cite(n: int, passage: Passage, start: int, end: int) -> Citation:
    """Cite characters ``[start, end)`` of a passage's text."""
    return Citation(
        n=n,
        document_id=passage.document_id,
        document=passage.document,
        page=passage.page,
        label=passage.label,
        page_kind=passage.page_kind,
        start=passage.start + start,
        end=passage.start + end,
        quote=passage.text[start:end],
    )
