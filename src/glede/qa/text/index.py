"""What of a chunk goes into the index: its own words, and the titles it stands under."""

from collections.abc import Sequence

from glede.qa.text.tokens import tokenize


def context_line(title: str, heading: Sequence[str], header: str = "") -> str:
    """Give "title > heading > subheading", and a table's header row, for a reader of the chunk alone."""
    path = [part for part in (title, *heading) if part]
    line = " > ".join(dict.fromkeys(path))
    return f"{line}\n{header}" if header else line


def index_tokens(title: str, heading: Sequence[str], header: str, text: str) -> list[str]:
    """Give the lexical tokens of a chunk."""
    return tokenize(embedding_text(title, heading, header, text))


def embedding_text(title: str, heading: Sequence[str], header: str, text: str) -> str:
    """Give the text whose vector stands for the chunk."""
    context = context_line(title, heading, "" if header in text else header)
    return f"{context}\n{text}" if context else text
