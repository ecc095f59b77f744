"""Printing: for people by rich, for programs as JSON."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

PLACES = {"page": "p. {page}", "slide": "slide {page}", "sheet": "{label}", "section": "section {page}"}


class CommandError(Exception):
    """What ends the command with one message and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def print_json(data: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(data, ensure_ascii=False, indent=2))


def fail(message: str, code: int) -> int:
    """Print an error and give the exit code to end with."""
    errors.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)
    return code


def place_of(item: dict[str, Any]) -> str:
    """Say where a citation or hit stands: "handbook.pdf, p. 3"."""
    place = PLACES.get(item["page_kind"], "p. {page}").format(page=item["page"], label=item["label"])
    return f"{item['document']}, {place}"


def print_answer(question: str, answer: dict[str, Any]) -> None:
    """Print a question with its cited answer."""
    console.print(f"\n[bold cyan]?[/] [bold]{escape(question)}[/]")
    if not answer["found"]:
        console.print("  [yellow]The documents do not answer this.[/]")
        return
    console.print(f"  {escape(answer['answer'])}")
    for sentence in answer["sentences"]:
        if not sentence["supported"]:
            console.print(f"  [yellow]not borne out by its source:[/] {escape(sentence['text'])}")
    for citation in answer["citations"]:
        console.print(f"  [dim]\\[{citation['n']}] {escape(place_of(citation))}[/]")
